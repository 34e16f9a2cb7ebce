//! The native program: the command line of the engine.
fn main() {}
