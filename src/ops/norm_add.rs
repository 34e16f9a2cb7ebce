//! `x += y / rms(y) * (1 + gain)`: a post norm and the residual stream in one.

use super::rms_norm;
use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
}

/// The gain and what is fixed when the pipeline is made.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Width of a row.
    pub d_model: usize,
    /// Added to the mean square.
    pub eps: f64,
    /// `[d_model]`, multiplied in as 1 + gain.
    pub gain: &'a View,
}

/// Records the addition to `n_pos` rows of the stream.
///
/// Shapes: `y [n_pos, d_model]`, `x [n_pos, d_model]`.
pub fn record(recording: &mut Recording, form: Form<'_>, n_pos: usize, y: &View, x: &View) {
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "norm_add",
            constants: vec![("D_MODEL", form.d_model as f64), ("EPS", form.eps)],
        },
        params: bytemuck::bytes_of(&Params {
            n_pos: n_pos as u32,
        })
        .to_vec(),
        views: vec![y.clone(), form.gain.clone(), x.clone()],
        grid: [n_pos as u32, 1, 1],
        cost: Cost {
            bytes_read: (n_pos * form.d_model * 8) as u64,
            flops: (n_pos * form.d_model * 6) as u64,
        },
    });
}

/// The definition.
///
/// Shapes: `y [n_pos, d_model]`, `gain [d_model]`, `x [n_pos, d_model]`, added to.
pub fn twin(params: Params, d_model: usize, eps: f64, y: &[f32], gain: &[f32], x: &mut [f64]) {
    let mut added = vec![0.0; params.n_pos as usize * d_model];
    let norm = rms_norm::Params {
        n_pos: params.n_pos,
    };
    rms_norm::twin(norm, d_model, eps, y, Some(gain), &mut added);
    for (x, more) in x.iter_mut().zip(added) {
        *x += more;
    }
}
