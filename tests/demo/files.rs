//! What lies beside the weights: labels, examples, lists of files, the size. Needs no adapter.

use super::{json, list, number, text};
use gemscope::hub::{Folder, Source};
use gemscope::model::Tokenizer;
use gemscope::sys::block_on;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

const MOST_BYTES: u64 = 10_000_000;

pub fn read(name: &str) -> Value {
    let text = fs::read(format!("www/demo/{name}")).expect(name);
    serde_json::from_slice(&text).expect("JSON")
}

fn tokenizer() -> Tokenizer {
    let text = fs::read("www/demo/model/tokenizer.json").expect("a tokenizer");
    Tokenizer::from_json(&text).expect("a tokenizer")
}

/// Files below a folder with their sizes.
fn walk(folder: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let each = |it: std::io::Result<fs::DirEntry>| {
        let path = it.expect("an entry").path();
        match path.is_dir() {
            true => walk(&path),
            false => vec![(
                path.display().to_string(),
                path.metadata().expect("a file").len(),
            )],
        }
    };
    entries.flat_map(each).collect()
}

#[test]
fn the_demo_is_small() {
    let files = walk(Path::new("www/demo"));
    let n_bytes: u64 = files.iter().map(|it| it.1).sum();
    assert!(n_bytes <= MOST_BYTES, "{n_bytes} bytes");
}

/// A site lists its files by `files.json`; it must say what is there.
#[test]
fn the_lists_of_files_are_true() {
    for folder in ["model", "transcoders"] {
        let listed: Vec<String> =
            serde_json::from_value(read(&format!("{folder}/files.json"))).expect("names");
        let place = Folder::new(format!("www/demo/{folder}"));
        let there = block_on(place.list()).expect("a folder");
        let there: Vec<String> = there.into_iter().filter(|it| it != "files.json").collect();
        assert_eq!(listed, there, "{folder}");
    }
}

/// Every label's examples are tokens of its sentences, and the sentences are what the tokenizer makes of them.
#[test]
fn labels_point_at_tokens() {
    let (labels, tokenizer) = (read("labels.json"), tokenizer());
    assert_eq!(number(&labels["version"]), 1);
    assert!(text(&labels["made"]).starts_with("Automatically"));
    let sentences: Vec<Vec<String>> =
        serde_json::from_value(labels["sentences"].clone()).expect("sentences");
    for it in &sentences {
        assert_eq!(it[0], "<bos>");
        let ids = tokenizer.encode(&it[1..].concat()).expect("ids").ids;
        assert_eq!(ids.len(), it.len(), "{it:?}");
    }
    for (n, layer) in list(&labels["layers"]).iter().enumerate() {
        assert_eq!(number(&layer["layer"]), n);
        let mut seen = BTreeSet::new();
        for feature in list(&layer["features"]) {
            assert!(seen.insert(number(&feature["index"])));
            assert!(!text(&feature["label"]).is_empty());
            let top = list(&feature["top"]);
            assert!((1..=10).contains(&top.len()), "{feature}");
            let mut before = feature["max"].as_f64().expect("a number");
            for it in top {
                assert!(
                    number(&it[1]) < sentences[number(&it[0])].len(),
                    "{feature}"
                );
                let value = it[2].as_f64().expect("a number");
                assert!(value > 0.0 && value <= before, "{feature}");
                before = value;
            }
        }
        assert!(seen.len() >= 500, "layer {n} has {} labels", seen.len());
    }
}

/// Eight, Dallas first.
#[test]
fn the_examples_are_whole() {
    let (examples, tokenizer) = (read("examples.json"), tokenizer());
    let examples = list(&examples["examples"]);
    assert_eq!(examples.len(), 8);
    assert!(text(&examples[0]["prompt"]).contains("Dallas"));
    for it in examples {
        assert!(!list(&it["answers"]).is_empty(), "{it}");
        for key in ["prompt", "title", "look", "why"] {
            assert!(!text(&it[key]).is_empty(), "{it}");
        }
        let ids = tokenizer.encode(text(&it["prompt"])).expect("ids").ids;
        assert!(ids.len() > 4 && ids.len() < 30, "{it}");
    }
}

/// What `transformers` makes of a text is what the engine makes of it.
#[test]
fn texts_have_the_golden_tokens() {
    let tokenizer = tokenizer();
    for it in list(&json()["prompts"]) {
        let expected: Vec<u32> = serde_json::from_value(it["ids"].clone()).expect("ids");
        assert_eq!(
            tokenizer.encode(text(&it["text"])).expect("ids").ids,
            expected,
            "{it}"
        );
    }
}
