//! Hidden in a group.
use crate::{gpu::Buffer, spec::{DType, Site}, session as upstairs};
