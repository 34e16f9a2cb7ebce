//! Within a macro's tokens.
pub fn log() {
    println!("{}", crate::store::count());
}
