//! Opening a model: from a reference to a checkpoint, a tokenizer, a plan and weights on the device; loading them again after a loss.

use super::{
    engine::Engine,
    inbox::Job,
    outbox::Outbox,
    protocol::{ModelRef, OpenRequest, Outcome},
    runs::Runs,
    trouble::Trouble,
};
use crate::{
    gpu::{Gpu, GpuError},
    hub::Source,
    model::{self, Model, PlanRequest, Tokenizer},
    spec::{Plan, gemma},
    weights::{Checkpoint, synth},
};
use std::rc::Rc;

/// What is open: what is known of it, and what a device holds of it.
pub(super) struct Open {
    pub book: Book,
    /// None after a loss, until the model is loaded again.
    pub model: Option<Model>,
}

/// What is known of the open model; a lost device takes nothing of it.
pub(super) struct Book {
    pub request: OpenRequest,
    pub checkpoint: Rc<Checkpoint>,
    pub plan: Plan,
    pub tokenizer: Option<Tokenizer>,
    pub runs: Runs,
}

impl Engine {
    /// `Open`: closes what was open, then loads. What is open already is answered at once.
    pub(super) async fn open_model(
        &mut self,
        job: &Job,
        request: &OpenRequest,
    ) -> Result<Outcome, Trouble> {
        let gpu = self.gpu().await?;
        if let Some(open) = &self.open
            && open.book.request == *request
            && open.model.is_some()
        {
            return Ok(open.book.opened());
        }
        self.close();
        let checkpoint = Rc::new(Checkpoint::open(source(&request.model)?).await?);
        let tokenizer = tokenizer(&request.model, &checkpoint).await?;
        let plan = model::plan(
            checkpoint.config(),
            gpu.about().max_binding_bytes,
            plan_request(request),
        )?;
        let book = Book {
            request: request.clone(),
            checkpoint,
            plan,
            tokenizer,
            runs: Runs::new(self.kept_bytes()),
        };
        let model = Some(load(gpu, &book, &self.outbox, job).await?);
        let outcome = book.opened();
        self.open = Some(Open { book, model });
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
        let config = Checkpoint::read_config(&*source(&request.model)?).await?;
        let plan = model::plan(&config, max_binding_bytes, plan_request(request))?;
        Ok(Outcome::Planned(plan))
    }

    /// The open model, loaded again if a loss took it.
    pub(super) async fn ready(&mut self, job: &Job) -> Result<(&mut Book, &mut Model), Trouble> {
        if self.open.is_none() {
            return Err(Trouble::NothingOpen);
        }
        let gpu = self.gpu().await?;
        let open = self.open.as_mut().ok_or(Trouble::NothingOpen)?;
        if open.model.is_none() {
            open.model = Some(load(gpu, &open.book, &self.outbox, job).await?);
        }
        let model = open.model.as_mut().ok_or(Trouble::NothingOpen)?;
        Ok((&mut open.book, model))
    }
}

impl Book {
    fn opened(&self) -> Outcome {
        Outcome::Opened {
            config: self.checkpoint.config().clone(),
            plan: self.plan.clone(),
            fingerprint: self.checkpoint.fingerprint().to_string(),
        }
    }
}

async fn load(gpu: Rc<Gpu>, book: &Book, outbox: &Outbox, job: &Job) -> Result<Model, Trouble> {
    let mut told =
        |it: model::Told| outbox.progress(job.id, it.phase, it.done, Some(it.total), it.unit);
    Ok(Model::load(
        gpu,
        book.checkpoint.clone(),
        &book.plan,
        &mut told,
        &job.stop,
    )
    .await?)
}

fn plan_request(request: &OpenRequest) -> PlanRequest {
    PlanRequest {
        precision: request.precision,
        n_ctx: request.n_ctx,
        max_gpu_bytes: request.max_gpu_bytes,
        ..PlanRequest::default()
    }
}

fn source(model: &ModelRef) -> Result<Rc<dyn Source>, Trouble> {
    match model {
        ModelRef::Folder { path, .. } => folder(path),
        ModelRef::Synth { preset, .. } => {
            let known = preset.parse::<synth::Preset>();
            let known = known.map_err(|_| Trouble::Preset {
                preset: preset.clone(),
            })?;
            Ok(Rc::new(synth::Synthetic::new(known)))
        }
    }
}

async fn tokenizer(
    model: &ModelRef,
    checkpoint: &Checkpoint,
) -> Result<Option<Tokenizer>, Trouble> {
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
