//! Labels files read, and those refused that are none.

use super::{Labels, LabelsError, MAX_LABELS_BYTES};
use crate::spec::FeatureId;

const FILE: &str = r#"{"version": 1, "made": "by hand", "sentences": [["<bos>", " a", " b"]],
    "layers": [{"layer": 2, "features": [
        {"index": 7, "label": "b", "density": 0.5, "max": 3, "top": [[0, 1, 1.0], [0, 2, 3.0]]},
        {"index": 3}]}]}"#;

#[test]
fn labels_and_examples_are_found() {
    let it = Labels::parse(FILE.as_bytes()).expect("a labels file");
    let feature = FeatureId { layer: 2, index: 7 };
    assert_eq!(it.label(feature).and_then(|it| it.max), Some(3.0));
    let examples = it.examples(feature, 1);
    assert_eq!(
        (examples.len(), examples[0].pos, examples[0].value),
        (1, 2, 3.0)
    );
    assert!(it.label(FeatureId { layer: 2, index: 4 }).is_none());
    assert!(
        it.label(FeatureId { layer: 2, index: 3 })
            .is_some_and(|it| it.label.is_none())
    );
    assert_eq!(it.layers().count(), 1);
}

#[test]
fn what_is_wrong_is_said() {
    for (from, to) in [
        (r#""version": 1"#, r#""version": 2"#),
        ("[0, 2, 3.0]", "[0, 3, 3.0]"),
        ("[0, 2, 3.0]", "[1, 2, 3.0]"),
        ("[0, 2, 3.0]", "[0, 2, 1e39]"),
        ("[0, 2, 3.0]", "[0, -2, 3.0]"),
        (
            r#""layers": ["#,
            r#""layers": [{"layer": 2, "features": []}, "#,
        ),
        (r#""index": 3"#, r#""index": 7"#),
        (r#""max": 3"#, r#""max": 1e99"#),
        (r#""layers""#, r#""lawyers""#),
        ("}]}", "}"),
    ] {
        let text = FILE.replacen(from, to, 1);
        assert!(Labels::parse(text.as_bytes()).is_err(), "{to}");
    }
    assert!(Labels::parse(b"").is_err());
    assert!(Labels::parse(b"<!doctype html>").is_err());
}

#[test]
fn the_same_example_is_told_once() {
    let text = r#"{"version": 1, "made": "", "sentences": [["a", "b"], ["c", "d"], ["a", "b"]],
        "layers": [{"layer": 0, "features": [{"index": 5, "top":
            [[2, 1, 1.5], [1, 1, 1.5], [0, 1, 1.5], [2, 0, 3.0]]}]}]}"#;
    let it = Labels::parse(text.as_bytes()).expect("a labels file");
    let feature = FeatureId { layer: 0, index: 5 };
    let told = |n| -> Vec<(String, f32)> {
        let examples = it.examples(feature, n).into_iter();
        examples
            .map(|it| (it.tokens[it.pos].clone(), it.value))
            .collect()
    };
    let all = [("a", 3.0), ("b", 1.5), ("d", 1.5)].map(|it| (it.0.to_string(), it.1));
    assert_eq!(told(9), all);
    assert_eq!(told(2), all[..2]);
    assert_eq!((it.layer(0).len(), it.layer(1).len()), (1, 0));
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    assert_eq!(Labels::check_size(MAX_LABELS_BYTES), Ok(()));
    let error = Labels::check_size(MAX_LABELS_BYTES + 1).expect_err("too large");
    assert!(error.to_string().contains("100663297"), "{error}");
    let version = Labels::parse(br#"{"version": 2, "layers": "of another form"}"#);
    assert_eq!(version, Err(LabelsError::Version { version: 2 }));
}

#[test]
fn the_demo_models_labels_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/demo/labels.json");
    let bytes = std::fs::read(path).expect("the file of the demo model");
    let it = Labels::parse(&bytes).expect("a labels file");
    assert_eq!(it.layers().count(), 6);
    for layer in it.layers() {
        for label in it.layer(layer) {
            let feature = FeatureId {
                layer,
                index: label.index,
            };
            assert!(!it.examples(feature, 10).is_empty(), "{feature}");
        }
    }
}
