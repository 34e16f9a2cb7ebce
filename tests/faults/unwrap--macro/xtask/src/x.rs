//! An `unwrap` in a macro's tokens.
pub fn show(of: Option<u32>) {
    println!("{}", of.unwrap());
}
