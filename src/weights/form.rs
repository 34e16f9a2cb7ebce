//! How weights stand where they are read from: as a file has them, or packed as they are kept. Leaves the packing to `convert`.

use super::{WeightsError, convert};
use crate::spec::{Bytes, DType, Packing};
use std::ops::Range;

/// How weights stand where they are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a published file has them.
    Raw(DType),
    /// As the GPU reads them.
    Packed(Packing),
}

/// Some rows of a matrix: where they lie and how.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The file, or the key of what is kept.
    pub file: String,
    /// Byte of the first row.
    pub at: u64,
    /// The rows.
    pub rows: Range<usize>,
    /// How they stand.
    pub form: Form,
}

impl Form {
    /// The type of the weights; none of 8-bit blocks.
    pub fn dtype(self) -> Option<DType> {
        match self {
            Self::Raw(it) => Some(it),
            Self::Packed(Packing::F32) => Some(DType::F32),
            Self::Packed(Packing::F16) => Some(DType::F16),
            Self::Packed(Packing::Bf16) => Some(DType::BF16),
            Self::Packed(Packing::Q8) => None,
        }
    }

    /// Bytes of a row of `n_in` weights.
    pub fn row_bytes(self, n_in: usize) -> u64 {
        match self {
            Self::Raw(it) => (n_in * it.size_bytes()) as u64,
            Self::Packed(it) => it.row_bytes(n_in) as u64,
        }
    }

    /// Packs whole rows.
    ///
    /// Shapes: `raw` is rows of [`Form::row_bytes`]; the result is as many of [`Packing::row_bytes`].
    ///
    /// Errors: as [`convert::pack`]; [`WeightsError::Coarse`] for 8-bit blocks that should become something else.
    pub fn pack(
        self,
        tensor: &str,
        first_index: u64,
        raw: Bytes,
        n_in: usize,
        packing: Packing,
    ) -> Result<Bytes, WeightsError> {
        if self == Self::Packed(packing) {
            return Ok(raw);
        }
        let dtype = self.dtype().ok_or_else(|| WeightsError::Coarse {
            tensor: tensor.into(),
            packing,
        })?;
        convert::pack(tensor, first_index, raw, dtype, n_in, packing)
    }
}

impl Place {
    /// Where some of its rows of `n_in` weights lie.
    pub fn range(&self, rows: &Range<usize>, n_in: usize) -> Range<u64> {
        let row_bytes = self.form.row_bytes(n_in);
        let byte = |row: usize| self.at + (row - self.rows.start) as u64 * row_bytes;
        byte(rows.start)..byte(rows.end)
    }
}

/// The parts of `rows` that places hold, in order; none where a row is in no place.
pub(super) fn among<'a>(
    places: &'a [Place],
    rows: &Range<usize>,
) -> Option<Vec<(&'a Place, Range<usize>)>> {
    let mut found = Vec::new();
    let mut at = rows.start;
    for place in places {
        let (start, end) = (at.max(place.rows.start), rows.end.min(place.rows.end));
        if start < end && start == at {
            found.push((place, start..end));
            at = end;
        }
    }
    (at >= rows.end).then_some(found)
}

#[cfg(test)]
#[allow(
    clippy::single_range_in_vec_init,
    reason = "rows are found as lists of ranges"
)]
mod tests {
    use super::*;

    fn place(rows: Range<usize>) -> Place {
        Place {
            file: format!("{}", rows.start),
            at: 100,
            rows,
            form: Form::Packed(Packing::Bf16),
        }
    }

    #[test]
    fn rows_are_found_across_places_and_gaps_are_noticed() {
        let places = [place(0..4), place(4..9), place(12..14)];
        let found = |rows: Range<usize>| {
            let found = among(&places, &rows)?;
            Some(found.into_iter().map(|it| it.1).collect::<Vec<_>>())
        };
        assert_eq!(found(1..3), Some(vec![1..3]));
        assert_eq!(found(3..6), Some(vec![3..4, 4..6]));
        assert_eq!(found(12..14), Some(vec![12..14]));
        assert_eq!(found(5..5), Some(vec![]));
        assert_eq!(found(8..10), None);
        assert_eq!(found(10..11), None);
        assert_eq!(places[1].range(&(5..6), 8), 116..132);
    }
}
