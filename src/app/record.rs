//! One run as the page knows it: plain data, the same for a live run and a recorded one. Leaves what is selected of it to `selection`.

use super::json::pairs;
use crate::session::protocol::{Distribution, FeatureId, SpliceMetrics, Token};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// A feature that fired at a position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "(u32, u32, u32, f32)", from = "(u32, u32, u32, f32)")]
pub struct Firing {
    /// Its layer.
    pub layer: u32,
    /// The position.
    pub pos: u32,
    /// The feature's index in its layer.
    pub index: u32,
    /// Its activation, greater than 0.
    pub activation: f32,
}

/// What is known of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The prompt as it was typed.
    pub prompt: String,
    /// Its tokens, BOS first.
    pub tokens: Vec<Token>,
    /// Layers of the model.
    pub n_layers: usize,
    /// Features of a layer; 0 where there are none.
    pub n_features: usize,
    /// Which layers' features are loaded.
    pub loaded: Vec<bool>,
    /// Everything that fired, by layer, position, index.
    pub firings: Vec<Firing>,
    /// The most probable next tokens, by position; those not asked for are absent.
    #[serde(with = "pairs")]
    pub next: BTreeMap<usize, Distribution>,
    /// Share of the MLP's output that is not rebuilt, `|mlp_out - out| / |mlp_out|`, by layer: one number per position.
    #[serde(default, with = "pairs")]
    pub errors: BTreeMap<usize, Vec<f32>>,
    /// The logit lens, by layer: one distribution per position.
    #[serde(default, with = "pairs")]
    pub lens: BTreeMap<usize, Vec<Distribution>>,
    /// How well the transcoders explain this prompt, splice by splice.
    #[serde(default)]
    pub metrics: Vec<SpliceMetrics>,
    /// The direct effect of what fired on the logit of a token: the token, and a number for each of `firings`.
    #[serde(default)]
    pub effects: Option<(u32, Vec<f32>)>,
}

// Recorded runs hold hundreds of them: as a list of four numbers each takes a third.
impl From<Firing> for (u32, u32, u32, f32) {
    fn from(it: Firing) -> Self {
        (it.layer, it.pos, it.index, it.activation)
    }
}

impl From<(u32, u32, u32, f32)> for Firing {
    fn from((layer, pos, index, activation): (u32, u32, u32, f32)) -> Self {
        Self {
            layer,
            pos,
            index,
            activation,
        }
    }
}

impl Firing {
    /// Which feature.
    pub fn feature(&self) -> FeatureId {
        FeatureId {
            layer: self.layer as usize,
            index: self.index as usize,
        }
    }
}

impl Record {
    /// The text of its tokens, but for those that are no text.
    pub fn text(&self) -> String {
        let plain = self.tokens.iter().filter(|it| !it.special);
        plain.map(|it| it.piece.replace('▁', " ")).collect()
    }

    /// Tokens.
    pub fn n_pos(&self) -> usize {
        self.tokens.len()
    }

    /// Ids of the tokens, BOS included.
    pub fn ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|it| it.id).collect()
    }

    /// Activations over all tokens and layers, BOS left out.
    pub fn n_active(&self) -> usize {
        self.firings.iter().filter(|it| it.pos > 0).count()
    }

    /// The last position; 0 of an empty run.
    pub fn last(&self) -> usize {
        self.n_pos().saturating_sub(1)
    }

    /// Where a cell's firings lie among all of them.
    pub fn cell(&self, layer: usize, pos: usize) -> Range<usize> {
        let place = (layer, pos);
        let at = |it: &Firing| (it.layer as usize, it.pos as usize);
        let start = self.firings.partition_point(|it| at(it) < place);
        let end = self.firings.partition_point(|it| at(it) <= place);
        start..end
    }

    /// Where a layer's firings lie among all of them.
    pub fn layer(&self, layer: usize) -> Range<usize> {
        let start = (self.firings).partition_point(|it| (it.layer as usize) < layer);
        let end = (self.firings).partition_point(|it| (it.layer as usize) <= layer);
        start..end
    }

    /// A feature's activation at each position.
    pub fn row(&self, feature: FeatureId) -> Vec<f32> {
        let mut out = vec![0.0; self.n_pos()];
        for it in &self.firings[self.layer(feature.layer)] {
            if it.index as usize == feature.index
                && let Some(to) = out.get_mut(it.pos as usize)
            {
                *to = it.activation;
            }
        }
        out
    }

    /// A feature's largest activation, BOS left out.
    pub fn largest(&self, feature: FeatureId) -> f32 {
        let row = self.row(feature);
        row.into_iter().skip(1).fold(0.0, f32::max)
    }

    /// The feature after this one that fires anywhere but at BOS, by layer and index; after the last comes the first.
    pub fn next_firing(&self, after: Option<FeatureId>) -> Option<FeatureId> {
        let all = || self.firings.iter().filter(|it| it.pos > 0);
        let all = || all().map(Firing::feature);
        let next = all()
            .filter(|it| after.is_none_or(|after| *it > after))
            .min();
        next.or_else(|| all().min())
    }

    /// Replaces what fired in a layer; `places` is `[n, 2]` of position and index.
    pub fn set_layer(&mut self, layer: usize, places: &[u32], activations: &[f32]) {
        let new = places.chunks_exact(2).zip(activations);
        let new: Vec<Firing> = new
            .map(|(place, &activation)| Firing {
                layer: layer as u32,
                pos: place[0],
                index: place[1],
                activation,
            })
            .collect();
        let at = self.layer(layer);
        self.firings.splice(at, new);
        if let Some(it) = self.loaded.get_mut(layer) {
            *it = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let mut it = Record {
            n_layers: 2,
            loaded: vec![false; 2],
            tokens: vec![
                Token {
                    id: 5,
                    piece: "a".into(),
                    bytes: None,
                    special: false
                };
                3
            ],
            ..Record::default()
        };
        it.set_layer(1, &[0, 4, 2, 4, 2, 9], &[9.0, 2.0, 1.0]);
        it.set_layer(0, &[1, 7], &[3.0]);
        it
    }

    #[test]
    fn layers_come_in_any_order_and_cells_are_found() {
        let it = record();
        assert_eq!(it.loaded, [true, true]);
        assert_eq!(it.cell(0, 1), 0..1);
        assert_eq!(it.cell(1, 2), 2..4);
        assert!(it.cell(1, 1).is_empty());
        assert_eq!(it.layer(1), 1..4);
    }

    #[test]
    fn a_feature_has_a_row_and_bos_is_left_out_of_its_largest() {
        let feature = FeatureId { layer: 1, index: 4 };
        assert_eq!(record().row(feature), [9.0, 0.0, 2.0]);
        assert_eq!(record().largest(feature), 2.0);
    }

    #[test]
    fn the_next_that_fires_is_the_next_by_number_and_the_last_is_followed_by_the_first() {
        let id = |layer, index| FeatureId { layer, index };
        let it = record();
        assert_eq!(it.next_firing(None), Some(id(0, 7)));
        assert_eq!(it.next_firing(Some(id(0, 7))), Some(id(1, 4)));
        assert_eq!(it.next_firing(Some(id(1, 5))), Some(id(1, 9)));
        assert_eq!(it.next_firing(Some(id(1, 9))), Some(id(0, 7)));
        assert_eq!(Record::default().next_firing(None), None);
    }

    #[test]
    fn a_layer_that_comes_again_replaces_itself() {
        let mut it = record();
        it.set_layer(1, &[1, 1], &[5.0]);
        assert_eq!(it.firings.len(), 2);
    }
}
