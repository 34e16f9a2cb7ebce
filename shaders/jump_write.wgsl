// entries[header[offsets_at + pos] ..] = (feature, bits of pre[pos, feature]) of the features above their thresholds,
// in ascending order, as far as there is room.
//
// threshold  [n]                         f32  of each feature
// pre        [n_pos, n]                  f32  with the bias
// header     [.. offsets_at + n_pos + 1] u32  where each position's entries begin
// entries    [capacity]                  u32  (feature, bits of the activation)
//
// Each thread takes a stretch of features, so that the order is that of the features.
// Grid: one workgroup of WG_SIZE threads per position. Twin: ops::jump_write::twin.

override WG_SIZE: u32 = 256u;

struct Params { n_pos: u32, n: u32, offsets_at: u32, capacity: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> threshold: array<f32>;
@group(0) @binding(2) var<storage, read> pre: array<f32>;
@group(0) @binding(3) var<storage, read> header: array<u32>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec2u>;

var<workgroup> counts: array<u32, WG_SIZE>;

@compute @workgroup_size(WG_SIZE)
fn jump_write(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let row = group.x * params.n;
    let stretch = (params.n + WG_SIZE - 1u) / WG_SIZE;
    let start = min(lane * stretch, params.n);
    let end = min(start + stretch, params.n);

    var mine = 0u;
    for (var i = start; i < end; i++) { mine += u32(pre[row + i] > threshold[i]); }
    counts[lane] = mine;
    workgroupBarrier();
    var at = header[params.offsets_at + group.x];
    for (var i = 0u; i < lane; i++) { at += counts[i]; }
    for (var i = start; i < end; i++) {
        let value = pre[row + i];
        if value > threshold[i] {
            if at < params.capacity { entries[at] = vec2u(i, bitcast<u32>(value)); }
            at += 1u;
        }
    }
}
