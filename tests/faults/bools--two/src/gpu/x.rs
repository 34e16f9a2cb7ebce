//! What does `open(true, false)` mean?
pub fn open(fast: bool, safe: bool) -> bool {
    fast && safe
}
