// The largest logit of every slice and its token; ties to the lowest.
//
// logits  [n]            f32  scores
// best    [n_slices]     u32  (bits of the value, token)
//
// Grid: one workgroup of WG_SIZE threads per slice of `slice` tokens. Twin: ops::argmax_slices::twin.

override WG_SIZE: u32 = 64u;
const LOWEST = -3e38;

struct Params { n: u32, slice: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2u>;

var<workgroup> values: array<f32, WG_SIZE>;
var<workgroup> tokens: array<u32, WG_SIZE>;

@compute @workgroup_size(WG_SIZE)
fn argmax_slices(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let start = group.x * params.slice;
    let end = min(start + params.slice, params.n);
    var value = LOWEST;
    var token = 0xffffffffu;
    for (var i = start + lane; i < end; i += WG_SIZE) {
        if logits[i] > value {
            value = logits[i];
            token = i;
        }
    }
    values[lane] = value;
    tokens[lane] = token;
    workgroupBarrier();
    for (var stride = WG_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride {
            let other = lane + stride;
            if values[other] > values[lane] || (values[other] == values[lane] && tokens[other] < tokens[lane]) {
                values[lane] = values[other];
                tokens[lane] = tokens[other];
            }
        }
        workgroupBarrier();
    }
    if lane == 0u { best[group.x] = vec2u(bitcast<u32>(values[0]), tokens[0]); }
}
