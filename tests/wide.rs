//! Two layers of Gemma's true sizes with their transcoders, against circuit-tracer and transformers.
//!
//! Tolerances are those of the reference's own README: 5e-4 of a tensor's largest value.

#[path = "common/cases.rs"]
mod cases;
#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;
#[path = "common/parts.rs"]
mod parts;
#[path = "common/parts_scope.rs"]
mod parts_scope;
#[path = "common/scope.rs"]
mod scope;

use compare::{Tensors, compare, with_prefix};
use gemscope::{
    model::PlanRequest,
    scope::{Steering, Task, Variation},
    spec::{Site, Splice},
    sys::{Stop, block_on},
    weights::synth::Preset,
};
use std::path::Path;

fn shared(path: &str) -> Option<Vec<u8>> {
    if std::env::var_os("GEMSCOPE_NO_SHARED").is_some() {
        eprintln!("skipped: {path} is not here, and GEMSCOPE_NO_SHARED allows that");
        return None;
    }
    let path = Path::new("../shared/reference/wide").join(path);
    Some(std::fs::read(path).expect("shared goldens, or GEMSCOPE_NO_SHARED=1"))
}

fn tensors(path: &str) -> Tensors {
    compare::read(&Path::new("../shared/reference/wide").join(path)).expect("a golden")
}

fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&shared(path).expect("a golden")).expect("JSON")
}

fn ids(it: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(it.clone()).expect("token ids")
}

#[test]
fn wide_holds_with_its_transcoders() {
    if shared("golden.safetensors").is_none() {
        return;
    }
    let checkpoint = model::checkpoint(Preset::Wide);
    for (way, options) in model::ways(1 << 20) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let request = PlanRequest {
            n_ctx: Some(64),
            ..PlanRequest::default()
        };
        let mut it = scope::load(&gpu, (Preset::Wide, &checkpoint), request, &scope::BOTH);
        let golden = tensors("golden.safetensors");
        for n in 0..2 {
            let expected = with_prefix(&golden, &format!("p{n}."));
            match parts_scope::check(&mut it, &expected, parts::TOLERANCE) {
                Ok((worst, n_active)) => {
                    println!("{way}, prompt {n}: {n_active} features, worst {worst:.1e}");
                }
                Err(error) => panic!("{way}, prompt {n}: {error}"),
            }
        }
        metrics(way, &mut it);
        interventions(way, &mut it);
    }
}

fn metrics(way: &str, it: &mut scope::Bench) {
    let (json, stop) = (json("metrics0.json"), Stop::default());
    let ids = ids(&json["ids"]);
    let metrics = &json["metrics"];
    let near = |what: &str, got: f64, expected: &serde_json::Value, room: f64| {
        let expected = expected.as_f64().expect("a number");
        assert!(
            (got - expected).abs() <= room,
            "{way}, {what}: {got} and not {expected}"
        );
    };
    for layer in 0..2 {
        let expected = &metrics["layers"][layer];
        let splice = Splice::Layer(layer);
        let sums = block_on(it.scope.measure(&mut it.model, &ids, splice, &stop));
        let got = sums.expect("metrics").metrics(splice);
        near("l0", got.l0.expect("l0"), &expected["l0"], 0.2);
        near("fvu", got.fvu.expect("fvu"), &expected["fvu"], 1e-3);
        // Logits are as large as 30, and hold to 5e-4 of that.
        near("ce", got.ce_spliced, &expected["ce_spliced"], 0.015);
        near(
            "ce zero",
            got.ce_zero_ablated.expect("zero"),
            &expected["ce_zero_ablated"],
            0.015,
        );
        near("ce clean", got.ce_clean, &metrics["ce_clean"], 0.015);
        // Divergences of 1e-9 stand on differences of logits far below what is held; their size must be right.
        near("kl", got.kl, &expected["kl_spliced"], 1e-9);
    }
    let variation = Variation {
        task: Task {
            splice: [0, 1].into(),
            ..Task::default()
        },
        label: 5,
        ..Variation::default()
    };
    let (got, _) = it.vary(&ids, &[Site::Logits], variation).expect("a splice");
    let golden = tensors("splice0.safetensors");
    let expected = golden["p0.spliced_all.logits"].clone();
    judge(way, "spliced", &got, expected);
}

fn interventions(way: &str, it: &mut scope::Bench) {
    let json = json("interventions0.json");
    let golden = tensors("interventions0.safetensors");
    let ids = ids(&json["ids"]);
    let (_, clean) = it.run(&ids, &[]);
    for (n, case) in json["cases"].as_array().expect("cases").iter().enumerate() {
        let (list, mode) = cases::read(case);
        let steering = Steering::new(&list, &clean, ids.len(), mode).expect("steering");
        let variation = Variation {
            mode,
            task: Task {
                steering: Some(&steering),
                ..Task::default()
            },
            label: 6,
            ..Variation::default()
        };
        let (got, _) = it.vary(&ids, &[Site::Logits], variation).expect("a run");
        judge(
            way,
            &format!("case {n}"),
            &got,
            golden[&format!("{n}.logits")].clone(),
        );
    }
}

fn judge(way: &str, what: &str, got: &Tensors, expected: compare::Tensor) {
    let expected = Tensors::from([("logits".to_string(), expected)]);
    match compare(got, &expected, parts::TOLERANCE) {
        Ok(it) => println!("{way}, {what}: {}", it.worst.line()),
        Err(error) => panic!("{way}, {what}: {error}"),
    }
}
