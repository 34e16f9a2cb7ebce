//! A labels file written: half a million features without a tree of JSON in between.

use super::labels::VERSION;
use crate::spec::{Label, LabelsAbout};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct File<'a> {
    version: u32,
    made: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    set: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    source: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    date: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    licence: &'a str,
    layers: Vec<Layer<'a>>,
}

#[derive(Serialize)]
struct Layer<'a> {
    layer: usize,
    features: Vec<Feature<'a>>,
}

#[derive(Serialize)]
struct Feature<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    density: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f32>,
}

/// The text of a labels file, without examples; the counts of `about` are not written.
pub fn labels_file(about: &LabelsAbout, layers: &BTreeMap<usize, Vec<Label>>) -> String {
    let mut told = Vec::with_capacity(layers.len());
    for (&layer, labels) in layers {
        let features = labels.iter().map(Feature::from).collect();
        told.push(Layer { layer, features });
    }
    let file = File {
        version: VERSION,
        made: &about.made,
        set: &about.set,
        source: &about.source,
        date: &about.date,
        licence: &about.licence,
        layers: told,
    };
    // Nothing in it can fail to be written: all keys are texts.
    serde_json::to_string(&file).unwrap_or_default()
}

impl<'a> From<&'a Label> for Feature<'a> {
    fn from(it: &'a Label) -> Self {
        Self {
            index: it.index,
            label: it.label.as_deref(),
            density: it.density,
            max: it.max,
        }
    }
}
