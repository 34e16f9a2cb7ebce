// h = gelu(h) * up, element by element.
//
// up  [n] f32  w_up x
// h   [n] f32  w_gate x on entry
//
// Grid: one thread per element, in x and y. Twin: ops::gelu_mul::twin.
// Source: transformers modeling_gemma2.py, Gemma2MLP.

// import lib/safe_tanh.wgsl

override WG_SIZE: u32 = 64u;

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn gelu_mul(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * WG_SIZE + lane;
    if i < params.n { h[i] = gelu(h[i]) * up[i]; }
}
