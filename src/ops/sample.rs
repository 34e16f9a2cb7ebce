//! Draws a token: temperature, top-k, top-p, then Gumbel-max with a counter-based integer hash.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Logits.
    pub n: u32,
    /// Where in `ids` the token goes.
    pub at: u32,
    /// Tokens that are kept, or 0 for all.
    pub top_k: u32,
    /// Counts the tokens drawn.
    pub step: u32,
    /// Of the seed.
    pub seed_low: u32,
    /// Of the seed.
    pub seed_high: u32,
    /// Greater than 0.
    pub temperature: f32,
    /// Mass that is kept, 1 for all.
    pub top_p: f32,
}

/// Records the draw.
///
/// Shapes: `logits [n]`, `ids [> at]` u32.
pub fn record(recording: &mut Recording, params: Params, logits: &View, ids: &View) {
    let n = u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "sample",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![logits.clone(), ids.clone()],
        grid: [1, 1, 1],
        cost: Cost {
            bytes_read: 4 * n,
            flops: 40 * n,
        },
    });
}

/// The definition: the token, and by how much it won over the next.
///
/// Shapes: `logits [n]`.
pub fn twin(params: Params, logits: &[f32]) -> (u32, f64) {
    let kept = kept(params, logits);
    let mut scores: Vec<(f64, u32)> = kept
        .into_iter()
        .map(|id| {
            (
                f64::from(logits[id as usize]) / f64::from(params.temperature) + gumbel(params, id),
                id,
            )
        })
        .collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let margin = scores
        .get(1)
        .map_or(f64::INFINITY, |next| scores[0].0 - next.0);
    (scores[0].1, margin)
}

/// Tokens that both cuts keep, those that tie with the last one included.
pub fn kept(params: Params, logits: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..params.n).collect();
    let value = |id: u32| f64::from(logits[id as usize]);
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)).then(a.cmp(b)));
    let keep_to = |order: &mut Vec<u32>, last: usize| {
        let lowest = value(order[last]);
        order.retain(|id| value(*id).total_cmp(&lowest).is_ge());
    };
    if params.top_k > 0 && params.top_k < params.n {
        keep_to(&mut order, params.top_k as usize - 1);
    }
    if params.top_p < 1.0 {
        let largest = value(order[0]);
        let weight = |id: &u32| ((value(*id) - largest) / f64::from(params.temperature)).exp();
        let wanted = f64::from(params.top_p) * order.iter().map(weight).sum::<f64>();
        let mut mass = 0.0;
        let last = order.iter().position(|id| {
            mass += weight(id);
            mass >= wanted
        });
        let last = last.unwrap_or(order.len() - 1);
        keep_to(&mut order, last);
    }
    order
}

fn gumbel(params: Params, id: u32) -> f64 {
    let h = mix(mix(mix(mix(params.seed_low) ^ params.seed_high) ^ params.step) ^ id);
    -(-((f64::from(h >> 9) + 0.5) / 8_388_608.0).ln()).ln()
}

/// The finaliser of MurmurHash3.
fn mix(value: u32) -> u32 {
    let h = (value ^ (value >> 16)).wrapping_mul(0x85eb_ca6b);
    let h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}
