//! `Try`: whether the GPU grants what a set takes, by taking, writing and having back so many bytes on a device of its own, so that
//! what is open stays as it is.

use super::{
    engine::Engine,
    inbox::Job,
    outbox::Outbox,
    price::{Planned, shown},
    protocol::{OpenRequest, Outcome},
    trouble::Trouble,
};
use crate::{
    gpu::{Buffer, Gpu, GpuError, Recording, Use},
    spec::{Bytes, Trial, gemma},
    sys::Stopwatch,
};

/// Bytes written at a time.
const STEP_BYTES: u64 = 4 << 20;
/// Bytes had back of each buffer.
const PROBE_BYTES: u64 = 16;
/// What is written: no driver can take it for zeros that need no memory.
const PATTERN: u8 = 0xa5;

impl Engine {
    /// `Try`: only what is wrong with the set, or a stop, is an error; what the GPU refuses is the answer.
    pub(super) async fn try_out(
        &mut self,
        job: &Job,
        set: &OpenRequest,
    ) -> Result<Outcome, Trouble> {
        let gpu = self.gpu().await?;
        let max_binding_bytes = gpu.about().max_binding_bytes;
        let (priced, _) = self.priced(set).await?;
        let it = Planned {
            set,
            config: &priced.config,
            dictionaries: &priced.dictionaries,
            max_binding_bytes,
        };
        let plan = it.plan(set)?;
        let held_bytes = self.open.as_ref().map_or(0, |_| gpu.live_bytes());
        let own_bytes = plan.total_bytes - plan.staging_bytes;
        let tried_bytes = own_bytes.saturating_sub(held_bytes);
        let outbox = self.outbox.clone();
        let watch = Stopwatch::start();
        let (granted_bytes, refused) = match self.another_gpu().await {
            Ok(other) => try_bytes(&other, tried_bytes, (&outbox, job)).await?,
            Err(it) => (0, Some(it)),
        };
        let instead = match refused {
            Some(_) => it.instead(granted_bytes + held_bytes + plan.staging_bytes),
            None => Vec::new(),
        };
        Ok(Outcome::Tried(Trial {
            fits: refused.is_none(),
            why: why(refused.as_ref(), (tried_bytes, granted_bytes, held_bytes)),
            plan,
            held_bytes,
            tried_bytes,
            granted_bytes,
            seconds: watch.seconds(),
            instead,
        }))
    }
}

fn why(refused: Option<&GpuError>, (tried, granted, held): (u64, u64, u64)) -> String {
    let besides = match held {
        0 => String::new(),
        _ => format!(" besides the {} that the open model holds", shown(held)),
    };
    let (tried, granted) = (shown(tried), shown(granted));
    match refused {
        None => {
            format!("The GPU granted {tried}{besides}; they were written, had back and released.")
        }
        Some(GpuError::OutOfMemory { .. }) => {
            format!("The GPU refused more after {granted} of {tried}{besides}.")
        }
        Some(GpuError::Lost { reason }) => format!(
            "The GPU gave its device up after {granted} of {tried}{besides} ({reason}). Nothing that is open was lost by it."
        ),
        Some(it) => format!("After {granted} of {tried}{besides}: {it}."),
    }
}

/// Takes and writes so many bytes, then lets go of them; how many were granted, and what refused more.
///
/// Errors: a stop.
async fn try_bytes(
    gpu: &Gpu,
    tried_bytes: u64,
    out: (&Outbox, &Job),
) -> Result<(u64, Option<GpuError>), Trouble> {
    let mut buffers = Vec::new();
    let refused = fill(gpu, tried_bytes, &mut buffers, out).await.err();
    let granted_bytes = buffers.iter().map(Buffer::bytes).sum();
    match refused {
        Some(GpuError::Stopped) => Err(Trouble::Stopped),
        it => Ok((granted_bytes, it)),
    }
}

/// Each buffer is written whole, and its end copied by the GPU to where it is had back from: a buffer that is never used may not be
/// there.
async fn fill(
    gpu: &Gpu,
    tried_bytes: u64,
    buffers: &mut Vec<Buffer>,
    (outbox, job): (&Outbox, &Job),
) -> Result<(), GpuError> {
    let most = gpu
        .max_binding_bytes()
        .min(gemma::DEFAULT_MAX_BINDING_BYTES);
    let n_buffers = tried_bytes.div_ceil(most);
    let probes = gpu
        .buffer("probes of a trial", PROBE_BYTES * n_buffers, Use::Scratch)
        .await?;
    let mut left_bytes = tried_bytes.next_multiple_of(PROBE_BYTES);
    while left_bytes > 0 {
        let bytes = most.min(left_bytes);
        let buffer = gpu.buffer("a trial", bytes, Use::Weights).await?;
        write(gpu, &buffer, job).await?;
        let at = PROBE_BYTES * buffers.len() as u64;
        let mut recording = Recording::default();
        let end = buffer.view(bytes - PROBE_BYTES, PROBE_BYTES);
        recording.copy(end, probes.view(at, PROBE_BYTES));
        gpu.finish_uploads().await?;
        gpu.play(&recording, &job.stop).await?;
        left_bytes -= bytes;
        buffers.push(buffer);
        let done = tried_bytes.saturating_sub(left_bytes);
        outbox.progress(
            job.id,
            "Trying the memory",
            done,
            Some(tried_bytes),
            "bytes",
        );
    }
    let back = gpu.read(&probes.whole(), &job.stop).await?;
    let all = &back[..PROBE_BYTES as usize * buffers.len()];
    match all.iter().all(|it| *it == PATTERN) {
        true => Ok(()),
        false => Err(GpuError::Device {
            detail: "what was written did not come back".into(),
        }),
    }
}

async fn write(gpu: &Gpu, buffer: &Buffer, job: &Job) -> Result<(), GpuError> {
    let step: Bytes = vec![PATTERN; STEP_BYTES.min(buffer.bytes()) as usize].into();
    let step_bytes = step.len() as u64;
    for at in (0..buffer.bytes()).step_by(step.len()) {
        if job.stop.is_set() {
            return Err(GpuError::Stopped);
        }
        let left = buffer.bytes() - at;
        if left < step_bytes {
            let rest = vec![PATTERN; left as usize].into();
            gpu.upload(buffer, at, &rest).await?;
        } else {
            gpu.upload(buffer, at, &step).await?;
        }
    }
    Ok(())
}
