//! The transcoders' part of goldens too large to be kept whole: every active feature, and parts of the reconstructions.
#![allow(dead_code, reason = "each test program uses a part of what they share")]

use super::{
    compare::Tensors,
    parts::{firsts, near, norms},
    scope::Bench,
};
use gemscope::scope::{Active, Features, side_by_side};

/// Compares features and reconstructions with what a golden tells of one prompt; gives the largest relative difference and how many
/// features there are.
///
/// Errors: the first difference.
pub fn check(bench: &mut Bench, golden: &Tensors, tolerance: f32) -> Result<(f32, usize), String> {
    let ids: Vec<u32> = golden["ids"].values.iter().map(|it| *it as u32).collect();
    let (_, features) = bench.run(&ids, &[]);
    let mut worst = listed(&features, golden, bench.n_layers(), tolerance)?;
    for layer in 0..bench.n_layers() {
        let outs = bench.outs(&ids, layer);
        for (part, of) in [("norm", norms(&outs)), ("first16", firsts(&outs))] {
            let name = format!("blocks.{layer}.transcoder.{part}");
            worst = worst.max(near(&name, &of, &golden[&name].values, tolerance)?);
        }
    }
    Ok((worst, features.len()))
}

/// The sets are equal but for features that are within the tolerance of their threshold.
fn listed(
    features: &Features,
    golden: &Tensors,
    n_layers: usize,
    tolerance: f32,
) -> Result<f32, String> {
    let mut worst = 0.0_f32;
    for layer in 0..n_layers {
        let of = |part: &str| &golden[&format!("blocks.{layer}.{part}")].values;
        let (places, acts, margin) = (of("features"), of("acts"), of("margin"));
        let expected: Vec<Active> = places
            .chunks(2)
            .zip(acts)
            .map(|(place, activation)| Active {
                pos: place[0] as u32,
                index: place[1] as u32,
                activation: *activation,
            })
            .collect();
        let most = acts.iter().fold(0.0_f32, |most, it| most.max(*it));
        let got = features.of(layer).ok_or("a layer was not looked at")?;
        for it in side_by_side(got, &expected) {
            let apart = (it.activation - it.clean).abs() / most;
            let one_sided = it.activation == 0.0 || it.clean == 0.0;
            if one_sided && margin[it.pos as usize] <= tolerance * most {
                continue;
            }
            if apart > tolerance {
                return Err(format!(
                    "first difference at layer {layer}, position {}, feature {}: {}, golden {}",
                    it.pos, it.index, it.activation, it.clean
                ));
            }
            worst = worst.max(apart);
        }
    }
    Ok(worst)
}
