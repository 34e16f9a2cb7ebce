//! The part of `full` with transcoders: the golden's features, what encoding costs, and what lower precisions change.

use super::{
    compare,
    full::{Arguments, divergence, mib, name},
    parts, parts_scope, scope,
};
use anyhow::{Result, anyhow};
use gemscope::{
    gpu::{Gpu, GpuOptions},
    hub::Folder,
    model::{Capture, Model, PlanRequest},
    scope::{Features, Prompt, Scope, Task, Variation},
    spec::{Precision, Sampling, Site},
    sys::{Stop, Stopwatch, block_on},
    weights::Checkpoint,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    rc::Rc,
};

/// What one precision lists and says of the golden's prompt.
struct Outcome {
    features: Features,
    /// `[n_pos, d_vocab]`.
    logits: Vec<f32>,
    /// The same with every layer spliced.
    spliced: Vec<f32>,
    holds: bool,
}

/// Jaccard index of active features that a precision keeps at least.
fn least_jaccard(precision: Precision) -> f64 {
    match precision {
        Precision::Reference => 1.0,
        Precision::Precise => 0.995,
        Precision::Compact => 0.95,
    }
}

/// Runs it in every precision; whether everything held.
pub fn run(arguments: &Arguments, folder: &Path) -> Result<bool> {
    let reference = one(arguments, folder, Precision::Reference)?;
    let mut holds = reference.holds;
    let lower = match arguments.reference_only {
        true => vec![],
        false => vec![Precision::Precise, Precision::Compact],
    };
    for precision in lower {
        let it = one(arguments, folder, precision)?;
        holds &= it.holds && report(&reference, &it, precision, arguments);
    }
    Ok(holds)
}

fn one(arguments: &Arguments, folder: &Path, precision: Precision) -> Result<Outcome> {
    println!(
        "\n{} with transcoders at {precision}",
        name(arguments.preset)
    );
    let gpu = block_on(Gpu::open(&GpuOptions {
        default_limits: arguments.default_limits,
        ..GpuOptions::default()
    }))?;
    let checkpoint = Rc::new(block_on(Checkpoint::open(Rc::new(Folder::new(folder))))?);
    let request = PlanRequest {
        precision,
        max_gpu_bytes: arguments.max_gpu_mib.map(|it| it << 20),
        ..PlanRequest::default()
    };
    let watch = Stopwatch::start();
    let mut bench = scope::load(&gpu, (arguments.preset, &checkpoint), request, &scope::BOTH);
    println!("  loaded in        {:.1} s", watch.seconds());
    let (peak, planned) = (gpu.peak_bytes() as f64, bench.plan.total_bytes as f64);
    let apart = 100.0 * (peak / planned - 1.0);
    println!(
        "  GPU bytes        {} at most, {} planned ({apart:+.2} %)",
        mib(peak),
        mib(planned)
    );
    let golden = golden(arguments)?;
    let holds = judge(precision, &golden, &mut bench);
    let outcome = record(&golden, &mut bench)?;
    if arguments.time {
        time(&mut bench, arguments.tokens)?;
    }
    let peak = gpu.peak_bytes() as f64;
    let apart = 100.0 * (peak / planned - 1.0);
    println!(
        "  GPU bytes        {} at most after running ({apart:+.2} %)",
        mib(peak)
    );
    Ok(Outcome {
        holds: holds && apart.abs() < 3.0,
        ..outcome
    })
}

fn golden(arguments: &Arguments) -> Result<compare::Tensors> {
    let path = PathBuf::from("../shared/reference")
        .join(name(arguments.preset))
        .join("golden.safetensors");
    let all = compare::read(&path).map_err(|it| anyhow!(it))?;
    Ok(compare::with_prefix(&all, "p0."))
}

fn judge(precision: Precision, golden: &compare::Tensors, bench: &mut scope::Bench) -> bool {
    if precision != Precision::Reference || !golden.contains_key("blocks.0.acts") {
        println!("  golden           not compared (there is none for this here)");
        return true;
    }
    let watch = Stopwatch::start();
    match parts_scope::check(bench, golden, parts::TOLERANCE) {
        Ok((worst, n)) => {
            let seconds = watch.seconds();
            println!("  golden           holds, {n} features, worst {worst:.1e}, {seconds:.1} s");
            true
        }
        Err(error) => {
            println!("  golden           {error}");
            false
        }
    }
}

fn record(golden: &compare::Tensors, bench: &mut scope::Bench) -> Result<Outcome> {
    let ids: Vec<u32> = match golden.get("ids") {
        Some(it) => it.values.iter().map(|it| *it as u32).collect(),
        None => vec![2, 74, 71, 409, 259],
    };
    let (mut got, features) = bench.run(&ids, &[Site::Logits]);
    let variation = Variation {
        task: Task {
            splice: (0..bench.n_layers()).collect(),
            ..Task::default()
        },
        label: 1,
        ..Variation::default()
    };
    let (mut spliced, _) = bench.vary(&ids, &[Site::Logits], variation)?;
    let take = |it: &mut compare::Tensors| it.remove("logits").map(|it| it.values);
    Ok(Outcome {
        features,
        logits: take(&mut got).unwrap_or_default(),
        spliced: take(&mut spliced).unwrap_or_default(),
        holds: true,
    })
}

