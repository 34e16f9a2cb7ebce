//! A bound and a qualified path.
pub fn all<T>() -> <T as crate::hub::Source>::Item {
    loop {}
}
