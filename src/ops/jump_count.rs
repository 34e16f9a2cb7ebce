//! `pre += b_enc`, and how many features of each position are above their thresholds: the first third of JumpReLU.

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
    /// 1 when `pre` still lacks the bias; 0 to count again.
    pub add_bias: u32,
}

/// What an activation has to exceed, and what is added before.
#[derive(Clone, Copy, Debug)]
pub struct Encoder<'a> {
    /// `[n]`.
    pub b_enc: &'a View,
    /// `[n]`.
    pub threshold: &'a View,
}

/// Records it; `pre` keeps the bias.
///
/// Shapes: `pre [n_pos, n]`, `counts [n_pos]` u32.
pub fn record(
    recording: &mut Recording,
    params: Params,
    encoder: Encoder<'_>,
    pre: &View,
    counts: &View,
) {
    let n = u64::from(params.n_pos) * u64::from(params.n);
    let (b_enc, threshold) = (encoder.b_enc.clone(), encoder.threshold.clone());
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "jump_count",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![b_enc, threshold, pre.clone(), counts.clone()],
        grid: [params.n_pos, 1, 1],
        cost: Cost {
            bytes_read: 12 * n,
            flops: 2 * n,
        },
    });
}

/// The definition, in f32, since what is compared is what was rounded.
///
/// Shapes: `b_enc [n]`, `threshold [n]`, `pre [n_pos, n]`, added to; gives `[n_pos]`.
pub fn twin(params: Params, b_enc: &[f32], threshold: &[f32], pre: &mut [f32]) -> Vec<u32> {
    let n = params.n as usize;
    let mut counts = Vec::new();
    for row in pre.chunks_mut(n).take(params.n_pos as usize) {
        let mut count = 0;
        for f in 0..n {
            if params.add_bias == 1 {
                row[f] += b_enc[f];
            }
            count += u32::from(row[f] > threshold[f]);
        }
        counts.push(count);
    }
    counts
}
