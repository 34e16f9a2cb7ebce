//! What can be taken out of a run as a file, and where the numbers in it come from. Leaves making files to `session`.

use super::{FeatureId, LabelsAbout, MapMetric, Precision, Site};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a file tells of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentWhat {
    /// Active features, BOS included, by layer, position and index.
    Features,
    /// Activations at sites; none named are those that are kept with the run.
    Sites(Vec<Site>),
    /// The prompt, what the model would say next, and the strongest features, to be read.
    Summary,
    /// The map of tokens by layers.
    Map(MapMetric),
    /// The most probable next tokens at each position.
    Next,
    /// What the model would say after each layer, at each position.
    Lens,
    /// How well transcoders explain the prompt: L0, FVU, delta loss and their like, by layer.
    Figures,
    /// The prompt's tokens, and how strongly a feature fires at each.
    Strip(FeatureId),
    /// The tokens whose logits a feature raises and lowers most.
    Promotes(FeatureId),
    /// The features of its layer whose decoder rows are nearest.
    Nearest(FeatureId),
    /// Sentences in which it fires most, from the labels file.
    Examples(FeatureId),
}

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentForm {
    /// Values with commas between; where they come from stands in front, in lines that begin with `#`.
    Csv,
    /// The same with tabs.
    Tsv,
    /// An object with `origin`, `tokens`, and the rows under the name of what they tell.
    Json,
    /// Arrays with names; where they come from is in the metadata.
    Safetensors,
    /// Text with tables.
    Markdown,
    /// A picture.
    Svg,
}

/// A file that was made; its bytes came in pieces before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentMade {
    /// A name for it.
    pub name: String,
    /// Its type, as the web has it.
    pub mime: String,
    /// How many bytes all pieces have.
    pub size_bytes: u64,
}

/// Where the numbers of a file come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The model's name.
    pub model: String,
    /// Hex sha256 of the model's config and headers.
    pub model_sha256: String,
    /// Hex sha256 over those of the transcoders' files, by layer; none where none are open.
    pub transcoders_sha256: Option<String>,
    /// How weights were kept.
    pub precision: Precision,
    /// The adapter, as far as it tells its name.
    pub adapter: String,
    /// Of the engine.
    pub build: String,
    /// The run; none for what is of the model alone.
    pub run: Option<String>,
    /// What the labels file says of itself, where labels of it are told.
    pub labels: Option<LabelsAbout>,
    /// Opens the same view.
    pub link: Option<String>,
}

impl DocumentForm {
    /// What a file's name ends with, and its type as the web has it.
    pub fn ending(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("csv", "text/csv"),
            Self::Tsv => ("tsv", "text/tab-separated-values"),
            Self::Json => ("json", "application/json"),
            Self::Safetensors => ("safetensors", "application/octet-stream"),
            Self::Markdown => ("md", "text/markdown"),
            Self::Svg => ("svg", "image/svg+xml"),
        }
    }
}

impl DocumentWhat {
    /// Forms in which it can be had.
    pub fn forms(&self) -> &'static [DocumentForm] {
        use DocumentForm::{Csv, Json, Markdown, Safetensors, Svg, Tsv};
        match self {
            Self::Features => &[Csv, Tsv, Json, Safetensors],
            Self::Sites(_) => &[Safetensors],
            Self::Summary => &[Markdown],
            Self::Map(_) => &[Svg],
            Self::Next | Self::Nearest(_) | Self::Examples(_) => &[Csv, Tsv, Json],
            Self::Lens | Self::Figures | Self::Strip(_) | Self::Promotes(_) => {
                &[Csv, Tsv, Json, Svg]
            }
        }
    }

    /// In a file's name.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::Sites(_) => "sites",
            Self::Summary => "summary",
            Self::Map(_) => "map",
            Self::Next => "next",
            Self::Lens => "lens",
            Self::Figures => "figures",
            Self::Strip(_) => "strip",
            Self::Promotes(_) => "promotes",
            Self::Nearest(_) => "nearest",
            Self::Examples(_) => "examples",
        }
    }

    /// The feature that it is about, if it is about one.
    pub fn feature(&self) -> Option<FeatureId> {
        match self {
            Self::Strip(it) | Self::Promotes(it) | Self::Nearest(it) | Self::Examples(it) => {
                Some(*it)
            }
            _ => None,
        }
    }

    /// Whether it tells of a prompt.
    pub fn is_of_a_run(&self) -> bool {
        !matches!(
            self,
            Self::Promotes(_) | Self::Nearest(_) | Self::Examples(_)
        )
    }
}

impl Origin {
    /// Names and values, in order.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut out = vec![
            ("model", self.model.clone()),
            ("model_sha256", self.model_sha256.clone()),
        ];
        let transcoders = self.transcoders_sha256.clone();
        out.extend(transcoders.map(|it| ("transcoders_sha256", it)));
        out.extend([
            ("precision", self.precision.to_string()),
            ("adapter", self.adapter.clone()),
            ("build", format!("gemscope {}", self.build)),
        ]);
        out.extend(self.run.clone().map(|it| ("run", it)));
        let labels = self.labels.iter().flat_map(|it| {
            [
                ("labels_made", &it.made),
                ("labels_source", &it.source),
                ("labels_date", &it.date),
                ("labels_licence", &it.licence),
            ]
        });
        let labels = labels.filter(|it| !it.1.is_empty());
        out.extend(labels.map(|(key, it)| (key, it.clone())));
        out.extend(self.link.clone().map(|it| ("link", it)));
        out
    }
}

impl fmt::Display for DocumentForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Safetensors => "safetensors",
            Self::Markdown => "markdown",
            Self::Svg => "svg",
        })
    }
}
