// Turns queries in place and keys on their way into the cache by their positions, and puts values there.
//
// (a, b) -> (a cos - b sin, b cos + a sin) for elements i and i + D_HEAD / 2 of every head.
//
// angles  [.. + n_pos, D_HEAD / 2] f32  (cos, sin) of the cache's positions, computed in double precision; cache_row on
// qkv     [.. + n_pos, (N_HEADS + 2 N_KV_HEADS) D_HEAD] f32  rows from first_row on
// k       [.. + n_pos, N_KV_HEADS D_HEAD] f32  keys from cache_row on
// v       [.. + n_pos, N_KV_HEADS D_HEAD] f32  values from cache_row on
//
// Grid: threads of x are pairs of queries and keys, then values; y is positions. Twin: ops::rope::twin.
// Source: arXiv:2104.09864; rotate-half as in transformers modeling_gemma2.py.

override N_HEADS: u32 = 4u;
override N_KV_HEADS: u32 = 2u;
override D_HEAD: u32 = 32u;
override WG_SIZE: u32 = 64u;

struct Params { n_pos: u32, first_row: u32, cache_row: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> angles: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(3) var<storage, read_write> k: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WG_SIZE)
fn rope(@builtin(global_invocation_id) id: vec3u) {
    let half = D_HEAD / 2u;
    let d_kv = N_KV_HEADS * D_HEAD;
    let n_pairs = (N_HEADS + N_KV_HEADS) * half;
    if id.y >= params.n_pos || id.x >= n_pairs + d_kv { return; }
    let row = (params.first_row + id.y) * (N_HEADS + 2u * N_KV_HEADS) * D_HEAD;
    let cached = (params.cache_row + id.y) * d_kv;
    if id.x >= n_pairs {
        let i = id.x - n_pairs;
        v[cached + i] = qkv[row + (N_HEADS + N_KV_HEADS) * D_HEAD + i];
        return;
    }
    let head = id.x / half;
    let i = id.x % half;
    let at = row + head * D_HEAD + i;
    let angle = angles[(params.cache_row + id.y) * half + i];
    let a = qkv[at];
    let b = qkv[at + half];
    let turned = vec2f(a * angle.x - b * angle.y, b * angle.x + a * angle.y);
    if head < N_HEADS {
        qkv[at] = turned.x;
        qkv[at + half] = turned.y;
    } else {
        let to = cached + (head - N_HEADS) * D_HEAD + i;
        k[to] = turned.x;
        k[to + half] = turned.y;
    }
}
