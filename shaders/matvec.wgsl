// y[row] = cap(scale * sum_i w[row, i] * (1 + gain[i]) * x[i]), for one position.
//
// scale is 1 / rms(x) with NORM, else 1; gain counts with GAIN; cap is the softcap with CAP > 0.
// The gain belongs to the matrix and the scale to the row of x, so that x is read once and never rewritten.
//
// x     [N_IN]           f32     activations
// gain  [N_IN]           f32     stored with 1 subtracted; bind x when there is none
// w     [n_out, N_IN]    packed  rows of the matrix
// y     [.. + n_out]     f32     written from out_offset on
//
// Grid: one workgroup of WG_SIZE threads per ROWS rows, in x and y. Twin: ops::matvec::twin.

// import lib/packed_w.wgsl
// import lib/safe_tanh.wgsl

override NORM: bool = false;
override GAIN: bool = false;
override EPS: f32 = 1e-6;
override CAP: f32 = 0.0;
override WG_SIZE: u32 = 64u;
const ROWS = 4u;

struct Params { n_out: u32, out_offset: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> sums: array<vec4f, WG_SIZE>;
var<workgroup> squares: array<f32, WG_SIZE>;

fn dot_run(row: u32, n: u32, v: mat4x4f) -> f32 { return dot_with_w(row, n, params.n_out, v); }

@compute @workgroup_size(WG_SIZE)
fn matvec(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.y * groups.x + group.x) * ROWS;
    if first >= params.n_out { return; }
    // Rows past the end repeat the last one and are not written.
    let last = params.n_out - 1u;
    let rows = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(last));

    var sum = vec4f();
    var square = 0.0;
    for (var n = lane; n < N_IN / 16u; n += WG_SIZE) {
        var v = mat4x4f(x[4u * n], x[4u * n + 1u], x[4u * n + 2u], x[4u * n + 3u]);
        if NORM { square += dot16(v, v); }
        if GAIN {
            let g = mat4x4f(gain[4u * n], gain[4u * n + 1u], gain[4u * n + 2u], gain[4u * n + 3u]);
            v = mat4x4f(v[0] + v[0] * g[0], v[1] + v[1] * g[1], v[2] + v[2] * g[2], v[3] + v[3] * g[3]);
        }
        sum += vec4f(dot_run(rows.x, n, v), dot_run(rows.y, n, v), dot_run(rows.z, n, v), dot_run(rows.w, n, v));
    }
    sums[lane] = sum;
    squares[lane] = square;
    workgroupBarrier();
    for (var stride = WG_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            sums[lane] += sums[lane + stride];
            squares[lane] += squares[lane + stride];
        }
        workgroupBarrier();
    }
    if lane < ROWS && first + lane < params.n_out {
        var scale = 1.0;
        if NORM { scale = inverseSqrt(squares[0] / f32(N_IN) + EPS); }
        y[params.out_offset + first + lane] = softcap(sums[0][lane] * scale, CAP);
    }
}
