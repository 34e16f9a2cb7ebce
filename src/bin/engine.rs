//! The engine's program in the browser: runs in a dedicated worker.
fn main() {}
