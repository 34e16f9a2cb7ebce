// Where each position's entries begin: header[offsets_at + pos] = the total so far + the counts before pos.
//
// header[0] is the total over all layers so far: 0 with is_first, then carried on. One offset more than positions is
// written, the new total, so that the end of the last position is known. 26 layers of 64 positions of 16384 features are
// 27 million entries; a total stays right up to 2^32.
//
// counts  [n_pos]                    u32  active features of each position
// header  [.. offsets_at + n_pos + 1] u32  the total, and the offsets of one layer
//
// Grid: one workgroup of WG_SIZE threads. Twin: ops::jump_scan::twin.

override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, offsets_at: u32, is_first: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> header: array<u32>;

var<workgroup> loaded: array<u32, WG_SIZE>;
var<workgroup> total: u32;

@compute @workgroup_size(WG_SIZE)
fn jump_scan(@builtin(local_invocation_index) lane: u32) {
    if lane == 0u { total = select(header[0], 0u, params.is_first == 1u); }
    workgroupBarrier();
    for (var first = 0u; first < params.n_pos; first += WG_SIZE) {
        let pos = first + lane;
        loaded[lane] = 0u;
        if pos < params.n_pos { loaded[lane] = counts[pos]; }
        workgroupBarrier();
        var offset = total;
        for (var i = 0u; i < lane; i++) { offset += loaded[i]; }
        if pos < params.n_pos { header[params.offsets_at + pos] = offset; }
        workgroupBarrier();
        if lane == WG_SIZE - 1u { total = offset + loaded[lane]; }
        workgroupBarrier();
    }
    if lane == 0u {
        header[params.offsets_at + params.n_pos] = total;
        header[0] = total;
    }
}
