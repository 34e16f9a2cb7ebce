//! Opening a model: from a reference to a checkpoint, a tokenizer, a plan and weights on the device; loading them again after a loss.

use super::{
    engine::Engine,
    inbox::Job,
    outbox::Outbox,
    protocol::{ModelRef, OpenRequest, Outcome, RunKey},
    runs::Runs,
    trouble::Trouble,
};
use crate::{
    gpu::{Gpu, GpuError},
    hub::Source,
    model::{self, Model, PlanRequest, Tokenizer},
    spec::{Config, Plan, gemma},
    weights::{Checkpoint, synth},
};
use std::rc::Rc;

/// What is open: what is known of it, and what a device holds of it.
pub(super) struct Open {
    pub book: Book,
    /// None after a loss, until the model is loaded again.
    pub loaded: Option<Loaded>,
}

/// What is known of the open model; a lost device takes nothing of it.
pub(super) struct Book {
    pub request: OpenRequest,
    pub checkpoint: Rc<Checkpoint>,
    pub plan: Plan,
    pub tokenizer: Option<Tokenizer>,
    pub runs: Runs,
}

/// A model on a device.
pub(super) struct Loaded {
    pub model: Model,
    /// The run whose keys, values and last residual rows the model holds.
    pub current: Option<RunKey>,
}

impl Engine {
    /// `Open`: closes what was open, then loads.
    pub(super) async fn open_model(&mut self, job: &Job, request: &OpenRequest) -> Result<Outcome, Trouble> {
        self.open = None;
        let gpu = self.gpu().await?;
        let checkpoint = Rc::new(Checkpoint::open(source(&request.model)?).await?);
        let tokenizer = tokenizer(&request.model, &checkpoint).await?;
        let config = checkpoint.config().clone();
        let plan = model::plan(&config, gpu.about().max_binding_bytes, plan_request(request))?;
        let book = Book {
            request: request.clone(),
            checkpoint,
            plan,
            tokenizer,
            runs: Runs::new(self.kept_bytes()),
        };
        let loaded = load(gpu, &book, &self.outbox, job).await?;
        let outcome = Outcome::Opened {
            config,
            plan: book.plan.clone(),
            fingerprint: book.checkpoint.fingerprint().to_string(),
        };
        self.open = Some(Open {
            book,
            loaded: Some(loaded),
        });
        Ok(outcome)
    }

    /// `Plan`: reads the config only. Without an adapter it plans for WebGPU's default limits.
    pub(super) async fn plan(&mut self, request: &OpenRequest) -> Result<Outcome, Trouble> {
        let max_binding_bytes = match self.gpu().await {
            Ok(gpu) => gpu.about().max_binding_bytes,
            Err(Trouble::Gpu(GpuError::NoAdapter { .. })) => {
                let asked = self.options.max_binding_bytes;
                asked.unwrap_or(gemma::DEFAULT_MAX_BINDING_BYTES)
            }
            Err(it) => return Err(it),
        };
        let config = config(&request.model).await?;
        let plan = model::plan(&config, max_binding_bytes, plan_request(request))?;
        Ok(Outcome::Planned(plan))
    }

    /// The open model, loaded again if a loss took it.
    pub(super) async fn ready(&mut self, job: &Job) -> Result<(&mut Book, &mut Loaded), Trouble> {
        if self.open.is_none() {
            return Err(Trouble::NothingOpen);
        }
        let gpu = self.gpu().await?;
        let open = self.open.as_mut().ok_or(Trouble::NothingOpen)?;
        if open.loaded.is_none() {
            open.loaded = Some(load(gpu, &open.book, &self.outbox, job).await?);
        }
        let loaded = open.loaded.as_mut().ok_or(Trouble::NothingOpen)?;
        Ok((&mut open.book, loaded))
    }
}

async fn load(gpu: Rc<Gpu>, book: &Book, outbox: &Outbox, job: &Job) -> Result<Loaded, Trouble> {
    let mut told = |it: model::Told| outbox.progress(job.id, it.phase, it.done, Some(it.total), it.unit);
    let model = Model::load(gpu, book.checkpoint.clone(), &book.plan, &mut told, &job.stop).await?;
    Ok(Loaded { model, current: None })
}

fn plan_request(request: &OpenRequest) -> PlanRequest {
    PlanRequest {
        precision: request.precision,
        n_ctx: request.n_ctx,
        max_gpu_bytes: request.max_gpu_bytes,
    }
}

async fn config(model: &ModelRef) -> Result<Config, Trouble> {
    Ok(Checkpoint::open(source(model)?).await?.config().clone())
}

fn source(model: &ModelRef) -> Result<Rc<dyn Source>, Trouble> {
    match model {
        ModelRef::Folder { path, .. } => folder(path),
        ModelRef::Synth { preset, .. } => {
            let known = preset.parse::<synth::Preset>();
            let known = known.map_err(|_| Trouble::Preset { preset: preset.clone() })?;
            Ok(Rc::new(synth::Synthetic::new(known)))
        }
    }
}

async fn tokenizer(model: &ModelRef, checkpoint: &Checkpoint) -> Result<Option<Tokenizer>, Trouble> {
    let (ModelRef::Folder { tokenizer, .. } | ModelRef::Synth { tokenizer, .. }) = model;
    let json = match tokenizer {
        Some(path) => Some(file(path).await?),
        None => checkpoint.tokenizer_json().await?,
    };
    let Some(json) = json else {
        return Ok(None);
    };
    let tokenizer = Tokenizer::from_json(&json)?;
    tokenizer.check_vocab(checkpoint.config().d_vocab)?;
    Ok(Some(tokenizer))
}

/// A whole small file, by a path natively, by a same-origin address on the web.
pub(super) async fn file(path: &str) -> Result<Vec<u8>, Trouble> {
    let (parent, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", path),
    };
    let folder = folder(parent)?;
    let size = folder.size(name).await?;
    Ok(folder.read(name, 0..size).await?.into_vec())
}

#[cfg(not(target_arch = "wasm32"))]
fn folder(path: &str) -> Result<Rc<dyn Source>, Trouble> {
    Ok(Rc::new(crate::hub::Folder::new(path)))
}

#[cfg(target_arch = "wasm32")]
fn folder(path: &str) -> Result<Rc<dyn Source>, Trouble> {
    Ok(Rc::new(crate::hub::Served::new(path)?))
}
