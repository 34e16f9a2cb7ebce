//! A kernel for one model.
pub const D_MODEL: usize = 2_304;
