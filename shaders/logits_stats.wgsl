// stats[pos] = (largest logit, sum of exp(logit - largest), the logits of the tokens asked for).
//
// logits  [n_pos, n]            f32  scores
// asked   [max(n_asked, 1)]     u32  tokens
// stats   [n_pos, 2 + n_asked]  f32  written whole
//
// Grid: one workgroup of WG_SIZE threads per position. Twin: ops::logits_stats::twin.

// import lib/reduce.wgsl

override WG_SIZE: u32 = 256u;
const LOWEST = -3e38;

struct Params { n_pos: u32, n: u32, n_asked: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> asked: array<u32>;
@group(0) @binding(3) var<storage, read_write> stats: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn logits_stats(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let row = group.x * params.n;
    var value = LOWEST;
    for (var i = lane; i < params.n; i += WG_SIZE) { value = max(value, logits[row + i]); }
    let largest = workgroup_max(value, lane);
    var sum = 0.0;
    for (var i = lane; i < params.n; i += WG_SIZE) { sum += exp(logits[row + i] - largest); }
    let total = workgroup_sum(sum, lane);
    let out = group.x * (2u + params.n_asked);
    if lane == 0u {
        stats[out] = largest;
        stats[out + 1u] = total;
    }
    for (var i = lane; i < params.n_asked; i += WG_SIZE) { stats[out + 2u + i] = logits[row + asked[i]]; }
}
