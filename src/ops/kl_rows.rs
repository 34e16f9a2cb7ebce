//! `KL(p || q)` of the softmaxes of pairs of rows of logits, without cancellation.
//!
//! Accurate to about 1e-4 of its value, down to divergences of 1e-12; equal rows give exactly 0. A sum of
//! `p (log p - log q)` in f32 would be noise below 1e-6.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Pairs of rows.
    pub n: u32,
    /// Logits of a row.
    pub n_vocab: u32,
    /// The first row in `p`.
    pub p_row: u32,
    /// The first row in `q`.
    pub q_row: u32,
}

/// Records it; `p` and `q` may be the same buffer.
///
/// Shapes: `p [>= p_row + n, n_vocab]`, `q [>= q_row + n, n_vocab]`, `kl [n]`, in nats.
pub fn record(recording: &mut Recording, params: Params, p: &View, q: &View, kl: &View) {
    let n = u64::from(params.n) * u64::from(params.n_vocab);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "kl_rows",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![p.clone(), q.clone(), kl.clone()],
        grid: [params.n, 1, 1],
        cost: Cost {
            bytes_read: 8 * n,
            flops: 40 * n,
        },
    });
}

/// The definition.
///
/// Shapes: `p [>= p_row + n, n_vocab]`, `q [>= q_row + n, n_vocab]`; gives `[n]`.
pub fn twin(params: Params, p: &[f32], q: &[f32]) -> Vec<f64> {
    let n_vocab = params.n_vocab as usize;
    (0..params.n as usize)
        .map(|i| {
            let p = log_softmax(&p[(params.p_row as usize + i) * n_vocab..][..n_vocab]);
            let q = log_softmax(&q[(params.q_row as usize + i) * n_vocab..][..n_vocab]);
            p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum()
        })
        .collect()
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let largest = f64::from(logits.iter().copied().fold(f32::MIN, f32::max));
    let sum: f64 = logits
        .iter()
        .map(|it| (f64::from(*it) - largest).exp())
        .sum();
    logits
        .iter()
        .map(|it| f64::from(*it) - largest - sum.ln())
        .collect()
}
