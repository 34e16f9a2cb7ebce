//! Declarations.
mod player;
pub use player::{Player, play as start};
#[cfg(test)]
mod tests;
pub type Shared = std::rc::Rc<Player>;
