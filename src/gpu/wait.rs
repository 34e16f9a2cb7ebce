//! Waiting for the queue, natively and on the web.

use super::{Gpu, GpuError};
use futures_channel::oneshot;

/// On the web an empty submit is sent so often while something is awaited: Firefox completes work on a 100 ms timer
/// unless something is submitted. Source: bugzilla.mozilla.org 1870699.
#[cfg(target_arch = "wasm32")]
const NUDGE_MILLIS: u32 = 2;

impl Gpu {
    /// Waits until everything submitted so far is done.
    ///
    /// Errors: [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn finish(&self) -> Result<(), GpuError> {
        let (tell, told) = oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = tell.send(());
        });
        self.wait(told).await?;
        self.check_alive()
    }

    /// Waits for a callback of the device.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) async fn wait<T>(&self, mut told: oneshot::Receiver<T>) -> Result<T, GpuError> {
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|it| self.device_error(it.to_string()))?;
        match told.try_recv() {
            Ok(Some(it)) => Ok(it),
            _ => Err(self.device_error("a callback did not come".into())),
        }
    }

    /// Waits for a callback of the device.
    #[cfg(target_arch = "wasm32")]
    pub(super) async fn wait<T>(&self, mut told: oneshot::Receiver<T>) -> Result<T, GpuError> {
        use futures_util::future::{Either, select};
        loop {
            let pause = std::pin::pin!(crate::sys::sleep_millis(NUDGE_MILLIS));
            match select(told, pause).await {
                Either::Left((Ok(it), _)) => return Ok(it),
                Either::Left((Err(_), _)) => {
                    return Err(self.device_error("a callback did not come".into()));
                }
                Either::Right((_, rest)) => told = rest,
            }
            self.check_alive()?;
            self.queue.submit([]);
        }
    }
}
