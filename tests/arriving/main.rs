//! A model that arrives part by part: whatever can be told is told at once, and right to the bit, in any order of arrival.

#[path = "../common/arrival.rs"]
mod arrival;
mod bench;
#[path = "../common/compare.rs"]
mod compare;
mod missing;
#[path = "../common/model.rs"]
mod model;
#[path = "../common/scope.rs"]
mod scope;

use arrival::Parts;
use bench::{Arriving, N_LAYERS, N_POS, expected, keeping, prompt};
use gemscope::{
    gpu::GpuOptions,
    model::PlanRequest,
    scope::{Wanted, plan},
    spec::{Part, Precision},
    weights::synth::Preset,
};
use scope::{BOTH, N_KEPT};

/// The order in which they are fetched.
fn in_order() -> Vec<Part> {
    let mut out = vec![
        Part::Opening,
        Part::Attention(0),
        Part::Vectors(0),
        Part::Encoder(0),
        Part::Embedding(0),
        Part::Mlp(0),
        Part::Decoder(0),
    ];
    for it in 1..N_LAYERS {
        out.extend([Part::Attention(it), Part::Vectors(it), Part::Encoder(it)]);
        out.extend([Part::Mlp(it), Part::Decoder(it)]);
    }
    out
}

/// Encoders before attention, MLPs before both, the table last.
fn from_above() -> Vec<Part> {
    let mut out = Vec::new();
    for it in (0..N_LAYERS).rev() {
        out.extend([Part::Mlp(it), Part::Encoder(it), Part::Vectors(it)]);
    }
    out.push(Part::Opening);
    out.extend((0..N_LAYERS).map(Part::Attention));
    out.extend((0..N_LAYERS).rev().map(Part::Decoder));
    out.push(Part::Embedding(0));
    out
}

/// The model first, then its transcoders.
fn model_first() -> Vec<Part> {
    let mut out = vec![Part::Embedding(0), Part::Opening];
    out.extend((0..N_LAYERS).map(Part::Attention));
    out.extend((0..N_LAYERS).map(Part::Mlp));
    for it in [2, 0, 3, 1] {
        out.extend([Part::Decoder(it), Part::Encoder(it), Part::Vectors(it)]);
    }
    out
}

fn shuffled(seed: u64) -> Vec<Part> {
    let (mut parts, mut state) = (in_order(), seed);
    for n in (1..parts.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(seed | 1);
        parts.swap(n, (state >> 33) as usize % (n + 1));
    }
    parts
}

#[test]
fn the_orders_name_every_part_once() {
    let all = Parts::new(Preset::Nano, Precision::Reference, &prompt()).all();
    for mut order in [in_order(), from_above(), model_first(), shuffled(7)] {
        order.sort_unstable();
        assert_eq!(order, all);
    }
}

#[test]
fn any_order_ends_in_the_same_bits() {
    let [(_, one_block), _, (_, blocks)] = model::ways(16 << 10);
    for (way, options) in [("one block", one_block), ("three blocks", blocks)] {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let expected = expected(&gpu, N_KEPT);
        let orders = [
            ("in order", in_order()),
            ("from above", from_above()),
            ("the model first", model_first()),
            ("shuffled 1", shuffled(1)),
            ("shuffled 2", shuffled(2)),
            ("shuffled 3", shuffled(3)),
        ];
        for (what, order) in orders {
            let arriving = Arriving::new(&gpu, keeping(N_KEPT));
            let n_blocks = (N_POS as usize).div_ceil(arriving.bench.model.n_block());
            assert_eq!(n_blocks, if way == "one block" { 1 } else { 3 });
            let bench = arriving.check(&order, &expected, &format!("{way}, {what}"));
            let (peak, planned) = (gpu.peak_bytes() as f64, bench.plan.total_bytes as f64);
            assert!(peak <= 1.03 * planned, "{way}: {peak}, {planned} planned");
        }
    }
}

/// A prompt that the pool can't hold is run again from the tokens, and right all the same.
#[test]
fn what_can_not_be_kept_is_run_again() {
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    for n_kept in [8, 0] {
        let expected = expected(&gpu, n_kept);
        let arriving = Arriving::new(&gpu, keeping(n_kept));
        arriving.check(&shuffled(4), &expected, &format!("{n_kept} kept"));
    }
}

#[test]
fn paged_layers_arrive_too() {
    let open = || model::open(&GpuOptions::default());
    // On a device of its own, which is gone when memory is counted.
    let Some(expected) = open().map(|it| expected(&it, N_KEPT)) else {
        return;
    };
    let Some(gpu) = open() else {
        return;
    };
    let parts = Parts::new(Preset::Nano, Precision::Reference, &[]);
    let wanted = Wanted {
        dictionaries: { parts.files.values() }
            .map(|it| it.dictionary().clone())
            .collect(),
        halves: BOTH.to_vec(),
    };
    let planned = |max_gpu_bytes| {
        let request = PlanRequest {
            max_gpu_bytes,
            ..keeping(N_KEPT)
        };
        let config = parts.checkpoint.config();
        (
            plan(config, gpu.max_binding_bytes(), request, &wanted).expect("a plan"),
            request,
        )
    };
    // So little that not all layers stay: halves of transcoders take turns, too.
    let mut budget = planned(None).0.total_bytes;
    while planned(Some(budget)).0.n_resident == N_LAYERS {
        budget -= 50_000;
    }
    let request = planned(Some(budget)).1;
    for (what, order) in [("in order", in_order()), ("shuffled", shuffled(5))] {
        let arriving = Arriving::new(&gpu, request);
        let n_resident = arriving.bench.plan.n_resident;
        assert!((1..N_LAYERS).contains(&n_resident), "{n_resident} stay");
        arriving.check(&order, &expected, &format!("paged, {what}"));
        assert!(gpu.peak_bytes() as f64 <= 1.03 * budget as f64);
    }
}
