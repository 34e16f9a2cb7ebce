//! Pieces of an answer about the run on the page, kept until the last one is there, and what they come to.

use super::{parts::Parts, record::Record};
use crate::session::protocol::{Array, Distribution, Splice, SpliceMetrics};
use std::collections::BTreeMap;

/// Places `[n, 2]` and a number for each.
type Told = (Vec<u32>, Vec<f32>);

/// A piece of a dense array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    layer: usize,
    first: usize,
    width: usize,
    numbers: Vec<f32>,
}

/// What has come so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Heap {
    pub mlp_out: Vec<Piece>,
    pub rebuilt: Vec<Piece>,
    pub lens: BTreeMap<usize, Vec<Distribution>>,
    pub metrics: Vec<SpliceMetrics>,
    pub effects: BTreeMap<usize, Told>,
}

impl Piece {
    pub fn new(layer: usize, first: usize, array: &Array, parts: &Parts) -> Self {
        Self {
            layer,
            first,
            width: array.shape.last().copied().unwrap_or(1).max(1),
            numbers: parts.f32s(array),
        }
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let rows = self.numbers.chunks_exact(self.width);
        rows.enumerate().map(|(at, it)| (self.first + at, it))
    }

    fn row(&self, layer: usize, pos: usize) -> Option<&[f32]> {
        let at = pos.checked_sub(self.first)? * self.width;
        let row = self.numbers.get(at..at + self.width);
        row.filter(|_| self.layer == layer)
    }
}

/// `|mlp_out - rebuilt| / |mlp_out|`, by layer and position.
pub(super) fn errors(
    mlp_out: &[Piece],
    rebuilt: &[Piece],
    n_pos: usize,
) -> BTreeMap<usize, Vec<f32>> {
    let mut out = BTreeMap::new();
    for piece in rebuilt {
        let errors: &mut Vec<f32> = out.entry(piece.layer).or_insert_with(|| vec![0.0; n_pos]);
        for (pos, rebuilt) in piece.rows() {
            let truth = mlp_out.iter().find_map(|it| it.row(piece.layer, pos));
            if let (Some(truth), Some(to)) = (truth, errors.get_mut(pos)) {
                let missing = norm(truth.iter().zip(rebuilt).map(|(a, b)| a - b));
                *to = missing / norm(truth.iter().copied()).max(f32::MIN_POSITIVE);
            }
        }
    }
    out
}

fn norm(numbers: impl Iterator<Item = f32>) -> f32 {
    numbers.map(|it| it * it).sum::<f32>().sqrt()
}

/// A number for each of the run's firings, each at its own place.
pub(super) fn effects(record: &Record, told: &BTreeMap<usize, Told>) -> Vec<f32> {
    let mut out = vec![0.0; record.firings.len()];
    for (layer, (places, effects)) in told {
        let range = record.layer(*layer);
        let firings = &record.firings[range.clone()];
        for (place, effect) in places.chunks_exact(2).zip(effects) {
            let place = (place[0], place[1]);
            if let Ok(at) = firings.binary_search_by_key(&place, |it| (it.pos, it.index)) {
                out[range.start + at] = *effect;
            }
        }
    }
    out
}

impl Record {
    /// The figures of a layer, or of all.
    pub fn metrics_of(&self, splice: Splice) -> Option<&SpliceMetrics> {
        self.metrics.iter().find(|it| it.splice == splice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(layer: usize, first: usize, numbers: &[f32]) -> Piece {
        Piece {
            layer,
            first,
            width: 2,
            numbers: numbers.into(),
        }
    }

    #[test]
    fn what_is_not_rebuilt_is_a_share_and_pieces_may_be_cut_differently() {
        let truth = [piece(1, 0, &[3.0, 4.0]), piece(1, 1, &[0.0, 2.0])];
        let rebuilt = [piece(1, 0, &[3.0, 4.0, 0.0, 1.0])];
        assert_eq!(errors(&truth, &rebuilt, 2)[&1], [0.0, 0.5]);
    }

    #[test]
    fn effects_find_their_places_and_what_is_not_told_has_none() {
        let mut record = Record {
            n_layers: 2,
            loaded: vec![false; 2],
            ..Record::default()
        };
        record.set_layer(0, &[1, 5], &[1.0]);
        record.set_layer(1, &[1, 2, 2, 2], &[1.0, 1.0]);
        let told = BTreeMap::from([(1, (vec![2, 2], vec![-0.5]))]);
        assert_eq!(effects(&record, &told), [0.0, 0.0, -0.5]);
    }
}
