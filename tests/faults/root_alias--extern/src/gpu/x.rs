//! The crate by its own name.
extern crate self as house;
