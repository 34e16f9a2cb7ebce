// best[pos] = the k largest logits of a position and their tokens, in no order; ties to the lowest tokens.
//
// logits  [n_pos, n]  f32  scores
// best    [n_pos, k]  u32  (bits of the value, token)
//
// Grid: one workgroup of WG_SIZE threads per position. Twin: ops::top_k::twin.

// import lib/select.wgsl

override WG_SIZE: u32 = 256u;

struct Params { n_pos: u32, n: u32, k: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2u>;

// How many larger and how many equal logits each thread's stretch holds.
var<workgroup> counts: array<vec2u, WG_SIZE>;

@compute @workgroup_size(WG_SIZE)
fn top_k(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n_pos { return; }
    let row = group.x * params.n;
    let threshold = kth_largest_key(row, params.n, params.k, lane);
    let stretch = (params.n + WG_SIZE - 1u) / WG_SIZE;
    let start = min(lane * stretch, params.n);
    let end = min(start + stretch, params.n);

    var mine = vec2u();
    for (var i = start; i < end; i++) {
        let key = order_key(logits[row + i]);
        mine += vec2u(u32(key > threshold), u32(key == threshold));
    }
    counts[lane] = mine;
    workgroupBarrier();
    var before = vec2u();
    var all = vec2u();
    for (var i = 0u; i < WG_SIZE; i++) {
        if i < lane { before += counts[i]; }
        all += counts[i];
    }
    // The larger ones come first, then as many of the equal ones as there is room for.
    var larger = before.x;
    var equal = all.x + before.y;
    for (var i = start; i < end; i++) {
        let key = order_key(logits[row + i]);
        let pair = vec2u(bitcast<u32>(logits[row + i]), i);
        if key > threshold {
            best[group.x * params.k + larger] = pair;
            larger += 1u;
        } else if key == threshold && equal < params.k {
            best[group.x * params.k + equal] = pair;
            equal += 1u;
        }
    }
}
