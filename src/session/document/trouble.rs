//! Why a file can't be made.

use crate::spec::{DocumentForm, DocumentWhat, FeatureId};

/// Why a file can't be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentTrouble {
    #[error("{} can't be written as {form}", name(what))]
    Form {
        what: DocumentWhat,
        form: DocumentForm,
    },
    #[error("no activations are kept with this run")]
    NothingKept,
    #[error("{} is of a run, and none was named", name(what))]
    NoRun { what: DocumentWhat },
    #[error("no sentences are known in which {feature} fires")]
    NoExamples { feature: FeatureId },
    #[error("the map has {n_cells} cells, and {n_layers} layers by {n_pos} tokens are {}", n_layers.saturating_mul(*n_pos))]
    Cells {
        n_cells: usize,
        n_layers: usize,
        n_pos: usize,
    },
    #[error("the picture has {n_cells} cells, and it may have {most}")]
    TooLarge { n_cells: usize, most: usize },
}

impl DocumentTrouble {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> String {
        match self {
            Self::Form { what, .. } => {
                let forms: Vec<String> = what.forms().iter().map(ToString::to_string).collect();
                format!("Choose {}.", forms.join(", "))
            }
            Self::NothingKept => "Name the sites; `gemscope sites` lists them.".into(),
            Self::NoRun { .. } => "Run the prompt first.".into(),
            Self::NoExamples { .. } => {
                "Read a labels file that holds examples; the demo model's does.".into()
            }
            Self::Cells { .. } => {
                "Give a cell for each layer and token; reload the page if it made this.".into()
            }
            Self::TooLarge { .. } => "Take a shorter prompt, or a table in its place.".into(),
        }
    }
}

fn name(what: &DocumentWhat) -> &'static str {
    match what {
        DocumentWhat::Features => "the table of features",
        DocumentWhat::Sites(_) => "activations at sites",
        DocumentWhat::Summary => "the summary",
        DocumentWhat::Map(_) => "the map",
        DocumentWhat::Next => "what comes next",
        DocumentWhat::Lens => "the logit lens",
        DocumentWhat::Figures => "the figures by layer",
        DocumentWhat::Strip(_) => "a feature along the prompt",
        DocumentWhat::Promotes(_) => "what a feature promotes",
        DocumentWhat::Nearest(_) => "a feature's nearest ones",
        DocumentWhat::Examples(_) => "a feature's examples",
    }
}
