//! `gemscope check`: the real weights against published figures, which are data of this folder.

mod compare;
mod figures;
mod measured;
mod outcome;
mod randn;

pub use outcome::run;
