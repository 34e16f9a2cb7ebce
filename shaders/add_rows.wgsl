// x[first + pos, i] += y[pos * y_stride + i]: adds rows, or one row to every position when y_stride is 0.
//
// y  [n_pos or 1, width]     f32  what is added
// x  [.. + n_pos, width]     f32  added to, from row `first` on
//
// Grid: threads of x are columns, y is positions. Twin: ops::add_rows::twin.

override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, width: u32, first: u32, y_stride: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn add_rows(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= params.width || id.y >= params.n_pos { return; }
    x[(params.first + id.y) * params.width + id.x] += y[id.y * params.y_stride + id.x];
}
