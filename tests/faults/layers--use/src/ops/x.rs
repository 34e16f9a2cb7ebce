//! A kernel that knows the model.
use crate::model::Run;
