//! Grids, and the two functions that shaders share by import, in f64.

use crate::spec::gemma::{GELU_CUBIC, GELU_SQRT_2_OVER_PI};

/// Workgroups per dimension that every adapter allows, rounded down. Source: WebGPU, maxComputeWorkgroupsPerDimension.
const MAX_GROUPS: u32 = 32_768;

/// A grid of at least `n` workgroups in x and y; shaders skip those past the end.
pub fn groups(n: u32) -> [u32; 3] {
    [n.min(MAX_GROUPS), n.div_ceil(MAX_GROUPS), 1]
}

/// `cap * tanh(x / cap)`; `x` without a cap.
pub fn softcap(x: f64, cap: f64) -> f64 {
    if cap == 0.0 {
        x
    } else {
        cap * (x / cap).tanh()
    }
}

/// The tanh form of GELU. Source: arXiv:1606.08415.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + (GELU_SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)).tanh())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gpu::SOFTWARE_FORMS,
        ops::{gate_up, matmul, matvec},
    };

    #[test]
    fn software_forms_know_the_rows_of_the_ops() {
        let rows = SOFTWARE_FORMS.map(|it| (it.shader, it.rows));
        let of_ops = [
            ("gate_up", gate_up::ROWS),
            ("matmul", matmul::TILE_OUT),
            ("matvec", matvec::ROWS),
        ];
        assert_eq!(rows, of_ops);
    }

    #[test]
    fn software_forms_cover_every_row() {
        for form in SOFTWARE_FORMS {
            for n_out in [1_u32, 63, 64, 65, 9216, 131_071, 131_073, 256_000] {
                let [x, y, _] = form.grid(groups(n_out.div_ceil(form.rows)));
                assert!(x * y * form.software_rows >= n_out, "{form:?} {n_out}");
            }
        }
    }
}
