//! `x += y / rms(y) * (1 + gain)`: a post norm and the residual stream in one; the divisors are kept, or given.

use super::rms_norm::{self, Scales};
use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
    /// Where in `scales` theirs begin.
    pub scales_at: u32,
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
    /// What rows are multiplied by.
    pub scales: Scales<'a>,
}

/// Records the addition to `n_pos` rows of the stream.
///
/// Shapes: `y [n_pos, d_model]`, `x [n_pos, d_model]`.
pub fn record(recording: &mut Recording, form: Form<'_>, n_pos: usize, y: &View, x: &View) {
    let params = Params {
        n_pos: n_pos as u32,
        scales_at: form.scales.at as u32,
    };
    let scales = form.scales.view;
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "norm_add",
            constants: vec![
                ("D_MODEL", form.d_model as f64),
                ("EPS", form.eps),
                ("GIVEN", f64::from(u8::from(form.scales.given))),
            ],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![y.clone(), form.gain.clone(), x.clone(), scales.clone()],
        grid: [n_pos as u32, 1, 1],
        cost: Cost {
            bytes_read: (n_pos * form.d_model * 8) as u64,
            flops: (n_pos * form.d_model * 6) as u64,
        },
    });
}

/// The definition; scales that are not `given` are written.
///
/// Shapes: `y [n_pos, d_model]`, `gain [d_model]`, `x [n_pos, d_model]`, added to, `scales [>= scales_at + n_pos]`.
pub fn twin(
    params: Params,
    fixed: (usize, f64, bool),
    y: &[f32],
    gain: &[f32],
    x: &mut [f64],
    scales: &mut [f64],
) {
    let mut added = vec![0.0; params.n_pos as usize * fixed.0];
    let norm = rms_norm::Params {
        n_pos: params.n_pos,
        scales_at: params.scales_at,
    };
    rms_norm::twin(norm, fixed, y, Some(gain), &mut added, scales);
    for (x, more) in x.iter_mut().zip(added) {
        *x += more;
    }
}
