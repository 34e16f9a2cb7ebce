//! What is to be kept: a file's size, the pieces that fill it, and what is known of each piece that came.

use super::StoreError;
use crate::spec::Trust;
use serde_json::Value;
use std::{collections::BTreeMap, ops::Range};

/// The bytes of a file that one piece fills; a piece may be scattered.
pub type PieceSpan = Vec<Range<u64>>;

/// A file to be kept, before its first byte.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobPlan {
    /// Whatever tells this file from another: opaque here. What is kept with another one is begun anew.
    pub meta: Value,
    /// Bytes of the file; all are reserved at once.
    pub size_bytes: u64,
    /// What each piece fills, without overlaps. Bytes that belong to none are zeros.
    pub pieces: Vec<PieceSpan>,
}

/// What is known of a piece that came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mark {
    /// sha256 of the bytes that came.
    pub source: [u8; 32],
    /// sha256 of the bytes that are kept, the piece's spans in order.
    pub packed: [u8; 32],
    /// What the bytes that came have been compared with.
    pub trust: Trust,
}

/// The pieces that are there, by number.
pub type Marks = BTreeMap<u32, Mark>;

impl BlobPlan {
    /// Bytes of a piece; none when there is no such piece.
    pub fn piece_bytes(&self, piece: u32) -> Option<u64> {
        let spans = self.pieces.get(piece as usize)?;
        Some(spans.iter().map(|it| it.end - it.start).sum())
    }

    /// Bytes of the pieces that are marked.
    pub fn done_bytes(&self, marks: &Marks) -> u64 {
        let bytes = marks.keys().filter_map(|&it| self.piece_bytes(it));
        bytes.sum()
    }

    /// How many pieces are not marked.
    pub fn n_missing(&self, marks: &Marks) -> usize {
        self.pieces.len() - marks.len().min(self.pieces.len())
    }

    /// Every span with its piece, sorted by place.
    ///
    /// Errors: [`StoreError::Plan`] when spans overlap, are reversed or leave the file.
    pub(super) fn spans(&self, key: &str) -> Result<Vec<(Range<u64>, u32)>, StoreError> {
        let wrong = |detail: String| StoreError::Plan {
            key: key.into(),
            detail,
        };
        if u32::try_from(self.pieces.len()).is_err() {
            return Err(wrong(format!("{} pieces are too many", self.pieces.len())));
        }
        let mut out: Vec<(Range<u64>, u32)> = (self.pieces.iter().zip(0..))
            .flat_map(|(spans, piece)| spans.iter().map(move |it| (it.clone(), piece)))
            .collect();
        if let Some((it, piece)) =
            (out.iter()).find(|(it, _)| it.start > it.end || it.end > self.size_bytes)
        {
            return Err(wrong(format!(
                "bytes {} to {} of piece {piece} are not inside {} bytes",
                it.start, it.end, self.size_bytes
            )));
        }
        out.retain(|(it, _)| !it.is_empty());
        out.sort_by_key(|(it, _)| it.start);
        match out.windows(2).find(|it| it[0].0.end > it[1].0.start) {
            Some(it) => Err(wrong(format!(
                "pieces {} and {} overlap at byte {}",
                it[0].1, it[1].1, it[1].0.start
            ))),
            None => Ok(out),
        }
    }
}

/// The pieces that share bytes with a range.
pub(super) fn touched<'a>(
    spans: &'a [(Range<u64>, u32)],
    range: &Range<u64>,
) -> impl Iterator<Item = u32> + 'a {
    let range = range.clone();
    let first = spans.partition_point(|(it, _)| it.end <= range.start);
    (spans[first..].iter())
        .take_while(move |(it, _)| it.start < range.end)
        .map(|(_, piece)| *piece)
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a piece may be one span")]
mod tests {
    use super::*;

    fn plan(pieces: &[&[Range<u64>]]) -> BlobPlan {
        BlobPlan {
            meta: Value::Null,
            size_bytes: 100,
            pieces: pieces.iter().map(|it| it.to_vec()).collect(),
        }
    }

    #[test]
    fn scattered_pieces_are_found_by_range() {
        let plan = plan(&[&[0..10, 20..30], &[10..20], &[], &[40..50, 50..50]]);
        let spans = plan.spans("k").unwrap();
        let at = |it: Range<u64>| touched(&spans, &it).collect::<Vec<_>>();
        assert_eq!(at(0..100), [0, 1, 0, 3]);
        assert_eq!(at(9..11), [0, 1]);
        assert_eq!(at(10..20), [1]);
        assert!(at(30..40).is_empty());
        assert!(at(50..100).is_empty());
        assert_eq!(plan.piece_bytes(0), Some(20));
        assert_eq!(plan.piece_bytes(2), Some(0));
        assert_eq!(plan.piece_bytes(4), None);
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        let reversed = Range { start: 9, end: 3 };
        for wrong in [
            plan(&[&[0..10], &[9..20]]),
            plan(&[&[0..10, 5..6]]),
            plan(&[&[90..101]]),
            plan(&[&[reversed]]),
        ] {
            let error = wrong.spans("k").unwrap_err();
            assert!(matches!(error, StoreError::Plan { .. }), "{error}");
        }
    }
}
