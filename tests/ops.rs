//! Every op on a GPU against its twin, at WebGPU's default limits and with everything that the adapter gives.
//!
//! Tolerances are (absolute, relative to the twin's value), with their reasons beside them. Without an adapter these
//! tests fail, unless `GEMSCOPE_NO_GPU=1` says that this is known.

#[path = "ops/attention.rs"]
mod attention;
#[path = "ops/choose.rs"]
mod choose;
#[path = "ops/decode.rs"]
mod decode;
#[path = "ops/features.rs"]
mod features;
#[path = "common/gpu.rs"]
mod gpu;
#[path = "ops/matrices.rs"]
mod matrices;
#[path = "ops/metrics.rs"]
mod metrics;
#[path = "common/packed.rs"]
mod packed;
#[path = "common/random.rs"]
mod random;
#[path = "ops/reading.rs"]
mod reading;
#[path = "ops/rows.rs"]
mod rows;
#[path = "ops/sample.rs"]
mod sample;
