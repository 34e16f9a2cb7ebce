// y[pos] = start + sum over the entries of pos of value * w[feature], in the order of the entries, for the features whose
// rows lie in this part of the decoder.
//
// The entries of pos are those from header[offsets_at + pos] to header[offsets_at + pos + 1]. start is y itself (0), nothing
// (1) or b_dec (2): the first part begins, the others carry the same sum on. An entry of 0 leaves the bits as they are.
//
// b_dec    [N_IN]                      f32     bias of the decoder; bind anything when it is not the start
// entries  [.. capacity]               u32     (feature, bits of its value)
// header   [.. offsets_at + n_pos + 1] u32     where each position's entries begin
// w        [n_rows, N_IN]              packed  rows first_row .. first_row + n_rows, one per feature
// y        [n_pos, N_IN]               f32     sums
//
// Grid: threads of x are runs of 16 columns, y is positions. Twin: ops::decode::twin.

// import lib/packed_w.wgsl

override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, first_row: u32, n_rows: u32, offsets_at: u32, capacity: u32, start: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b_dec: array<vec4f>;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@group(0) @binding(3) var<storage, read> header: array<u32>;
@group(0) @binding(4) var<storage, read> w: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG_SIZE)
fn decode(@builtin(global_invocation_id) id: vec3u) {
    let n = id.x;
    if n >= N_IN / 16u || id.y >= params.n_pos { return; }
    let out = id.y * (N_IN / 4u) + 4u * n;
    var sum = mat4x4f();
    if params.start == 0u { sum = mat4x4f(y[out], y[out + 1u], y[out + 2u], y[out + 3u]); }
    if params.start == 2u { sum = mat4x4f(b_dec[4u * n], b_dec[4u * n + 1u], b_dec[4u * n + 2u], b_dec[4u * n + 3u]); }
    let end = min(header[params.offsets_at + id.y + 1u], params.capacity);
    for (var i = header[params.offsets_at + id.y]; i < end; i++) {
        let value = bitcast<f32>(entries[i].y);
        // A feature before this part wraps round and is past its end.
        let row = entries[i].x - params.first_row;
        if row < params.n_rows && value != 0.0 { sum += run_of_w(row, n, params.n_rows) * value; }
    }
    y[out] = sum[0];
    y[out + 1u] = sum[1];
    y[out + 2u] = sum[2];
    y[out + 3u] = sum[3];
}
