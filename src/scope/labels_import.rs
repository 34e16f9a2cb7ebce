//! Neuronpedia's exports -> a labels file. Leaves reading folders and unpacking to `session`.
//!
//! An export is lines of JSON, one a feature, in folders `explanations` and `features` of a source such as
//! `12-gemmascope-transcoder-16k`: `modelId`, `layer` (the source), `index`, and there `description`, here `frac_nonzero` and
//! `maxActApprox`. Everything else is passed over.

use super::{LabelsError, labels_file};
use crate::spec::{FeatureId, Label, LabelsAbout};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Lines of exports, gathered.
#[derive(Debug, Default)]
pub struct LabelsImport {
    set: Option<String>,
    layers: BTreeMap<usize, BTreeMap<usize, Label>>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "modelId")]
    model: String,
    layer: String,
    index: Index,
    description: Option<String>,
    frac_nonzero: Option<f32>,
    #[serde(rename = "maxActApprox")]
    max: Option<f32>,
}

/// Exports write it either way.
#[derive(Deserialize)]
#[serde(untagged)]
enum Index {
    Number(u32),
    Text(String),
}

impl LabelsImport {
    /// Takes the lines of a file. Of several descriptions of a feature the first stays.
    ///
    /// Errors: [`LabelsError::Form`] with the line; [`LabelsError::OtherSet`] for features of two sets.
    pub fn add(&mut self, text: &[u8]) -> Result<(), LabelsError> {
        for (at, line) in text.split(|it| *it == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let wrong = |detail: String| LabelsError::Form {
                detail: format!("line {}: {detail}", at + 1),
            };
            let line: Line = serde_json::from_slice(line).map_err(|it| wrong(it.to_string()))?;
            let (feature, set) = named(&line)
                .ok_or_else(|| wrong(format!("`{}` names no feature of a layer", line.layer)))?;
            self.take(feature, set, line)?;
        }
        Ok(())
    }

    /// The labels file of all that was taken, and how many features and labels it has.
    ///
    /// Errors: [`LabelsError::Form`] where there was nothing.
    pub fn finish(self, mut about: LabelsAbout) -> Result<(String, LabelsAbout), LabelsError> {
        let detail = "no line of an export was found".to_string();
        about.set = self.set.ok_or(LabelsError::Form { detail })?;
        let list = |it: BTreeMap<usize, Label>| it.into_values().collect::<Vec<_>>();
        let layers = self.layers.into_iter().map(|(layer, it)| (layer, list(it)));
        let layers: BTreeMap<usize, Vec<Label>> = layers.collect();
        let all = || layers.values().flatten();
        about.n_features = all().count();
        about.n_labels = all().filter(|it| it.label.is_some()).count();
        Ok((labels_file(&about, &layers), about))
    }

    fn take(&mut self, feature: FeatureId, set: String, line: Line) -> Result<(), LabelsError> {
        let wanted = self.set.get_or_insert_with(|| set.clone());
        if *wanted != set {
            let (wanted, found) = (wanted.clone(), set);
            return Err(LabelsError::OtherSet { wanted, found });
        }
        let index = feature.index;
        let of_layer = self.layers.entry(feature.layer).or_default();
        let it = of_layer.entry(index).or_insert(Label {
            index,
            label: None,
            density: None,
            max: None,
        });
        let finite = |it: Option<f32>| it.filter(|it| it.is_finite());
        let text = line.description.map(|it| it.trim().to_string());
        it.label = it.label.take().or(text.filter(|it| !it.is_empty()));
        it.density = it.density.or(finite(line.frac_nonzero));
        it.max = it.max.or(finite(line.max));
        Ok(())
    }
}

/// The feature of a line, and its set without the layer.
fn named(line: &Line) -> Option<(FeatureId, String)> {
    let (layer, source) = line.layer.split_once('-')?;
    let index = match &line.index {
        Index::Number(it) => it.to_string(),
        Index::Text(it) => it.clone(),
    };
    let feature = format!("{layer}.{index}").parse().ok()?;
    Some((feature, format!("{}/{source}", line.model)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Labels;

    const EXPLANATIONS: &str = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":"9377","description":" Texas ","typeName":"np_max-act-logits"}

{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":"9377","description":"a second"}
"#;
    const FEATURES: &str = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":9377,"frac_nonzero":0.002,"maxActApprox":38.5,"pos_str":[]}
{"modelId":"gemma-2-2b","layer":"0-gemmascope-transcoder-16k","index":"1","frac_nonzero":0.5,"maxActApprox":null}"#;

    #[test]
    fn descriptions_and_figures_come_together() {
        let mut import = LabelsImport::default();
        import.add(FEATURES.as_bytes()).expect("lines");
        import.add(EXPLANATIONS.as_bytes()).expect("lines");
        let date = "2026-08-20".into();
        let about = LabelsAbout {
            date,
            ..LabelsAbout::default()
        };
        let (json, about) = import.finish(about).expect("labels");
        let read = Labels::parse(json.as_bytes()).expect("a labels file");
        assert_eq!(*read.about(), about);
        assert_eq!((about.n_features, about.n_labels), (2, 1));
        assert_eq!(about.set, "gemma-2-2b/gemmascope-transcoder-16k");
        let label = read.label("12.9377".parse().expect("a feature"));
        let label = label.expect("a label");
        assert_eq!(label.label.as_deref(), Some("Texas"));
        assert_eq!((label.density, label.max), (Some(0.002), Some(38.5)));
    }

    #[test]
    fn lines_that_are_none_are_named() {
        let with = |from, to| EXPLANATIONS.replacen(from, to, 1);
        for (text, words) in [
            ("{}".to_string(), "line 1"),
            (with("12-g", "x-g"), "`x-gemma"),
            (with("\"9377\"", "\"-1\""), "line 1"),
            (with("-2b", "-9b"), "gemma-2-9b"),
        ] {
            let error = LabelsImport::default().add(text.as_bytes());
            let error = error.expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(
            LabelsImport::default()
                .finish(LabelsAbout::default())
                .is_err()
        );
    }
}
