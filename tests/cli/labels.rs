//! Exports become a labels file, which is searched and shown; own labels go from one store to another.

use super::{Scratch, failure, json, stdout};
use std::io::Write;

const SET: &str = "gemma-2-2b/gemmascope-transcoder-16k";
const LABELS: &str = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":"9377","description":"Texas and its cities"}
{"modelId":"gemma-2-2b","layer":"3-gemmascope-transcoder-16k","index":"5","description":"<b>tex</b>"}"#;
const FIGURES: &str = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":"9377","frac_nonzero":0.25,"maxActApprox":38.5}"#;

/// A gzip file with a name in its header.
fn gzip(text: &str) -> Vec<u8> {
    let (made, level) = (Vec::new(), flate2::Compression::best());
    let named = flate2::GzBuilder::new().filename("batch-0.jsonl");
    let mut out = named.write(made, level);
    out.write_all(text.as_bytes()).expect("a Vec takes all");
    out.finish().expect("a Vec takes all")
}

/// A folder of exports, and the labels file that is made of them.
fn imported(scratch: &Scratch) -> String {
    let folder = scratch.join("exports/12-gemmascope-transcoder-16k/explanations");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("batch-0.jsonl.gz"), gzip(LABELS)).expect("a file");
    std::fs::write(scratch.join("exports/features.jsonl"), FIGURES).expect("a file");
    let out = scratch.join("labels.json").display().to_string();
    let exports = scratch.join("exports").display().to_string();
    let said = stdout(&[
        "labels",
        "import",
        &exports,
        "--date",
        "2026-08-20",
        "--out",
        &out,
    ]);
    assert!(
        said.contains("2 labels of 2 features of gemma-2-2b/gemmascope"),
        "{said}"
    );
    out
}

#[test]
fn exports_are_imported_searched_and_shown() {
    let scratch = Scratch::new("labels");
    let out = imported(&scratch);
    let text = std::fs::read_to_string(&out).expect("a file");
    for it in ["\"date\":\"2026-08-20\"", "\"source\":\"Neuronpedia\"", SET] {
        assert!(text.contains(it), "{text}");
    }
    let store = scratch.join("store").display().to_string();
    let found = json(&[
        "labels", "search", "--labels", &out, "TEX", "--store", &store,
    ]);
    let order: Vec<&str> = { found["hits"].as_array().expect("hits").iter() }
        .filter_map(|it| it["feature"].as_str())
        .collect();
    assert_eq!(order, ["12.9377", "3.5"]);
    let shown = stdout(&[
        "labels", "show", "--labels", &out, "12.9377", "0.0", "--store", &store,
    ]);
    assert!(
        shown.contains("0.25") && shown.contains("Texas and its cities"),
        "{shown}"
    );
    assert!(shown.contains("1 of 2"), "{shown}");
}

#[test]
fn a_damaged_export_and_an_empty_folder_are_named() {
    let scratch = Scratch::new("labels-wrong");
    let folder = scratch.join("exports");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (exports, out) = (
        folder.display().to_string(),
        scratch.join("l.json").display().to_string(),
    );
    let arguments = [
        "labels",
        "import",
        &exports,
        "--date",
        "2026-08-20",
        "--out",
        &out,
    ];
    assert!(failure(&arguments).what.contains("no line of an export"));
    let mut bytes = gzip(LABELS);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("batch-7.jsonl.gz"), bytes).expect("a file");
    let failed = failure(&arguments);
    assert!(
        failed.what.contains("batch-7.jsonl.gz") && failed.what.contains("damaged"),
        "{}",
        failed.what
    );
    assert!(!scratch.join("l.json").exists());
}

#[test]
fn own_labels_are_merged_and_exported() {
    let scratch = Scratch::new("labels-own");
    let labels = imported(&scratch);
    let store = scratch.join("store").display().to_string();
    let out = scratch.join("own.json").display().to_string();
    let merge = ["labels", "merge", "--store", &store, "--set", SET, &labels];
    assert!(stdout(&merge).contains("2 labels new, 0 the same, 0 different; you have 2 now"));
    assert!(stdout(&merge).contains("0 labels new, 2 the same"));
    stdout(&[
        "labels", "export", "--store", &store, "--set", SET, "--out", &out,
    ]);
    let text = std::fs::read_to_string(&out).expect("a file");
    assert!(
        text.contains("By hand") && text.contains("<b>tex</b>"),
        "{text}"
    );
    let other = [
        "labels", "merge", "--store", &store, "--set", "a/b", &labels,
    ];
    assert!(failure(&other).what.contains("not for a/b"));
}

#[test]
fn a_feature_that_nobody_has_is_not_asked_for() {
    let scratch = Scratch::new("labels-fetch");
    let store = scratch.join("store").display().to_string();
    let failed = failure(&["labels", "fetch", "26.0", "--store", &store]);
    assert!(
        failed.what.contains("26.0") && failed.what.contains("Neuronpedia"),
        "{}",
        failed.what
    );
}
