//! The rooms out of order.
pub mod sys;
pub mod gpu;
pub mod weights;
