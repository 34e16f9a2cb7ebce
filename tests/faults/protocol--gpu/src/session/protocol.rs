//! A protocol with a macro of a crate.
use half::f16;
