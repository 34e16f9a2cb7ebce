//! The labels file: what each feature is about, how often and how strongly it fires, and where most. Leaves fetching it to others.
//!
//! One form for the demo and for the real transcoders, JSON: `{"version": 1, "made": "…", "set": "gemma-2-2b/…", "source": "…",
//! "date": "2026-08-20", "licence": "…", "sentences": [["token", …], …], "layers": [{"layer": 0, "features": [{"index": 7,
//! "label": "…", "density": 0.01, "max": 3.5, "top": [[sentence, pos, value], …]}, …]}, …]}`. All but version, made, layers and
//! indexes may be left out.

use super::{
    label_columns::Columns,
    labels_json::{self, Parts},
};
use crate::spec::{Example, FeatureId, Label, LabelsAbout};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The form that is read.
pub(super) const VERSION: u32 = 1;
/// Bytes of the largest file that is read; the wasm heap holds it and what is made of it.
pub const MAX_LABELS_BYTES: u64 = 96 << 20;
/// Layers of any model.
const MOST_LAYERS: usize = 1 << 16;

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
    /// For the features of another model.
    #[error("these labels are for {found}, and not for {wanted}")]
    OtherSet {
        /// Whose they should be.
        wanted: String,
        /// Whose they are.
        found: String,
    },
}

/// Labels of the features of a set of transcoders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    about: LabelsAbout,
    sentences: Vec<Vec<String>>,
    layers: BTreeMap<usize, Columns>,
    top: BTreeMap<FeatureId, Vec<Top>>,
}

/// Reads a labels file layer by layer, so that a large one need not be read in one go.
#[derive(Debug)]
pub struct LabelsReader {
    bytes: Vec<u8>,
    parts: Vec<std::ops::Range<usize>>,
    next: usize,
    out: Labels,
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
    set: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    licence: String,
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
    index: u32,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    density: Option<f32>,
    #[serde(default)]
    max: Option<f32>,
    #[serde(default)]
    top: Vec<Top>,
}

impl LabelsReader {
    /// Reads all but the layers.
    ///
    /// Errors: [`LabelsError`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, LabelsError> {
        Labels::check_size(bytes.len() as u64)?;
        let parts = labels_json::parts(&bytes);
        let file: File = match &parts {
            // The layers stand apart, and an empty list in their place.
            Some(Parts { layers, .. }) => {
                head(&[&bytes[..layers.start], b"[]", &bytes[layers.end..]].concat())?
            }
            None => head(&bytes)?,
        };
        let mut out = Labels {
            about: LabelsAbout {
                made: file.made,
                set: file.set,
                source: file.source,
                date: file.date,
                licence: file.licence,
                n_features: 0,
                n_labels: 0,
            },
            sentences: file.sentences,
            ..Labels::default()
        };
        for it in file.layers {
            out.take(it)?;
        }
        Ok(Self {
            bytes,
            parts: parts.map(|it| it.each).unwrap_or_default(),
            next: 0,
            out,
        })
    }

    /// What stands before the layers; counts are still 0.
    pub fn about(&self) -> &LabelsAbout {
        &self.out.about
    }

    /// How many layers are read, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.parts.len())
    }

    /// Reads a layer; whether there was one to read.
    ///
    /// Errors: [`LabelsError`].
    pub fn step(&mut self) -> Result<bool, LabelsError> {
        let Some(range) = self.parts.get(self.next) else {
            return Ok(false);
        };
        let layer = serde_json::from_slice(&self.bytes[range.clone()]);
        self.out.take(layer.map_err(|it| form(it.to_string()))?)?;
        self.next += 1;
        Ok(true)
    }

    /// What was read, and the file's bytes.
    pub fn finish(self) -> (Labels, Vec<u8>) {
        (self.out, self.bytes)
    }
}

impl Labels {
    /// Reads a labels file in one go.
    ///
    /// Errors: [`LabelsError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LabelsError> {
        Self::check_size(bytes.len() as u64)?;
        let mut reader = LabelsReader::new(bytes.to_vec())?;
        while reader.step()? {}
        Ok(reader.finish().0)
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

    /// Who made them, how, when, for what, and how many.
    pub fn about(&self) -> &LabelsAbout {
        &self.about
    }

    /// The layers that have any.
    pub fn layers(&self) -> impl Iterator<Item = usize> {
        self.layers.keys().copied()
    }

    /// The one of a feature.
    pub fn label(&self, feature: FeatureId) -> Option<Label> {
        let layer = self.layers.get(&feature.layer)?;
        layer.find(feature.index).map(|at| layer.label(at))
    }

    /// Those of a layer, by index.
    pub fn layer(&self, layer: usize) -> Vec<Label> {
        let Some(layer) = self.layers.get(&layer) else {
            return Vec::new();
        };
        (0..layer.len()).map(|at| layer.label(at)).collect()
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

    /// The columns of each layer, by layer.
    pub(super) fn columns(&self) -> impl Iterator<Item = (usize, &Columns)> {
        self.layers.iter().map(|(layer, it)| (*layer, it))
    }

    fn take(&mut self, it: Layer) -> Result<(), LabelsError> {
        let layer = it.layer;
        if self.layers.contains_key(&layer) {
            return Err(form(format!("layer {layer} stands there twice")));
        }
        if layer >= MOST_LAYERS {
            return Err(form(format!("no model has a layer {layer}")));
        }
        let mut features = it.features;
        features.sort_by_key(|it| it.index);
        let mut columns = Columns::default();
        let mut last = None;
        for mut it in features {
            let index = it.index as usize;
            let feature = FeatureId { layer, index };
            if last.replace(it.index) == Some(it.index) {
                return Err(form(format!("{feature} stands there twice")));
            }
            let top = std::mem::take(&mut it.top);
            let label = Label {
                index,
                label: it.label,
                density: it.density,
                max: it.max,
            };
            self.take_top(feature, &label, top)?;
            let has_label = label.label.as_ref().is_some_and(|it| !it.trim().is_empty());
            self.about.n_labels += usize::from(has_label);
            columns.push(it.index, &label);
        }
        columns.shrink();
        self.about.n_features += columns.len();
        self.layers.insert(layer, columns);
        Ok(())
    }

    fn take_top(
        &mut self,
        feature: FeatureId,
        label: &Label,
        mut top: Vec<Top>,
    ) -> Result<(), LabelsError> {
        self.check(feature, label, &top)?;
        if !top.is_empty() {
            top.sort_by(|a, b| b.2.total_cmp(&a.2));
            self.top.insert(feature, top);
        }
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

/// The version first: a file of another one may have another form.
fn head(bytes: &[u8]) -> Result<File, LabelsError> {
    let head: Head = serde_json::from_slice(bytes).map_err(|it| form(it.to_string()))?;
    if head.version != u64::from(VERSION) {
        let version = head.version;
        return Err(LabelsError::Version { version });
    }
    serde_json::from_slice(bytes).map_err(|it| form(it.to_string()))
}

fn form(detail: String) -> LabelsError {
    LabelsError::Form { detail }
}
