//! What is asked of an adapter.

use super::Forms;

/// How to open a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// A part of the adapter's name, any case; none for the fastest.
    pub adapter: Option<String>,
    /// Whether to ask for WebGPU's default limits and no optional feature, whatever the adapter could give.
    pub default_limits: bool,
    /// Largest storage binding to use, if smaller than the device's.
    pub max_binding_bytes: Option<u64>,
    /// Which forms of kernels to play.
    pub forms: Forms,
    /// Faults to meet on purpose, for tests.
    pub faults: Faults,
}

/// Faults that tests ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The device is destroyed in place of this submit, counted from 1.
    pub lose_at_submit: Option<u64>,
    /// Buffers that would bring live bytes above this are refused.
    pub refuse_above_bytes: Option<u64>,
    /// Submits keep the size of the first ones, however long they take, so that their number is the same in every run.
    pub even_submits: bool,
}
