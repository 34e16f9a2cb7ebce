//! What measuring a kernel gives.

use serde::{Deserialize, Serialize};

/// How fast a kernel runs on this adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Its name, with what it was given: `matvec q8 9216x2304`.
    pub kernel: String,
    /// Of one call, on average.
    pub millis: f64,
    /// Calls that were measured.
    pub n_calls: u64,
    /// Bytes read, as the op declares them.
    pub gigabytes_per_second: f64,
    /// Operations, as the op declares them.
    pub gigaflops: f64,
    /// Bytes per second as a share of what a plain copy reads in the same run.
    pub share_of_copy: f64,
    /// Operations per second as a share of what multiply-adds alone reach in the same run.
    pub share_of_peak: f64,
}
