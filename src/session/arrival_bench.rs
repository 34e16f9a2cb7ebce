//! An engine whose model arrives when a test says so, and one that has it whole. Leaves what they should say to `arrival_tests`.

use super::{
    engine::{Engine, EngineOptions},
    open::{Book, Open, Transcoders},
    outbox::Message,
    protocol::*,
    runs::Runs,
    trouble::Trouble,
};
use crate::{
    gpu::GpuError,
    hub::{Memory, Source},
    model::PlanRequest,
    scope::{self, Wanted},
    spec::{Packing, Part, Positions, Precision, Reached, Site},
    sys::block_on,
    weights::{
        Checkpoint, CheckpointHead, Cut, DictionaryFile, DictionaryHead, DictionarySet,
        PackedTensor, PartPlan,
        synth::{Preset, Synthetic},
    },
};
use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, Mutex},
};

/// The prompt; its tokens are the opening set.
pub const IDS: [u32; 5] = [2, 40, 77, 300, 9];
const N_KEPT: usize = 32;
const BOTH: [Half; 2] = [Half::Encoder, Half::Decoder];

/// An engine and what it said.
pub struct Bench {
    pub engine: Engine,
    told: Arc<Mutex<Vec<Message>>>,
    tensors: BTreeMap<Part, Vec<PackedTensor>>,
    n_commands: u32,
}

/// A list of features as it is told: layer, places, activations.
pub type Listed = (usize, Vec<[i32; 2]>, Vec<f32>);

