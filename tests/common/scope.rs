//! A synthetic model with its synthetic transcoders, for tests of the scope.
#![allow(dead_code, reason = "each test program uses a part of what they share")]

use super::compare::{Tensor, Tensors};
use gemscope::{
    gpu::Gpu,
    hub::Source,
    model::{Capture, Model, PlanRequest},
    scope::{Dense, Features, Prompt, Scope, ScopeError, Task, Variation, Wanted, plan},
    spec::{DensePart as Part, Half, Plan, Site},
    sys::{Stop, block_on},
    weights::{
        Checkpoint, DictionaryFile, DictionarySet,
        synth::{Preset, Synthetic},
    },
};
use std::{collections::BTreeMap, rc::Rc};

/// Model and scope on a device.
pub struct Bench {
    pub model: Model,
    pub scope: Scope,
    pub plan: Plan,
}

/// Positions kept by tests.
pub const N_KEPT: usize = 128;

/// The files of all layers of a preset.
pub fn files(preset: Preset, d_model: usize) -> BTreeMap<usize, Rc<DictionaryFile>> {
    let n_layers = preset.config().n_layers;
    let source: Rc<dyn Source> = Rc::new(Synthetic::transcoders(preset, n_layers));
    let set = block_on(DictionarySet::read(&*source)).expect("a set");
    let open = |layer: usize| {
        let variant = set.choose(layer, Default::default()).expect("a variant");
        let file = DictionaryFile::open(source.clone(), &variant.file, layer, d_model);
        (layer, Rc::new(block_on(file).expect("a transcoder")))
    };
    set.layers().map(open).collect()
}

/// Loads both.
pub fn load(
    gpu: &Rc<Gpu>,
    (preset, checkpoint): (Preset, &Rc<Checkpoint>),
    request: PlanRequest,
    halves: &[Half],
) -> Bench {
    let files = files(preset, checkpoint.config().d_model);
    let request = PlanRequest {
        n_kept: N_KEPT,
        ..request
    };
    load_files(gpu, (checkpoint, files), request, halves)
}

/// Loads a checkpoint and these files, as far as they are there.
pub fn load_files(
    gpu: &Rc<Gpu>,
    (checkpoint, files): (&Rc<Checkpoint>, BTreeMap<usize, Rc<DictionaryFile>>),
    request: PlanRequest,
    halves: &[Half],
) -> Bench {
    let wanted = Wanted {
        dictionaries: files.values().map(|it| it.dictionary().clone()).collect(),
        halves: halves.to_vec(),
    };
    let plan = plan(
        checkpoint.config(),
        gpu.max_binding_bytes(),
        request,
        &wanted,
    )
    .expect("a plan");
    let stop = Stop::default();
    let mut told = |_| ();
    let model = Model::load(gpu.clone(), checkpoint.clone(), &plan, &mut told, &stop);
    let model = block_on(model).expect("the model loads");
    let mut told = |_| ();
    let scope = Scope::load(gpu.clone(), (files, wanted), &plan, &mut told, &stop);
    Bench {
        model,
        scope: block_on(scope).expect("the transcoders load"),
        plan,
    }
}

/// Both halves.
pub const BOTH: [Half; 2] = [Half::Encoder, Half::Decoder];

impl Bench {
    pub fn n_layers(&self) -> usize {
        self.model.config().n_layers
    }

    /// A clean run with every layer's features.
    pub fn run(&mut self, ids: &[u32], want: &[Site]) -> (Tensors, Features) {
        let n_layers = self.n_layers();
        let task = Task {
            list: (0..n_layers).collect(),
            ..Task::default()
        };
        let mut captures = Vec::new();
        let (mut sink, stop) = (|it| captures.push(it), Stop::default());
        let prompt = Prompt {
            ids,
            want,
            writes: &[],
            sink: &mut sink,
            stop: &stop,
        };
        let features = block_on(self.scope.run(&mut self.model, prompt, task)).expect("a run");
        (super::model::assemble(captures, ids.len()), features)
    }

    /// A clean run with dense arrays of every layer.
    pub fn dense(&mut self, ids: &[u32]) -> Tensors {
        let n_layers = self.n_layers();
        let parts = [Part::Pre, Part::Acts, Part::Out];
        let all = (0..n_layers).flat_map(|it| parts.map(|part| (it, part)));
        let mut told = Vec::new();
        let mut take = |it| told.push(it);
        let task = Task {
            dense: all.collect(),
            sink: Some(&mut take),
            ..Task::default()
        };
        let (mut sink, stop) = (|_: Capture| (), Stop::default());
        let prompt = Prompt {
            ids,
            want: &[],
            writes: &[],
            sink: &mut sink,
            stop: &stop,
        };
        block_on(self.scope.run(&mut self.model, prompt, task)).expect("a run");
        join(told, ids.len())
    }

    /// A layer's reconstruction, from what is kept of the clean run.
    pub fn outs(&mut self, ids: &[u32], layer: usize) -> Tensor {
        let mut told = Vec::new();
        let mut take = |it| told.push(it);
        let task = Task {
            dense: [(layer, Part::Out)].into(),
            sink: Some(&mut take),
            ..Task::default()
        };
        let (mut sink, stop) = (|_: Capture| (), Stop::default());
        let prompt = Prompt {
            ids,
            want: &[],
            writes: &[],
            sink: &mut sink,
            stop: &stop,
        };
        let layers = [layer];
        let look = self.scope.look(&mut self.model, prompt, &layers, task);
        block_on(look).expect("a look");
        let mut all = join(told, ids.len());
        all.remove(&format!("blocks.{layer}.transcoder.out"))
            .expect("a reconstruction")
    }

    /// A variation.
    pub fn vary(
        &mut self,
        ids: &[u32],
        want: &[Site],
        variation: Variation<'_>,
    ) -> Result<(Tensors, Features), ScopeError> {
        let mut captures = Vec::new();
        let (mut sink, stop) = (|it| captures.push(it), Stop::default());
        let prompt = Prompt {
            ids,
            want,
            writes: &[],
            sink: &mut sink,
            stop: &stop,
        };
        let features = block_on(self.scope.vary(&mut self.model, prompt, variation))?;
        Ok((super::model::assemble(captures, ids.len()), features))
    }
}

fn join(told: Vec<Dense>, n_pos: usize) -> Tensors {
    let mut out = Tensors::new();
    for it in told {
        let part = match it.part {
            Part::Pre => "pre",
            Part::Acts => "acts",
            Part::Out => "out",
        };
        let name = format!("blocks.{}.transcoder.{part}", it.layer);
        let whole = out.entry(name).or_insert_with(|| Tensor {
            values: vec![f32::NAN; n_pos * it.width],
            shape: vec![n_pos, it.width],
        });
        let at = it.first * it.width;
        whole.values[at..at + it.data.len()].copy_from_slice(&it.data);
    }
    out
}
