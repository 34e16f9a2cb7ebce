// x[pos] = SCALE * w[ids[first_id + pos] - first_row], for the tokens whose rows lie in this part of the table.
//
// ids  [.. + n_pos]            u32     tokens
// w    [n_rows, N_IN]          packed  rows first_row .. first_row + n_rows of the table
// x    [n_pos, N_IN]           f32     rows of the tokens that are here
//
// Grid: one workgroup of WG_SIZE threads per position. Twin: ops::embed::twin.
// Source: transformers modeling_gemma2.py, Gemma2Model (the normaliser sqrt(d_model)).

// import lib/packed_w.wgsl

override SCALE: f32 = 1.0;
override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, first_id: u32, first_row: u32, n_rows: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;

fn run(row: u32, n: u32) -> mat4x4f { return run_of_w(row, n, params.n_rows); }

@compute @workgroup_size(WG_SIZE)
fn embed(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let id = ids[params.first_id + group.x];
    if id < params.first_row || id - params.first_row >= params.n_rows { return; }
    let at = group.x * (N_IN / 4u);
    for (var n = lane; n < N_IN / 16u; n += WG_SIZE) {
        let m = run(id - params.first_row, n);
        x[at + 4u * n] = m[0] * SCALE;
        x[at + 4u * n + 1u] = m[1] * SCALE;
        x[at + 4u * n + 2u] = m[2] * SCALE;
        x[at + 4u * n + 3u] = m[3] * SCALE;
    }
}
