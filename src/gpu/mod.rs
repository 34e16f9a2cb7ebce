//! Bytes -> buffers; a Recording -> results. Knows nothing of Gemma.

mod about;
mod bind;
mod buffer;
mod device;
mod error;
mod ledger;
mod options;
mod pace;
mod player;
mod recording;
mod shader;
mod software;
mod transfer;
mod wait;

pub use about::About;
pub use buffer::{Buffer, View};
pub use device::Gpu;
pub use error::GpuError;
pub use ledger::{Ledger, Use};
pub use options::{Faults, GpuOptions};
pub use player::{MAX_DISPATCHES_PER_SUBMIT, SLOT_BYTES};
pub use recording::{Cost, Dispatch, Kernel, Recording, Step};
pub use shader::{resolve_shader, shader_names};
pub use software::{Forms, SOFTWARE_FORMS, SoftwareForm};
pub use transfer::UPLOAD_WINDOW_BYTES;
