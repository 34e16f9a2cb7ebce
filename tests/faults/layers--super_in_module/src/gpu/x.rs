//! Upwards by `super` from within a module.
mod inner {
    use super::super::super::ops;
}
