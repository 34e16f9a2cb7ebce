// norms[row] = sqrt(sum_i w[row, i]^2).
//
// w      [n_out, N_IN]  packed  a part of the matrix
// norms  [.. + n_out]   f32     written from out_offset on
//
// Grid: one workgroup of WG_SIZE threads per row, in x and y. Twin: ops::row_norms::twin.

// import lib/packed_w.wgsl
// import lib/reduce.wgsl

override WG_SIZE: u32 = 64u; // a power of two: the reduction halves it

struct Params { n_out: u32, out_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn row_norms(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= params.n_out { return; }
    var square = 0.0;
    for (var n = lane; n < N_IN / 16u; n += WG_SIZE) {
        let m = run_of_w(row, n, params.n_out);
        square += dot16(m, m);
    }
    let total = workgroup_sum(square, lane);
    if lane == 0u { norms[params.out_offset + row] = sqrt(total); }
}
