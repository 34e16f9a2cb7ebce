//! The one function that plays a recording.

use super::{Dispatch, Gpu, GpuError, Recording, Step, Use, bind::Pipeline, pace};
use crate::sys::{Stop, Stopwatch, yield_now};
use std::rc::Rc;

/// Bytes of a slot of the uniform arena: the smallest offset alignment that every adapter allows.
pub const SLOT_BYTES: u64 = 256;
/// Slots of the arena, and so dispatches of one submit.
pub const MAX_DISPATCHES_PER_SUBMIT: usize = 512;

/// Parameters of one submit's dispatches, a slot each: a write between submits is ordered with them, one within is not.
pub(super) struct Uniforms {
    buffer: super::Buffer,
    bytes: Vec<u8>,
}

/// A submit's worth of steps.
struct Batch<'a> {
    steps: &'a [Step],
    work: f64,
}

impl Gpu {
    /// Plays a recording: one submit if it is short, several, each awaited, if it is long.
    ///
    /// Errors: [`GpuError::Stopped`] before the next submit once `stop` is set; [`GpuError::Lost`], [`GpuError::Shader`].
    pub async fn play(&self, recording: &Recording, stop: &Stop) -> Result<(), GpuError> {
        self.make_uniforms().await?;
        let mut rest = recording.steps();
        let mut alone = true;
        while !rest.is_empty() {
            let batch = self.next_batch(rest);
            rest = &rest[batch.steps.len()..];
            alone &= rest.is_empty();
            if stop.is_set() {
                return Err(GpuError::Stopped);
            }
            let watch = Stopwatch::start();
            self.submit(batch.steps)?;
            if !alone {
                self.finish().await?;
                if !self.options.faults.even_submits {
                    self.pace.borrow_mut().learn(batch.work, watch.seconds());
                }
                yield_now().await;
            }
        }
        Ok(())
    }

    fn next_batch<'a>(&self, steps: &'a [Step]) -> Batch<'a> {
        let budget = self.pace.borrow().budget();
        let (mut n, mut work, mut n_dispatches) = (0, 0.0, 0);
        for step in steps {
            if let Step::Dispatch(it) = step {
                let more = pace::work(it.cost);
                if n > 0 && (work + more > budget || n_dispatches == MAX_DISPATCHES_PER_SUBMIT) {
                    break;
                }
                work += more;
                n_dispatches += 1;
            }
            n += 1;
        }
        Batch {
            steps: &steps[..n],
            work,
        }
    }

    fn submit(&self, steps: &[Step]) -> Result<(), GpuError> {
        self.check_alive()?;
        self.n_submits.set(self.n_submits.get() + 1);
        if self.options.faults.lose_at_submit == Some(self.n_submits.get()) {
            self.device.destroy();
            self.note_lost("destroyed on purpose");
            return self.check_alive();
        }
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut slot = 0;
        let mut rest = steps;
        while !rest.is_empty() {
            let n = rest
                .iter()
                .take_while(|it| matches!(it, Step::Dispatch(_)))
                .count();
            if n > 0 {
                self.encode_pass(&mut encoder, &rest[..n], &mut slot)?;
                rest = &rest[n..];
            }
            if let [Step::Copy(src, dst), tail @ ..] = rest {
                if let (Some(from), Some(to)) = (src.buffer.raw(), dst.buffer.raw()) {
                    encoder.copy_buffer_to_buffer(
                        from,
                        src.offset,
                        to,
                        dst.offset,
                        src.bytes.min(dst.bytes),
                    );
                }
                rest = tail;
            }
        }
        self.flush_uniforms(slot);
        self.queue.submit([encoder.finish()]);
        Ok(())
    }

    fn encode_pass(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        steps: &[Step],
        slot: &mut usize,
    ) -> Result<(), GpuError> {
        let mut uniforms = self.uniforms.borrow_mut();
        let Some(uniforms) = uniforms.as_mut() else {
            return Err(self.device_error("no uniforms".into()));
        };
        let mut pass = encoder.begin_compute_pass(&Default::default());
        let mut current: Option<Rc<Pipeline>> = None;
        for step in steps {
            let Step::Dispatch(it) = step else { continue };
            let pipeline = self.pipeline(&it.kernel)?;
            if !current.as_ref().is_some_and(|it| Rc::ptr_eq(it, &pipeline)) {
                pass.set_pipeline(&pipeline.raw);
                current = Some(pipeline.clone());
            }
            let offset = uniforms.put(*slot, it);
            let raw = uniforms
                .buffer
                .raw()
                .ok_or_else(|| self.device_error("no uniforms".into()))?;
            pass.set_bind_group(0, &self.group(&pipeline, it, raw)?, &[offset]);
            let [x, y, z] = self.grid_of(it);
            pass.dispatch_workgroups(x, y, z);
            *slot += 1;
        }
        Ok(())
    }

    pub(super) async fn make_uniforms(&self) -> Result<(), GpuError> {
        if self.uniforms.borrow().is_some() {
            return Ok(());
        }
        let bytes = SLOT_BYTES * MAX_DISPATCHES_PER_SUBMIT as u64;
        let usages = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self
            .allocate("uniforms", bytes, usages, Use::Scratch)
            .await?;
        *self.uniforms.borrow_mut() = Some(Uniforms {
            buffer,
            bytes: vec![0; bytes as usize],
        });
        Ok(())
    }

    fn flush_uniforms(&self, n_slots: usize) {
        if let Some(it) = self.uniforms.borrow().as_ref()
            && let Some(raw) = it.buffer.raw()
        {
            self.queue
                .write_buffer(raw, 0, &it.bytes[..n_slots * SLOT_BYTES as usize]);
        }
    }
}

impl Uniforms {
    /// Puts the dispatch's parameters into a slot; returns its offset.
    fn put(&mut self, slot: usize, it: &Dispatch) -> u32 {
        let start = slot * SLOT_BYTES as usize;
        self.bytes[start..start + it.params.len()].copy_from_slice(&it.params);
        start as u32
    }
}
