//! How fast this adapter runs the engine's kernels at Gemma's own sizes, beside a plain copy and plain multiply-adds.

use super::{
    bench::Bench,
    courier::Courier,
    engine::Engine,
    inbox::Job,
    outbox::Piece,
    protocol::{Outcome, Partial, Speed},
    trouble::Trouble,
};
use crate::{
    gpu::{Gpu, Recording},
    ops::{attention, copy, gate_up, matmul, matvec, multiply_add, rms_norm},
    spec::{Config, Packing},
    sys::{Stop, Stopwatch},
};

/// Fours of floats that the yardsticks take.
const COPIED: usize = 1 << 20;
/// Steps of the multiply-add yardstick.
const N_STEPS: u32 = 512;
/// Calls that one recording holds at most.
const MOST_CALLS: u64 = 256;
/// Keys that attention is measured with.
const N_KEYS: u32 = 512;

/// A kernel and what it is given.
struct Subject {
    name: String,
    record: Box<dyn Fn(&mut Recording)>,
}

impl Engine {
    /// `Measure`.
    pub(super) async fn measure(
        &mut self,
        job: &Job,
        seconds: f64,
        only: Option<&str>,
    ) -> Result<Outcome, Trouble> {
        let gpu = self.gpu().await?;
        let bench = Bench::new(&gpu).await?;
        let outbox = self.outbox.clone();
        let mut courier = Courier::new(&outbox, job);
        let wanted = |it: &Subject| only.is_none_or(|part| it.name.contains(part));
        let subjects: Vec<Subject> = subjects(&bench).into_iter().filter(wanted).collect();
        let yardstick = seconds.clamp(0.01, 60.0);
        let mut copied = run(&gpu, &copy_subject(&bench), yardstick, &job.stop).await?;
        // A copy moves every byte twice; kernels that read weights write next to nothing.
        copied.gigabytes_per_second *= 2.0;
        let peak = run(&gpu, &peak_subject(&bench), yardstick, &job.stop).await?;
        let mut speeds = vec![copied, peak];
        let (best_copy, best_peak) = (speeds[0].gigabytes_per_second, speeds[1].gigaflops);
        for (n, subject) in subjects.iter().enumerate() {
            outbox.progress(
                job.id,
                "Measuring",
                n as u64,
                Some(subjects.len() as u64),
                "kernels",
            );
            speeds.push(run(&gpu, subject, yardstick, &job.stop).await?);
        }
        for mut it in speeds {
            it.share_of_copy = it.gigabytes_per_second / best_copy;
            it.share_of_peak = it.gigaflops / best_peak;
            courier.take(Piece {
                partial: Partial::Speed(it),
                parts: vec![],
            });
        }
        courier.flush().await?;
        Ok(Outcome::Nothing)
    }
}

/// Plays one kernel over and over for about `seconds`, the queue awaited at the end of each recording.
async fn run(gpu: &Gpu, subject: &Subject, seconds: f64, stop: &Stop) -> Result<Speed, Trouble> {
    let mut n_calls = 1;
    loop {
        let mut recording = Recording::default();
        let in_one = n_calls.min(MOST_CALLS);
        (0..in_one).for_each(|_| (subject.record)(&mut recording));
        let cost = recording.cost();
        // Once for warmth: pipelines, bind groups and the pace.
        gpu.play(&recording, stop).await?;
        gpu.finish().await?;
        let watch = Stopwatch::start();
        for _ in 0..n_calls.div_ceil(in_one) {
            gpu.play(&recording, stop).await?;
        }
        gpu.finish().await?;
        let elapsed = watch.seconds();
        let played = n_calls.div_ceil(in_one) * in_one;
        if elapsed >= seconds * 0.5 || played >= 1 << 16 {
            let per_call = elapsed / played as f64;
            let of_one = |total: u64| total as f64 / in_one as f64 / per_call / 1e9;
            return Ok(Speed {
                kernel: subject.name.clone(),
                millis: per_call * 1e3,
                n_calls: played,
                gigabytes_per_second: of_one(cost.bytes_read),
                gigaflops: of_one(cost.flops),
                share_of_copy: 0.0,
                share_of_peak: 0.0,
            });
        }
        let wanted = seconds / elapsed.max(1e-6) * n_calls as f64;
        n_calls = (wanted as u64).clamp(n_calls * 2, n_calls * 64);
    }
}

