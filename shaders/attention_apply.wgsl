// z[pos, head] (+)= sum over keys of pattern[pos, head, key] v[key]: attention with a pattern that was written.
//
// pattern  [n_pos, N_HEADS, n_keys]    f32  of this part of the cache
// v        [n_keys, N_KV_HEADS D_HEAD] f32  values of this part
// z        [n_pos, N_HEADS D_HEAD]     f32  set by the first part, added to by the others
//
// Grid: threads of x are elements of a head, y is heads, z is positions. Twin: ops::attention_apply::twin.

override N_HEADS: u32 = 4u;
override N_KV_HEADS: u32 = 2u;
override D_HEAD: u32 = 32u;
override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, n_keys: u32, is_first: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pattern: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> z: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn attention_apply(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= D_HEAD || id.z >= params.n_pos { return; }
    let at = (id.z * N_HEADS + id.y) * D_HEAD + id.x;
    let kv_head = id.y / (N_HEADS / N_KV_HEADS);
    var sum = 0.0;
    if params.is_first == 0u { sum = z[at]; }
    for (var key = 0u; key < params.n_keys; key++) {
        sum += pattern[(id.z * N_HEADS + id.y) * params.n_keys + key] * v[(key * N_KV_HEADS + kv_head) * D_HEAD + id.x];
    }
    z[at] = sum;
}
