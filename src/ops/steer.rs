//! What has to be added for features to have wanted values: `wanted - current`, as entries for `decode`.

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

/// A wanted value: the shader's four words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct Wanted {
    /// Row of `pre`.
    pub pos: u32,
    /// Feature.
    pub feature: u32,
    /// What it should be.
    pub value: f32,
    /// What it is, where activations are not read.
    pub current: f32,
}

/// Where current activations stand.
#[derive(Clone, Copy, Debug)]
pub enum Current<'a> {
    /// In the list.
    Given,
    /// `threshold [n_features]` and `pre [n_pos, n_features]`, with the bias.
    Read(&'a View, &'a View),
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
    let (given, threshold, pre) = match current {
        Current::Given => (1.0, wanted, wanted),
        Current::Read(threshold, pre) => (0.0, threshold, pre),
    };
    let n = u64::from(params.n);
    recording.dispatch(Dispatch {
        kernel: Kernel {
            shader: "steer",
            constants: vec![("GIVEN", given)],
        },
        params: bytemuck::bytes_of(&params).to_vec(),
        views: vec![
            wanted.clone(),
            threshold.clone(),
            pre.clone(),
            entries.clone(),
        ],
        grid: [params.n.div_ceil(WG_SIZE), 1, 1],
        cost: Cost {
            bytes_read: 24 * n,
            flops: n,
        },
    });
}

/// The definition, in f32: one subtraction. `read` is `threshold` and `pre`, or none when the list gives the current ones.
///
/// Shapes: `wanted [n]`, `threshold [n_features]`, `pre [n_pos, n_features]`; gives `[n]`.
pub fn twin(params: Params, wanted: &[Wanted], read: Option<(&[f32], &[f32])>) -> Vec<[u32; 2]> {
    wanted[..params.n as usize]
        .iter()
        .map(|it| {
            let current = read.map_or(it.current, |(threshold, pre)| {
                let value = pre[it.pos as usize * params.n_features as usize + it.feature as usize];
                let is_active = value > threshold[it.feature as usize];
                if is_active { value } else { 0.0 }
            });
            [it.feature, (it.value - current).to_bits()]
        })
        .collect()
}
