//! A synthetic model on whatever adapter there is, for tests of the model and of goldens.
#![allow(dead_code, reason = "each test program uses a part of what they share")]

use super::compare::{Tensor, Tensors};
use gemscope::{
    gpu::{Gpu, GpuError, GpuOptions},
    hub::Source,
    model::{Capture, Model, PlanRequest, plan},
    spec::{Site, Write},
    sys::{Stop, block_on},
    weights::{
        Checkpoint,
        synth::{Preset, Synthetic},
    },
};
use std::rc::Rc;

/// A device, or none where that is allowed.
pub fn open(options: &GpuOptions) -> Option<Rc<Gpu>> {
    match block_on(Gpu::open(options)) {
        Ok(it) => Some(it),
        Err(GpuError::NoAdapter { .. }) if std::env::var_os("GEMSCOPE_NO_GPU").is_some() => {
            eprintln!("skipped: no GPU adapter, and GEMSCOPE_NO_GPU allows that");
            None
        }
        Err(error) => panic!("{error}; set GEMSCOPE_NO_GPU=1 to go without"),
    }
}

/// The three ways in which goldens must hold.
pub fn ways(small_bytes: u64) -> [(&'static str, GpuOptions); 3] {
    let default = GpuOptions {
        default_limits: true,
        ..GpuOptions::default()
    };
    let small = GpuOptions {
        max_binding_bytes: Some(small_bytes),
        ..default.clone()
    };
    [
        ("everything", GpuOptions::default()),
        ("default limits", default),
        ("small bindings", small),
    ]
}

/// A checkpoint of a preset, made up as it is read.
pub fn checkpoint(preset: Preset) -> Rc<Checkpoint> {
    let source: Rc<dyn Source> = Rc::new(Synthetic::new(preset));
    Rc::new(block_on(Checkpoint::open(source)).expect("the synthetic checkpoint is whole"))
}

/// Loads it.
pub fn load(gpu: &Rc<Gpu>, checkpoint: &Rc<Checkpoint>, request: PlanRequest) -> Model {
    let plan = plan(checkpoint.config(), gpu.max_binding_bytes(), request).expect("a plan");
    let (mut told, stop) = (|_| (), Stop::default());
    block_on(Model::load(
        gpu.clone(),
        checkpoint.clone(),
        &plan,
        &mut told,
        &stop,
    ))
    .expect("the model loads")
}

/// Runs a prompt and puts every captured block into its place.
pub fn run(model: &mut Model, ids: &[u32], want: &[Site], writes: &[Write]) -> Tensors {
    let mut captures = Vec::new();
    let (mut sink, stop) = (|it| captures.push(it), Stop::default());
    block_on(model.run(ids, want, writes, &mut sink, &stop)).expect("the prompt runs");
    assemble(captures, ids.len())
}

pub fn assemble(captures: Vec<Capture>, n_pos: usize) -> Tensors {
    let mut out = Tensors::new();
    for it in captures {
        let axis = usize::from(matches!(it.site, Site::Pattern(_)));
        let mut shape = it.shape.clone();
        shape[axis] = n_pos;
        let whole = out.entry(it.site.to_string()).or_insert_with(|| Tensor {
            values: vec![f32::NAN; shape.iter().product()],
            shape: shape.clone(),
        });
        let row: usize = shape[axis + 1..].iter().product();
        let n_outer: usize = shape[..axis].iter().product();
        let block = it.shape[axis] * row;
        for outer in 0..n_outer {
            let to = (outer * n_pos + it.first) * row;
            whole.values[to..to + block].copy_from_slice(&it.data[outer * block..][..block]);
        }
    }
    out
}