fn report(reference: &Outcome, it: &Outcome, precision: Precision, arguments: &Arguments) -> bool {
    println!("\n{precision} against reference");
    let mut worst: f64 = 1.0;
    for layer in reference.features.layers() {
        let jaccard = jaccard(&reference.features, &it.features, Some(layer));
        let n = reference.features.of(layer).unwrap_or_default().len();
        println!("  layer {layer:2}         Jaccard {jaccard:.4} of {n} active features");
        worst = worst.min(jaccard);
    }
    let all = jaccard(&reference.features, &it.features, None);
    println!("  all layers       Jaccard {all:.4}, worst layer {worst:.4}");
    let d_vocab = arguments.preset.config().d_vocab;
    let mut largest: f64 = 0.0;
    for (what, a, b) in [
        ("as it is", &reference.logits, &it.logits),
        ("all spliced", &reference.spliced, &it.spliced),
    ] {
        let rows = a.chunks(d_vocab).zip(b.chunks(d_vocab));
        let apart = rows.map(|(p, q)| divergence(p, q)).fold(0.0, f64::max);
        println!("  KL, {what:12} {apart:.2e} nats at worst (under 0.01 is right)");
        largest = largest.max(apart);
    }
    all >= least_jaccard(precision) && largest < 0.01
}

fn jaccard(a: &Features, b: &Features, only: Option<usize>) -> f64 {
    let set = |it: &Features| -> BTreeSet<(usize, u32, u32)> {
        let layers = it
            .layers()
            .filter(|it| only.is_none_or(|layer| layer == *it));
        let places = layers.flat_map(|layer| {
            let of_layer = it.of(layer).unwrap_or_default().iter();
            of_layer.map(move |it| (layer, it.pos, it.index))
        });
        places.collect()
    };
    let (a, b) = (set(a), set(b));
    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
}

/// What features cost: a prompt of 64 tokens, and tokens one by one, with every layer's and without.
fn time(bench: &mut scope::Bench, n_tokens: usize) -> Result<()> {
    let stop = Stop::default();
    let all: BTreeSet<usize> = (0..bench.n_layers()).collect();
    let prompt: Vec<u32> = (0..64).map(|it| 2 + it % 300).collect();
    // The last of a prompt of 65 gives the logits; both ways once for warmth.
    let forward = |bench: &mut scope::Bench, list: &BTreeSet<usize>, first: u32| {
        let ids: Vec<u32> = prompt.iter().map(|it| it + first).collect();
        let watch = Stopwatch::start();
        pass(bench, &ids, list, &stop)?;
        block_on(bench.model.probs(63..64, 1, &[], &stop))?;
        Ok::<f64, anyhow::Error>(watch.seconds())
    };
    let none = BTreeSet::new();
    forward(bench, &all, 0)?;
    let (mut plain, mut listed) = (f64::MAX, f64::MAX);
    for round in 1..3 {
        plain = plain.min(forward(bench, &none, 2 * round)?);
        listed = listed.min(forward(bench, &all, 2 * round + 1)?);
    }
    println!(
        "  64 tokens        {plain:.2} s, with features of every layer {listed:.2} s: encoding takes {:.2} of the pass",
        listed / plain - 1.0
    );
    time_decode(bench, n_tokens, &stop)
}

/// Tokens one by one; the choice from the prompt's own last row is one more.
fn time_decode(bench: &mut scope::Bench, n_tokens: usize, stop: &Stop) -> Result<()> {
    let none = BTreeSet::new();
    let all: BTreeSet<usize> = (0..bench.n_layers()).collect();
    let decode = |bench: &mut scope::Bench, list: &BTreeSet<usize>| {
        let watch = Stopwatch::start();
        if list.is_empty() {
            let sink = &mut |_| ();
            block_on(
                bench
                    .model
                    .generate(n_tokens + 1, Sampling::GREEDY, true, sink, stop),
            )?;
        } else {
            let task = Task {
                list: list.clone(),
                ..Task::default()
            };
            let going = (n_tokens + 1, Sampling::GREEDY);
            let (scope, model) = (&mut bench.scope, &mut bench.model);
            block_on(Scope::generate(
                scope,
                model,
                going,
                task,
                &mut |_| (),
                stop,
            ))?;
        }
        Ok::<f64, anyhow::Error>(watch.seconds() / n_tokens as f64)
    };
    decode(bench, &all)?;
    let (mut plain, mut listed) = (f64::MAX, f64::MAX);
    for _ in 0..2 {
        plain = plain.min(decode(bench, &none)?);
        listed = listed.min(decode(bench, &all)?);
    }
    println!(
        "  a token          {plain:.2} s, with features of every layer {listed:.2} s: {:.2} times as long",
        listed / plain
    );
    Ok(())
}

fn pass(bench: &mut scope::Bench, ids: &[u32], list: &BTreeSet<usize>, stop: &Stop) -> Result<()> {
    let mut sink = |_: Capture| ();
    if list.is_empty() {
        let model: &mut Model = &mut bench.model;
        return Ok(block_on(model.run(ids, &[], &[], &mut sink, stop))?);
    }
    let task = Task {
        list: list.clone(),
        ..Task::default()
    };
    let prompt = Prompt {
        ids,
        want: &[],
        writes: &[],
        sink: &mut sink,
        stop,
    };
    block_on(bench.scope.run(&mut bench.model, prompt, task))?;
    Ok(())
}
