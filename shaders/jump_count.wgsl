// pre[pos, f] += b_enc[f] with add_bias, and counts[pos] = how many features have pre[pos, f] > threshold[f], strictly.
//
// b_enc      [n]         f32  bias of the encoder
// threshold  [n]         f32  of each feature
// pre        [n_pos, n]  f32  what the encoder's product gave; the bias stays in it
// counts     [n_pos]     u32  written whole
//
// What is no number is not counted. Grid: one workgroup of WG_SIZE threads per position. Twin: ops::jump_count::twin.
// Source: arXiv:2407.14435 (JumpReLU); arXiv:2408.05147.

override WG_SIZE: u32 = 256u; // a power of two: the reduction halves it

struct Params { n_pos: u32, n: u32, add_bias: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b_enc: array<f32>;
@group(0) @binding(2) var<storage, read> threshold: array<f32>;
@group(0) @binding(3) var<storage, read_write> pre: array<f32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

var<workgroup> sums: array<u32, WG_SIZE>;

@compute @workgroup_size(WG_SIZE)
fn jump_count(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let row = group.x * params.n;
    var sum = 0u;
    for (var i = lane; i < params.n; i += WG_SIZE) {
        var value = pre[row + i];
        if params.add_bias == 1u {
            value += b_enc[i];
            pre[row + i] = value;
        }
        sum += u32(value > threshold[i]);
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var stride = WG_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride { sums[lane] += sums[lane + stride]; }
        workgroupBarrier();
    }
    if lane == 0u { counts[group.x] = sums[0]; }
}
