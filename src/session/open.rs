//! Opening a model: from a reference to a checkpoint, a tokenizer, a plan and weights on the device; loading them again after a loss.

use super::{
    engine::Engine,
    inbox::Job,
    outbox::Outbox,
    protocol::{ModelRef, OpenRequest, Outcome, TranscoderRef, TranscoderRequest},
    runs::Runs,
    trouble::Trouble,
};
use crate::{
    gpu::{Gpu, GpuError},
    hub::Source,
    model::{self, Model, PlanRequest, Tokenizer},
    scope::{self, Scope, ScopeError, Wanted},
    spec::{Config, Plan, gemma},
    weights::{
        Checkpoint, Choice, DictionaryFile, DictionarySet, Variant, library::KeptSet, synth,
    },
};
use std::{collections::BTreeMap, rc::Rc};

/// Positions of runs that are kept on the GPU beside transcoders unless a request says otherwise.
const DEFAULT_N_KEPT: usize = 256;

/// What is open: what is known of it, and what a device holds of it.
pub(super) struct Open {
    pub book: Book,
    /// None after a loss, until the model is loaded again.
    pub model: Option<Model>,
    /// Its transcoders, if any were asked for; lost with it.
    pub scope: Option<Scope>,
}

/// Everything that a request works with.
pub(super) struct Ready<'a> {
    pub book: &'a mut Book,
    pub model: &'a mut Model,
    pub scope: Option<&'a mut Scope>,
}

impl<'a> Ready<'a> {
    /// The three, or the reason why there are no transcoders.
    pub fn with_scope(self) -> Result<(&'a mut Book, &'a mut Model, &'a mut Scope), Trouble> {
        let scope = self.scope.ok_or(ScopeError::NoDictionaries)?;
        Ok((self.book, self.model, scope))
    }
}

/// What is known of the open model; a lost device takes nothing of it.
pub(super) struct Book {
    pub request: OpenRequest,
    pub checkpoint: Rc<Checkpoint>,
    /// Where the model comes from the store: what is there of the set.
    pub kept: Option<KeptSet>,
    pub plan: Plan,
    pub tokenizer: Option<Tokenizer>,
    pub transcoders: Transcoders,
    pub runs: Runs,
}

/// The open files of transcoders.
#[derive(Clone, Default)]
pub(super) struct Transcoders {
    pub files: BTreeMap<usize, Rc<DictionaryFile>>,
    pub wanted: Wanted,
}

impl Transcoders {
    /// What the names of the files declare.
    pub fn declared_l0(&self) -> Vec<(usize, usize)> {
        let of = |(layer, it): (&usize, &Rc<DictionaryFile>)| {
            let l0 = Variant::from_name(it.file())?.average_l0?;
            Some((*layer, l0))
        };
        self.files.iter().filter_map(of).collect()
    }
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
        let kept = self.kept(request).await?;
        let checkpoint = match &kept {
            Some(it) => it.checkpoint.clone(),
            None => Rc::new(Checkpoint::open(source(&request.model)?).await?),
        };
        let tokenizer = tokenizer(&request.model, &checkpoint).await?;
        let transcoders = transcoders(request, checkpoint.config(), kept.as_ref()).await?;
        let plan = scope::plan(
            checkpoint.config(),
            gpu.about().max_binding_bytes,
            plan_request(request, checkpoint.config()),
            &transcoders.wanted,
        )?;
        let book = Book {
            request: request.clone(),
            checkpoint,
            kept,
            plan,
            tokenizer,
            transcoders,
            runs: Runs::new(self.kept_bytes()),
        };
        let (model, scope) = load(gpu, &book, &self.outbox, job).await?;
        let outcome = book.opened();
        let model = Some(model);
        self.open = Some(Open { book, model, scope });
        self.tell_readiness();
        Ok(outcome)
    }

    /// `Plan`: reads the config only, or what is kept. Without an adapter it plans for WebGPU's default limits.
    pub(super) async fn plan(&mut self, request: &OpenRequest) -> Result<Outcome, Trouble> {
        let (max_binding_bytes, _) = self.planning_binding().await?;
        let kept = match self.kept(request).await {
            Err(Trouble::NotKept { what }) => return Err(Trouble::NotPlanned { what }),
            it => it?,
        };
        let config = match &kept {
            Some(it) => it.checkpoint.config().clone(),
            None => Checkpoint::read_config(&*source(&request.model)?).await?,
        };
        let wanted = transcoders(request, &config, kept.as_ref()).await?.wanted;
        let asked = plan_request(request, &config);
        let plan = scope::plan(&config, max_binding_bytes, asked, &wanted)?;
        Ok(Outcome::Planned(plan))
    }

    /// The largest binding to plan with, and the adapter that allows it; without one, what every adapter does.
    pub(super) async fn planning_binding(&mut self) -> Result<(u64, Option<String>), Trouble> {
        match self.gpu().await {
            Ok(gpu) => {
                let about = gpu.about();
                Ok((about.max_binding_bytes, Some(about.adapter.clone())))
            }
            Err(Trouble::Gpu(GpuError::NoAdapter { .. })) => {
                let asked = self.options.max_binding_bytes;
                Ok((asked.unwrap_or(gemma::DEFAULT_MAX_BINDING_BYTES), None))
            }
            Err(it) => Err(it),
        }
    }

    /// What is open, loaded again if a loss took it.
    pub(super) async fn ready(&mut self, job: &Job) -> Result<Ready<'_>, Trouble> {
        if self.open.is_none() {
            return Err(Trouble::NothingOpen);
        }
        let gpu = self.gpu().await?;
        let open = self.open.as_mut().ok_or(Trouble::NothingOpen)?;
        if open.model.is_none() {
            open.scope = None;
            let (model, scope) = load(gpu, &open.book, &self.outbox, job).await?;
            (open.model, open.scope) = (Some(model), scope);
        }
        Ok(Ready {
            book: &mut open.book,
            model: open.model.as_mut().ok_or(Trouble::NothingOpen)?,
            scope: open.scope.as_mut(),
        })
    }
}

