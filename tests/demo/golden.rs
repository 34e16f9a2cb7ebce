//! The engine against transformers and the torch transcoders, in every precision with its own tolerance.

use super::{demo, json, list, run};
use crate::compare::{self, Tensor, Tensors, with_prefix};
use crate::{asking, scoped};
use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::{Positions, Precision, Site};
use serde_json::Value;
use std::path::Path;

/// What a precision may differ by, as parts of the largest value.
struct Room {
    precision: Precision,
    /// Logits of the model alone.
    logits: f32,
    /// Activations of features; one that is so near to its threshold may be missing or new.
    activations: f32,
    /// Norms of reconstructions, and logits with all layers spliced. A feature that crosses its threshold is all there or not at all, so
    /// that these jump where activations differ by next to nothing; a greater difference than one crossing makes is still found.
    rebuilt: f32,
}

/// Reference: the same numbers in f32, as other goldens. Precise: transcoders in f16, the model untouched. Compact: 8 bits everywhere.
const ROOMS: [Room; 3] = [
    Room {
        precision: Precision::Reference,
        logits: 1e-4,
        activations: 2e-4,
        rebuilt: 1e-4,
    },
    Room {
        precision: Precision::Precise,
        logits: 1e-4,
        activations: 1.5e-3,
        rebuilt: 0.2,
    },
    Room {
        precision: Precision::Compact,
        logits: 0.05,
        activations: 0.2,
        rebuilt: 0.3,
    },
];

#[test]
fn the_demo_meets_its_golden_in_every_precision() {
    let golden = compare::read(Path::new("tests/golden/demo.safetensors")).expect("the golden");
    let json = json();
    for room in ROOMS {
        let Some(mut client) = demo(room.precision) else {
            return;
        };
        for (n, prompt) in list(&json["prompts"]).iter().enumerate() {
            let mut expected = with_prefix(&golden, &format!("p{n}."));
            expected.extend(
                golden
                    .clone()
                    .into_iter()
                    .filter(|it| it.0.starts_with("blocks.")),
            );
            let told = prompt_holds(&mut client, prompt, &expected, &room);
            println!("{}, prompt {n}: {told}", room.precision);
        }
    }
}

fn prompt_holds(client: &mut Client, prompt: &Value, golden: &Tensors, room: &Room) -> String {
    let what = format!("{}, {}", room.precision, prompt["text"]);
    let (clean, tokens) = run(client, super::text(&prompt["text"]));
    let ids: Vec<u32> = tokens.iter().map(|it| it.id).collect();
    let expected: Vec<u32> = serde_json::from_value(prompt["ids"].clone()).expect("ids");
    assert_eq!(ids, expected, "{what}");
    let last = ids.len() - 1;
    let logits = logits(client, &clean, last);
    let logits = distance(&logits, &golden["logits"].values);
    let spliced = asking::ran(client, scoped::splice(&clean, Splice::All)).0;
    let spliced = self::logits(client, &spliced, last);
    let spliced = distance(&spliced, &golden["spliced_all.logits"].values);
    assert!(logits <= room.logits, "{what}: logits {logits:e}");
    assert!(spliced <= room.rebuilt, "{what}: spliced {spliced:e}");
    let features = features_hold(client, &clean, golden, room, &what);
    let norms = norms_hold(client, &clean, golden, &what);
    assert!(
        norms <= room.rebuilt,
        "{what}: norms of reconstructions {norms:e}"
    );
    if room.precision == Precision::Reference {
        greedy_holds(client, &clean, prompt);
    }
    format!(
        "logits {logits:.1e}, spliced {spliced:.1e}, activations {features:.1e}, norms {norms:.1e}"
    )
}

fn greedy_holds(client: &mut Client, run: &RunKey, prompt: &Value) {
    let expected: Vec<u32> = serde_json::from_value(prompt["greedy"].clone()).expect("ids");
    let (told, _) = asking::watched(client, asking::generate(run, expected.len()));
    let ids: Vec<u32> = told.iter().map(|it| it.id).collect();
    assert_eq!(ids, expected, "after {}", prompt["text"]);
}

fn logits(client: &mut Client, run: &RunKey, last: usize) -> Vec<f32> {
    let mut told = asking::activations(client, run, &[Site::Logits], Positions::Span(last, last));
    told.remove(&Site::Logits).expect("logits")
}

/// Farthest difference as a part of the golden's largest value.
fn distance(got: &[f32], golden: &[f32]) -> f32 {
    assert_eq!(got.len(), golden.len());
    let most = |it: &mut dyn Iterator<Item = f32>| it.fold(0.0_f32, |a, b| a.max(b.abs()));
    let far = most(&mut got.iter().zip(golden).map(|(a, b)| a - b));
    far / most(&mut golden.iter().copied())
}

/// Every active feature of the golden is active with its value and no other, except where it is as weak as the tolerance.
fn features_hold(
    client: &mut Client,
    run: &RunKey,
    golden: &Tensors,
    room: &Room,
    what: &str,
) -> f32 {
    let mut worst = 0.0_f32;
    for of in scoped::all_features(client, run) {
        let layer = of.layer;
        let places = &golden[&format!("blocks.{layer}.features")];
        let acts = &golden[&format!("blocks.{layer}.acts")].values;
        let margins = &golden[&format!("blocks.{layer}.threshold")].values;
        let most = acts.iter().fold(0.0_f32, |a, b| a.max(*b));
        let expected = dense(places, acts, margins.len());
        let got: Vec<(usize, f32)> = (of.places.iter().zip(&of.activations))
            .map(|(place, value)| {
                (
                    place[0] as usize * margins.len() + place[1] as usize,
                    *value,
                )
            })
            .collect();
        let mut seen = vec![0.0; expected.len()];
        for (at, value) in got {
            seen[at] = value;
        }
        for (at, (got, expected)) in seen.iter().zip(&expected).enumerate() {
            let threshold = margins[at % margins.len()];
            let crossed = (*got == 0.0) != (*expected == 0.0);
            let far = match crossed {
                true => (got.max(*expected) - threshold) / most,
                false => (got - expected).abs() / most,
            };
            let (pos, feature) = (at / margins.len(), at % margins.len());
            assert!(
                far <= room.activations,
                "{what}: {layer}.{feature} at {pos}: {got} and not {expected}"
            );
            worst = worst.max(far);
        }
    }
    worst
}

fn dense(places: &Tensor, acts: &[f32], width: usize) -> Vec<f32> {
    let n_pos = 1 + places
        .values
        .chunks(2)
        .fold(0, |most, it| most.max(it[0] as usize));
    let mut out = vec![0.0; n_pos.max(N_POS_MOST) * width];
    for (place, value) in places.values.chunks(2).zip(acts) {
        out[place[0] as usize * width + place[1] as usize] = *value;
    }
    out
}

/// More positions than any prompt of the golden has.
const N_POS_MOST: usize = 96;

fn norms_hold(client: &mut Client, run: &RunKey, golden: &Tensors, what: &str) -> f32 {
    let all = &golden["transcoder.out.norm"];
    let n_pos = all.shape[1];
    let mut worst = 0.0_f32;
    for layer in 0..all.shape[0] {
        let (width, out) = scoped::dense(client, run, layer, DensePart::Out);
        let norms: Vec<f32> = (out.chunks(width))
            .map(|it| it.iter().map(|it| it * it).sum::<f32>().sqrt())
            .collect();
        assert_eq!(norms.len(), n_pos, "{what}");
        worst = worst.max(distance(&norms, &all.values[layer * n_pos..][..n_pos]));
    }
    worst
}
