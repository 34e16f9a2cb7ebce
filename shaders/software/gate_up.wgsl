// h[row] = gelu(scale * w_gate[row] . v) * (scale * w_up[row] . v), with v = (1 + gain) x and scale = 1 / rms(x): one position.
//
// x     [N_IN]           f32     the residual stream
// gain  [N_IN]           f32     stored with 1 subtracted
// gate  [n_out, N_IN]    packed  rows of w_gate
// up    [n_out, N_IN]    packed  rows of w_up
// h     [.. + n_out]     f32     written from out_offset on
//
// For adapters that compute on the CPU: a thread takes two rows of each matrix from end to end; see software/matvec.
//
// Grid: one workgroup of WG_SIZE threads per 2 WG_SIZE rows, in x and y. Twin: ops::gate_up::twin.
// Source: transformers modeling_gemma2.py, Gemma2MLP.

// import lib/packed.wgsl
// import lib/safe_tanh.wgsl

override EPS: f32 = 1e-6;
override WG_SIZE: u32 = 16u;

struct Params { n_out: u32, out_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> gate: array<vec4u>;
@group(0) @binding(4) var<storage, read> up: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> h: array<f32>;

fn dot_gate(row: u32, n: u32, v: mat4x4f) -> f32 {
    let at = run_at(row, n, params.n_out);
    if PACKING == 0u { return dot16(run_of_f32(gate[at], gate[at + 1u], gate[at + 2u], gate[at + 3u]), v); }
    if PACKING == 1u { return dot16(run_of_bf16(gate[at], gate[at + 1u]), v); }
    if PACKING == 3u { return dot16(run_of_f16(gate[at], gate[at + 1u]), v); }
    let scale = scale_at(row, n, params.n_out);
    return dot16(run_of_q8(gate[at]), v) * q8_scale(gate[scale.x][scale.y / 2u], scale.y);
}

fn dot_up(row: u32, n: u32, v: mat4x4f) -> f32 {
    let at = run_at(row, n, params.n_out);
    if PACKING == 0u { return dot16(run_of_f32(up[at], up[at + 1u], up[at + 2u], up[at + 3u]), v); }
    if PACKING == 1u { return dot16(run_of_bf16(up[at], up[at + 1u]), v); }
    if PACKING == 3u { return dot16(run_of_f16(up[at], up[at + 1u]), v); }
    let scale = scale_at(row, n, params.n_out);
    return dot16(run_of_q8(up[at]), v) * q8_scale(up[scale.x][scale.y / 2u], scale.y);
}

@compute @workgroup_size(WG_SIZE)
fn gate_up(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.y * groups.x + group.x) * 2u * WG_SIZE + lane;
    if first >= params.n_out { return; }
    // A row past the end repeats the last one and is not written.
    let second = min(first + WG_SIZE, params.n_out - 1u);

    var sum = vec4f();
    var square = 0.0;
    for (var n = 0u; n < N_IN / 16u; n++) {
        var v = mat4x4f(x[4u * n], x[4u * n + 1u], x[4u * n + 2u], x[4u * n + 3u]);
        square += dot16(v, v);
        let g = mat4x4f(gain[4u * n], gain[4u * n + 1u], gain[4u * n + 2u], gain[4u * n + 3u]);
        v = mat4x4f(v[0] + v[0] * g[0], v[1] + v[1] * g[1], v[2] + v[2] * g[2], v[3] + v[3] * g[3]);
        sum += vec4f(dot_gate(first, n, v), dot_gate(second, n, v), dot_up(first, n, v), dot_up(second, n, v));
    }
    sum *= inverseSqrt(square / f32(N_IN) + EPS);
    h[params.out_offset + first] = gelu(sum.x) * sum.z;
    if first + WG_SIZE < params.n_out { h[params.out_offset + second] = gelu(sum.y) * sum.w; }
}
