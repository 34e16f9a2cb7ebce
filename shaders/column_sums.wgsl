// sums[out_row + chunk, i] = sum of w[row, i] over the rows of a chunk: the host adds the chunks.
//
// w     [n_rows, N_IN]            packed  a part of the matrix
// sums  [.. out_row + chunks, N_IN] f32   of chunk_rows rows each
//
// Grid: threads of x are runs of 16 columns, y is chunks. Twin: ops::column_sums::twin.

// import lib/packed_w.wgsl

override WG_SIZE: u32 = 64u;

struct Params { n_rows: u32, chunk_rows: u32, out_row: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;

@compute @workgroup_size(WG_SIZE)
fn column_sums(@builtin(global_invocation_id) id: vec3u) {
    let n = id.x;
    let start = id.y * params.chunk_rows;
    if n >= N_IN / 16u || start >= params.n_rows { return; }
    let end = min(start + params.chunk_rows, params.n_rows);
    var sum = mat4x4f();
    for (var row = start; row < end; row++) { sum += run_of_w(row, n, params.n_rows); }
    let out = (params.out_row + id.y) * (N_IN / 4u) + 4u * n;
    sums[out] = sum[0];
    sums[out + 1u] = sum[1];
    sums[out + 2u] = sum[2];
    sums[out + 3u] = sum[3];
}
