// The k-th largest of a run of `logits`, found digit by digit; integer counts, so the order of threads does not matter.

var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> digit: u32;
var<workgroup> above: u32;

// Unsigned integers in the order of the floats.
fn order_key(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

fn kth_largest_key(base: u32, n: u32, k: u32, lane: u32) -> u32 {
    var prefix = 0u;
    var left = k;
    for (var level = 0u; level < 4u; level++) {
        let shift = 24u - 8u * level;
        for (var i = lane; i < 256u; i += WG_SIZE) { atomicStore(&histogram[i], 0u); }
        workgroupBarrier();
        for (var i = lane; i < n; i += WG_SIZE) {
            let key = order_key(logits[base + i]);
            if level == 0u || (key >> (shift + 8u)) == prefix {
                atomicAdd(&histogram[(key >> shift) & 255u], 1u);
            }
        }
        workgroupBarrier();
        if lane == 0u {
            var bin = 255u;
            var seen = 0u;
            while bin > 0u && seen + atomicLoad(&histogram[bin]) < left {
                seen += atomicLoad(&histogram[bin]);
                bin -= 1u;
            }
            digit = bin;
            above = seen;
        }
        workgroupBarrier();
        prefix = (prefix << 8u) | digit;
        left -= above;
        workgroupBarrier();
    }
    return prefix;
}
