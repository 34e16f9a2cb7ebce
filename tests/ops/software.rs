//! Forms of kernels for adapters that compute on the CPU: their grids cover what the ops ask for.

use gemscope::{
    gpu::SOFTWARE_FORMS,
    ops::{gate_up, groups, matmul, matvec},
};

#[test]
fn rows_are_those_of_the_ops() {
    let rows = SOFTWARE_FORMS.map(|it| (it.shader, it.rows));
    let of_ops = [
        ("gate_up", gate_up::ROWS),
        ("matmul", matmul::TILE_OUT),
        ("matvec", matvec::ROWS),
    ];
    assert_eq!(rows, of_ops);
}

#[test]
fn every_row_is_covered() {
    for form in SOFTWARE_FORMS {
        for n_out in [1_u32, 63, 64, 65, 9216, 131_071, 131_073, 256_000] {
            let grid = form.grid(groups(n_out.div_ceil(form.rows)));
            assert!(
                grid[0] * grid[1] * form.software_rows >= n_out,
                "{form:?} {n_out}"
            );
        }
    }
}
