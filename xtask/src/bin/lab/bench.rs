//! `bench`: kernels, prefill and decode on a native adapter, through the same commands as the page.

use anyhow::{Result, anyhow};
use gemscope::{
    session::{
        Client, EngineOptions, Told,
        protocol::{
            CommandBody, Description, Failure, Input, ModelRef, OpenRequest, Outcome, Partial,
            Speed,
        },
    },
    spec::{Plan, Precision, Sampling},
    sys::Stopwatch,
};
use serde::Serialize;
use std::path::PathBuf;

/// Positions of the prompt that is timed.
const PROMPT: u32 = 64;

/// Arguments of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// How long each kernel is measured.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Only kernels whose names contain this.
    #[arg(long)]
    only: Option<String>,
    /// Model whose tokens are timed: nano, wide, full, or none.
    #[arg(long, default_value = "wide")]
    preset: String,
    /// Tokens that are generated.
    #[arg(long, default_value_t = 8)]
    tokens: usize,
    /// Part of the adapter's name.
    #[arg(long)]
    adapter: Option<String>,
    /// Asks for WebGPU's default limits.
    #[arg(long)]
    default_limits: bool,
    /// Writes everything as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    adapter: Description,
    kernels: Vec<Speed>,
    models: Vec<Timing>,
}

#[derive(Serialize)]
struct Timing {
    preset: String,
    precision: Precision,
    plan: Plan,
    peak_gpu_bytes: u64,
    load_seconds: f64,
    prefill_tokens_per_second: f64,
    decode_tokens_per_second: f64,
}

/// Measures and prints.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = || EngineOptions {
        adapter: arguments.adapter.clone(),
        default_limits: arguments.default_limits,
        ..EngineOptions::default()
    };
    let mut client = Client::start(options()).map_err(said)?;
    let adapter = describe(&mut client)?;
    println!("{}, {}\n", adapter.adapter, adapter.driver);
    let kernels = kernels(&mut client, arguments)?;
    drop(client);
    let mut models = Vec::new();
    if arguments.preset != "none" {
        for precision in [Precision::Reference, Precision::Compact] {
            // A device of its own, so that its peak is this model's.
            let mut client = Client::start(options()).map_err(said)?;
            models.push(timing(&mut client, arguments, precision)?);
        }
    }
    if let Some(path) = &arguments.json {
        let report = Report {
            adapter,
            kernels,
            models,
        };
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

fn describe(client: &mut Client) -> Result<Description> {
    match call(client, CommandBody::Describe)? {
        Outcome::Described(it) => Ok(it),
        other => Err(anyhow!("no description but {other:?}")),
    }
}

fn kernels(client: &mut Client, arguments: &Arguments) -> Result<Vec<Speed>> {
    let body = CommandBody::Measure {
        seconds: arguments.seconds,
        only: arguments.only.clone(),
    };
    let mut speeds = Vec::new();
    let mut told = |it: Told| {
        if let Told::Partial(Partial::Speed(it), _) = it {
            speeds.push(it);
        }
    };
    client.call(body, &mut told).map_err(said)?;
    println!(
        "{:34} {:>10} {:>8} {:>8} {:>9} {:>8}",
        "kernel", "ms", "GB/s", "of copy", "GFLOP/s", "of peak"
    );
    for it in &speeds {
        println!(
            "{:34} {:>10.3} {:>8.2} {:>8.2} {:>9.2} {:>8.2}",
            it.kernel,
            it.millis,
            it.gigabytes_per_second,
            it.share_of_copy,
            it.gigaflops,
            it.share_of_peak
        );
    }
    Ok(speeds)
}

fn timing(client: &mut Client, arguments: &Arguments, precision: Precision) -> Result<Timing> {
    let model = ModelRef::Synth {
        preset: arguments.preset.clone(),
        tokenizer: None,
    };
    let watch = Stopwatch::start();
    let request = OpenRequest {
        transcoders: None,
        n_kept: None,
        model,
        precision,
        n_ctx: None,
        max_gpu_bytes: None,
    };
    let Outcome::Opened { plan, .. } = call(client, CommandBody::Open(request))? else {
        return Err(anyhow!("the model is not open"));
    };
    let load_seconds = watch.seconds();
    let prefill = |client: &mut Client, first: u32| -> Result<_> {
        let ids = (1..PROMPT).map(|it| first + it);
        let watch = Stopwatch::start();
        let body = CommandBody::Run {
            input: Input::Ids([2].into_iter().chain(ids).collect()),
            want: vec![],
            writes: vec![],
        };
        match call(client, body)? {
            Outcome::Ran { run, .. } => Ok((run, watch.seconds())),
            other => Err(anyhow!("no run but {other:?}")),
        }
    };
    // Once for warmth: the pace of submits is learned.
    prefill(client, 100)?;
    let (run, prefill_seconds) = prefill(client, 200)?;
    let body = CommandBody::Generate {
        run,
        n: arguments.tokens,
        sampling: Sampling::GREEDY,
        watch: false,
    };
    let Outcome::Generated {
        tokens, seconds, ..
    } = call(client, body)?
    else {
        return Err(anyhow!("nothing was generated"));
    };
    let it = Timing {
        preset: arguments.preset.clone(),
        precision,
        peak_gpu_bytes: describe(client)?.peak_gpu_bytes,
        load_seconds,
        prefill_tokens_per_second: f64::from(PROMPT) / prefill_seconds,
        decode_tokens_per_second: tokens.len() as f64 / seconds,
        plan,
    };
    print(&it);
    Ok(it)
}

fn print(it: &Timing) {
    let ratio = it.prefill_tokens_per_second / it.decode_tokens_per_second;
    println!(
        "\n{} at {}: loaded in {:.1} s, {:.1} MiB of {:.1} planned; prefill {:.2} tokens/s, decode {:.2} ({ratio:.1} times)",
        it.preset,
        it.precision,
        it.load_seconds,
        it.peak_gpu_bytes as f64 / 1048576.0,
        it.plan.total_bytes as f64 / 1048576.0,
        it.prefill_tokens_per_second,
        it.decode_tokens_per_second,
    );
}

fn call(client: &mut Client, body: CommandBody) -> Result<Outcome> {
    client.call(body, &mut |_| ()).map_err(said)
}

fn said(it: Failure) -> anyhow::Error {
    anyhow!("{} {} ({})", it.what, it.remedy, it.detail)
}
