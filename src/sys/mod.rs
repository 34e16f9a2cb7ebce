//! Clock, sleep, yield, spawn and log on host and wasm; knows nothing else of the house.

mod calendar;
mod clock;
mod heap;
mod log;
mod stop;
mod task;
mod timer;
mod virtual_clock;

pub use calendar::today;
pub use clock::Stopwatch;
pub use heap::heap_bytes;
pub use log::warn;
pub use stop::Stop;
#[cfg(not(target_arch = "wasm32"))]
pub use task::block_on;
pub use task::{sleep_millis, yield_now};
pub use timer::{Clock, system_clock};
pub use virtual_clock::{Stuck, VirtualClock};
