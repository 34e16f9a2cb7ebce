// y = x: what the adapter's memory gives, the yardstick of kernels that read weights.
//
// x  [n, 4] f32  read
// y  [n, 4] f32  written
//
// Grid: one thread per four floats, in x and y. Twin: ops::copy::twin.

override WG_SIZE: u32 = 64u;

struct Params { n: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG_SIZE)
fn copy(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * WG_SIZE + lane;
    if i < params.n { y[i] = x[i]; }
}
