//! `y = x / sqrt(mean(x^2) + eps)`, times `1 + gain` where there is one; the divisors are kept, or given.

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

/// What is fixed when the pipeline is made.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// Width of a row.
    pub d_model: usize,
    /// Added to the mean square.
    pub eps: f64,
    /// `[d_model]`, multiplied in as 1 + gain.
    pub gain: Option<&'a View>,
    /// What rows are multiplied by.
    pub scales: Scales<'a>,
}

/// What rows are multiplied by: `1 / sqrt(mean(x^2) + eps)` of each, written, or given by an earlier pass (a frozen norm).
///
/// Rows whose scales are given come out in the same bits as when they were computed.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    /// `[>= at + n_pos]`.
    pub view: &'a View,
    /// Where in it they begin.
    pub at: usize,
    /// Whether they are read instead of written.
    pub given: bool,
}

impl<'a> Scales<'a> {
    /// Computed and written to the beginning of a view.
    pub const fn written(view: &'a View) -> Self {
        let (at, given) = (0, false);
        Self { view, at, given }
    }
}

/// Records the norm of `n_pos` rows.
///
/// Shapes: `x [n_pos, d_model]`, `y [n_pos, d_model]`.
pub fn record(recording: &mut Recording, form: Form<'_>, n_pos: usize, x: &View, y: &View) {
    let params = Params {
        n_pos: n_pos as u32,
        scales_at: form.scales.at as u32,
    };
    let (gain, scales) = (form.gain.unwrap_or(x), form.scales.view);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "rms_norm",
            constants: vec![
                ("D_MODEL", form.d_model as f64),
                ("EPS", form.eps),
                ("GAIN", f64::from(u8::from(form.gain.is_some()))),
                ("GIVEN", f64::from(u8::from(form.scales.given))),
            ],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![x.clone(), gain.clone(), y.clone(), scales.clone()],
        grid: [n_pos as u32, 1, 1],
        cost: Cost {
            bytes_read: (n_pos * form.d_model * 4) as u64,
            flops: (n_pos * form.d_model * 4) as u64,
        },
    });
}

/// The definition; scales that are not `given` are written.
///
/// Shapes: `x [n_pos, d_model]`, `gain [d_model]`, `y [n_pos, d_model]`, `scales [>= scales_at + n_pos]`.
pub fn twin(
    params: Params,
    (d_model, eps, given): (usize, f64, bool),
    x: &[f32],
    gain: Option<&[f32]>,
    y: &mut [f64],
    scales: &mut [f64],
) {
    for pos in 0..params.n_pos as usize {
        let row = &x[pos * d_model..][..d_model];
        let scale = &mut scales[params.scales_at as usize + pos];
        if !given {
            let square: f64 = row.iter().map(|it| f64::from(*it).powi(2)).sum();
            *scale = 1.0 / (square / d_model as f64 + eps).sqrt();
        }
        for i in 0..d_model {
            let gain = 1.0 + gain.map_or(0.0, |it| f64::from(it[i]));
            y[pos * d_model + i] = f64::from(row[i]) * *scale * gain;
        }
    }
}
