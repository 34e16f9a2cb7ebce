// Runs of 16 weights of `w`, a part of a packed matrix.

// import lib/packed.wgsl

// Run `n` of a row, of a part of `n_rows` rows.
fn run_of_w(row: u32, n: u32, n_rows: u32) -> mat4x4f {
    let at = run_at(row, n, n_rows);
    if PACKING == 0u { return run_of_f32(w[at], w[at + 1u], w[at + 2u], w[at + 3u]); }
    if PACKING == 1u { return run_of_bf16(w[at], w[at + 1u]); }
    if PACKING == 3u { return run_of_f16(w[at], w[at + 1u]); }
    let scale = scale_at(row, n, n_rows);
    return run_of_q8(w[at]) * q8_scale(w[scale.x][scale.y / 2u], scale.y);
}

// Its product with v; an 8-bit run is scaled once.
fn dot_with_w(row: u32, n: u32, n_rows: u32, v: mat4x4f) -> f32 {
    if PACKING != 2u { return dot16(run_of_w(row, n, n_rows), v); }
    let scale = scale_at(row, n, n_rows);
    return dot16(run_of_q8(w[run_at(row, n, n_rows)]), v) * q8_scale(w[scale.x][scale.y / 2u], scale.y);
}
