//! Tests of the reader of `config.yaml`: what is published is read, what is malformed is refused by name.

use super::*;
use crate::spec::gemma;

const GOOD: &str = r#"---
# The set that the field uses.
model_name: "google/gemma-2-2b"
model_kind: transcoder_set   # not a cross-layer one
feature_input_hook: "ln2.hook_normalized"
feature_output_hook: 'hook_mlp_out'
scan: [a, b]
more:
  deep:
    - x: 1
transcoders:
  - "hf://google/gemma-scope-2b-pt-transcoders/layer_0/width_16k/average_l0_76/params.npz"
  - hf://a/b/c.npz@refs/pr/1

- hf://a/b/c.npz?revision=v1 # the third
"#;

fn parse(text: &str) -> Result<TranscoderSet, TranscoderSetError> {
    TranscoderSet::parse(text, &gemma::hub())
}

#[test]
fn a_published_set_is_read() {
    let set = parse(GOOD).unwrap();
    assert_eq!(set.model_name.as_deref(), Some(gemma::GATED_MODEL_REPO));
    let files = set.files.unwrap();
    let shown: Vec<String> = files.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "hf://google/gemma-scope-2b-pt-transcoders/layer_0/width_16k/average_l0_76/params.npz",
            "hf://a/b/c.npz@refs/pr/1",
            "hf://a/b/c.npz@v1",
        ]
    );
    assert_eq!(files[0].repo.repo.as_str(), gemma::TRANSCODER_REPO);
    assert_eq!(files[2].file, "c.npz");
}

#[test]
fn windows_lines_and_a_mark_at_the_start_are_fine() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(parse(&text), parse(GOOD));
}

#[test]
fn a_set_without_a_list_has_its_files_beside_it() {
    let text = GOOD.split_once("transcoders:\n").unwrap().0;
    assert_eq!(parse(text).unwrap().files, None);
    let error = parse(&format!("{text}transcoders:\n")).unwrap_err();
    assert_eq!(error, TranscoderSetError::Missing { key: "transcoders" });
}

#[test]
fn other_hooks_and_kinds_are_refused_by_name() {
    for (from, to) in [
        ("transcoder_set ", "cross_layer_transcoder "),
        ("ln2.hook_normalized", "hook_resid_mid"),
        ("hook_mlp_out", "hook_attn_out"),
    ] {
        let error = parse(&GOOD.replace(from, to)).unwrap_err();
        assert!(
            matches!(error, TranscoderSetError::Other { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(to.trim()), "{error}");
        assert!(error.remedy().contains("ln2.hook_normalized"));
    }
    let error = parse("model_kind: transcoder_set\n").unwrap_err();
    let key = "feature_input_hook";
    assert_eq!(error, TranscoderSetError::Missing { key });
}

#[test]
fn malformed_lines_are_refused_with_their_number() {
    for (line, text) in [
        (1, "- a"),
        (1, "key"),
        (1, "<html>"),
        (1, "{\"a\": 1}"),
        (1, "  model_kind: x"),
        (1, "model_kind: [x]"),
        (1, "model_kind: \"x"),
        (1, "model_kind: &x y"),
        (1, "model_kind:x"),
        (2, "model_kind: transcoder_set\nmodel_kind: transcoder_set"),
        (2, "model_kind: transcoder_set\n  more"),
        (2, "transcoders:\n- \"a\\\"b\""),
        (2, "transcoders:\n- {a: b}"),
        (2, "transcoders:\n- a: b"),
        (2, "transcoders:\n  layer_0: b"),
        (2, "transcoders:\n-"),
    ] {
        match parse(text).unwrap_err() {
            TranscoderSetError::Line { line: got, .. } => assert_eq!(got, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let long = "#".repeat(MAX_BYTES + 1);
    assert!(matches!(parse(&long), Err(TranscoderSetError::Line { .. })));
}

#[test]
fn entries_that_are_no_files_of_a_hub_are_refused_with_their_layer() {
    for entry in [
        "layer_1.safetensors",
        "https://example.com/x",
        "hf://a/b",
        "hf://a/b/",
        "hf://a/../c",
        "hf://a/b/../c",
        "hf://a/b/c@../d",
        "hf://a/b/c?x=1",
        "hf://a b/c/d",
        "/etc/passwd",
    ] {
        let text = GOOD.replace("hf://a/b/c.npz@refs/pr/1", entry);
        match parse(&text).unwrap_err() {
            TranscoderSetError::File { layer: 1, source } => assert_eq!(source.text, entry),
            other => panic!("{entry}: {other:?}"),
        }
    }
}
