// pattern[pos, head, key] = exp(cap(q . k SCALE) - largest) / sum, from the stats that attention left; 0 where not seen.
//
// qkv      [n_pos, Q_STRIDE]           f32  turned queries first
// k        [n_keys, N_KV_HEADS D_HEAD] f32  turned keys, positions first_key on
// stats    [n_pos, N_HEADS]            f32  (largest score, sum of exponentials) over all keys
// pattern  [n_pos, N_HEADS, n_keys]    f32  written whole
//
// Grid: threads of x are keys, y is heads, z is positions. Twin: ops::attention_pattern::twin.
// Source: transformers modeling_gemma2.py, eager_attention_forward.

// import lib/safe_tanh.wgsl

override N_HEADS: u32 = 4u;
override N_KV_HEADS: u32 = 2u;
override D_HEAD: u32 = 32u;
override Q_STRIDE: u32 = 256u;
override SCALE: f32 = 1.0;
override CAP: f32 = 50.0;
override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, first_pos: u32, first_key: u32, n_keys: u32, window: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> pattern: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn attention_pattern(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= params.n_keys || id.z >= params.n_pos { return; }
    let pos = params.first_pos + id.z;
    let key = params.first_key + id.x;
    var value = 0.0;
    if key <= pos && (pos < params.window || key > pos - params.window) {
        let q_at = (id.z * Q_STRIDE + id.y * D_HEAD) / 4u;
        let k_at = (id.x * N_KV_HEADS + id.y / (N_HEADS / N_KV_HEADS)) * (D_HEAD / 4u);
        var sum = 0.0;
        for (var i = 0u; i < D_HEAD / 4u; i++) { sum += dot(qkv[q_at + i], k[k_at + i]); }
        let total = stats[id.z * N_HEADS + id.y];
        value = exp(softcap(sum * SCALE, CAP) - total.x) / total.y;
    }
    pattern[(id.z * N_HEADS + id.y) * params.n_keys + id.x] = value;
}
