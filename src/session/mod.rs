//! `Command` -> stream of `Event`: plain data in the visitor's words; owns the map of runs. Leaves drawing and terminals to others.

pub mod protocol;
