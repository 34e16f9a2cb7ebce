// Runs of 16 weights out of packed matrices (spec::Packing, spec::Layout), as the four columns of a matrix, in the order of
// the row, and where they stand.

override PACKING: u32 = 1u;       // 0 f32, 1 bf16, 2 8 bit, 3 f16
override STRIPES: bool = false;   // stripe after stripe of 32 inputs instead of row after row
override N_IN: u32 = 64u;         // weights of a row, a multiple of 32
override ROW_VECS: u32 = 8u;      // 16-byte words of a row

// The first 16-byte word of run `n` of a row, in a part of `n_rows` rows.
fn run_at(row: u32, n: u32, n_rows: u32) -> u32 {
    var vecs = 2u;
    if PACKING == 0u { vecs = 4u; }
    if PACKING == 2u { vecs = 1u; }
    if !STRIPES { return row * ROW_VECS + vecs * n; }
    if PACKING == 2u { return n / 2u * q8_stripe_vecs(n_rows) + 2u * row + n % 2u; }
    return vecs * (2u * (n / 2u * n_rows + row) + n % 2u);
}

// Where the scale of run `n` of a row stands: a 16-byte word, and which of its eight f16.
fn scale_at(row: u32, n: u32, n_rows: u32) -> vec2u {
    if STRIPES { return vec2u(n / 2u * q8_stripe_vecs(n_rows) + 2u * n_rows + row / 8u, row % 8u); }
    return vec2u(row * ROW_VECS + N_IN / 16u + n / 16u, n / 2u % 8u);
}

fn q8_stripe_vecs(n_rows: u32) -> u32 { return 2u * n_rows + (n_rows + 7u) / 8u; }

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

// The f16 in the lower halves, bit by bit: unpack2x16float may flush subnormal ones to zero. Those are put together above
// 2^-14, which is then taken off again; both are normal f32, and it is exact. Weights are finite.
fn four_halves(halves: vec4u) -> vec4f {
    let body = (halves & vec4u(0x7fffu)) << vec4u(13u);
    let small = body < vec4u(0x00800000u);
    let size = bitcast<vec4f>(body + select(vec4u(0x38000000u), vec4u(0x38800000u), small)) - select(vec4f(), vec4f(0.00006103515625), small);
    return bitcast<vec4f>(bitcast<vec4u>(size) | ((halves & vec4u(0x8000u)) << vec4u(16u)));
}

fn run_of_f16(a: vec4u, b: vec4u) -> mat4x4f {
    let upper = vec4u(16u);
    let a_even = four_halves(a);
    let a_odd = four_halves(a >> upper);
    let b_even = four_halves(b);
    let b_odd = four_halves(b >> upper);
    return mat4x4f(
        vec4f(a_even.x, a_odd.x, a_even.y, a_odd.y), vec4f(a_even.z, a_odd.z, a_even.w, a_odd.w),
        vec4f(b_even.x, b_odd.x, b_even.y, b_odd.y), vec4f(b_even.z, b_odd.z, b_even.w, b_odd.w),
    );
}

// Signed bytes as floats: 2^23 + 128 + byte is put together from bits and the constant taken off again, which is exact.
fn four_bytes(word: u32) -> vec4f {
    let bytes = (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    return bitcast<vec4f>(bytes ^ vec4u(0x4b000080u)) - vec4f(8388736.0);
}

// Not yet multiplied by the scale.
fn run_of_q8(quants: vec4u) -> mat4x4f {
    return mat4x4f(four_bytes(quants.x), four_bytes(quants.y), four_bytes(quants.z), four_bytes(quants.w));
}

// The scale of a run out of the u32 that holds it: the lower half, or the upper one for odd halves.
//
// Scales of small blocks are subnormal f16, which unpack2x16float may flush to zero, so the bits are taken apart: mantissa
// times 2^(exponent - 25), both normal f32. Scales are finite.
fn q8_scale(word: u32, half: u32) -> f32 {
    let bits = word >> (16u * (half % 2u));
    let exponent = (bits >> 10u) & 31u;
    let mantissa = (bits & 1023u) | select(0u, 1024u, exponent > 0u);
    let size = bitcast<f32>(((max(exponent, 1u) + 102u) << 23u) | ((bits & 0x8000u) << 16u));
    return f32(mantissa) * size;
}

fn dot16(a: mat4x4f, b: mat4x4f) -> f32 {
    return (dot(a[0], b[0]) + dot(a[1], b[1])) + (dot(a[2], b[2]) + dot(a[3], b[3]));
}
