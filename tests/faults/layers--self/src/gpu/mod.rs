//! Upwards by `self::super`.
pub use self::super::weights::Bytes;
