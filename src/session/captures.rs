//! Cuts captured activations into the pieces of an answer, and joins pieces into what is kept: plain geometry, no GPU.

use super::{
    outbox::Piece,
    protocol::{Array, Partial},
};
use crate::model::Capture;
use crate::spec::{Config, DType, Site};
use std::ops::Range;

/// Bytes of one piece of an answer at most, unless one row is larger.
const PIECE_BYTES: usize = 4 << 20;

/// Activations of a whole prompt at a site.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slab {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// Rows along the axis of positions: `n_outer` runs of `n_pos` rows of `width` numbers.
#[derive(Clone, Copy, Debug)]
struct Layout {
    n_outer: usize,
    n_pos: usize,
    width: usize,
}

/// Some positions of some sites, small enough to be held at once.
pub(super) type Batch = Vec<(Site, Range<usize>)>;

impl Slab {
    /// Zeros of the shape that `site` has in a prompt of `n_pos`.
    pub fn new(site: Site, config: &Config, n_pos: usize) -> Self {
        let shape = match site {
            Site::Pattern(_) => vec![config.n_heads, n_pos, n_pos],
            Site::Logits => vec![n_pos, config.d_vocab],
            _ => vec![n_pos, config.d_model],
        };
        let data = vec![0.0; shape.iter().product()];
        Self { shape, data }
    }

    /// Puts a captured block of positions into its place.
    pub fn put(&mut self, capture: &Capture) {
        let (to, from) = (
            layout(capture.site, &self.shape),
            layout(capture.site, &capture.shape),
        );
        for outer in 0..from.n_outer {
            let at = (outer * to.n_pos + capture.first) * to.width;
            let len = from.n_pos * from.width;
            self.data[at..at + len].copy_from_slice(&capture.data[outer * len..(outer + 1) * len]);
        }
    }
}

/// Bytes that one position takes at `site` in a prompt of `n_pos`.
pub(super) fn row_bytes(site: Site, config: &Config, n_pos: usize) -> usize {
    4 * match site {
        Site::Pattern(_) => config.n_heads * n_pos,
        Site::Logits => config.d_vocab,
        _ => config.d_model,
    }
}

/// Sites times positions, in batches of at most `budget_bytes`; one run of the model serves a batch.
pub(super) fn batches(
    sites: &[Site],
    range: Range<usize>,
    row_bytes: impl Fn(Site) -> usize,
    budget_bytes: usize,
) -> Vec<Batch> {
    let mut out: Vec<Batch> = Vec::new();
    let mut room = 0;
    for &site in sites {
        let row_bytes = row_bytes(site).max(1);
        let most = (budget_bytes / row_bytes).max(1);
        let mut first = range.start;
        while first < range.end {
            let rows = most.min(range.end - first);
            let bytes = rows * row_bytes;
            match out.last_mut() {
                Some(batch) if bytes <= room => batch.push((site, first..first + rows)),
                _ => {
                    out.push(vec![(site, first..first + rows)]);
                    room = budget_bytes;
                }
            }
            room = room.saturating_sub(bytes);
            first += rows;
        }
    }
    out
}

/// The positions `range` of a block of activations that starts at `first`, as pieces of an answer.
pub(super) fn pieces(
    site: Site,
    first: usize,
    shape: &[usize],
    data: &[f32],
    range: Range<usize>,
) -> Vec<Piece> {
    let layout = layout(site, shape);
    let (start, end) = (range.start.max(first), range.end.min(first + layout.n_pos));
    let rows = (PIECE_BYTES / (4 * layout.n_outer * layout.width).max(1)).max(1);
    (start..end)
        .step_by(rows)
        .map(|at| {
            let n = rows.min(end - at);
            let mut bytes = Vec::with_capacity(4 * n * layout.n_outer * layout.width);
            for outer in 0..layout.n_outer {
                let row = (outer * layout.n_pos + at - first) * layout.width;
                bytes.extend_from_slice(bytemuck::cast_slice(&data[row..row + n * layout.width]));
            }
            let mut shape = shape.to_vec();
            let axis = shape.len() - 2;
            shape[axis] = n;
            let array = Array {
                dtype: DType::F32,
                shape,
                part: 0,
            };
            Piece {
                partial: Partial::Site {
                    site,
                    first: at,
                    array,
                },
                parts: vec![bytes],
            }
        })
        .collect()
}

fn layout(site: Site, shape: &[usize]) -> Layout {
    match (site, shape) {
        (Site::Pattern(_), &[n_outer, n_pos, width]) => Layout {
            n_outer,
            n_pos,
            width,
        },
        (_, &[n_pos, width]) => Layout {
            n_outer: 1,
            n_pos,
            width,
        },
        _ => Layout {
            n_outer: 0,
            n_pos: 0,
            width: 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_cut_by_queries() {
        // 2 heads, 3 queries from position 4, 2 keys.
        let data: Vec<f32> = (0..12).map(|it| it as f32).collect();
        let pieces = pieces(Site::Pattern(0), 4, &[2, 3, 2], &data, 5..9);
        assert_eq!(pieces.len(), 1);
        let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(&pieces[0].parts[0]);
        assert_eq!(numbers, [2., 3., 4., 5., 8., 9., 10., 11.]);
        let Partial::Site { first, array, .. } = &pieces[0].partial else {
            panic!("a site")
        };
        assert_eq!((*first, array.shape.as_slice()), (5, &[2, 2, 2][..]));
    }

    #[test]
    fn blocks_join_into_a_slab() {
        let mut slab = Slab {
            shape: vec![2, 3, 1],
            data: vec![0.0; 6],
        };
        for (first, data) in [(0, vec![1., 2., 4., 5.]), (2, vec![3., 6.])] {
            slab.put(&Capture {
                site: Site::Pattern(1),
                first,
                shape: vec![2, data.len() / 2, 1],
                data,
            });
        }
        assert_eq!(slab.data, [1., 2., 3., 4., 5., 6.]);
    }

    #[test]
    fn batches_hold_no_more_than_the_budget() {
        let sites = [Site::Embed, Site::MlpOut(0), Site::Logits];
        let width = |it: Site| if it == Site::Logits { 50 } else { 10 };
        let batches = batches(&sites, 1..6, width, 110);
        let mut rows = 0;
        for batch in &batches {
            let bytes: usize = batch.iter().map(|(site, it)| width(*site) * it.len()).sum();
            assert!(bytes <= 110, "{batch:?}");
            rows += batch.iter().map(|it| it.1.len()).sum::<usize>();
        }
        assert_eq!(rows, 15);
        assert_eq!(batches[0], [(Site::Embed, 1..6), (Site::MlpOut(0), 1..6)]);
    }
}
