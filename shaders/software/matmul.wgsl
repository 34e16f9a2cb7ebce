// y[pos, row] = cap(sum_i w[row, i] * (1 + gain[i]) * x[pos, i]), for up to 64 positions; each weight is read once.
//
// x     [n_pos, N_IN]              f32     activations, normalised where a norm comes before
// gain  [N_IN]                     f32     stored with 1 subtracted, counts with GAIN; bind x when there is none
// w     [n_out, N_IN]              packed  rows of the matrix
// y     [n_pos, out_stride]        f32     columns from out_offset on are written
//
// For adapters that compute on the CPU: there a load costs more than what is done with it, wherever it points, so that a
// thread holds 16 positions by 8 rows.
//
// Grid: one workgroup of 32 threads per TILE_OUT rows of w, in x and y. Twin: ops::matmul::twin.

// import lib/packed_w.wgsl
// import lib/safe_tanh.wgsl

override GAIN: bool = false;
override CAP: f32 = 0.0;
const THREADS = 32u;
const TILE_POS = 64u;
const TILE_OUT = 64u;

struct Params { n_pos: u32, n_out: u32, out_offset: u32, out_stride: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> w: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// Columns of one run of 16 inputs: [4][positions] and [4][rows].
var<workgroup> x_tile: array<vec4f, 256>;
var<workgroup> w_tile: array<vec4f, 256>;

fn run(row: u32, n: u32) -> mat4x4f { return run_of_w(row, n, params.n_out); }

// Rows and positions past the end repeat the last one and are not written.
fn load(first: u32, n: u32, lane: u32) {
    for (var i = lane; i < 4u * TILE_POS; i += THREADS) {
        let pos = min(i % TILE_POS, params.n_pos - 1u);
        let at = 4u * n + i / TILE_POS;
        x_tile[i] = x[pos * (N_IN / 4u) + at];
        if GAIN { x_tile[i] += x_tile[i] * gain[at]; }
    }
    for (var i = lane; i < TILE_OUT; i += THREADS) {
        let m = run(min(first + i, params.n_out - 1u), n);
        w_tile[i] = m[0];
        w_tile[TILE_OUT + i] = m[1];
        w_tile[2u * TILE_OUT + i] = m[2];
        w_tile[3u * TILE_OUT + i] = m[3];
    }
}

fn four_x(at: u32) -> mat4x4f { return mat4x4f(x_tile[at], x_tile[at + 4u], x_tile[at + 8u], x_tile[at + 12u]); }

fn four_w(at: u32) -> mat4x4f { return mat4x4f(w_tile[at], w_tile[at + 8u], w_tile[at + 16u], w_tile[at + 24u]); }

// [positions][rows] of products with [positions][columns] and [rows][columns].
fn product(v: mat4x4f, w: mat4x4f) -> mat4x4f { return mat4x4f(v[0] * w, v[1] * w, v[2] * w, v[3] * w); }

// Positions line, line + 4, .. and rows row, row + 8, ..
fn store(line: u32, row: u32, sums: mat4x4f) {
    for (var p = 0u; p < 4u; p++) {
        let pos = line + 4u * p;
        for (var r = 0u; r < 4u; r++) {
            if pos < params.n_pos && row + 8u * r < params.n_out {
                y[pos * params.out_stride + params.out_offset + row + 8u * r] = softcap(sums[p][r], CAP);
            }
        }
    }
}

@compute @workgroup_size(THREADS)
fn matmul(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = (group.y * groups.x + group.x) * TILE_OUT;
    if first >= params.n_out { return; }
    let col = lane % 8u; // rows col, col + 8, .. of the tile
    let line = lane / 8u; // positions line, line + 4, ..

    // Sixteen positions, four at a time, by the lower and the upper half of the tile's rows.
    var a = mat4x4f();
    var b = mat4x4f();
    var c = mat4x4f();
    var d = mat4x4f();
    var a_upper = mat4x4f();
    var b_upper = mat4x4f();
    var c_upper = mat4x4f();
    var d_upper = mat4x4f();
    for (var n = 0u; n < N_IN / 16u; n++) {
        load(first, n, lane);
        workgroupBarrier();
        for (var quarter = 0u; quarter < 4u; quarter++) {
            let lower = four_w(quarter * TILE_OUT + col);
            let upper = four_w(quarter * TILE_OUT + col + 32u);
            let at = quarter * TILE_POS + line;
            let va = four_x(at);
            a += product(va, lower);
            a_upper += product(va, upper);
            let vb = four_x(at + 16u);
            b += product(vb, lower);
            b_upper += product(vb, upper);
            let vc = four_x(at + 32u);
            c += product(vc, lower);
            c_upper += product(vc, upper);
            let vd = four_x(at + 48u);
            d += product(vd, lower);
            d_upper += product(vd, upper);
        }
        workgroupBarrier();
    }
    let row = first + col;
    store(line, row, a);
    store(line + 16u, row, b);
    store(line + 32u, row, c);
    store(line + 48u, row, d);
    store(line, row + 32u, a_upper);
    store(line + 16u, row + 32u, b_upper);
    store(line + 32u, row + 32u, c_upper);
    store(line + 48u, row + 32u, d_upper);
}
