// x += y / sqrt(mean(y^2) + EPS) * (1 + gain), row by row: a post norm and the residual stream.
//
// y       [n_pos, D_MODEL] f32  what attention or the MLP computed
// gain    [D_MODEL]        f32  stored with 1 subtracted
// x       [n_pos, D_MODEL] f32  the stream, added to
// scales  [.. + n_pos]     f32  from scales_at on: 1 / sqrt(mean(y^2) + EPS), written, or with GIVEN read and used instead
//
// Grid: one workgroup of WG_SIZE threads per position. Twin: ops::norm_add::twin.
// Source: transformers modeling_gemma2.py, Gemma2DecoderLayer.

// import lib/reduce.wgsl

override D_MODEL: u32 = 64u;
override EPS: f32 = 1e-6;
override GIVEN: bool = false;
override WG_SIZE: u32 = 128u; // a power of two: the reduction halves it

struct Params { n_pos: u32, scales_at: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> gain: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> scales: array<f32>;

var<workgroup> shared_scale: f32;

@compute @workgroup_size(WG_SIZE)
fn norm_add(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let row = group.x * D_MODEL;
    if !GIVEN {
        var square = 0.0;
        for (var i = lane; i < D_MODEL; i += WG_SIZE) { square += y[row + i] * y[row + i]; }
        let total = workgroup_sum(square, lane);
        if lane == 0u { shared_scale = inverseSqrt(total / f32(D_MODEL) + EPS); }
    } else if lane == 0u {
        shared_scale = scales[params.scales_at + group.x];
    }
    workgroupBarrier();
    // From memory in both cases: what follows rounds the same whether the scale was given or not.
    let scale = shared_scale;
    if !GIVEN && lane == 0u { scales[params.scales_at + group.x] = scale; }
    for (var i = lane; i < D_MODEL; i += WG_SIZE) {
        let v = y[row + i] * scale;
        x[row + i] += v + v * gain[i];
    }
}
