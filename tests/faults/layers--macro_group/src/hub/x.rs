//! Within a group of a macro's tokens.
import!(use crate::{store, sys});