impl Book {
    /// Takes in the transcoders that are known by now, and plans for them.
    pub async fn plan_anew(&mut self, max_binding_bytes: u64) -> Result<(), Trouble> {
        let config = self.checkpoint.config();
        let known = transcoders(&self.request, config, self.kept.as_ref()).await?;
        let asked = plan_request(&self.request, config);
        self.plan = scope::plan(config, max_binding_bytes, asked, &known.wanted)?;
        self.transcoders = known;
        Ok(())
    }

    fn opened(&self) -> Outcome {
        Outcome::Opened {
            config: self.checkpoint.config().clone(),
            plan: self.plan.clone(),
            fingerprint: self.checkpoint.fingerprint().to_string(),
            declared_l0: self.transcoders.declared_l0(),
        }
    }
}

async fn load(
    gpu: Rc<Gpu>,
    book: &Book,
    outbox: &Outbox,
    job: &Job,
) -> Result<(Model, Option<Scope>), Trouble> {
    let mut told =
        |it: model::Told| outbox.progress(job.id, it.phase, it.done, Some(it.total), it.unit);
    let checkpoint = book.checkpoint.clone();
    let model = Model::load(gpu.clone(), checkpoint, &book.plan, &mut told, &job.stop).await?;
    let it = &book.transcoders;
    if it.files.is_empty() {
        return Ok((model, None));
    }
    let files = (it.files.clone(), it.wanted.clone());
    let scope = Scope::load(gpu, files, &book.plan, &mut told, &job.stop).await?;
    Ok((model, Some(scope)))
}

/// Opens the files of the transcoders asked for; reads headers and vectors, no matrix.
async fn transcoders(
    request: &OpenRequest,
    config: &Config,
    kept: Option<&KeptSet>,
) -> Result<Transcoders, Trouble> {
    let Some(asked) = &request.transcoders else {
        return Ok(Transcoders::default());
    };
    let files = match (&asked.place, kept) {
        (TranscoderRef::Hub { .. }, Some(kept)) => kept.dictionaries.clone(),
        _ => open_transcoders(asked, config).await?,
    };
    let dictionaries = files.values().map(|it| it.dictionary().clone()).collect();
    let halves = asked.halves.clone();
    Ok(Transcoders {
        files,
        wanted: Wanted {
            dictionaries,
            halves,
        },
    })
}

