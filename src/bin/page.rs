//! The page's program in the browser: views over the protocol.
fn main() {}
