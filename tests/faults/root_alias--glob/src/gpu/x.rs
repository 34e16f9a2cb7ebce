//! Everything at once.
use crate::*;
