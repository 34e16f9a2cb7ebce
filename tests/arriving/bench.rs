//! A model that arrives when a test says so, held at every step against one that was loaded whole.

use crate::{arrival::Parts, compare::Tensors, model, scope};
use gemscope::{
    gpu::Gpu,
    model::{Capture, Distribution, ModelError, PlanRequest, Stage, Told},
    scope::{Features, Prompt, ScopeError, Steering, Sums, Task, Variation},
    spec::{Half, Mode, Part, Precision, Site, Splice},
    sys::{Stop, block_on},
    weights::synth::Preset,
};
use scope::{BOTH, Bench};
use std::{collections::BTreeSet, rc::Rc};

/// With bindings of 16 KiB three blocks, the last of one position.
pub const N_POS: u32 = 17;
pub const N_LAYERS: usize = 4;

pub fn prompt() -> Vec<u32> {
    let id = |it: u32| if it == 0 { 2 } else { 3 + it * 37 % 500 };
    (0..N_POS).map(id).collect()
}

pub fn keeping(n_kept: usize) -> PlanRequest {
    PlanRequest {
        n_kept,
        ..PlanRequest::default()
    }
}

/// All that a model tells of a prompt once it is whole.
#[derive(PartialEq)]
pub struct Answers {
    pub sites: Tensors,
    pub features: Features,
    pub probs: Vec<Distribution>,
    /// None where the prompt can't be kept.
    pub kept: Option<OfKept>,
}

#[derive(PartialEq)]
pub struct OfKept {
    rows: Tensors,
    lens: Vec<Vec<Distribution>>,
    derived: Vec<(Tensors, Features)>,
    sums: Sums,
    effects: Vec<f32>,
}

/// Of a model that is loaded whole.
pub fn expected(gpu: &Rc<Gpu>, n_kept: usize) -> Answers {
    let checkpoint = model::checkpoint(Preset::Nano);
    let files = scope::files(Preset::Nano, checkpoint.config().d_model);
    let mut bench = scope::load_files(gpu, (&checkpoint, files), keeping(n_kept), &BOTH);
    let (sites, features) = bench.run(&prompt(), &Site::all(N_LAYERS));
    answers(&mut bench, sites, features)
}

/// What the model that holds the whole run tells besides its sites and features.
pub fn answers(bench: &mut Bench, sites: Tensors, features: Features) -> Answers {
    let (ids, stop) = (prompt(), Stop::default());
    assert!(bench.model.holds(&ids, &[], 0));
    let probs = block_on(bench.model.probs(0..ids.len(), 9, &[5], &stop));
    let kept = { bench.model.kept_stage(&ids) }.map(|_| of_kept(bench, &features));
    Answers {
        probs: probs.expect("distributions"),
        kept,
        sites,
        features,
    }
}

fn of_kept(bench: &mut Bench, features: &Features) -> OfKept {
    let (ids, stop) = (prompt(), Stop::default());
    let layers: Vec<usize> = (0..N_LAYERS).collect();
    let want: Vec<Site> = { layers.iter() }
        .flat_map(|it| [Site::ResidMid(*it), Site::MlpOut(*it), Site::ResidPost(*it)])
        .collect();
    let mut captures = Vec::new();
    let mut sink = |it: Capture| captures.push(it);
    let looking = Prompt {
        ids: &ids,
        want: &want,
        writes: &[],
        sink: &mut sink,
        stop: &stop,
    };
    let look = bench
        .scope
        .look(&mut bench.model, looking, &layers, Task::default());
    block_on(look).expect("a look");
    let lens = |it: usize| {
        let told = (bench.model).lens(&ids, (it, 0..ids.len()), (5, &[7]), &stop);
        block_on(told).expect("the lens")
    };
    let lens = layers.iter().copied().map(lens).collect();
    let derived = [Mode::Frozen, Mode::Free, Mode::Direct].map(|mode| {
        let active = features.of(1).and_then(|it| it.last()).expect("active");
        let (pos, index) = (active.pos, active.index);
        let list = [format!("1:{pos}:{index}=x3").parse().expect("one")];
        let steering = Steering::new(&list, features, ids.len(), mode).expect("steering");
        let variation = Variation {
            mode,
            task: Task {
                list: (0..N_LAYERS).collect(),
                steering: Some(&steering),
                ..Task::default()
            },
            from_tokens: false,
            label: 1,
        };
        bench.vary(&ids, &[Site::Logits], variation).expect("a run")
    });
    let sums = bench
        .scope
        .measure(&mut bench.model, &ids, Splice::All, &stop);
    let sums = block_on(sums).expect("metrics");
    let effects = bench
        .scope
        .effects(&mut bench.model, (&ids, features), (2, 9), &stop);
    OfKept {
        rows: model::assemble(captures, ids.len()),
        lens,
        derived: derived.into(),
        sums,
        effects: block_on(effects).expect("effects"),
    }
}

