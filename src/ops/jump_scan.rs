//! Where the active features of each position begin in the list of all: the second third of JumpReLU.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Where in `header` the `n_pos + 1` offsets go; at least 1.
    pub offsets_at: u32,
    /// 1 to count from 0, 0 to carry on from the total that stands in `header[0]`.
    pub is_first: u32,
}

/// Records it: `header[offsets_at + pos]` is the first entry of a position, the last offset and `header[0]` the new total.
///
/// A total may be larger than the room for entries, which nothing is written past: whoever reads it then makes room.
///
/// Shapes: `counts [n_pos]` u32, `header [> offsets_at + n_pos]` u32.
pub fn record(recording: &mut Recording, params: Params, counts: &View, header: &View) {
    let n = u64::from(params.n_pos);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "jump_scan",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![counts.clone(), header.clone()],
        grid: [1, 1, 1],
        cost: Cost {
            bytes_read: 4 * n,
            flops: n,
        },
    });
}

/// The definition.
///
/// Shapes: `counts [n_pos]`, `header [> offsets_at + n_pos]`.
pub fn twin(params: Params, counts: &[u32], header: &mut [u32]) {
    let mut total = if params.is_first == 1 { 0 } else { header[0] };
    let offsets = &mut header[params.offsets_at as usize..][..=params.n_pos as usize];
    for (offset, count) in offsets.iter_mut().zip(counts) {
        *offset = total;
        total += count;
    }
    offsets[params.n_pos as usize] = total;
    header[0] = total;
}
