//! The root by `super`, under another name.
use super::super as house;
