//! `y = cap(scale * W ((1 + gain) x))` for one position: decoding reads every weight once through this.

use super::{Matrix, groups, softcap};
use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Rows that a workgroup computes; `ROWS` of the shader.
pub const ROWS: u32 = 4;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Rows of this part of the matrix.
    pub n_out: u32,
    /// Where in `y` they go.
    pub out_offset: u32,
}

/// What is fixed when the pipeline is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Form<'a> {
    /// Divide by the root mean square of x, with this epsilon.
    pub norm_eps: Option<f64>,
    /// Multiply x by 1 + gain.
    pub gain: Option<&'a View>,
    /// Softcap of the result; 0 is none.
    pub cap: f64,
}

/// Records the product, a dispatch per part of the matrix.
///
/// Shapes: `x [n_in]`, `gain [n_in]`, `y [>= y_offset + n_out]`.
pub fn record(recording: &mut Recording, w: &Matrix, x: &View, form: Form<'_>, y: &View) {
    for tile in &w.tiles {
        let params = Params {
            n_out: tile.n_rows as u32,
            out_offset: tile.first_row as u32,
        };
        recording.dispatch(Dispatch {
            kernel: kernel(w, form),
            params: bytemuck::bytes_of(&params).to_vec(),
            views: vec![
                x.clone(),
                form.gain.unwrap_or(x).clone(),
                tile.view.clone(),
                y.clone(),
            ],
            grid: groups(params.n_out.div_ceil(ROWS)),
            cost: Cost {
                bytes_read: (tile.n_rows * w.row_bytes() + w.n_in * 4) as u64,
                flops: 2 * (tile.n_rows * w.n_in) as u64,
            },
        });
    }
}

fn kernel(w: &Matrix, form: Form<'_>) -> Kernel {
    let more = [
        ("NORM", f64::from(u8::from(form.norm_eps.is_some()))),
        ("GAIN", f64::from(u8::from(form.gain.is_some()))),
        ("EPS", form.norm_eps.unwrap_or(1.0)),
        ("CAP", form.cap),
    ];
    w.kernel("matvec", &more)
}

/// The definition, for the rows of one part.
///
/// Shapes: `x [n_in]`, `gain [n_in]`, `w` the part, `y` written from `out_offset` on.
pub fn twin(
    params: Params,
    w: (&Matrix, &[u8]),
    x: &[f32],
    form: (Option<f64>, Option<&[f32]>, f64),
    y: &mut [f64],
) {
    let (matrix, bytes) = w;
    let (norm_eps, gain, cap) = form;
    let square: f64 = x.iter().map(|it| f64::from(*it).powi(2)).sum();
    let scale = norm_eps.map_or(1.0, |eps| 1.0 / (square / matrix.n_in as f64 + eps).sqrt());
    for row in 0..params.n_out as usize {
        let weights = matrix.unpack_row(bytes, params.n_out as usize, row);
        let sum: f64 = (0..matrix.n_in)
            .map(|i| weights[i] * f64::from(x[i]) * (1.0 + gain.map_or(0.0, |it| f64::from(it[i]))))
            .sum();
        y[params.out_offset as usize + row] = softcap(sum * scale, cap);
    }
}