async fn open_transcoders(
    asked: &TranscoderRequest,
    config: &Config,
) -> Result<BTreeMap<usize, Rc<DictionaryFile>>, Trouble> {
    let (source, chosen) = transcoder_files(asked, config).await?;
    let mut files = BTreeMap::new();
    for (layer, file) in chosen {
        let opened = DictionaryFile::open(source.clone(), &file, layer, config.d_model).await?;
        files.insert(layer, Rc::new(opened));
    }
    Ok(files)
}

/// Which file of a folder serves each layer that is asked for.
pub(super) async fn transcoder_files(
    asked: &TranscoderRequest,
    config: &Config,
) -> Result<(Rc<dyn Source>, Vec<(usize, String)>), Trouble> {
    let source = transcoder_source(&asked.place)?;
    let set = DictionarySet::read(&*source).await?;
    let layers = match &asked.layers {
        Some(it) => it.clone(),
        None => set.layers().filter(|it| *it < config.n_layers).collect(),
    };
    let mut files = Vec::new();
    for layer in layers {
        if layer >= config.n_layers {
            let n_layers = config.n_layers;
            return Err(Trouble::Layer { layer, n_layers });
        }
        let l0 = asked.average_l0.iter().find(|it| it.0 == layer);
        let choice = Choice {
            width: None,
            average_l0: l0.map(|it| it.1),
        };
        files.push((layer, set.choose(layer, choice)?.file.clone()));
    }
    Ok((source, files))
}

/// What is asked of a plan of memory.
pub(super) fn plan_request(request: &OpenRequest, config: &Config) -> PlanRequest {
    let n_kept = match request.transcoders {
        Some(_) => request.n_kept.unwrap_or(DEFAULT_N_KEPT),
        // The lens asks for no transcoders, but for a kept run.
        None => request.n_kept.unwrap_or(0),
    };
    PlanRequest {
        precision: request.precision,
        n_ctx: request.n_ctx,
        max_gpu_bytes: request.max_gpu_bytes,
        n_kept: n_kept.min(config.n_ctx_max),
        d_transcoder: 0,
    }
}

fn transcoder_source(place: &TranscoderRef) -> Result<Rc<dyn Source>, Trouble> {
    match place {
        TranscoderRef::Folder { path } => folder(path),
        TranscoderRef::Synth { preset } => {
            let known = preset_of(preset)?;
            let n_layers = known.config().n_layers;
            Ok(Rc::new(synth::Synthetic::transcoders(known, n_layers)))
        }
        TranscoderRef::Hub { .. } => Err(Trouble::ModelElsewhere),
    }
}

fn preset_of(preset: &str) -> Result<synth::Preset, Trouble> {
    let known = preset.parse::<synth::Preset>();
    known.map_err(|_| Trouble::Preset {
        preset: preset.into(),
    })
}

/// The folder of a model that is not of a hub.
pub(super) fn source(model: &ModelRef) -> Result<Rc<dyn Source>, Trouble> {
    match model {
        ModelRef::Folder { path, .. } => folder(path),
        ModelRef::Synth { preset, .. } => Ok(Rc::new(synth::Synthetic::new(preset_of(preset)?))),
        ModelRef::Hub { repo } => Err(Trouble::NotKept {
            what: repo.to_string(),
        }),
    }
}

async fn tokenizer(
    model: &ModelRef,
    checkpoint: &Checkpoint,
) -> Result<Option<Tokenizer>, Trouble> {
    let json = match model {
        ModelRef::Folder {
            tokenizer: Some(path),
            ..
        }
        | ModelRef::Synth {
            tokenizer: Some(path),
            ..
        } => Some(file(path).await?),
        _ => checkpoint.tokenizer_json().await?,
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
    let (folder, name) = place(path)?;
    let size = folder.size(name).await?;
    Ok(folder.read(name, 0..size).await?.into_vec())
}

/// The folder of a file, and its name there.
pub(super) fn place(path: &str) -> Result<(Rc<dyn Source>, &str), Trouble> {
    let (parent, name) = match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", path),
    };
    Ok((folder(parent)?, name))
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn folder(path: &str) -> Result<Rc<dyn Source>, Trouble> {
    Ok(Rc::new(crate::hub::Folder::new(path)))
}

#[cfg(target_arch = "wasm32")]
pub(super) fn folder(path: &str) -> Result<Rc<dyn Source>, Trouble> {
    Ok(Rc::new(crate::hub::Served::new(path)?))
}
