// z = softmax(cap(q . k SCALE)) v over the keys of one part of the cache, carried on from the parts before.
//
// Key j is seen from position i iff j <= i and j > i - window. Between parts z holds the sum not yet divided, and stats
// the largest score and the sum of exponentials; the last part divides.
//
// qkv    [n_pos, Q_STRIDE]           f32  turned queries first
// k      [n_keys, N_KV_HEADS D_HEAD] f32  turned keys, positions first_key on
// v      [n_keys, N_KV_HEADS D_HEAD] f32  values
// z      [n_pos, N_HEADS D_HEAD]     f32  written whole
// stats  [n_pos, N_HEADS]            f32  (largest score, sum of exponentials)
//
// Grid: one workgroup of WG_SIZE threads per head (x) and position (y). Twin: ops::attention::twin.
// Source: transformers modeling_gemma2.py, eager_attention_forward; arXiv:2205.14135 for carrying sums on.

// import lib/reduce.wgsl
// import lib/safe_tanh.wgsl

override N_HEADS: u32 = 4u;
override N_KV_HEADS: u32 = 2u;
override D_HEAD: u32 = 32u;
override Q_STRIDE: u32 = 256u;
override SCALE: f32 = 1.0;
override CAP: f32 = 50.0;
override WG_SIZE: u32 = 64u;
const LOWEST = -3e38;

struct Params { n_pos: u32, first_pos: u32, first_key: u32, n_keys: u32, window: u32, is_first: u32, is_last: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read_write> z: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;

var<workgroup> query: array<vec4f, D_HEAD / 4u>;
var<workgroup> sums: array<f32, D_HEAD>;
var<workgroup> weights: array<f32, WG_SIZE>;

fn score(key: u32, kv_head: u32) -> f32 {
    let at = ((key - params.first_key) * N_KV_HEADS + kv_head) * (D_HEAD / 4u);
    var sum = 0.0;
    for (var i = 0u; i < D_HEAD / 4u; i++) { sum += dot(query[i], k[at + i]); }
    return softcap(sum * SCALE, CAP);
}

@compute @workgroup_size(WG_SIZE)
fn attention(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let row = group.y;
    if row >= params.n_pos { return; }
    let kv_head = head / (N_HEADS / N_KV_HEADS);
    let pos = params.first_pos + row;
    let start = max(params.first_key, select(0u, pos + 1u - params.window, pos >= params.window));
    let end = min(params.first_key + params.n_keys, pos + 1u);
    let out = (row * N_HEADS + head) * D_HEAD;

    for (var i = lane; i < D_HEAD / 4u; i += WG_SIZE) { query[i] = qkv[(row * Q_STRIDE + head * D_HEAD) / 4u + i]; }
    var carried = vec2f(LOWEST, 0.0);
    if params.is_first == 0u { carried = stats[row * N_HEADS + head]; }
    for (var i = lane; i < D_HEAD; i += WG_SIZE) { sums[i] = select(z[out + i], 0.0, params.is_first == 1u); }
    workgroupBarrier();

    for (var tile = start; tile < end; tile += WG_SIZE) {
        var s = LOWEST;
        if tile + lane < end { s = score(tile + lane, kv_head); }
        let largest = max(carried.x, workgroup_max(s, lane));
        var weight = 0.0;
        if tile + lane < end { weight = exp(s - largest); }
        weights[lane] = weight;
        let kept = exp(carried.x - largest);
        carried = vec2f(largest, carried.y * kept + workgroup_sum(weight, lane));
        let n = min(WG_SIZE, end - tile);
        let values = ((tile - params.first_key) * N_KV_HEADS + kv_head) * D_HEAD;
        for (var i = lane; i < D_HEAD; i += WG_SIZE) {
            var sum = sums[i] * kept;
            for (var t = 0u; t < n; t++) { sum += weights[t] * v[values + t * N_KV_HEADS * D_HEAD + i]; }
            sums[i] = sum;
        }
        workgroupBarrier();
    }

    let divisor = select(1.0, carried.y, params.is_last == 1u);
    for (var i = lane; i < D_HEAD; i += WG_SIZE) { z[out + i] = sums[i] / divisor; }
    if lane == 0u { stats[row * N_HEADS + head] = carried; }
}
