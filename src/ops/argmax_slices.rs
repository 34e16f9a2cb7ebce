//! The largest logit of every slice and its token: the first half of choosing the most probable one.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Logits that a slice holds.
pub const SLICE: u32 = 2048;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Logits.
    pub n: u32,
    /// Logits of a slice.
    pub slice: u32,
}

/// Slices of `n` logits.
pub fn n_slices(n: usize) -> usize {
    n.div_ceil(SLICE as usize)
}

/// Records it for `n` logits.
///
/// Shapes: `logits [n]`, `best [n_slices, 2]` u32.
pub fn record(recording: &mut Recording, n: usize, logits: &View, best: &View) {
    let params = Params {
        n: n as u32,
        slice: SLICE,
    };
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "argmax_slices",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![logits.clone(), best.clone()],
        grid: [n_slices(n) as u32, 1, 1],
        cost: Cost {
            bytes_read: 4 * n as u64,
            flops: n as u64,
        },
    });
}

/// The definition: (value, token) of every slice.
///
/// Shapes: `logits [n]`.
pub fn twin(params: Params, logits: &[f32]) -> Vec<(f32, u32)> {
    let slice = params.slice as usize;
    logits[..params.n as usize]
        .chunks(slice)
        .enumerate()
        .map(|(n, of_slice)| {
            let mut best = (of_slice[0], 0);
            for (i, value) in of_slice.iter().enumerate() {
                if *value > best.0 {
                    best = (*value, i);
                }
            }
            (best.0, (n * slice + best.1) as u32)
        })
        .collect()
}
