//! `y = b_dec + sum of value * W_dec[feature]` over the entries of each position: a sparse product with the decoder.

use super::Matrix;
use crate::gpu::{Cost, Dispatch, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// The first feature of this part of the decoder.
    pub first_row: u32,
    /// Features of this part.
    pub n_rows: u32,
    /// Where in `header` the offsets of the positions begin.
    pub offsets_at: u32,
    /// Entries that there are at most.
    pub capacity: u32,
    /// What is added to: 0 what stands in `y`, 1 nothing, 2 `b_dec`.
    pub start: u32,
}

/// What the entries are added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// What stands in `y`: interventions add to what the MLP put there.
    Kept,
    /// Nothing.
    Zero,
    /// `b_dec [d_out]`.
    Bias(&'a View),
}

/// Entries of positions, as `jump_write` and `steer` write them.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    /// `[>= capacity, 2]` u32: feature, bits of its value; ascending within a position.
    pub entries: &'a View,
    /// `[> offsets_at + n_pos]` u32: where each position's begin, and where the last one's end.
    pub header: &'a View,
    /// Where in `header` the offsets of the positions begin.
    pub offsets_at: usize,
    /// Positions.
    pub n_pos: usize,
}

/// Records the sum, a dispatch per part of the decoder; however it is split, the same additions in the same order.
///
/// An entry whose value is 0 leaves the bits of `y` as they are. Its cost is that of 100 entries per position.
///
/// Shapes: `w_dec [d_transcoder, d_out]`, `y [n_pos, d_out]`.
pub fn record(
    recording: &mut Recording,
    w_dec: &Matrix,
    of: Entries<'_>,
    start: Start<'_>,
    y: &View,
) {
    for (n, tile) in w_dec.tiles.iter().enumerate() {
        let params = Params {
            n_pos: of.n_pos as u32,
            first_row: tile.first_row as u32,
            n_rows: tile.n_rows as u32,
            offsets_at: of.offsets_at as u32,
            capacity: (of.entries.bytes / 8) as u32,
            start: match start {
                Start::Zero if n == 0 => 1,
                Start::Bias(_) if n == 0 => 2,
                _ => 0,
            },
        };
        let b_dec = match start {
            Start::Bias(it) => it,
            Start::Zero | Start::Kept => &tile.view,
        };
        let n_read = TYPICAL_ENTRIES * of.n_pos * tile.n_rows / w_dec.n_out.max(1);
        recording.dispatch(Dispatch {
            kernel: w_dec.kernel("decode", &[]),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![
                b_dec.clone(),
                of.entries.clone(),
                of.header.clone(),
                tile.view.clone(),
                y.clone(),
            ],
            grid: [
                (w_dec.n_in as u32 / 16).div_ceil(WG_SIZE),
                of.n_pos as u32,
                1,
            ],
            cost: Cost {
                bytes_read: (n_read * w_dec.row_bytes()) as u64,
                flops: (2 * n_read * w_dec.n_in) as u64,
            },
        });
    }
}

/// Runs of 16 columns that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// Entries of a position that the declared cost counts: how many there are is known on the GPU alone.
const TYPICAL_ENTRIES: usize = 100;

/// The definition, for one part of the decoder; `b_dec` counts when `start` is 2.
///
/// Shapes: `w` the part, `entries [capacity]`, `header [> offsets_at + n_pos]`, `b_dec [n_in]`, `y [n_pos, n_in]`.
pub fn twin(
    params: Params,
    w: (&Matrix, &[u8]),
    (entries, header): (&[[u32; 2]], &[u32]),
    b_dec: &[f32],
    y: &mut [f64],
) {
    let (matrix, bytes) = w;
    for pos in 0..params.n_pos as usize {
        let row = &mut y[pos * matrix.n_in..][..matrix.n_in];
        match params.start {
            1 => row.fill(0.0),
            2 => row
                .iter_mut()
                .zip(b_dec)
                .for_each(|(y, b)| *y = f64::from(*b)),
            _ => {}
        }
        let offsets = &header[params.offsets_at as usize + pos..][..2];
        for i in offsets[0]..offsets[1].min(params.capacity) {
            let [feature, value] = entries[i as usize];
            let value = f64::from(f32::from_bits(value));
            if feature < params.first_row || feature - params.first_row >= params.n_rows {
                continue;
            }
            let of_part = (feature - params.first_row) as usize;
            let weights = matrix.unpack_row(bytes, params.n_rows as usize, of_part);
            for (y, weight) in row.iter_mut().zip(weights) {
                *y += value * weight;
            }
        }
    }
}
