// y = y * 0.5 + x, n_steps times over: what the adapter computes at best, the yardstick of kernels that multiply.
//
// x  [n, 4] f32  read once
// y  [n, 4] f32  read and written once
//
// Grid: one thread per four floats. Twin: ops::multiply_add::twin.

override WG_SIZE: u32 = 64u;

struct Params { n: u32, n_steps: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG_SIZE)
fn multiply_add(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= params.n { return; }
    let added = x[id.x];
    // Four chains, so that no step waits for the one before it; they end equal.
    var a = y[id.x];
    var b = a;
    var c = a;
    var d = a;
    for (var step = 0u; step < params.n_steps; step++) {
        a = fma(a, vec4f(0.5), added);
        b = fma(b, vec4f(0.5), added);
        c = fma(c, vec4f(0.5), added);
        d = fma(d, vec4f(0.5), added);
    }
    y[id.x] = max(max(a, b), max(c, d));
}
