// ids[at] = a token drawn from softmax(logits / temperature) cut to the top k, then to the smallest mass of at least top_p.
//
// Gumbel-max: the largest of logit / temperature + gumbel(seed, step, token). Tokens that tie with the last one kept by
// a cut are kept with it. Hash and order are integer arithmetic, the same in the twin.
//
// logits  [n]         f32  scores
// ids     [.. at + 1] u32  tokens; one is written
//
// Grid: one workgroup of WG_SIZE threads. Twin: ops::sample::twin.
// Source: the order of the cuts is that of transformers' logits_process.py; arXiv:1611.01144 for Gumbel-max.

// import lib/reduce.wgsl
// import lib/select.wgsl

override WG_SIZE: u32 = 256u;
const LOWEST = -3e38;

struct Params { n: u32, at: u32, top_k: u32, step: u32, seed_low: u32, seed_high: u32, temperature: f32, top_p: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;

var<workgroup> tokens: array<u32, WG_SIZE>;

// The finaliser of MurmurHash3.
fn mix(value: u32) -> u32 {
    var h = value;
    h = (h ^ (h >> 16u)) * 0x85ebca6bu;
    h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
    return h ^ (h >> 16u);
}

fn gumbel(token: u32) -> f32 {
    let h = mix(mix(mix(mix(params.seed_low) ^ params.seed_high) ^ params.step) ^ token);
    // -log(-log(u)) with u = 1 - d, 23 bits and a half: exact in f32, and never 0 or 1. Winners have a small d, where
    // log(u) may have no digit left on some drivers: there it is a series.
    let d = (f32(8388607u - (h >> 9u)) + 0.5) / 8388608.0;
    let series = d * (1.0 + d * (1.0 / 2.0 + d * (1.0 / 3.0 + d * (1.0 / 4.0 + d * (1.0 / 5.0 + d / 6.0)))));
    return -log(select(-log(1.0 - d), series, d < 0.0625));
}

// Sum of exp((logit - largest) / temperature) over the tokens whose keys are at least `key`.
fn mass(key: u32, largest: f32, lane: u32) -> f32 {
    var sum = 0.0;
    for (var i = lane; i < params.n; i += WG_SIZE) {
        if order_key(logits[i]) >= key { sum += exp((logits[i] - largest) / params.temperature); }
    }
    return workgroup_sum(sum, lane);
}

@compute @workgroup_size(WG_SIZE)
fn sample(@builtin(local_invocation_index) lane: u32) {
    var value = LOWEST;
    for (var i = lane; i < params.n; i += WG_SIZE) { value = max(value, logits[i]); }
    let largest = workgroup_max(value, lane);

    var cut = 0u;
    if params.top_k > 0u && params.top_k < params.n { cut = kth_largest_key(0u, params.n, params.top_k, lane); }
    if params.top_p < 1.0 {
        let wanted = params.top_p * mass(cut, largest, lane);
        var key = 0u;
        for (var bit = 0u; bit < 32u; bit++) {
            let higher = key | (0x80000000u >> bit);
            let enough = mass(max(higher, cut), largest, lane) >= wanted;
            if enough { key = higher; }
        }
        // The largest is kept even when no mass is wanted.
        cut = max(cut, min(key, order_key(largest)));
    }

    var best = LOWEST;
    var token = 0xffffffffu;
    for (var i = lane; i < params.n; i += WG_SIZE) {
        if order_key(logits[i]) < cut { continue; }
        let score = logits[i] / params.temperature + gumbel(i);
        if score > best {
            best = score;
            token = i;
        }
    }
    let winner = workgroup_max(best, lane);
    tokens[lane] = select(0xffffffffu, token, best == winner);
    workgroupBarrier();
    if lane == 0u {
        var lowest = 0xffffffffu;
        for (var i = 0u; i < WG_SIZE; i++) { lowest = min(lowest, tokens[i]); }
        ids[params.at] = select(lowest, 0u, lowest == 0xffffffffu);
    }
}
