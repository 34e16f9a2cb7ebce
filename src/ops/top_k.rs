//! The k largest logits of a position and their tokens.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Logits of a position.
    pub n: u32,
    /// How many are wanted, at most n.
    pub k: u32,
}

/// Records it.
///
/// Shapes: `logits [n_pos, n]`, `best [n_pos, k, 2]` u32: bits of the value, token; in no order.
pub fn record(recording: &mut Recording, params: Params, logits: &View, best: &View) {
    let n = u64::from(params.n_pos) * u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "top_k",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![logits.clone(), best.clone()],
        grid: [params.n_pos, 1, 1],
        cost: Cost {
            bytes_read: 4 * n,
            flops: 8 * n,
        },
    });
}

/// The definition: (value, token) of every position, the largest first, ties by token.
///
/// Shapes: `logits [n_pos, n]`; gives `[n_pos][k]`.
pub fn twin(params: Params, logits: &[f32]) -> Vec<Vec<(f32, u32)>> {
    logits
        .chunks(params.n as usize)
        .take(params.n_pos as usize)
        .map(|row| {
            let mut all: Vec<(f32, u32)> = row
                .iter()
                .zip(0..)
                .map(|(value, id)| (*value, id))
                .collect();
            sort(&mut all);
            all.truncate(params.k as usize);
            all
        })
        .collect()
}

/// Puts (value, token) pairs into order: the largest first, ties by token.
pub fn sort(pairs: &mut [(f32, u32)]) {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
}
