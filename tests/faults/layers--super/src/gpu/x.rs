//! Upwards by `super`.
use super::super::ops::rms_norm;
