//! A function among declarations.
mod player;
pub use player::play;
fn twice(x: u32) -> u32 {
    2 * x
}
