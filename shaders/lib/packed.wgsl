// Runs of 16 weights out of packed rows (spec::Packing), as the four columns of a matrix, in the order of the row.

override PACKING: u32 = 1u;   // 0 f32, 1 bf16, 2 8 bit
override N_IN: u32 = 64u;     // weights of a row, a multiple of 32
override ROW_VECS: u32 = 8u;  // 16-byte words of a row

fn run_of_f32(a: vec4u, b: vec4u, c: vec4u, d: vec4u) -> mat4x4f {
    return mat4x4f(bitcast<vec4f>(a), bitcast<vec4f>(b), bitcast<vec4f>(c), bitcast<vec4f>(d));
}

fn run_of_bf16(a: vec4u, b: vec4u) -> mat4x4f {
    let a_even = bitcast<vec4f>(a << vec4u(16u));
    let a_odd = bitcast<vec4f>(a & vec4u(0xffff0000u));
    let b_even = bitcast<vec4f>(b << vec4u(16u));
    let b_odd = bitcast<vec4f>(b & vec4u(0xffff0000u));
    return mat4x4f(
        vec4f(a_even.x, a_odd.x, a_even.y, a_odd.y), vec4f(a_even.z, a_odd.z, a_even.w, a_odd.w),
        vec4f(b_even.x, b_odd.x, b_even.y, b_odd.y), vec4f(b_even.z, b_odd.z, b_even.w, b_odd.w),
    );
}

fn four_bytes(word: u32) -> vec4f {
    return vec4f((vec4i(i32(word)) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn run_of_q8(quants: vec4u, scale: f32) -> mat4x4f {
    return mat4x4f(
        four_bytes(quants.x) * scale, four_bytes(quants.y) * scale,
        four_bytes(quants.z) * scale, four_bytes(quants.w) * scale,
    );
}

// The scale of block `block` out of the 16-byte word that holds it.
fn q8_scale(scales: vec4u, block: u32) -> f32 {
    let pair = unpack2x16float(scales[(block / 2u) % 4u]);
    return select(pair.x, pair.y, block % 2u == 1u);
}
