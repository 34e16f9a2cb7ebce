//! `y = x / sqrt(mean(x^2) + eps)`, times `1 + gain` where there is one.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Positions.
    pub n_pos: u32,
}

/// What is fixed when the pipeline is made.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Width of a row.
    pub d_model: usize,
    /// Added to the mean square.
    pub eps: f64,
    /// `[d_model]`, multiplied in as 1 + gain.
    pub gain: Option<&'a View>,
}

/// Records the norm of `n_pos` rows.
///
/// Shapes: `x [n_pos, d_model]`, `y [n_pos, d_model]`.
pub fn record(recording: &mut Recording, form: Form<'_>, n_pos: usize, x: &View, y: &View) {
    let gain = f64::from(u8::from(form.gain.is_some()));
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "rms_norm",
            constants: vec![
                ("D_MODEL", form.d_model as f64),
                ("EPS", form.eps),
                ("GAIN", gain),
            ],
        },
        params: bytemuck::bytes_of(&Params {
            n_pos: n_pos as u32,
        })
        .to_vec(),
        views: vec![x.clone(), form.gain.unwrap_or(x).clone(), y.clone()],
        grid: [n_pos as u32, 1, 1],
        cost: Cost {
            bytes_read: (n_pos * form.d_model * 4) as u64,
            flops: (n_pos * form.d_model * 4) as u64,
        },
    });
}

/// The definition.
///
/// Shapes: `x [n_pos, d_model]`, `gain [d_model]`, `y [n_pos, d_model]`.
pub fn twin(
    params: Params,
    d_model: usize,
    eps: f64,
    x: &[f32],
    gain: Option<&[f32]>,
    y: &mut [f64],
) {
    for pos in 0..params.n_pos as usize {
        let row = &x[pos * d_model..][..d_model];
        let square: f64 = row.iter().map(|it| f64::from(*it).powi(2)).sum();
        let scale = 1.0 / (square / d_model as f64 + eps).sqrt();
        for i in 0..d_model {
            let gain = 1.0 + gain.map_or(0.0, |it| f64::from(it[i]));
            y[pos * d_model + i] = f64::from(row[i]) * scale * gain;
        }
    }
}
