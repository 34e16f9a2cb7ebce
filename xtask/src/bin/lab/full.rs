//! `full`: a checkpoint of the true size, generated on the spot, loaded from disk as a real one is, run and judged.
//!
//! Prints what decides whether the real model will fit and run: golden, memory against plan, seconds, and what 8 bit costs.

use super::{compare, full_browser, full_page, full_scope, memory::Watch, model, parts};
use anyhow::{Result, anyhow};
use clap::Parser;
use gemscope::{
    gpu::{Gpu, GpuOptions},
    hub::Folder,
    model::{Model, PlanRequest, plan},
    spec::{Precision, Sampling, Site},
    sys::{Stop, Stopwatch, block_on},
    weights::{
        Checkpoint,
        synth::{Preset, Synthetic, write},
    },
};
use std::{path::PathBuf, rc::Rc};

/// Arguments of the command.
#[derive(Parser)]
pub struct Arguments {
    /// Sizes: nano, wide or full.
    #[arg(long, default_value = "full")]
    pub preset: Preset,
    /// Where the checkpoint is, or is put if it is not there.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Leaves out 8 bit and its comparison with bf16.
    #[arg(long)]
    pub reference_only: bool,
    /// Asks for WebGPU's default limits.
    #[arg(long)]
    pub default_limits: bool,
    /// Leaves out the transcoders.
    #[arg(long, conflicts_with = "only_scope")]
    only_model: bool,
    /// Leaves out what is told without transcoders.
    #[arg(long)]
    only_scope: bool,
    /// Times what features cost, with transcoders.
    #[arg(long)]
    pub time: bool,
    /// MiB of GPU memory with transcoders at most; layers are paged in beyond.
    #[arg(long)]
    pub max_gpu_mib: Option<u64>,
    /// Tokens that are generated to time decoding.
    #[arg(long, default_value_t = 4)]
    pub tokens: usize,
    /// chromium or firefox: fetches the set through it from a test Hub into its store, and runs the golden's prompt from there.
    #[arg(long)]
    browser: Option<String>,
    /// How weights are kept there; `reference` does not fit Firefox's default quota, and that is tried too.
    #[arg(long, default_value = "precise", requires = "browser")]
    precision: Precision,
    /// By the page, as a visitor does it: through a killed browser, a cut line, a pause and a restart without a network.
    #[arg(long, requires = "browser")]
    page: bool,
}

/// What one precision computes of the golden's prompt.
struct Outcome {
    /// By layer, `[n_pos, d_model]`.
    resid_post: Vec<Vec<f32>>,
    /// `[n_pos, d_vocab]`.
    logits: Vec<f32>,
    /// Whether golden and memory hold.
    holds: bool,
}

/// Runs the command; whether everything held.
pub fn run(arguments: &Arguments) -> Result<bool> {
    if let Some(kind) = &arguments.browser {
        let run = match arguments.page {
            true => full_page::run,
            false => full_browser::run,
        };
        return run(kind, arguments.preset, arguments.precision);
    }
    let folder = arguments
        .model
        .clone()
        .unwrap_or_else(|| PathBuf::from("target/synth").join(name(arguments.preset)));
    if !folder.join("config.json").exists() {
        generate(arguments.preset, &folder)?;
    }
    let of_model = arguments.only_scope || run_model(arguments, &folder)?;
    let of_scope = arguments.only_model || full_scope::run(arguments, &folder)?;
    Ok(of_model && of_scope)
}

fn run_model(arguments: &Arguments, folder: &std::path::Path) -> Result<bool> {
    let reference = one(arguments, folder, Precision::Reference)?;
    if arguments.reference_only {
        return Ok(reference.holds);
    }
    let compact = one(arguments, folder, Precision::Compact)?;
    let cheap = report_compact(&reference, &compact, arguments.preset.config().d_vocab);
    Ok(reference.holds && compact.holds && cheap)
}

fn generate(preset: Preset, folder: &std::path::Path) -> Result<()> {
    let watch = Stopwatch::start();
    write(&Synthetic::new(preset), folder, |_, _| ())?;
    println!("generated {} in {:.0} s", folder.display(), watch.seconds());
    Ok(())
}

