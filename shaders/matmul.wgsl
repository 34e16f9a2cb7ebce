// y[pos, row] = cap(sum_i w[row, i] * (1 + gain[i]) * x[pos, i]), for up to 64 positions; each weight is read once.
//
// x     [n_pos, N_IN]              f32     activations, normalised where a norm comes before
// gain  [N_IN]                     f32     stored with 1 subtracted, counts with GAIN; bind x when there is none
// w     [n_out, N_IN]              packed  rows of the matrix
// y     [n_pos, out_stride]        f32     columns from out_offset on are written
//
// Grid: one workgroup of 64 threads per TILE_OUT rows of w, in x and y. A thread holds 8 positions by 4 rows.
// Twin: ops::matmul::twin.

// import lib/packed_w.wgsl
// import lib/safe_tanh.wgsl

override GAIN: bool = false;
override CAP: f32 = 0.0;
const TILE_POS = 64u;
const TILE_OUT = 32u;

struct Params { n_pos: u32, n_out: u32, out_offset: u32, out_stride: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Columns of one run of 16 inputs: [4][positions] and [4][rows].
var<workgroup> x_tile: array<vec4f, 256>;
var<workgroup> w_tile: array<vec4f, 128>;

fn run(row: u32, n: u32) -> mat4x4f { return run_of_w(row, n, params.n_out); }

fn load_x(n: u32, lane: u32) {
    for (var quarter = 0u; quarter < 4u; quarter++) {
        var v = vec4f();
        if lane < params.n_pos { v = x[lane * (N_IN / 4u) + 4u * n + quarter]; }
        if GAIN { v += v * gain[4u * n + quarter]; }
        x_tile[quarter * TILE_POS + lane] = v;
    }
}

fn load_w(first: u32, n: u32, lane: u32) {
    if lane >= TILE_OUT { return; }
    var m = mat4x4f();
    if first + lane < params.n_out { m = run(first + lane, n); }
    w_tile[lane] = m[0];
    w_tile[TILE_OUT + lane] = m[1];
    w_tile[2u * TILE_OUT + lane] = m[2];
    w_tile[3u * TILE_OUT + lane] = m[3];
}

@compute @workgroup_size(64)
fn matmul(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.y * groups.x + group.x) * TILE_OUT;
    if first >= params.n_out { return; }
    let col = lane % 8u; // rows col, col + 8, .. of the tile
    let line = lane / 8u; // positions line, line + 8, ..

    var sums = array<vec4f, 8>();
    for (var n = 0u; n < N_IN / 16u; n++) {
        load_x(n, lane);
        load_w(first, n, lane);
        workgroupBarrier();
        for (var quarter = 0u; quarter < 4u; quarter++) {
            let at = quarter * TILE_OUT + col;
            let w0 = w_tile[at];
            let w1 = w_tile[at + 8u];
            let w2 = w_tile[at + 16u];
            let w3 = w_tile[at + 24u];
            for (var p = 0u; p < 8u; p++) {
                let v = x_tile[quarter * TILE_POS + line + 8u * p];
                sums[p] += vec4f(dot(w0, v), dot(w1, v), dot(w2, v), dot(w3, v));
            }
        }
        workgroupBarrier();
    }
    for (var p = 0u; p < 8u; p++) {
        let pos = line + 8u * p;
        if pos >= params.n_pos { break; }
        for (var r = 0u; r < 4u; r++) {
            let row = first + col + 8u * r;
            if row < params.n_out { y[pos * params.out_stride + params.out_offset + row] = softcap(sums[p][r], CAP); }
        }
    }
}
