// entries[i] = (feature, bits of value + factor * current) for every (position, feature) of a list: what has to be added, times
// the feature's row of the decoder. A factor of -1 makes the value the feature's own, one of 0 adds the value as it is.
//
// The current activation is pre[pos, feature] above the threshold, else 0.
//
// wanted     [n]                  u32  (position, feature, bits of the value, bits of the factor)
// threshold  [n_features]         f32  of each feature
// pre        [n_pos, n_features]  f32  with the bias
// entries    [n]                  u32  (feature, bits of the coefficient), in the order of the list
//
// Grid: one thread per entry. Twin: ops::steer::twin.

override WG_SIZE: u32 = 64u;

struct Params { n: u32, n_features: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wanted: array<vec4u>;
@group(0) @binding(2) var<storage, read> threshold: array<f32>;
@group(0) @binding(3) var<storage, read> pre: array<f32>;
@group(0) @binding(4) var<storage, read_write> entries: array<vec2u>;

@compute @workgroup_size(WG_SIZE)
fn steer(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= params.n { return; }
    let it = wanted[id.x];
    var current = 0.0;
    let value = pre[it.x * params.n_features + it.y];
    if value > threshold[it.y] { current = value; }
    let coefficient = bitcast<f32>(it.z) + bitcast<f32>(it.w) * current;
    entries[id.x] = vec2u(it.y, bitcast<u32>(coefficient));
}