fn one(arguments: &Arguments, folder: &std::path::Path, precision: Precision) -> Result<Outcome> {
    println!("\n{} at {precision}", name(arguments.preset));
    let options = GpuOptions {
        default_limits: arguments.default_limits,
        ..GpuOptions::default()
    };
    let gpu = block_on(Gpu::open(&options))?;
    println!(
        "  adapter          {} ({})",
        gpu.about().adapter,
        gpu.about().driver
    );
    let checkpoint = Rc::new(block_on(Checkpoint::open(Rc::new(Folder::new(folder))))?);
    let request = PlanRequest {
        precision,
        ..PlanRequest::default()
    };
    let plan = plan(checkpoint.config(), gpu.max_binding_bytes(), request)?;
    let mut memory = Watch::start();
    let watch = Stopwatch::start();
    let loading = block_on(Model::load(
        gpu.clone(),
        checkpoint.clone(),
        &plan,
        &mut |_| memory.sample(gpu.live_bytes()),
        &Stop::default(),
    ));
    let mut model = loading?;
    println!("  loaded in        {:.1} s", watch.seconds());
    let (peak, planned) = (gpu.peak_bytes() as f64, plan.total_bytes as f64);
    println!(
        "  GPU bytes        {} at most, {} planned ({:+.2} %)",
        mib(peak),
        mib(planned),
        100.0 * (peak / planned - 1.0)
    );
    println!(
        "  process          {} at most; beside idle and counted bytes {}",
        mib(memory.peak),
        mib(memory.beside)
    );
    let fits = (peak / planned - 1.0).abs() < 0.03 && memory.beside < 256.0 * 1048576.0;
    let golden = judge(arguments.preset, precision, &mut model)?;
    let outcome = record(arguments.preset, &mut model)?;
    time(&mut model, arguments.tokens)?;
    println!(
        "  GPU bytes        {} at most after running",
        mib(gpu.peak_bytes() as f64)
    );
    Ok(Outcome {
        holds: fits && golden,
        ..outcome
    })
}

/// The golden holds for the reference; 8 bit is judged by its distance from it.
fn judge(preset: Preset, precision: Precision, model: &mut Model) -> Result<bool> {
    let path = PathBuf::from("../shared/reference")
        .join(name(preset))
        .join("golden.safetensors");
    if precision != Precision::Reference || preset == Preset::Nano || !path.exists() {
        println!("  golden           not compared (there is none for this here)");
        return Ok(true);
    }
    let golden = compare::read(&path).map_err(|it| anyhow!(it))?;
    let watch = Stopwatch::start();
    let verdict = parts::check(
        model,
        &compare::with_prefix(&golden, "p0."),
        parts::TOLERANCE,
    );
    match &verdict {
        Ok(worst) => println!(
            "  golden           holds, worst {worst:.1e} (tolerance {:.0e}), {:.1} s",
            parts::TOLERANCE,
            watch.seconds()
        ),
        Err(error) => println!("  golden           {error}"),
    }
    Ok(verdict.is_ok())
}

/// The golden's first prompt, or one like it.
fn record(preset: Preset, model: &mut Model) -> Result<Outcome> {
    let path = PathBuf::from("../shared/reference")
        .join(name(preset))
        .join("golden.safetensors");
    let golden = compare::read(&path).ok();
    let ids: Vec<u32> = match golden.as_ref().and_then(|it| it.get("p0.ids")) {
        Some(it) => it.values.iter().map(|id| *id as u32).collect(),
        None => vec![2, 74, 71, 409, 259, 300],
    };
    let n_layers = model.config().n_layers;
    let mut want: Vec<Site> = (0..n_layers).map(Site::ResidPost).collect();
    want.push(Site::Logits);
    let mut got = model::run(model, &ids, &want, &[]);
    let mut take = |site: Site| {
        got.remove(&site.to_string())
            .map(|it| it.values)
            .unwrap_or_default()
    };
    let resid_post = (0..n_layers).map(|it| take(Site::ResidPost(it))).collect();
    Ok(Outcome {
        resid_post,
        logits: take(Site::Logits),
        holds: true,
    })
}

