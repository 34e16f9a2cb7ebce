// kl[i] = sum_v p_v (log p_v - log q_v) of the softmaxes of row p_row + i of p and row q_row + i of q.
//
// Evaluated as sum_v p_v (exp(d) - 1 - d) with d = log q_v - log p_v, which is the same since both sum to 1, and whose terms
// are never negative: nothing cancels, an error e of the norms costs e^2 / 2, and equal rows give exactly 0. d is the
// difference of the logits, less c = log(sum_v p_v exp(difference)), also without cancellation.
//
// p   [.. p_row + n, n_vocab]  f32  logits
// q   [.. q_row + n, n_vocab]  f32  logits
// kl  [n]                      f32  nats
//
// Grid: one workgroup of WG_SIZE threads per pair of rows. Twin: ops::kl_rows::twin.

// import lib/reduce.wgsl

override WG_SIZE: u32 = 256u; // a power of two: the reduction halves it
const LOWEST = -3e38;

struct Params { n: u32, n_vocab: u32, p_row: u32, q_row: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> kl: array<f32>;

// exp(t) - 1, for |t| < 0.5.
fn small_expm1(t: f32) -> f32 {
    return t * (1.0 + t / 2.0 * (1.0 + t / 3.0 * (1.0 + t / 4.0 * (1.0 + t / 5.0 * (1.0 + t / 6.0 * (1.0 + t / 7.0 * (1.0 + t / 8.0)))))));
}

// exp(t) - 1 - t, for |t| < 0.5.
fn small_excess(t: f32) -> f32 {
    return t * t / 2.0 * (1.0 + t / 3.0 * (1.0 + t / 4.0 * (1.0 + t / 5.0 * (1.0 + t / 6.0 * (1.0 + t / 7.0 * (1.0 + t / 8.0))))));
}

// log(1 + m); near 0 by the series of 2 artanh(m / (2 + m)).
fn log1p(m: f32) -> f32 {
    if abs(m) > 0.25 { return log(1.0 + m); }
    let s = m / (2.0 + m);
    let square = s * s;
    return 2.0 * s * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square / 7.0)));
}

@compute @workgroup_size(WG_SIZE)
fn kl_rows(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    if group.x >= params.n { return; }
    let p_at = (params.p_row + group.x) * params.n_vocab;
    let q_at = (params.q_row + group.x) * params.n_vocab;
    var p_value = LOWEST;
    var q_value = LOWEST;
    for (var v = lane; v < params.n_vocab; v += WG_SIZE) {
        p_value = max(p_value, p[p_at + v]);
        q_value = max(q_value, q[q_at + v]);
    }
    let p_max = workgroup_max(p_value, lane);
    let q_max = workgroup_max(q_value, lane);
    let shift = q_max - p_max;

    // Sum of exponentials of p, and by how much that of q is larger, each from its largest logit.
    var sum = 0.0;
    var more = 0.0;
    for (var v = lane; v < params.n_vocab; v += WG_SIZE) {
        let weight = exp(p[p_at + v] - p_max);
        let t = (q[q_at + v] - p[p_at + v]) - shift;
        sum += weight;
        if abs(t) < 0.5 { more += weight * small_expm1(t); } else { more += exp(q[q_at + v] - q_max) - weight; }
    }
    let p_sum = workgroup_sum(sum, lane);
    let excess = workgroup_sum(more, lane);
    let q_sum = p_sum + excess;
    let c = shift + log1p(excess / p_sum);

    var total = 0.0;
    for (var v = lane; v < params.n_vocab; v += WG_SIZE) {
        let weight = exp(p[p_at + v] - p_max) / p_sum;
        let d = (q[q_at + v] - p[p_at + v]) - c;
        if abs(d) < 0.5 {
            total += weight * small_excess(d);
        } else {
            total += exp(q[q_at + v] - q_max) / q_sum - weight - weight * d;
        }
    }
    let all = workgroup_sum(total, lane);
    if lane == 0u { kl[group.x] = all; }
}
