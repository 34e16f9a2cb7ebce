//! The labels file: what each feature is about, how often and how strongly it fires, and where most. Leaves fetching it to others.

use crate::spec::{Example, FeatureId, Label};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The form that is read.
const VERSION: u32 = 1;
/// Bytes of the largest file that is read; the wasm heap holds it and what is made of it.
pub const MAX_LABELS_BYTES: u64 = 64 << 20;

/// Why a labels file can't be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LabelsError {
    /// Not what it should be.
    #[error("this is not a labels file: {detail}")]
    Form {
        /// What is wrong.
        detail: String,
    },
    /// Larger than any that is read.
    #[error("it has {size_bytes} bytes, and at most {MAX_LABELS_BYTES} are read")]
    TooLarge {
        /// Its size.
        size_bytes: u64,
    },
    /// Of another version.
    #[error("this labels file has version {version}, and {VERSION} is read here")]
    Version {
        /// Its version.
        version: u64,
    },
}

/// Labels of the features of a set of transcoders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    made: String,
    sentences: Vec<Vec<String>>,
    layers: BTreeMap<usize, Vec<Label>>,
    top: BTreeMap<FeatureId, Vec<Top>>,
}

/// Sentence, position, value.
type Top = (usize, usize, f32);

#[derive(Deserialize)]
struct Head {
    version: u64,
}

#[derive(Deserialize)]
struct File {
    made: String,
    #[serde(default)]
    sentences: Vec<Vec<String>>,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    layer: usize,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    #[serde(flatten)]
    label: Label,
    #[serde(default)]
    top: Vec<Top>,
}

impl Labels {
    /// Reads a labels file.
    ///
    /// Errors: [`LabelsError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LabelsError> {
        Self::check_size(bytes.len() as u64)?;
        let head: Head = serde_json::from_slice(bytes).map_err(|it| form(it.to_string()))?;
        if head.version != u64::from(VERSION) {
            let version = head.version;
            return Err(LabelsError::Version { version });
        }
        let file: File = serde_json::from_slice(bytes).map_err(|it| form(it.to_string()))?;
        let mut out = Self {
            made: file.made,
            sentences: file.sentences,
            ..Self::default()
        };
        for it in file.layers {
            out.take(it)?;
        }
        Ok(out)
    }

    /// Says that a file is too large before it is read.
    ///
    /// Errors: [`LabelsError::TooLarge`].
    pub fn check_size(size_bytes: u64) -> Result<(), LabelsError> {
        match size_bytes <= MAX_LABELS_BYTES {
            true => Ok(()),
            false => Err(LabelsError::TooLarge { size_bytes }),
        }
    }

    /// Who made them, and how.
    pub fn made(&self) -> &str {
        &self.made
    }

    /// Those of each layer that has any, by index.
    pub fn layers(&self) -> impl Iterator<Item = (usize, &[Label])> {
        self.layers
            .iter()
            .map(|(layer, it)| (*layer, it.as_slice()))
    }

    /// The one of a feature.
    pub fn label(&self, feature: FeatureId) -> Option<&Label> {
        let layer = self.layers.get(&feature.layer)?;
        let at = layer.binary_search_by_key(&feature.index, |it| it.index);
        at.ok().map(|at| &layer[at])
    }

    /// Those of a layer, by index.
    pub fn layer(&self, layer: usize) -> &[Label] {
        self.layers.get(&layer).map_or(&[], Vec::as_slice)
    }

    /// Where a feature fires most, at most `n` sentences, the strongest first. A sentence that the file has twice is told once.
    pub fn examples(&self, feature: FeatureId, n: usize) -> Vec<Example> {
        let mut out: Vec<Example> = Vec::new();
        for &(sentence, pos, value) in self.top.get(&feature).into_iter().flatten() {
            if out.len() >= n {
                break;
            }
            let tokens = &self.sentences[sentence];
            if !out.iter().any(|it| it.pos == pos && it.tokens == *tokens) {
                let tokens = tokens.clone();
                out.push(Example { tokens, pos, value });
            }
        }
        out
    }

    fn take(&mut self, it: Layer) -> Result<(), LabelsError> {
        let layer = it.layer;
        if self.layers.contains_key(&layer) {
            return Err(form(format!("layer {layer} stands there twice")));
        }
        let mut labels = Vec::with_capacity(it.features.len());
        for Feature { label, mut top } in it.features {
            let feature = FeatureId {
                layer,
                index: label.index,
            };
            self.check(feature, &label, &top)?;
            top.sort_by(|a, b| b.2.total_cmp(&a.2));
            if self.top.insert(feature, top).is_some() {
                return Err(form(format!("{feature} stands there twice")));
            }
            labels.push(label);
        }
        labels.sort_by_key(|it| it.index);
        self.layers.insert(layer, labels);
        Ok(())
    }

    fn check(&self, feature: FeatureId, label: &Label, top: &[Top]) -> Result<(), LabelsError> {
        let numbers = label.density.iter().chain(&label.max);
        if !numbers
            .chain(top.iter().map(|it| &it.2))
            .all(|it| it.is_finite())
        {
            return Err(form(format!("{feature} has a figure that is no number")));
        }
        for (sentence, pos, _) in top {
            let tokens = self.sentences.get(*sentence);
            if tokens.is_none_or(|it| *pos >= it.len()) {
                let place = format!("token {pos} of sentence {sentence}");
                return Err(form(format!("{feature} names {place}, which is not there")));
            }
        }
        Ok(())
    }
}

fn form(detail: String) -> LabelsError {
    LabelsError::Form { detail }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(error.to_string().contains("67108865"), "{error}");
        let version = Labels::parse(br#"{"version": 2, "layers": "of another form"}"#);
        assert_eq!(version, Err(LabelsError::Version { version: 2 }));
    }

    #[test]
    fn the_demo_models_labels_are_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/demo/labels.json");
        let bytes = std::fs::read(path).expect("the file of the demo model");
        let it = Labels::parse(&bytes).expect("a labels file");
        assert_eq!(it.layers().count(), 6);
        for (layer, labels) in it.layers() {
            for label in labels {
                let feature = FeatureId {
                    layer,
                    index: label.index,
                };
                assert!(!it.examples(feature, 10).is_empty(), "{feature}");
            }
        }
    }
}