/// A model of which nothing is there, and what it has told so far.
pub struct Arriving {
    pub parts: Parts,
    pub bench: Bench,
    pub sites: Tensors,
    pub features: Features,
}

impl Arriving {
    pub fn new(gpu: &Rc<Gpu>, request: PlanRequest) -> Self {
        let parts = Parts::new(Preset::Nano, Precision::Reference, &prompt());
        let files = parts.files.clone();
        let bench = scope::load_files(gpu, (&parts.checkpoint, files), request, &BOTH);
        Self {
            parts,
            bench,
            sites: Tensors::new(),
            features: Features::default(),
        }
    }

    pub fn take_up(&mut self) {
        let (stop, mut told) = (Stop::default(), Vec::new());
        let mut tell = |it: Told| told.push(it);
        let Bench { model, scope, .. } = &mut self.bench;
        block_on(model.arrive(&mut tell, &stop)).expect("the model takes it up");
        block_on(scope.arrive(&mut tell, &stop)).expect("the scope takes it up");
        // Each phase ends where it said that it would.
        let last = |phase| told.iter().rfind(|it| it.phase == phase);
        for it in ["loading weights", "loading transcoders"].map(last) {
            assert!(it.is_none_or(|it| it.done == it.total), "{it:?}");
        }
        told.clear();
        let mut tell = |it: Told| told.push(it);
        block_on(model.arrive(&mut tell, &stop)).expect("nothing");
        block_on(scope.arrive(&mut tell, &stop)).expect("nothing");
        assert!(told.is_empty(), "what is there is not taken up again");
    }

    /// Goes on with the prompt; gives what was told.
    pub fn go_on(&mut self) -> Result<Tensors, ScopeError> {
        let (ids, stop) = (prompt(), Stop::default());
        let listed: BTreeSet<usize> = self.features.layers().collect();
        let layers: BTreeSet<usize> = { self.bench.scope.layers(Half::Encoder).into_iter() }
            .filter(|it| !listed.contains(it))
            .collect();
        let mut captures = Vec::new();
        let (want, mut sink) = (Site::all(N_LAYERS), |it: Capture| captures.push(it));
        let prompt = Prompt {
            ids: &ids,
            want: &want,
            writes: &[],
            sink: &mut sink,
            stop: &stop,
        };
        let Bench { model, scope, .. } = &mut self.bench;
        let more = block_on(scope.go_on(model, prompt, &layers))?;
        self.features.replace(more);
        Ok(model::assemble(captures, ids.len()))
    }

    /// A part arrives: all that can be told now is told, once where it is kept, and equals what is expected.
    fn add(&mut self, part: Part, expected: &Answers, at: &str) {
        self.parts.add(part);
        self.take_up();
        let told = match self.go_on() {
            Ok(it) => it,
            Err(ScopeError::Model(ModelError::Awaited {
                part: Part::Embedding(0),
                n_layers: None,
            })) => {
                let rows = |it| !self.bench.model.lacks(it);
                assert!(!rows(Part::Opening) && !rows(Part::Embedding(0)), "{at}");
                return;
            }
            Err(it) => panic!("{at}: {it}"),
        };
        for (site, it) in told {
            assert!(expected.sites[&site] == it, "{at}: {site}");
            let again = self.sites.insert(site.clone(), it).is_some();
            let from_tokens = expected.kept.is_none() || site == Site::Embed.to_string();
            assert!(!again || from_tokens, "{at}: {site} again");
        }
        let reach = self.bench.model.reach();
        for site in Site::all(N_LAYERS) {
            let passed = site != Site::Logits && Stage::of(site, N_LAYERS) <= reach;
            let told = self.sites.contains_key(&site.to_string());
            assert!(told || !passed, "{at}: {site} was passed and not told");
        }
        let encoders = self.bench.scope.layers(Half::Encoder);
        let layers = encoders.into_iter().filter(|it| *it < reach.attention);
        assert!(layers.eq(self.features.layers()), "{at}: features");
        for layer in self.features.layers() {
            let [got, whole] = [&self.features, &expected.features].map(|it| it.of(layer));
            assert!(got == whole, "{at}: features of layer {layer}");
        }
    }

    /// All parts arrive in this order; in the end the model is as good as one that was loaded whole.
    pub fn check(mut self, order: &[Part], expected: &Answers, what: &str) -> Bench {
        for (n, part) in order.iter().enumerate() {
            self.add(*part, expected, &format!("{what}, {part} (number {n})"));
        }
        assert!(self.bench.model.need_all().is_ok(), "{what}");
        // Told in a pass that came to the end before the table was there, or not at all.
        let logits = Site::Logits.to_string();
        let known = expected.sites[&logits].clone();
        self.sites.entry(logits).or_insert(known);
        let got = answers(&mut self.bench, self.sites, self.features);
        assert!(got.sites == expected.sites, "{what}: sites");
        assert!(got.probs == expected.probs, "{what}: distributions");
        assert!(got == *expected, "{what}: what is asked of kept runs");
        self.bench
    }
}
