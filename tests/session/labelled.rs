//! Labels of features: read without a model, told with a feature's card, kept whatever is opened; files that are none are failures.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, Told};

const DEMO: &str = "www/demo/labels.json";

fn labels(from: &str) -> CommandBody {
    CommandBody::Labels { from: from.into() }
}

fn of_feature(client: &mut Client, feature: &str) -> FeatureCard {
    match done(client, card(feature, &[])) {
        Outcome::Feature(it) => it,
        other => panic!("{other:?}"),
    }
}

/// Without an adapter: reading labels needs none.
fn bare_client() -> Client {
    Client::start(Default::default()).expect("an engine")
}

#[test]
fn labels_are_told_layer_by_layer() {
    let mut client = bare_client();
    let mut told = Vec::new();
    let outcome = client.call(labels(DEMO), &mut |it| {
        if let Told::Partial(Partial::Labels { layer, labels }, _) = it {
            told.push((layer, labels));
        }
    });
    let Ok(Outcome::Labels { made, n_features }) = outcome else {
        panic!("{outcome:?}")
    };
    let layers: Vec<usize> = told.iter().map(|it| it.0).collect();
    assert_eq!(layers, [0, 1, 2, 3, 4, 5]);
    let n_told: usize = told.iter().map(|it| it.1.len()).sum();
    assert!(made.contains("from data") && n_features == n_told, "{made}");
    assert!(told[3].1.iter().all(|it| it.label.is_some()));
}

#[test]
fn a_card_tells_label_and_examples_whatever_is_opened() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let without = of_feature(&mut client, "2.176");
    assert!(without.label.is_none() && without.examples.is_empty());
    done(&mut client, labels(DEMO));
    let with = of_feature(&mut client, "2.176");
    let label = with.label.as_ref().expect("a label");
    assert!(label.index == 176 && label.label.is_some(), "{label:?}");
    assert_eq!(with.examples.len(), 5);
    assert!(with.examples.is_sorted_by(|a, b| a.value >= b.value));
    assert!(with.examples.iter().all(|it| it.pos < it.tokens.len()));
    let own = FeatureCard {
        label: None,
        examples: vec![],
        ..with.clone()
    };
    assert_eq!(own, without, "the other numbers are the same");
    done(&mut client, CommandBody::Close);
    done(&mut client, open(scoped()));
    done(&mut client, CommandBody::ResetGpu);
    assert_eq!(of_feature(&mut client, "2.176"), with);
    failed(&mut client, labels("Cargo.toml"));
    assert_eq!(
        of_feature(&mut client, "2.176"),
        with,
        "what was read stays"
    );
}

#[test]
fn files_that_are_no_labels_are_failures() {
    let mut client = bare_client();
    for (from, what, remedy) in [
        (
            "www/demo/no labels.json",
            "no labels.json",
            "Check the path",
        ),
        ("www/no folder/labels.json", "no folder", "Check the path"),
        ("www/demo/model/config.json", "config.json", "labels.json"),
        ("Cargo.toml", "Cargo.toml", "labels.json"),
    ] {
        let failure = failed(&mut client, labels(from));
        assert!(failure.what.contains(what), "{from}: {failure:?}");
        assert!(failure.remedy.contains(remedy), "{from}: {failure:?}");
    }
    done(&mut client, labels(DEMO));
}
