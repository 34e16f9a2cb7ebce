//! Lists of features as pieces of an answer: plain geometry, no GPU.

use super::{
    outbox::Piece,
    protocol::{Applied, Array, Partial},
};
use crate::{
    scope::{Active, Changed, Dense, Steering},
    spec::DType,
};
use std::ops::Range;

/// Features of one piece of an answer at most.
const MOST_FEATURES: usize = 1 << 17;
/// Bytes of one piece of a dense array at most, unless one row is larger.
const DENSE_BYTES: usize = 4 << 20;

/// Features of a layer at some positions, as they are told.
pub(super) struct Listed {
    layer: usize,
    places: Vec<[i32; 2]>,
    activations: Vec<f32>,
    clean: Option<Vec<f32>>,
    applied: Vec<Applied>,
}

impl Listed {
    /// Of a clean run.
    pub fn active(layer: usize, of_layer: &[Active], range: Range<usize>) -> Self {
        let there = of_layer
            .iter()
            .filter(|it| range.contains(&(it.pos as usize)));
        let there: Vec<&Active> = there.collect();
        Self {
            layer,
            places: there
                .iter()
                .map(|it| [it.pos as i32, it.index as i32])
                .collect(),
            activations: there.iter().map(|it| it.activation).collect(),
            clean: None,
            applied: Vec::new(),
        }
    }

    /// Of a derived run, beside the clean one.
    pub fn changed(
        layer: usize,
        both: &[Changed],
        steering: &Steering,
        range: Range<usize>,
    ) -> Self {
        let there = both.iter().filter(|it| range.contains(&(it.pos as usize)));
        let there: Vec<&Changed> = there.collect();
        let of = |pos: usize, index: usize| {
            let place = (pos as u32, index as u32);
            let found = both.binary_search_by_key(&place, |it| (it.pos, it.index));
            found.map_or((0.0, 0.0), |at| (both[at].clean, both[at].activation))
        };
        let set = steering.of_prompt().iter();
        let set = set.filter(|it| it.layer == layer && range.contains(&it.pos));
        let applied = set.filter_map(|it| {
            let (clean, activation) = of(it.pos, it.index);
            it.applied.map(|applied| Applied {
                pos: it.pos,
                index: it.index,
                clean,
                applied,
                activation,
            })
        });
        Self {
            layer,
            places: there
                .iter()
                .map(|it| [it.pos as i32, it.index as i32])
                .collect(),
            activations: there.iter().map(|it| it.activation).collect(),
            clean: Some(there.iter().map(|it| it.clean).collect()),
            applied: applied.collect(),
        }
    }

    /// At least one piece, so that a layer without features is told too.
    pub fn pieces(&self) -> Vec<Piece> {
        let n = self.places.len();
        let starts = (0..n.max(1)).step_by(MOST_FEATURES);
        starts
            .map(|start| {
                let range = start..n.min(start + MOST_FEATURES);
                let mut parts = vec![
                    bytes(&self.places[range.clone()]),
                    bytes(&self.activations[range.clone()]),
                ];
                let clean = self.clean.as_ref().map(|it| {
                    parts.push(bytes(&it[range.clone()]));
                    floats(range.len(), 2)
                });
                let applied = if start == 0 {
                    self.applied.clone()
                } else {
                    vec![]
                };
                Piece {
                    partial: Partial::Features {
                        layer: self.layer,
                        places: places(range.len()),
                        activations: floats(range.len(), 1),
                        clean,
                        applied,
                    },
                    parts,
                }
            })
            .collect()
    }
}

/// Direct effects of a layer's features; at least one piece.
pub(super) fn effect_pieces(
    layer: usize,
    of_layer: &[Active],
    effects: &[f32],
    range: Range<usize>,
) -> Vec<Piece> {
    let both = of_layer.iter().zip(effects);
    let there: Vec<_> = both
        .filter(|it| range.contains(&(it.0.pos as usize)))
        .collect();
    let starts = (0..there.len().max(1)).step_by(MOST_FEATURES);
    let piece = |start: usize| {
        let part = &there[start..there.len().min(start + MOST_FEATURES)];
        let of_places: Vec<[i32; 2]> = part
            .iter()
            .map(|it| [it.0.pos as i32, it.0.index as i32])
            .collect();
        let of_effects: Vec<f32> = part.iter().map(|it| *it.1).collect();
        Piece {
            partial: Partial::Effects {
                layer,
                places: places(part.len()),
                effects: floats(part.len(), 1),
            },
            parts: vec![bytes(&of_places), bytes(&of_effects)],
        }
    };
    starts.map(piece).collect()
}

/// The positions `range` of a block of a dense array.
pub(super) fn dense_pieces(it: &Dense, range: Range<usize>) -> Vec<Piece> {
    let n_pos = it.data.len() / it.width.max(1);
    let (start, end) = (range.start.max(it.first), range.end.min(it.first + n_pos));
    let rows = (DENSE_BYTES / (4 * it.width).max(1)).max(1);
    (start..end)
        .step_by(rows)
        .map(|at| {
            let n = rows.min(end - at);
            let from = (at - it.first) * it.width;
            Piece {
                partial: Partial::Dense {
                    layer: it.layer,
                    dense: it.part,
                    first: at,
                    array: Array {
                        dtype: DType::F32,
                        shape: vec![n, it.width],
                        part: 0,
                    },
                },
                parts: vec![bytes(&it.data[from..from + n * it.width])],
            }
        })
        .collect()
}

fn places(n: usize) -> Array {
    Array {
        dtype: DType::I32,
        shape: vec![n, 2],
        part: 0,
    }
}

fn floats(n: usize, part: usize) -> Array {
    Array {
        dtype: DType::F32,
        shape: vec![n],
        part,
    }
}

fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(values).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_features_is_told_too() {
        let pieces = Listed::active(3, &[], 0..5).pieces();
        let Partial::Features { layer, places, .. } = &pieces[0].partial else {
            panic!("features")
        };
        assert_eq!(
            (pieces.len(), *layer, places.shape.as_slice()),
            (1, 3, &[0, 2][..])
        );
    }

    #[test]
    fn only_positions_asked_for_are_told() {
        let active = |pos, index| Active {
            pos,
            index,
            activation: 1.0,
        };
        let of_layer = [active(0, 4), active(1, 2), active(1, 9), active(3, 0)];
        let piece = &Listed::active(0, &of_layer, 1..3).pieces()[0];
        let places: Vec<[i32; 2]> = bytemuck::pod_collect_to_vec(&piece.parts[0]);
        assert_eq!(places, [[1, 2], [1, 9]]);
    }
}
