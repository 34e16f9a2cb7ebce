//! What can go wrong on a device; loss and lack of memory are ordinary.

use thiserror::Error;

/// An error of this room.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GpuError {
    /// No adapter, or none of that name.
    #[error("no GPU adapter{}", wanted.as_ref().map(|it| format!(" whose name contains `{it}`")).unwrap_or_default())]
    NoAdapter {
        /// The name that was asked for.
        wanted: Option<String>,
    },
    /// The device is gone.
    #[error("the GPU device was lost: {reason}")]
    Lost {
        /// What the driver says.
        reason: String,
    },
    /// A buffer was refused.
    #[error("the GPU refused {bytes} bytes for {label}")]
    OutOfMemory {
        /// What the buffer is for.
        label: String,
        /// Its size.
        bytes: u64,
    },
    /// A shader did not compile, or its first dispatch failed.
    #[error("the shader {name} failed: {detail}")]
    Shader {
        /// Its name.
        name: String,
        /// What the compiler says.
        detail: String,
    },
    /// Anything else the device complains of.
    #[error("the GPU device failed: {detail}")]
    Device {
        /// What it says.
        detail: String,
    },
    /// Somebody asked to stop.
    #[error("stopped")]
    Stopped,
}