fn copy_subject(bench: &Bench) -> Subject {
    let (x, y) = (bench.source.whole(), bench.target.whole());
    let n = COPIED.min(bench.floats / 4);
    Subject {
        name: format!("copy {n}x4"),
        record: Box::new(move |it| copy::record(it, n, &x, &y)),
    }
}

fn peak_subject(bench: &Bench) -> Subject {
    let (x, y) = (bench.source.whole(), bench.target.whole());
    let params = multiply_add::Params {
        n: 1 << 14,
        n_steps: N_STEPS,
    };
    let params = multiply_add::Params {
        n: params.n.min((bench.floats / 4) as u32),
        ..params
    };
    Subject {
        name: "multiply_add".into(),
        record: Box::new(move |it| multiply_add::record(it, params, &x, &y)),
    }
}

fn subjects(bench: &Bench) -> Vec<Subject> {
    let config = Config::gemma_2_2b();
    let mut out = Vec::new();
    for (name, packing) in [("bf16", Packing::Bf16), ("q8", Packing::Q8)] {
        for [n_out, n_in] in [
            [config.d_mlp, config.d_model],
            [config.d_model, config.d_mlp],
        ] {
            let w = bench.matrix(packing, [n_out, n_in]);
            let (x, y) = (bench.source.whole(), bench.target.whole());
            let (of_one, of_many, x_of_many, y_of_many) = (w.clone(), w, x.clone(), y.clone());
            out.push(Subject {
                name: format!("matvec {name} {n_out}x{n_in}"),
                record: Box::new(move |it| {
                    matvec::record(it, &of_one, &x, matvec::Form::default(), &y)
                }),
            });
            out.push(Subject {
                name: format!("matmul {name} {n_out}x{n_in}, 64 rows"),
                record: Box::new(move |it| {
                    let form = matmul::Form {
                        x: &x_of_many,
                        n_pos: 64,
                        gain: None,
                        cap: 0.0,
                    };
                    matmul::record(it, &of_many, form, &y_of_many);
                }),
            });
        }
        let w = bench.matrix(packing, [config.d_mlp, config.d_model]);
        let (x, y) = (bench.source.whole(), bench.target.whole());
        out.push(Subject {
            name: format!("gate_up {name} {}x{}", config.d_mlp, config.d_model),
            record: Box::new(move |it| {
                let stream = gate_up::Stream {
                    x: &x,
                    gain: &x,
                    eps: config.eps,
                };
                gate_up::record(it, &w, &w, stream, &y);
            }),
        });
    }
    out.extend([norm_subject(bench), attention_subject(bench)]);
    out
}

fn norm_subject(bench: &Bench) -> Subject {
    let config = Config::gemma_2_2b();
    let (x, y) = (bench.source.whole(), bench.target.whole());
    let scales = bench.stats.whole();
    Subject {
        name: format!("rms_norm {}, 64 rows", config.d_model),
        record: Box::new(move |it| {
            let form = rms_norm::Form {
                d_model: config.d_model,
                eps: config.eps,
                gain: None,
                scales: rms_norm::Scales::written(&scales),
            };
            rms_norm::record(it, form, 64, &x, &y);
        }),
    }
}

fn attention_subject(bench: &Bench) -> Subject {
    let heads = bench.heads;
    let (x, y, stats) = (
        bench.source.whole(),
        bench.target.whole(),
        bench.stats.whole(),
    );
    Subject {
        name: format!("attention of 1 row to {N_KEYS} keys"),
        record: Box::new(move |it| {
            let params = attention::Params {
                n_pos: 1,
                first_pos: N_KEYS - 1,
                first_key: 0,
                n_keys: N_KEYS,
                window: u32::MAX,
                is_first: 1,
                is_last: 1,
            };
            let part = attention::Part { k: &x, v: &x };
            attention::record(
                it,
                &heads,
                params,
                &x,
                part,
                attention::Sums {
                    z: &y,
                    stats: &stats,
                },
            );
        }),
    }
}
