//! The active features of each position, in ascending order, where `jump_scan` says: the last third of JumpReLU.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Features.
    pub n: u32,
    /// Where in `header` the offsets of the positions begin.
    pub offsets_at: u32,
    /// Entries that there is room for; those past it are not written.
    pub capacity: u32,
}

/// What features are written from, and where each position's begin.
#[derive(Clone, Copy, Debug)]
pub struct Active<'a> {
    /// `[n]`.
    pub threshold: &'a View,
    /// `[n_pos, n]`, with the bias.
    pub pre: &'a View,
    /// `[> offsets_at + n_pos]` u32, of `jump_scan`.
    pub header: &'a View,
}

/// Records it.
///
/// Shapes: `entries [capacity, 2]` u32: feature, bits of the activation.
pub fn record(recording: &mut Recording, params: Params, of: Active<'_>, entries: &View) {
    let n = u64::from(params.n_pos) * u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "jump_write",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            of.threshold.clone(),
            of.pre.clone(),
            of.header.clone(),
            entries.clone(),
        ],
        grid: [params.n_pos, 1, 1],
        cost: Cost {
            bytes_read: 16 * n,
            flops: 2 * n,
        },
    });
}

/// The definition.
///
/// Shapes: `threshold [n]`, `pre [n_pos, n]`, `header [> offsets_at + n_pos]`, `entries [capacity]`.
pub fn twin(
    params: Params,
    threshold: &[f32],
    pre: &[f32],
    header: &[u32],
    entries: &mut [[u32; 2]],
) {
    let rows = pre.chunks(params.n as usize).take(params.n_pos as usize);
    for (pos, row) in rows.enumerate() {
        let mut at = header[params.offsets_at as usize + pos];
        for (feature, (value, threshold)) in (0..).zip(row.iter().zip(threshold)) {
            if value > threshold {
                if at < params.capacity {
                    entries[at as usize] = [feature, value.to_bits()];
                }
                at += 1;
            }
        }
    }
}
