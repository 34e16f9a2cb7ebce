//! Features, reconstructions, splices and interventions against circuit-tracer and transformers, and what must hold by itself.

#[path = "common/cases.rs"]
mod cases;
#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;
#[path = "common/scope.rs"]
mod scope;

use compare::{Tensor, Tensors, compare, with_prefix};
use gemscope::{
    model::PlanRequest,
    scope::{Features, Steering, Task, Variation},
    spec::Site,
    weights::synth::Preset,
};
use std::path::Path;

const TOLERANCE: f32 = 1e-4;

fn golden() -> Tensors {
    compare::read(Path::new("tests/golden/scope.safetensors")).expect("the golden")
}

fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read(format!("tests/golden/{name}.json")).expect("the golden");
    serde_json::from_slice(&text).expect("JSON")
}

fn ids(it: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(it.clone()).expect("token ids")
}

/// Bench and a name for each way that goldens must hold.
fn each(mut check: impl FnMut(&str, &mut scope::Bench)) {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let request = PlanRequest::default();
        let mut bench = scope::load(&gpu, (Preset::Nano, &checkpoint), request, &scope::BOTH);
        check(way, &mut bench);
    }
}

/// A list as the dense array it stands for.
fn dense_of(features: &Features, layer: usize, n_pos: usize, width: usize) -> Tensor {
    let mut values = vec![0.0; n_pos * width];
    for it in features.of(layer).expect("the layer was looked at") {
        values[it.pos as usize * width + it.index as usize] = it.activation;
    }
    Tensor {
        shape: vec![n_pos, width],
        values,
    }
}

#[test]
fn nano_features_and_reconstructions_hold() {
    let (golden, json) = (golden(), json("scope"));
    each(|way, bench| {
        for (n, prompt) in json["prompts"]
            .as_array()
            .expect("prompts")
            .iter()
            .enumerate()
        {
            let ids = ids(&prompt["ids"]);
            let expected: Tensors = with_prefix(&golden, &format!("p{n}."))
                .into_iter()
                .filter(|it| it.0.contains("transcoder"))
                .collect();
            let got = bench.dense(&ids);
            match compare(&got, &expected, TOLERANCE) {
                Ok(it) => println!(
                    "{way}, prompt {n}: {} arrays, worst {}",
                    it.n_sites,
                    it.worst.line()
                ),
                Err(error) => panic!("{way}, prompt {n}: {error}"),
            }
            let (_, features) = bench.run(&ids, &[]);
            for layer in 0..bench.n_layers() {
                let acts = &got[&format!("blocks.{layer}.transcoder.acts")];
                let listed = dense_of(&features, layer, ids.len(), acts.shape[1]);
                assert!(
                    listed.values == acts.values,
                    "{way}, prompt {n}, layer {layer}"
                );
            }
        }
    });
}

#[test]
fn nano_spliced_logits_hold() {
    let (golden, json) = (golden(), json("scope"));
    each(|way, bench| {
        for (n, prompt) in json["prompts"]
            .as_array()
            .expect("prompts")
            .iter()
            .enumerate()
        {
            let variation = Variation {
                task: Task {
                    splice: (0..bench.n_layers()).collect(),
                    ..Task::default()
                },
                label: 1,
                ..Variation::default()
            };
            let spliced = bench.vary(&ids(&prompt["ids"]), &[Site::Logits], variation);
            let (got, _) = spliced.expect("a splice");
            let expected = golden[&format!("p{n}.spliced_all.logits")].clone();
            let expected = Tensors::from([("logits".to_string(), expected)]);
            if let Err(error) = compare(&got, &expected, TOLERANCE) {
                panic!("{way}, prompt {n}: {error}");
            }
        }
    });
}

#[test]
fn nano_interventions_hold() {
    let golden = compare::read(Path::new("tests/golden/interventions.safetensors"));
    let (golden, json) = (golden.expect("the golden"), json("interventions"));
    let ids = ids(&json["ids"]);
    each(|way, bench| {
        let (_, clean) = bench.run(&ids, &[]);
        for (n, case) in json["cases"].as_array().expect("cases").iter().enumerate() {
            let (list, mode) = cases::read(case);
            let steering = Steering::new(&list, &clean, ids.len(), mode).expect("steering");
            let mut told = Vec::new();
            for from_tokens in [false, true] {
                let variation = Variation {
                    mode,
                    task: Task {
                        list: (0..bench.n_layers()).collect(),
                        steering: Some(&steering),
                        ..Task::default()
                    },
                    from_tokens,
                    label: 1,
                };
                let (got, features) = bench.vary(&ids, &[Site::Logits], variation).expect("a run");
                told.push((got.clone(), features.clone()));
                let expected = golden[&format!("{n}.logits")].clone();
                let expected = Tensors::from([("logits".to_string(), expected)]);
                if let Err(error) = compare(&got, &expected, TOLERANCE) {
                    panic!("{way}, case {n} ({mode}): {error}");
                }
                let start = list.iter().map(|it| it.feature.layer).min().expect("one");
                check_activations(
                    &golden[&format!("{n}.activations")],
                    &features,
                    start,
                    &format!("{way}, case {n} ({mode})"),
                );
            }
            assert!(
                told[0].0 == told[1].0,
                "{way}, case {n}: derived and from scratch differ"
            );
        }
    });
}

/// The golden has position 0 zeroed.
fn check_activations(golden: &Tensor, features: &Features, start: usize, what: &str) {
    let [n_layers, n_pos, width] = golden.shape[..] else {
        panic!("{:?}", golden.shape)
    };
    for layer in start..n_layers {
        let got = dense_of(features, layer, n_pos, width);
        let expected = &golden.values[layer * n_pos * width..][..n_pos * width];
        let most = expected.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
        for (at, (got, expected)) in got.values.iter().zip(expected).enumerate().skip(width) {
            assert!(
                (got - expected).abs() <= TOLERANCE * most,
                "{what}: layer {layer}, position {}, feature {}: {got} and not {expected}",
                at / width,
                at % width
            );
        }
    }
}
