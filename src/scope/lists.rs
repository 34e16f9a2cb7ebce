//! The list of a block's active features on the GPU: count, scan, write, and one readback for all layers of it.

use super::{Active, Features, plan};
use crate::{
    gpu::{Buffer, Gpu, GpuError, Recording, Use, View},
    model::ModelError,
    ops::{Matrix, Tile, jump_count, jump_scan, jump_write, matmul, matvec, row_norms},
    spec::{Layout, Packing},
    sys::Stop,
};
use std::cell::Cell;

/// Entries that the first readback brings along, until a run has had more.
const FIRST_EXPECTED: usize = 4096;
/// Entries that one readback brings at most.
const MOST_EXPECTED: usize = 1 << 18;

/// Buffers that features of a block are listed in.
pub(super) struct Lists {
    /// Pre-activations of the layer looked at last: `[n_block, d_transcoder]`.
    pub pre: Buffer,
    counts: Buffer,
    /// The total, then for each slot where the entries of each position begin, and end.
    pub header: Buffer,
    /// `[capacity, 2]`: feature, bits of its activation.
    pub entries: Buffer,
    /// What each slot's encoder read, so that it can read it again: `[n_slots, n_block, d_in]`.
    inputs: Buffer,
    /// Norms of those rows: `[n_slots, n_block]`.
    norms: Buffer,
    /// A reconstruction: `[n_block, d_out]`.
    pub rebuilt: Buffer,
    shape: Shape,
    expected: Cell<usize>,
}

/// How large a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub n_slots: usize,
    pub n_block: usize,
    pub d_transcoder: usize,
    pub d_in: usize,
    pub d_out: usize,
    pub capacity: usize,
}

/// An encoder on the GPU.
#[derive(Clone)]
pub(super) struct Encoder {
    pub w_enc: Matrix,
    pub b_enc: View,
    pub threshold: View,
}

/// Some positions of a layer, listed in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub layer: usize,
    pub first: usize,
    pub n_pos: usize,
    /// Its number in the list.
    pub n: usize,
}

/// What a list says, read back.
pub(super) struct Told {
    header: Vec<u32>,
    entries: Vec<[u32; 2]>,
    norms: Vec<f32>,
}

impl Shape {
    /// Floats from slot to slot of the inputs: views start at multiples of 256 bytes.
    pub fn input_stride(&self) -> usize {
        (self.n_block * self.d_in).next_multiple_of(64)
    }

    fn offsets_at(&self, slot: usize) -> usize {
        1 + slot * (self.n_block + 1)
    }
}

impl Lists {
    pub async fn new(gpu: &Gpu, shape: Shape) -> Result<Self, GpuError> {
        let floats =
            async |label: &str, n: usize| gpu.buffer(label, 4 * n as u64, Use::Scratch).await;
        let Shape {
            n_slots,
            n_block,
            d_transcoder,
            ..
        } = shape;
        let header_words = plan::header_words(n_slots, n_block);
        Ok(Self {
            pre: floats("pre-activations", n_block * d_transcoder).await?,
            counts: floats("counts of features", n_block).await?,
            header: floats("header of the features", header_words).await?,
            entries: floats("features", 2 * shape.capacity).await?,
            inputs: floats("what encoders read", n_slots * shape.input_stride()).await?,
            norms: floats("norms of what encoders read", n_slots * n_block).await?,
            rebuilt: floats("reconstruction", n_block * shape.d_out).await?,
            shape,
            expected: Cell::new(FIRST_EXPECTED.min(shape.capacity)),
        })
    }

    /// Where in the header the offsets of a slot begin.
    pub fn offsets_at(&self, slot: usize) -> usize {
        self.shape.offsets_at(slot)
    }

    /// Entries that there is room for.
    pub fn capacity(&self) -> usize {
        self.shape.capacity
    }

    /// Slots there are.
    pub fn n_slots(&self) -> usize {
        self.shape.n_slots
    }

    /// Keeps what an encoder reads, so that it can be read again, and takes its norms.
    pub fn record_input(&self, recording: &mut Recording, slot: Slot, rows: &Buffer, width: usize) {
        let kept = self.input(slot, width);
        recording.copy(rows.view(0, kept.bytes), kept.clone());
        let matrix = Matrix {
            packing: Packing::F32,
            layout: Layout::Rows,
            n_out: slot.n_pos,
            n_in: width,
            tiles: vec![Tile {
                first_row: slot.n * self.shape.n_block,
                n_rows: slot.n_pos,
                view: kept,
            }],
        };
        row_norms::record(recording, &matrix, &self.norms.whole());
    }

