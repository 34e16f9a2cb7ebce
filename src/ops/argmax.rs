//! The token of the largest of the slices' best logits, written among the tokens: nothing is read back.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Slices.
    pub n_slices: u32,
    /// Where in `ids` the token goes.
    pub at: u32,
}

/// Records it.
///
/// Shapes: `best [n_slices, 2]` u32, `ids [> at]` u32.
pub fn record(recording: &mut Recording, params: Params, best: &View, ids: &View) {
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "argmax",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![best.clone(), ids.clone()],
        grid: [1, 1, 1],
        cost: Cost {
            bytes_read: 8 * u64::from(params.n_slices),
            flops: u64::from(params.n_slices),
        },
    });
}

/// The definition.
pub fn twin(best: &[(f32, u32)], params: Params, ids: &mut [u32]) {
    let mut winner = best[0];
    for it in &best[..params.n_slices as usize] {
        if it.0 > winner.0 {
            winner = *it;
        }
    }
    ids[params.at as usize] = winner.1;
}