fn time(model: &mut Model, n: usize) -> Result<()> {
    let stop = Stop::default();
    let ids: Vec<u32> = (0..64).map(|it| 2 + it % 300).collect();
    let watch = Stopwatch::start();
    block_on(model.run(&ids, &[], &[], &mut |_| (), &stop))?;
    let prefill = 64.0 / watch.seconds();
    let watch = Stopwatch::start();
    block_on(model.generate(n, Sampling::GREEDY, false, &mut |_| (), &stop))?;
    let decode = n as f64 / watch.seconds();
    println!(
        "  prefill          {prefill:.2} tokens/s ({:.1} times decode)",
        prefill / decode
    );
    println!("  decode           {decode:.2} tokens/s");
    if let Ok(recording) = model.recording_of_token(512.min(model.plan().n_ctx - 2)) {
        let (n_dispatches, cost) = (recording.dispatches().count(), recording.cost());
        let share = cost.bytes_read as f64 / model.plan().weight_bytes as f64;
        println!(
            "  a token          {n_dispatches} dispatches, reads {share:.3} times the weights"
        );
    }
    Ok(())
}

/// What 8 bit costs: relative error of the stream by layer, and the divergence of next-token distributions.
fn report_compact(reference: &Outcome, compact: &Outcome, d_vocab: usize) -> bool {
    println!("\ncompact against reference");
    for (layer, (a, b)) in reference
        .resid_post
        .iter()
        .zip(&compact.resid_post)
        .enumerate()
    {
        println!(
            "  blocks.{layer}.hook_resid_post  relative error {:.2e}",
            relative_error(a, b)
        );
    }
    let rows = reference
        .logits
        .chunks(d_vocab)
        .zip(compact.logits.chunks(d_vocab));
    let divergences: Vec<f64> = rows.clone().map(|(p, q)| divergence(p, q)).collect();
    let worst = divergences.iter().copied().fold(0.0, f64::max);
    let mean = divergences.iter().sum::<f64>() / divergences.len() as f64;
    println!(
        "  KL of next-token distributions  {mean:.2e} nats on average, {worst:.2e} at worst (under 0.01 is right)"
    );
    // Made-up weights predict the token itself almost surely, which hides what 8 bit does to all the others.
    let others: Vec<f64> = rows
        .map(|(p, q)| divergence(&without_best(p, p), &without_best(q, p)))
        .collect();
    let worst_other = others.iter().copied().fold(0.0, f64::max);
    let mean_other = others.iter().sum::<f64>() / others.len() as f64;
    println!(
        "  KL among all tokens but the best  {mean_other:.2e} nats on average, {worst_other:.2e} at worst"
    );
    worst.max(worst_other) < 0.01
}

/// A row without the token that is best in `judge`.
fn without_best(row: &[f32], judge: &[f32]) -> Vec<f32> {
    let best = (0..judge.len()).max_by(|a, b| judge[*a].total_cmp(&judge[*b]));
    let kept = row.iter().enumerate().filter(|it| Some(it.0) != best);
    kept.map(|it| *it.1).collect()
}

fn relative_error(a: &[f32], b: &[f32]) -> f64 {
    let square = |it: f64| it * it;
    let apart: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(a - b))).sum();
    (apart / a.iter().map(|it| square(f64::from(*it))).sum::<f64>()).sqrt()
}

/// KL(softmax(p) || softmax(q)) in nats.
pub fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let log_sum = |row: &[f32]| {
        let largest = f64::from(row.iter().copied().fold(f32::MIN, f32::max));
        largest
            + row
                .iter()
                .map(|it| (f64::from(*it) - largest).exp())
                .sum::<f64>()
                .ln()
    };
    let (of_p, of_q) = (log_sum(p), log_sum(q));
    p.iter()
        .zip(q)
        .map(|(p, q)| (f64::from(*p) - of_p, f64::from(*q) - of_q))
        .map(|(p, q)| p.exp() * (p - q))
        .sum()
}

pub fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Nano => "nano",
        Preset::Wide => "wide",
        Preset::Full => "full",
    }
}

pub fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1048576.0)
}
