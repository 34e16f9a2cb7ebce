//! Parts cut into pieces: what is fetched at a time, and where in what is kept it goes. Leaves which tensors a part has to `parts`,
//! and the packing to `packer`.

#![allow(
    clippy::single_range_in_vec_init,
    reason = "spans are lists of ranges, often of one"
)]

use super::{
    form::Form,
    stripes::{Order, Within},
};
use crate::spec::{Bytes, DType, Layout, Packing, Part, gemma::BLOCK};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// Packed tensors begin at multiples of this, which every adapter takes as the offset of a binding.
const ALIGN_BYTES: u64 = 256;
/// An encoder whose rows are features is cut at multiples of so many, so that its 8-bit scales are whole words.
const FEATURES_STEP: usize = 64;

/// A tensor as it is kept in a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedTensor {
    /// Its name: the registry's, or a dictionary's array.
    pub name: String,
    /// The rows of the whole tensor that are here; for a tile of the table of tokens some of them.
    pub rows: Range<usize>,
    /// Width of a row.
    pub n_in: usize,
    /// How it is packed.
    pub packing: Packing,
    /// How it lies.
    pub layout: Layout,
    /// Its first byte.
    pub at: u64,
}

/// A part: what is kept of it, and the pieces that it is fetched in.
#[derive(Clone, Debug)]
pub struct PartPlan {
    /// Which.
    pub part: Part,
    /// What is kept, in order.
    pub tensors: Vec<PackedTensor>,
    /// What is fetched, in the order of the files.
    pub pieces: Vec<PiecePlan>,
    /// Bytes that are kept.
    pub size_bytes: u64,
    pub(super) sources: Vec<SourceTensor>,
}

/// What is fetched, checked and noted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PiecePlan {
    /// The file.
    pub file: String,
    /// Bytes of the file. All pieces of all parts together are the file, without gaps.
    pub range: Range<u64>,
    pub(super) slices: Vec<Slice>,
    /// Bytes before the first slice, between them and behind the last, which are no weights, in the order of the file.
    pub(super) gaps: Vec<Range<u64>>,
    /// Where they are kept.
    pub(super) gaps_at: u64,
}

/// Rows of one tensor in a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// Which tensor of the part.
    pub tensor: usize,
    /// Rows as the file has them, counted from the first of the tensor that is here.
    pub rows: Range<usize>,
    /// Their first byte in the file.
    pub at: u64,
}

/// A tensor as a file has it.
#[derive(Clone, Debug)]
pub(super) struct SourceTensor {
    /// What messages call it.
    pub label: String,
    /// The file.
    pub file: String,
    /// The first byte of its first row that is here.
    pub at: u64,
    /// Type of its weights.
    pub dtype: DType,
    /// What a row of the file is; none for matrices that are kept row by row.
    pub order: Option<Order>,
    /// Bytes of the file before it that belong to no tensor.
    pub lead_bytes: u64,
    /// The same behind it, for the last of the file.
    pub tail_bytes: u64,
    /// The tensor as it will be kept; its place is not yet known.
    pub packed: PackedTensor,
}

impl PackedTensor {
    /// Bytes that it takes.
    pub fn size_bytes(&self) -> u64 {
        let (n_out, n_in) = (self.rows.len(), self.n_in);
        // Vectors of any width are kept as f32, whose rows need no padding.
        match (self.packing, self.layout) {
            (Packing::F32, Layout::Rows) => (n_out * n_in * 4) as u64,
            (packing, layout) => packing.matrix_bytes(layout, n_out, n_in) as u64,
        }
    }
}

impl SourceTensor {
    /// Rows in the file.
    fn n_rows(&self) -> usize {
        match self.order {
            Some(Order::Inputs) => self.packed.n_in,
            _ => self.packed.rows.len(),
        }
    }

    /// Bytes of a row in the file.
    pub fn row_bytes(&self) -> u64 {
        let width = match self.order {
            Some(Order::Inputs) => self.packed.rows.len(),
            _ => self.packed.n_in,
        };
        Form::Raw(self.dtype).row_bytes(width)
    }

    fn step(&self) -> usize {
        match self.order {
            Some(Order::Inputs) => BLOCK,
            Some(_) => FEATURES_STEP,
            None => 1,
        }
    }

    /// Whether what is kept is what the file has, byte for byte and in its order.
    pub fn is_kept_as_it_is(&self) -> bool {
        let same = matches!(
            (self.dtype, self.packed.packing),
            (DType::BF16, Packing::Bf16) | (DType::F16, Packing::F16) | (DType::F32, Packing::F32)
        );
        same && self.order.is_none()
    }

    /// The bytes of what is kept that rows of the file become.
    pub fn spans(&self, rows: &Range<usize>) -> Vec<Range<u64>> {
        let it = &self.packed;
        match self.order {
            None => {
                let row_bytes = it.size_bytes() / it.rows.len().max(1) as u64;
                let byte = |row: usize| it.at + row as u64 * row_bytes;
                vec![byte(rows.start)..byte(rows.end)]
            }
            Some(Order::Inputs) => {
                let stripe_bytes = it.packing.stripe_bytes(it.rows.len()) as u64;
                let stripe = |row: usize| it.at + (row / BLOCK) as u64 * stripe_bytes;
                vec![stripe(rows.start)..stripe(rows.end)]
            }
            Some(Order::Features | Order::Stripes) => {
                let within = Within {
                    packing: it.packing,
                    n_tile: it.rows.len(),
                    first: rows.start,
                    n: rows.len(),
                };
                let stripes = 0..it.n_in / BLOCK;
                let spans = stripes.flat_map(|stripe| within.spans(stripe));
                spans
                    .map(|span| it.at + span.start..it.at + span.end)
                    .collect()
            }
        }
    }
}

