//! The crate under another name.
use wgpu as graphics;
