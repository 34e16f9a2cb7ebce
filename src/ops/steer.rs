//! What has to be added for features to have wanted values: `value + factor * current`, as entries for `decode`.

use crate::gpu::{Cost, Dispatch, Kernel, Recording, View};
use bytemuck::{Pod, Zeroable};

/// Entries that a workgroup takes; the default `WG_SIZE` of the shader.
const WG_SIZE: u32 = 64;

/// What changes per dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Entries.
    pub n: u32,
    /// Features of a position.
    pub n_features: u32,
}

/// What is wanted of a feature: the shader's four words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Wanted {
    /// Row of `pre`.
    pub pos: u32,
    /// Feature.
    pub feature: u32,
    /// Added as it is.
    pub value: f32,
    /// Added for each unit of the current activation: -1 makes `value` the feature's own.
    pub factor: f32,
}

/// Where current activations stand.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// `[n_features]`.
    pub threshold: &'a View,
    /// `[n_pos, n_features]`, with the bias.
    pub pre: &'a View,
}

/// Records it: `entries[i]` is of `wanted[i]`, so that the list stands by position, then feature, as `decode` reads it.
///
/// Where the wanted value is the current one, the entry is 0 and `decode` leaves the bits as they are.
///
/// Shapes: `wanted [n]` of [`Wanted`], `entries [>= n, 2]` u32: feature, bits of the coefficient.
pub fn record(
    recording: &mut Recording,
    params: Params,
    wanted: &View,
    current: Current<'_>,
    entries: &View,
) {
    let n = u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "steer",
            constants: vec![],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            wanted.clone(),
            current.threshold.clone(),
            current.pre.clone(),
            entries.clone(),
        ],
        grid: [params.n.div_ceil(WG_SIZE), 1, 1],
        cost: Cost {
            bytes_read: 24 * n,
            flops: n,
        },
    });
}

/// The definition, in f32: one multiplication and one addition.
///
/// Shapes: `threshold [n_features]`, `pre [n_pos, n_features]`; gives `[n]` of (feature, bits of the coefficient).
pub fn twin(
    params: Params,
    wanted: &[Wanted],
    (threshold, pre): (&[f32], &[f32]),
) -> Vec<[u32; 2]> {
    wanted[..params.n as usize]
        .iter()
        .map(|it| {
            let value = pre[(it.pos * params.n_features + it.feature) as usize];
            let is_active = value > threshold[it.feature as usize];
            let current = if is_active { value } else { 0.0 };
            [it.feature, (it.value + it.factor * current).to_bits()]
        })
        .collect()
}
