//! `Check` of the demo model: its golden passes in every precision, other figures don't, and the figures are the golden's.

use super::{demo, json, list, number, text};
use crate::asking;
use crate::compare;
use gemscope::session::protocol::*;
use gemscope::spec::Precision;
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};

fn check(figures: Option<FigureSet>) -> CommandBody {
    CommandBody::Check { figures }
}

#[test]
fn the_demo_passes_its_golden_in_every_precision() {
    for precision in [Precision::Reference, Precision::Precise, Precision::Compact] {
        let Some(mut client) = demo(precision) else {
            return;
        };
        let outcome = asking::done(&mut client, check(None));
        let Outcome::Checked(it) = outcome else {
            panic!("{outcome:?}")
        };
        let failed: Vec<_> = it.lines.iter().filter(|it| !it.passed).collect();
        assert!(it.passed && failed.is_empty(), "{precision}: {failed:#?}");
        assert_eq!((it.n_passed, it.n_failed), (it.lines.len(), 0));
        assert_eq!((it.figures, it.precision), (FigureSet::Demo, precision));
        assert!(it.is_for_precision && it.lines.len() > 50);
        assert_eq!((it.fingerprint.len(), it.adapter.is_empty()), (64, false));
        let about = asking::described(&mut client);
        assert_eq!(about.open.map(|it| it.runs), Some(vec![]), "no run stays");
        if precision == Precision::Reference {
            others_fail(&mut client);
        }
    }
}

/// The published figures are of another model: each is told, and none passes.
fn others_fail(client: &mut gemscope::session::Client) {
    let outcome = asking::done(client, check(Some(FigureSet::Published)));
    let Outcome::Checked(it) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!it.passed && it.figures == FigureSet::Published);
    assert!(it.lines.iter().all(|it| !it.passed), "{:#?}", it.lines);
}

#[test]
fn a_model_of_other_sizes_has_no_figures_and_a_check_stops() {
    let Some(mut client) = asking::client(Default::default()) else {
        return;
    };
    asking::fails(&mut client, check(None), "Open a model");
    asking::done(&mut client, asking::open(asking::nano()));
    asking::fails(&mut client, check(None), "4 layers of width 64");
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    let id = client.post(check(None));
    let first = client.next_message(asking::LONG).expect("progress");
    assert!(matches!(first.event.body, EventBody::Progress { .. }));
    client.post(CommandBody::Cancel { id });
    let told = asking::until_end(&mut client, id);
    let end = told.last().map(|it| &it.event.body);
    assert_eq!(end, Some(&EventBody::Cancelled));
}

/// The shipped figures say what the golden says.
#[test]
fn the_figures_are_the_goldens() {
    let golden = compare::read(Path::new("tests/golden/demo.safetensors")).expect("the golden");
    let file = std::fs::read("src/session/check/demo.json").expect("the figures");
    let figures: Value = serde_json::from_slice(&file).expect("JSON");
    let n_layers = number(&figures["model"]["n_layers"]);
    let json = json();
    let prompts = list(&json["prompts"]);
    assert_eq!(list(&figures["prompts"]).len(), prompts.len());
    for (n, (figure, prompt)) in list(&figures["prompts"]).iter().zip(prompts).enumerate() {
        let what = text(&prompt["text"]);
        assert_eq!(
            (&figure["text"], &figure["ids"]),
            (&prompt["text"], &prompt["ids"])
        );
        assert_eq!(figure["rank"]["token"], prompt["greedy"][0], "{what}");
        let logits = &golden[&format!("p{n}.logits")].values;
        let sum: f64 = logits.iter().map(|it| f64::from(*it).exp()).sum();
        for it in list(&figure["probabilities"]["tokens"]) {
            let expected = f64::from(logits[number(&it[0])]).exp() / sum;
            let told = it[1].as_f64().expect("a number");
            assert!((told - expected).abs() < 1e-5, "{what}: {told} {expected}");
        }
        let last = list(&prompt["ids"]).len() - 1;
        let (mut n_active, mut there) = (0, BTreeSet::new());
        for layer in 0..n_layers {
            let places = &golden[&format!("p{n}.blocks.{layer}.features")].values;
            n_active += places.len() / 2;
            let at = |it: &[f32]| (layer, it[1] as usize, it[0] as usize);
            there.extend(places.chunks(2).map(at));
        }
        assert_eq!(number(&figure["n_active"]["expected"]), n_active, "{what}");
        let firing = list(&figure["firing"]["features"]);
        assert_eq!(firing.len(), n_layers, "{what}");
        for it in firing {
            let [layer, feature, pos] = [0, 1, 2].map(|at| number(&it[at]));
            assert!(
                pos == last && there.contains(&(layer, feature, pos)),
                "{what}: {it}"
            );
        }
    }
}
