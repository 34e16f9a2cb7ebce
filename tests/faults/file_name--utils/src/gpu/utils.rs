//! Things.
