// Sums and largest values over a workgroup, in a fixed order.

var<workgroup> reduced: array<f32, WG_SIZE>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
    reduced[lane] = value;
    workgroupBarrier();
    for (var stride = WG_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride { reduced[lane] += reduced[lane + stride]; }
        workgroupBarrier();
    }
    let sum = reduced[0];
    workgroupBarrier();
    return sum;
}

fn workgroup_max(value: f32, lane: u32) -> f32 {
    reduced[lane] = value;
    workgroupBarrier();
    for (var stride = WG_SIZE / 2u; stride > 0u; stride /= 2u) {
        if lane < stride { reduced[lane] = max(reduced[lane], reduced[lane + stride]); }
        workgroupBarrier();
    }
    let largest = reduced[0];
    workgroupBarrier();
    return largest;
}
