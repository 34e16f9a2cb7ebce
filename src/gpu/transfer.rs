//! Bytes into buffers and back, through a bounded window of staging memory.

use super::{Buffer, Gpu, GpuError, Use, View};
use crate::{spec::Bytes, sys::Stop};
use futures_channel::oneshot;

/// Bytes of uploads that may be under way unless a plan says less; the queue is awaited before there are more.
pub const UPLOAD_WINDOW_BYTES: u64 = 16 << 20;

/// Staging memory in use.
pub(super) struct Staging {
    uploads_bytes: u64,
    window_bytes: u64,
    readback: Option<Buffer>,
}

impl Default for Staging {
    fn default() -> Self {
        Self {
            uploads_bytes: 0,
            window_bytes: UPLOAD_WINDOW_BYTES,
            readback: None,
        }
    }
}

impl Gpu {
    /// Takes what a plan counts besides a model's own buffers, before anything else: uniforms, the readback, and how
    /// much may be under way upwards.
    ///
    /// Errors: [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn reserve(&self, readback_bytes: u64, window_bytes: u64) -> Result<(), GpuError> {
        self.staging.borrow_mut().window_bytes = window_bytes;
        self.make_uniforms().await?;
        self.readback(readback_bytes).await?;
        Ok(())
    }

    /// Writes bytes into a buffer; on the web, those of the JavaScript heap are not copied into ours.
    ///
    /// Errors: [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn upload(
        &self,
        buffer: &Buffer,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), GpuError> {
        let n_bytes = bytes.len() as u64;
        let under_way = self.staging.borrow().uploads_bytes + n_bytes;
        if under_way > self.staging.borrow().window_bytes {
            self.finish_uploads().await?;
        }
        self.check_alive()?;
        self.staging.borrow_mut().uploads_bytes += n_bytes;
        self.ledger.add(Use::Staging, n_bytes);
        self.write(buffer, offset, bytes)
    }

    /// Waits until all uploads have arrived.
    ///
    /// Errors: [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::Device`].
    pub async fn finish_uploads(&self) -> Result<(), GpuError> {
        let n_bytes = std::mem::take(&mut self.staging.borrow_mut().uploads_bytes);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        self.queue.submit([]);
        let finished = self.finish().await;
        self.ledger.remove(Use::Staging, n_bytes);
        if memory.pop().await.is_some() {
            // Some drivers allocate at first use.
            return Err(GpuError::OutOfMemory {
                label: "uploads".into(),
                bytes: self.live_bytes(),
            });
        }
        finished
    }

    fn write(&self, buffer: &Buffer, offset: u64, bytes: &Bytes) -> Result<(), GpuError> {
        let Some(raw) = buffer.raw() else {
            return Err(self.device_error(format!("{} has no device behind it", buffer.label())));
        };
        match bytes {
            Bytes::Vec(it) => self.queue.write_buffer(raw, offset, it),
            #[cfg(target_arch = "wasm32")]
            Bytes::Js(it) => {
                let (Some(queue), Some(buffer)) = (self.queue.as_webgpu(), raw.as_webgpu()) else {
                    self.queue.write_buffer(raw, offset, &it.to_vec());
                    return Ok(());
                };
                queue
                    .write_buffer_with_f64_and_u8_array_and_f64_and_f64(
                        buffer,
                        offset as f64,
                        it,
                        0.0,
                        f64::from(it.length()),
                    )
                    .map_err(|it| self.device_error(format!("{it:?}")))?;
            }
        }
        Ok(())
    }

    /// Reads a part of a buffer back.
    ///
    /// Errors: [`GpuError::Stopped`], [`GpuError::Lost`], [`GpuError::OutOfMemory`].
    pub async fn read(&self, view: &View, stop: &Stop) -> Result<Vec<u8>, GpuError> {
        let mut parts = self.read_many(std::slice::from_ref(view), stop).await?;
        Ok(parts.pop().unwrap_or_default())
    }

    /// Reads parts of buffers back, all in one readback.
    ///
    /// Errors: [`GpuError::Stopped`], [`GpuError::Lost`], [`GpuError::OutOfMemory`].
    pub async fn read_many(&self, views: &[View], stop: &Stop) -> Result<Vec<Vec<u8>>, GpuError> {
        if stop.is_set() {
            return Err(GpuError::Stopped);
        }
        let n_bytes: u64 = views.iter().map(|it| it.bytes).sum();
        let staging = self.readback(n_bytes).await?;
        let detached =
            |it: &Buffer| self.device_error(format!("{} has no device behind it", it.label()));
        let dst = staging.raw().ok_or_else(|| detached(&staging))?;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut at = 0;
        for view in views {
            let src = view.buffer.raw().ok_or_else(|| detached(&view.buffer))?;
            encoder.copy_buffer_to_buffer(src, view.offset, dst, at, view.bytes);
            at += view.bytes;
        }
        self.queue.submit([encoder.finish()]);
        let slice = dst.slice(0..n_bytes);
        let (tell, told) = oneshot::channel();
        slice.map_async(wgpu::MapMode::Read, move |it| {
            let _ = tell.send(it);
        });
        let mapped = self.wait(told).await?;
        mapped.map_err(|it| self.device_error(it.to_string()))?;
        let bytes = slice
            .get_mapped_range()
            .map_err(|it| self.device_error(it.to_string()))?
            .to_vec();
        dst.unmap();
        self.check_alive()?;
        let mut rest = bytes.as_slice();
        let cut = |it: &View| {
            let (part, more) = rest.split_at(it.bytes as usize);
            rest = more;
            part.to_vec()
        };
        Ok(views.iter().map(cut).collect())
    }

    /// Room for readbacks of `bytes`, kept for the next ones.
    async fn readback(&self, bytes: u64) -> Result<Buffer, GpuError> {
        let kept = self.staging.borrow_mut().readback.take();
        let buffer = match kept {
            Some(it) if it.bytes() >= bytes => it,
            other => {
                drop(other);
                let usages = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                self.allocate("readback", bytes, usages, Use::Staging)
                    .await?
            }
        };
        self.staging.borrow_mut().readback = Some(buffer.clone());
        Ok(buffer)
    }
}