impl PartPlan {
    /// Cuts tensors, in the order in which they are kept, into pieces of at most `piece_bytes` where rows allow it. How they are
    /// packed makes no difference to the cut: a manifest of pieces is one for all packings.
    pub(super) fn new(part: Part, mut sources: Vec<SourceTensor>, piece_bytes: u64) -> Self {
        let mut size_bytes = 0;
        for it in &mut sources {
            it.packed.at = size_bytes;
            size_bytes = (size_bytes + it.packed.size_bytes()).next_multiple_of(ALIGN_BYTES);
        }
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|it| (&sources[*it].file, sources[*it].at));
        let mut pieces: Vec<PiecePlan> = Vec::new();
        // The rows of the opening set differ from one set to the next; the piece beside them must not.
        let is_joined = part != Part::Opening;
        for tensor in order {
            for it in cut(&sources[tensor], tensor, piece_bytes) {
                match pieces.last_mut() {
                    Some(last) if is_joined && last.takes(&it, piece_bytes) => last.join(it),
                    _ => pieces.push(it),
                }
            }
        }
        for it in &mut pieces {
            it.gaps_at = size_bytes;
            size_bytes += it.gap_bytes();
        }
        Self {
            part,
            tensors: sources.iter().map(|it| it.packed.clone()).collect(),
            pieces,
            size_bytes,
            sources,
        }
    }

    /// Bytes that are fetched.
    pub fn source_bytes(&self) -> u64 {
        self.pieces.iter().map(PiecePlan::source_bytes).sum()
    }

    /// The bytes of what is kept that a piece fills.
    pub fn spans(&self, piece: usize) -> Vec<Range<u64>> {
        let piece = &self.pieces[piece];
        let mut spans = Vec::new();
        for slice in &piece.slices {
            let source = &self.sources[slice.tensor];
            spans.extend(source.spans(&slice.rows));
        }
        if piece.gap_bytes() > 0 {
            spans.push(piece.gaps_at..piece.gaps_at + piece.gap_bytes());
        }
        spans
    }

    /// The tensors of which a piece has rows.
    pub fn tensors_of(&self, piece: usize) -> impl Iterator<Item = &PackedTensor> {
        let slices = self.pieces[piece].slices.iter();
        slices.map(|it| &self.tensors[it.tensor])
    }

    /// Whether a piece can be had back from what is kept as the file has it.
    pub fn is_kept_as_it_is(&self, piece: usize) -> bool {
        let mut slices = self.pieces[piece].slices.iter();
        let as_it_is = |it: &Slice| self.sources[it.tensor].is_kept_as_it_is();
        slices.all(as_it_is)
    }

    /// The bytes of what is kept that make up a piece as the file has it, in its order.
    ///
    /// Only of pieces that [`PartPlan::is_kept_as_it_is`].
    pub fn as_in_file(&self, piece: usize) -> Vec<Range<u64>> {
        let piece = &self.pieces[piece];
        let mut runs: BTreeMap<u64, Range<u64>> = BTreeMap::new();
        let mut at = piece.gaps_at;
        for gap in &piece.gaps {
            let n_bytes = gap.end - gap.start;
            runs.insert(gap.start, at..at + n_bytes);
            at += n_bytes;
        }
        for slice in &piece.slices {
            let spans = self.sources[slice.tensor].spans(&slice.rows);
            runs.extend(spans.into_iter().map(|it| (slice.at, it)));
        }
        runs.into_values().collect()
    }
}

impl PiecePlan {
    /// Bytes that are fetched.
    pub fn source_bytes(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// A range of the file within this piece.
    pub(super) fn bytes(&self, raw: &Bytes, range: Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(range.start.checked_sub(self.range.start)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.range.start)?).ok()?;
        raw.slice(start..end)
    }

    fn gap_bytes(&self) -> u64 {
        self.gaps.iter().map(|it| it.end - it.start).sum()
    }

    fn takes(&self, next: &Self, piece_bytes: u64) -> bool {
        let joined = next.range.end.saturating_sub(self.range.start);
        self.file == next.file && self.range.end == next.range.start && joined <= piece_bytes
    }

    fn join(&mut self, next: Self) {
        self.range.end = next.range.end;
        self.slices.extend(next.slices);
        self.gaps.extend(next.gaps);
    }
}

/// A tensor in pieces.
fn cut(source: &SourceTensor, tensor: usize, piece_bytes: u64) -> Vec<PiecePlan> {
    let (n_rows, row_bytes, step) = (source.n_rows(), source.row_bytes(), source.step());
    let per_piece = (piece_bytes / row_bytes.max(1)) as usize / step;
    let per_piece = per_piece.max(1) * step;
    let byte = |row: usize| source.at + row as u64 * row_bytes;
    let starts = (0..n_rows).step_by(per_piece);
    let mut pieces: Vec<PiecePlan> = starts
        .map(|start| {
            let rows = start..n_rows.min(start + per_piece);
            PiecePlan {
                file: source.file.clone(),
                range: byte(rows.start)..byte(rows.end),
                slices: vec![Slice {
                    tensor,
                    at: byte(rows.start),
                    rows,
                }],
                gaps: Vec::new(),
                gaps_at: 0,
            }
        })
        .collect();
    if let Some(first) = pieces.first_mut()
        && source.lead_bytes > 0
    {
        let start = first.range.start - source.lead_bytes;
        first.gaps.push(start..first.range.start);
        first.range.start = start;
    }
    if let Some(last) = pieces.last_mut()
        && source.tail_bytes > 0
    {
        let end = last.range.end + source.tail_bytes;
        last.gaps.push(last.range.end..end);
        last.range.end = end;
    }
    pieces
}
