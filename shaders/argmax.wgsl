// ids[at] = the token of the largest of the slices' best logits; ties to the lowest.
//
// best  [n_slices]  u32  (bits of the value, token) of every slice
// ids   [.. at + 1] u32  tokens; one is written
//
// Grid: one thread. Twin: ops::argmax::twin.

struct Params { n_slices: u32, at: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;

@compute @workgroup_size(1)
fn argmax() {
    var value = bitcast<f32>(best[0].x);
    var token = best[0].y;
    for (var i = 1u; i < params.n_slices; i++) {
        // Slices stand in the order of their tokens, so that a tie stays with the earlier one.
        if bitcast<f32>(best[i].x) > value {
            value = bitcast<f32>(best[i].x);
            token = best[i].y;
        }
    }
    // A row of NaN has no largest; token 0 keeps what follows inside the table.
    ids[params.at] = select(token, 0u, token == 0xffffffffu);
}
