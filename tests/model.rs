//! The model beyond its goldens: memory against plan, paging, reading and writing at sites, stopping.

#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;

use compare::Tensors;
use gemscope::{
    gpu::GpuOptions,
    model::{ModelError, PlanRequest, plan},
    spec::{Precision, Sampling, Site},
    sys::{Stop, block_on},
    weights::synth::Preset,
};

/// Two ways of the same sum differ by rounding only.
const ROUNDING: f32 = 2e-5;

fn prompt(n: u32) -> Vec<u32> {
    (0..n)
        .map(|it| if it == 0 { 2 } else { 3 + it * 37 % 500 })
        .collect()
}

fn every_site() -> Vec<Site> {
    Site::all(4)
}

fn apart(a: &Tensors, b: &Tensors, site: Site) -> f32 {
    let (a, b) = (&a[&site.to_string()].values, &b[&site.to_string()].values);
    let largest = b.iter().fold(1e-30_f32, |it, v| it.max(v.abs()));
    let farthest = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    farthest / largest
}

#[test]
fn live_bytes_stay_within_three_percent_of_the_plan() {
    for (preset, precision) in [
        (Preset::Nano, Precision::Reference),
        (Preset::Nano, Precision::Compact),
        (Preset::Wide, Precision::Compact),
    ] {
        let checkpoint = model::checkpoint(preset);
        for (way, options) in model::ways(if preset == Preset::Nano {
            16 << 10
        } else {
            4 << 20
        }) {
            let Some(gpu) = model::open(&options) else {
                return;
            };
            let request = PlanRequest {
                precision,
                ..PlanRequest::default()
            };
            let mut it = model::load(&gpu, &checkpoint, request);
            model::run(&mut it, &prompt(70), &[Site::Pattern(1), Site::Logits], &[]);
            let stop = Stop::default();
            block_on(it.generate(5, Sampling::GREEDY, false, &mut |_| (), &stop)).expect("tokens");
            block_on(it.probs(0..70, 20, &[5], &stop)).expect("distributions");
            let (peak, planned) = (gpu.peak_bytes() as f64, it.plan().total_bytes as f64);
            assert!(
                (peak / planned - 1.0).abs() < 0.03,
                "{preset} {precision}, {way}: {peak} and {planned} planned"
            );
        }
    }
}

#[test]
fn paged_layers_give_the_same_bits() {
    let checkpoint = model::checkpoint(Preset::Nano);
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut resident = model::load(&gpu, &checkpoint, PlanRequest::default());
    let ids = prompt(30);
    let expected = model::run(&mut resident, &ids, &every_site(), &[]);
    let (stop, mut sink) = (Stop::default(), |_| ());
    let tokens =
        block_on(resident.generate(6, Sampling::GREEDY, false, &mut sink, &stop)).expect("tokens");
    let whole = resident.plan().total_bytes;
    drop(resident);
    // Less than all four layers, more than none.
    let request = PlanRequest {
        max_gpu_bytes: Some(whole - 250_000),
        ..PlanRequest::default()
    };
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut paged = model::load(&gpu, &checkpoint, request);
    assert!(paged.plan().n_resident < 4 && paged.plan().total_bytes <= whole - 250_000);
    assert!(model::run(&mut paged, &ids, &every_site(), &[]) == expected);
    assert_eq!(
        block_on(paged.generate(6, Sampling::GREEDY, false, &mut sink, &stop)).expect("tokens"),
        tokens
    );
    assert!(gpu.peak_bytes() as f64 <= 1.03 * paged.plan().total_bytes as f64);
    let least = PlanRequest {
        max_gpu_bytes: Some(100_000),
        ..PlanRequest::default()
    };
    let refused = plan(checkpoint.config(), gpu.max_binding_bytes(), least);
    assert!(matches!(refused, Err(ModelError::Memory { .. })));
}

#[test]
fn the_context_grows_between_runs() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut wide = model::load(&gpu, &checkpoint, PlanRequest::default());
        let ids = prompt(300);
        let expected = model::run(&mut wide, &ids, &every_site(), &[]);
        let request = PlanRequest {
            n_ctx: Some(16),
            ..PlanRequest::default()
        };
        let mut nano = model::load(&gpu, &checkpoint, request);
        let got = model::run(&mut nano, &ids, &every_site(), &[]);
        assert_eq!(nano.plan().n_ctx, 512, "{way}");
        for site in every_site() {
            assert!(apart(&got, &expected, site) < ROUNDING, "{way}: {site}");
        }
    }
}

#[test]
fn a_stopped_run_is_no_run() {
    let checkpoint = model::checkpoint(Preset::Nano);
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
    let stop = Stop::default();
    stop.set();
    let ids = prompt(20);
    let mut sink = |_| ();
    let stopped = block_on(nano.run(&ids, &[], &[], &mut sink, &stop));
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert!(!nano.holds(&ids, &[], 0));
    let on = Stop::default();
    let next = block_on(nano.generate(1, Sampling::GREEDY, false, &mut |_| (), &on));
    assert!(matches!(next, Err(ModelError::NoRun)));
}

/// Whoever asks to stop waits for what is under way and no more.
#[test]
fn nothing_is_submitted_after_a_stop() {
    let checkpoint = model::checkpoint(Preset::Nano);
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
    let (stop, ids) = (Stop::default(), prompt(40));
    let mut submits_at_stop = None;
    let mut sink = |_| {
        stop.set();
        submits_at_stop.get_or_insert(gpu.n_submits());
    };
    let stopped = block_on(nano.run(&ids, &every_site(), &[], &mut sink, &stop));
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert!(submits_at_stop.is_some_and(|it| gpu.n_submits() <= it + 1));
    // The same while generating, from the callback of the first token.
    model::run(&mut nano, &ids, &[], &[]);
    let (stop, mut submits_at_stop) = (Stop::default(), 0);
    let mut on_token = |_| {
        stop.set();
        submits_at_stop = gpu.n_submits();
    };
    let stopped = block_on(nano.generate(9, Sampling::GREEDY, true, &mut on_token, &stop));
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert!(gpu.n_submits() <= submits_at_stop + 1);
}

/// 26 layers, the table and the choice: at most 260 dispatches where a layer takes what it takes here.
#[test]
fn a_token_takes_eight_dispatches_a_layer_and_reads_the_weights_once() {
    let checkpoint = model::checkpoint(Preset::Wide);
    let options = GpuOptions {
        default_limits: true,
        ..GpuOptions::default()
    };
    let Some(gpu) = model::open(&options) else {
        return;
    };
    for precision in [Precision::Reference, Precision::Compact] {
        let request = PlanRequest {
            precision,
            ..PlanRequest::default()
        };
        let wide = model::load(&gpu, &checkpoint, request);
        let recording = wide.recording_of_token(511).expect("a recording");
        // One part of the table here; nine of Gemma's own in bf16, for the lookup and for the logits.
        let n_ends = 1 + 1 + 2;
        let n = recording.dispatches().count();
        assert_eq!(n, 2 * 8 + n_ends);
        let of_gemma = 26 * (n - n_ends) / 2 + 9 + 9 + 2;
        assert!(of_gemma <= 260, "{of_gemma}");
        let share = recording.cost().bytes_read as f64 / wide.plan().weight_bytes as f64;
        // Keys and values weigh more against two layers and a small table than against Gemma.
        assert!((1.0..1.06).contains(&share), "{precision}: {share}");
    }
}
