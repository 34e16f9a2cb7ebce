//! Known figures, as `published.json` and `demo.json` have them. Leaves measuring and comparing to others.

use crate::spec::{Config, FigureSet, Precision, Site};
use serde::Deserialize;

/// All of them.
#[derive(Debug, Deserialize)]
pub struct Figures {
    /// Which these are.
    pub set: FigureSet,
    /// The precisions that the tolerances are made for.
    pub precisions: Vec<Precision>,
    pub model: Model,
    pub encoder: Encoder,
    pub prompts: Vec<Prompt>,
}

/// Sizes, so that other weights are noticed first of all.
#[derive(Debug, Deserialize)]
pub struct Model {
    pub n_layers: usize,
    pub d_model: usize,
    pub d_vocab: usize,
    pub source: String,
}

/// Encoders on made-up inputs.
#[derive(Debug, Deserialize)]
pub struct Encoder {
    pub relative_tolerance: f32,
    pub source: String,
    pub cases: Vec<EncoderCase>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct EncoderCase {
    pub layer: usize,
    pub average_l0: usize,
    /// Of the input.
    pub seed: u32,
    pub n_active: usize,
    /// (feature, activation), the most active first.
    pub top: Vec<(usize, f32)>,
}

/// A prompt and what is known of it.
#[derive(Debug, Deserialize)]
pub struct Prompt {
    pub text: String,
    pub ids: Vec<u32>,
    pub probabilities: Option<Probabilities>,
    pub n_active: Option<ActiveCount>,
    pub firing: Option<Firing>,
    pub residual: Option<Residual>,
    pub rank: Option<Rank>,
}

/// Of the next token after the prompt.
#[derive(Debug, Deserialize)]
pub struct Probabilities {
    /// Absolute.
    pub tolerance: Tolerance,
    /// (id, probability).
    pub tokens: Vec<(u32, f32)>,
    pub source: String,
}

/// Active features of all layers.
#[derive(Debug, Deserialize)]
pub struct ActiveCount {
    pub positions: String,
    pub expected: usize,
    pub relative_tolerance: Tolerance,
    pub source: String,
}

/// Features that are active.
#[derive(Debug, Deserialize)]
pub struct Firing {
    /// (layer, feature, position).
    pub features: Vec<(usize, usize, usize)>,
    pub source: String,
}

/// The stream at the last position.
#[derive(Debug, Deserialize)]
pub struct Residual {
    pub site: Site,
    /// The first numbers.
    pub first: Vec<f32>,
    pub norm: f32,
    /// Of the numbers.
    pub absolute_tolerance: f32,
    /// Of the norm.
    pub relative_tolerance: f32,
    pub source: String,
}

/// The place of a token among the most probable ones; the first is 1.
#[derive(Debug, Deserialize)]
pub struct Rank {
    pub token: u32,
    pub piece: String,
    pub expected: usize,
    pub source: String,
}

/// How far a figure may be off: in every precision, or in each.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Tolerance {
    All(f32),
    Each {
        reference: f32,
        precise: f32,
        compact: f32,
    },
}

impl Tolerance {
    /// That of a precision.
    pub fn of(self, precision: Precision) -> f32 {
        match (self, precision) {
            (Self::All(it), _)
            | (Self::Each { reference: it, .. }, Precision::Reference)
            | (Self::Each { precise: it, .. }, Precision::Precise)
            | (Self::Each { compact: it, .. }, Precision::Compact) => it,
        }
    }
}

impl Model {
    /// Whether a model has these sizes.
    pub fn are_sizes_of(&self, it: &Config) -> bool {
        let ours = [self.n_layers, self.d_model, self.d_vocab];
        ours == [it.n_layers, it.d_model, it.d_vocab]
    }
}

impl Figures {
    /// Those of this program.
    pub fn of(set: FigureSet) -> Self {
        let text = match set {
            FigureSet::Published => include_str!("published.json"),
            FigureSet::Demo => include_str!("demo.json"),
        };
        serde_json::from_str(text).expect("a file of ours, which a test reads")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_figures_are_whole() {
        let it = Figures::of(FigureSet::Published);
        assert_eq!((it.encoder.cases.len(), it.prompts.len()), (9, 3));
        assert!(it.encoder.cases.iter().all(|it| it.top.len() == 10));
        for it in &it.prompts {
            assert_eq!(it.ids[0], crate::spec::gemma::BOS, "{}", it.text);
        }
    }
}
