//! No `use` at all.
pub fn now() -> f64 {
    crate::sys::now()
}