fn pack(source: &Synthetic, plan: &PartPlan) -> Vec<u8> {
    let mut kept = vec![0; plan.size_bytes as usize];
    for (n, piece) in plan.pieces.iter().enumerate() {
        let raw = block_on(source.read(&piece.file, piece.range.clone())).expect("bytes");
        for (at, bytes) in plan.pack(n, &raw).expect("a piece") {
            let bytes = bytes.into_vec();
            kept[at as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
    }
    kept
}

fn request() -> OpenRequest {
    let preset = || Preset::Nano.to_string();
    OpenRequest {
        model: ModelRef::Synth {
            preset: preset(),
            tokenizer: None,
        },
        transcoders: Some(TranscoderRequest {
            place: TranscoderRef::Synth { preset: preset() },
            layers: None,
            halves: BOTH.to_vec(),
            average_l0: vec![],
        }),
        precision: Precision::Reference,
        n_ctx: None,
        n_kept: Some(N_KEPT),
        max_gpu_bytes: None,
    }
}

fn cut(packing: Packing) -> Cut {
    Cut {
        packing,
        piece_bytes: 1 << 20,
    }
}

/// What is open, and not on a device yet.
fn open(
    checkpoint: Checkpoint,
    (store, heads): (Rc<dyn Source>, Vec<DictionaryHead>),
    max_binding_bytes: u64,
) -> Open {
    let awaited = |it: &DictionaryHead| {
        let file = DictionaryFile::awaited(store.clone(), it);
        (it.dictionary.layer, Rc::new(file))
    };
    let files: BTreeMap<usize, Rc<DictionaryFile>> = heads.iter().map(awaited).collect();
    let wanted = Wanted {
        dictionaries: heads.into_iter().map(|it| it.dictionary).collect(),
        halves: BOTH.to_vec(),
    };
    let asked = PlanRequest {
        n_kept: N_KEPT,
        ..PlanRequest::default()
    };
    let plan = scope::plan(checkpoint.config(), max_binding_bytes, asked, &wanted);
    Open {
        book: Book {
            request: request(),
            checkpoint: Rc::new(checkpoint),
            kept: None,
            plan: plan.expect("a plan"),
            tokenizer: None,
            transcoders: Transcoders { files, wanted },
            runs: Runs::new(1 << 30),
        },
        model: None,
        scope: None,
    }
}

impl Bench {
    /// A device, or none where that is allowed.
    fn new() -> Option<Self> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = told.clone();
        let mut engine = Engine::new(EngineOptions::default(), move |it| {
            sink.lock().expect("no test panics in here").push(it);
        });
        match block_on(engine.gpu()) {
            Ok(_) => (),
            Err(Trouble::Gpu(GpuError::NoAdapter { .. }))
                if std::env::var_os("GEMSCOPE_NO_GPU").is_some() =>
            {
                eprintln!("skipped: no GPU adapter, and GEMSCOPE_NO_GPU allows that");
                return None;
            }
            Err(error) => panic!("{error}; set GEMSCOPE_NO_GPU=1 to go without"),
        }
        Some(Self {
            engine,
            told,
            tensors: BTreeMap::new(),
            n_commands: 0,
        })
    }

    /// The whole model.
    pub fn whole() -> Option<Self> {
        let mut it = Self::new()?;
        let job = it.job(CommandBody::Open(request()));
        block_on(it.engine.open_model(&job, &request())).expect("it opens");
        Some(it)
    }

    /// A model of which nothing has arrived.
    pub fn awaiting() -> Option<Self> {
        let mut it = Self::new()?;
        let (config, precision) = (Preset::Nano.config(), Precision::Reference);
        let mut store = Memory::default();
        let model = Synthetic::new(Preset::Nano);
        let head = block_on(CheckpointHead::read(&model)).expect("a head");
        let plans = head.parts(&cut(precision.of_model()), &IDS);
        it.keep(&mut store, &model, plans.expect("parts"));
        let transcoders = Synthetic::transcoders(Preset::Nano, config.n_layers);
        let set = block_on(DictionarySet::read(&transcoders)).expect("a set");
        let mut heads = Vec::new();
        for layer in set.layers() {
            let file = &set.choose(layer, Default::default()).expect("one").file;
            let of_layer = DictionaryHead::read(&transcoders, file, layer, config.d_model);
            let of_layer = block_on(of_layer).expect("a head");
            let plans = of_layer.parts(&cut(precision.of_dictionaries()), &BOTH);
            it.keep(&mut store, &transcoders, plans.expect("parts"));
            heads.push(of_layer);
        }
        let store: Rc<dyn Source> = Rc::new(store);
        let checkpoint = Checkpoint::kept(store.clone(), &head).expect("a checkpoint");
        let gpu = block_on(it.engine.gpu()).expect("a device");
        let max_binding_bytes = gpu.about().max_binding_bytes;
        it.engine.open = Some(open(checkpoint, (store, heads), max_binding_bytes));
        Some(it)
    }

    fn keep(&mut self, store: &mut Memory, source: &Synthetic, plans: Vec<PartPlan>) {
        for plan in plans {
            store.insert(&plan.part.to_string(), pack(source, &plan));
            self.tensors.insert(plan.part, plan.tensors);
        }
    }

    fn job(&mut self, body: CommandBody) -> super::inbox::Job {
        self.n_commands += 1;
        let id = self.n_commands;
        self.engine.inbox().post(Command { id, body });
        block_on(self.engine.inbox().next()).expect("a job")
    }

    /// Parts arrive between two commands.
    pub fn add(&mut self, parts: &[Part]) {
        let book = &self.engine.open.as_ref().expect("a model").book;
        for part in parts {
            let (file, tensors) = (part.to_string(), &self.tensors[part]);
            match part.layer().filter(|_| part.is_of_dictionary()) {
                Some(layer) => book.transcoders.files[&layer].add(&file, tensors),
                None => book.checkpoint.add(&file, tensors),
            }
        }
        let job = self.job(CommandBody::Describe);
        block_on(self.engine.arrived(&job)).expect("it is taken up");
    }

    /// What a command ends with.
    pub fn command(&mut self, body: CommandBody) -> Result<Outcome, Failure> {
        let job = self.job(body);
        self.told.lock().expect("whole").clear();
        let (engine, body) = (&mut self.engine, &job.body);
        let result = match body {
            CommandBody::Run {
                input,
                want,
                writes,
            } => block_on(engine.run_prompt(&job, input, want, writes)),
            CommandBody::Derive { run, want, .. } => block_on(engine.derive(&job, run, want)),
            CommandBody::Ask {
                run,
                what,
                positions,
            } => block_on(engine.ask(&job, run, what, *positions)),
            CommandBody::Generate {
                run, n, sampling, ..
            } => block_on(engine.generate(&job, run, (*n, *sampling), false)),
            _ => panic!("not asked in these tests"),
        };
        result.map_err(|it| it.failure())
    }

    /// Runs the prompt.
    pub fn run(&mut self, want: &[Site]) -> Result<(RunKey, bool, Reached), Failure> {
        let ran = self.command(CommandBody::Run {
            input: Input::Ids(IDS.to_vec()),
            want: want.to_vec(),
            writes: vec![],
        })?;
        match ran {
            Outcome::Ran {
                run, kept, reached, ..
            } => Ok((run, kept, reached)),
            other => panic!("{other:?}"),
        }
    }

    /// What is told of an answer.
    pub fn ask(&mut self, run: &RunKey, what: What) -> Result<Vec<Message>, Failure> {
        self.command(CommandBody::Ask {
            run: run.clone(),
            what,
            positions: Positions::All,
        })?;
        Ok(self.told.lock().expect("whole").clone())
    }

    /// Features as they are told.
    pub fn features(&mut self, run: &RunKey, layers: Option<Vec<usize>>) -> Vec<Listed> {
        let told = self.ask(run, What::Features { layers }).expect("features");
        let listed = told.into_iter().filter_map(|it| match it.event.body {
            EventBody::Partial(Partial::Features { layer, .. }) => Some((
                layer,
                bytemuck::pod_collect_to_vec(&it.parts[0]),
                bytemuck::pod_collect_to_vec(&it.parts[1]),
            )),
            _ => None,
        });
        listed.collect()
    }

    /// A run with an intervention in layer 1.
    pub fn derive(&mut self, run: &RunKey) -> Result<Outcome, Failure> {
        self.command(CommandBody::Derive {
            run: run.clone(),
            interventions: vec!["1:2:5=30".parse().expect("one")],
            splice: None,
            mode: Mode::Frozen,
            want: vec![],
        })
    }

    /// Answers without the numbers of their command.
    pub fn partials(&mut self, run: &RunKey, what: What) -> Vec<Message> {
        let told = self.ask(run, what).expect("an answer");
        let is_partial = |it: &Message| matches!(it.event.body, EventBody::Partial(_));
        let mut told: Vec<Message> = told.into_iter().filter(is_partial).collect();
        told.iter_mut()
            .for_each(|it| (it.event.id, it.event.seq) = (0, 0));
        told
    }
}
