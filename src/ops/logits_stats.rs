//! What of a row of logits is worth reading back: the largest, the sum of exponentials, the tokens asked for.

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
    /// Tokens asked for.
    pub n_asked: u32,
}

/// Records it.
///
/// Shapes: `logits [n_pos, n]`, `asked [max(n_asked, 1)]` u32, `stats [n_pos, 2 + n_asked]`.
pub fn record(
    recording: &mut Recording,
    params: Params,
    logits: &View,
    asked: &View,
    stats: &View,
) {
    let n = u64::from(params.n_pos) * u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "logits_stats",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![logits.clone(), asked.clone(), stats.clone()],
        grid: [params.n_pos, 1, 1],
        cost: Cost {
            bytes_read: 4 * n,
            flops: 4 * n,
        },
    });
}

/// The definition.
///
/// Shapes: as of [`record`].
pub fn twin(params: Params, logits: &[f32], asked: &[u32], stats: &mut [f64]) {
    let (n, n_asked) = (params.n as usize, params.n_asked as usize);
    for pos in 0..params.n_pos as usize {
        let row = &logits[pos * n..][..n];
        let largest = f64::from(row.iter().copied().fold(f32::MIN, f32::max));
        let out = &mut stats[pos * (2 + n_asked)..][..2 + n_asked];
        out[0] = largest;
        out[1] = row.iter().map(|it| (f64::from(*it) - largest).exp()).sum();
        for (out, id) in out[2..].iter_mut().zip(asked) {
            *out = f64::from(row[*id as usize]);
        }
    }
}