    /// What a slot's encoder read.
    pub fn input(&self, slot: Slot, width: usize) -> View {
        let at = 4 * (slot.n * self.shape.input_stride()) as u64;
        self.inputs.view(at, 4 * (slot.n_pos * width) as u64)
    }

    /// Pre-activations of rows, and their active ones listed behind those of the slots before; the first slot starts the list.
    pub fn record(&self, recording: &mut Recording, encoder: &Encoder, x: &View, slot: Slot) {
        let (pre, n) = (self.pre.whole(), encoder.w_enc.n_out as u32);
        let n_pos = slot.n_pos as u32;
        if slot.n_pos == 1 {
            matvec::record(recording, &encoder.w_enc, x, matvec::Form::default(), &pre);
        } else {
            let form = matmul::Form {
                x,
                n_pos: slot.n_pos,
                gain: None,
                cap: 0.0,
            };
            matmul::record(recording, &encoder.w_enc, form, &pre);
        }
        let count = jump_count::Params {
            n_pos,
            n,
            add_bias: 1,
        };
        let jump = jump_count::Encoder {
            b_enc: &encoder.b_enc,
            threshold: &encoder.threshold,
        };
        let (counts, header) = (self.counts.whole(), self.header.whole());
        jump_count::record(recording, count, jump, &pre, &counts);
        let offsets_at = self.offsets_at(slot.n) as u32;
        let scan = jump_scan::Params {
            n_pos,
            offsets_at,
            is_first: u32::from(slot.n == 0),
        };
        jump_scan::record(recording, scan, &counts, &header);
        let write = jump_write::Params {
            n_pos,
            n,
            offsets_at,
            capacity: self.shape.capacity as u32,
        };
        let active = jump_write::Active {
            threshold: &encoder.threshold,
            pre: &pre,
            header: &header,
        };
        jump_write::record(recording, write, active, &self.entries.whole());
    }

    /// Reads the list: in one readback if it is no longer than those before, else in two.
    ///
    /// Errors: [`ModelError::Gpu`], [`ModelError::Stopped`].
    pub async fn read(&self, gpu: &Gpu, n_slots: usize, stop: &Stop) -> Result<Told, ModelError> {
        let expected = self.expected.get();
        let words = plan::header_words(n_slots, self.shape.n_block);
        let views = [
            self.header.view(0, 4 * words as u64),
            self.norms
                .view(0, 4 * (n_slots * self.shape.n_block) as u64),
            self.entries.view(0, 8 * expected as u64),
        ];
        let parts = gpu.read_many(&views, stop).await?;
        let header: Vec<u32> = bytemuck::pod_collect_to_vec(&parts[0]);
        let norms = bytemuck::pod_collect_to_vec(&parts[1]);
        let mut entries: Vec<[u32; 2]> = bytemuck::pod_collect_to_vec(&parts[2]);
        let total = header[0] as usize;
        let there = total.min(self.shape.capacity);
        while entries.len() < there {
            let n = MOST_EXPECTED.min(there - entries.len());
            let rest = self.entries.view(8 * entries.len() as u64, 8 * n as u64);
            let bytes = gpu.read(&rest, stop).await?;
            entries.extend(bytemuck::pod_collect_to_vec::<u8, [u32; 2]>(&bytes));
        }
        let most = MOST_EXPECTED.min(self.shape.capacity);
        self.expected
            .set(expected.max(there.next_power_of_two()).min(most));
        Ok(Told {
            header,
            entries,
            norms,
        })
    }
}

impl Told {
    /// Entries that the list should hold.
    pub fn total(&self) -> usize {
        self.header[0] as usize
    }

    /// Adds a slot's features to those of its layer.
    pub fn collect(&self, shape: &Lists, slot: Slot, into: &mut Features) {
        into.touch(slot.layer);
        let offsets = &self.header[shape.offsets_at(slot.n)..][..=slot.n_pos];
        for (n, ends) in offsets.windows(2).enumerate() {
            let [start, end] = [ends[0] as usize, ends[1] as usize];
            for [index, bits] in self.entries[start..end].iter().copied() {
                let it = Active {
                    pos: (slot.first + n) as u32,
                    index,
                    activation: f32::from_bits(bits),
                };
                into.push(slot.layer, it);
            }
        }
    }

    /// Norms of what a slot's encoder read.
    pub fn norms(&self, shape: &Lists, slot: Slot) -> &[f32] {
        &self.norms[slot.n * shape.shape.n_block..][..slot.n_pos]
    }
}
