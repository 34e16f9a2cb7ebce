//! Goldens too large to be kept whole: per layer the norms and first values of a site, per position the best logits.
#![allow(dead_code, reason = "each test program uses a part of what they share")]

use super::{
    compare::{Tensor, Tensors},
    model,
};
use gemscope::{
    model::Model,
    spec::Site,
    sys::{Stop, block_on},
};

/// Of a tensor's largest value; the reference's own for sizes of Gemma.
pub const TOLERANCE: f32 = 5e-4;

/// Compares a model with what a golden tells of one prompt; gives the largest relative difference.
///
/// Errors: the first difference, in the order of the forward pass.
pub fn check(model: &mut Model, golden: &Tensors, tolerance: f32) -> Result<f32, String> {
    let ids: Vec<u32> = golden["ids"].values.iter().map(|it| *it as u32).collect();
    let mut sites = Vec::new();
    for layer in 0..model.config().n_layers {
        sites.extend([
            Site::ResidMid(layer),
            Site::MlpOut(layer),
            Site::ResidPost(layer),
        ]);
    }
    let got = model::run(model, &ids, &sites, &[]);
    let mut worst = 0.0_f32;
    for site in sites {
        let rows = &got[&site.to_string()];
        for (part, of) in [("norm", norms(rows)), ("first16", firsts(rows))] {
            let name = format!("{site}.{part}");
            worst = worst.max(near(&name, &of, &golden[&name].values, tolerance)?);
        }
    }
    Ok(worst.max(distributions(model, &ids, golden, tolerance)?))
}

fn distributions(
    model: &mut Model,
    ids: &[u32],
    golden: &Tensors,
    tolerance: f32,
) -> Result<f32, String> {
    let told = block_on(model.probs(0..ids.len(), 20, &[], &Stop::default()))
        .map_err(|it| it.to_string())?;
    let sums: Vec<f32> = told.iter().map(|it| it.log_sum_exp).collect();
    let mut worst = near(
        "logits.logsumexp",
        &sums,
        &golden["logits.logsumexp"].values,
        tolerance,
    )?;
    let values: Vec<f32> = told
        .iter()
        .flat_map(|it| it.top.iter().map(|top| top.1))
        .collect();
    let expected = &golden["logits.top20.values"].values;
    worst = worst.max(near("logits.top20", &values, expected, tolerance)?);
    // The first token of each position is the golden's wherever it wins by more than the tolerance.
    let tokens = &golden["logits.top20.ids"].values;
    for (pos, it) in told.iter().enumerate() {
        let margin = expected[20 * pos] - expected[20 * pos + 1];
        if margin > tolerance * expected[20 * pos].abs() && it.top[0].0 != tokens[20 * pos] as u32 {
            return Err(format!(
                "position {pos}: token {} and not {}",
                it.top[0].0,
                tokens[20 * pos]
            ));
        }
    }
    let targets: Vec<f32> = (0..ids.len() - 1)
        .map(|pos| {
            let asked =
                block_on(model.probs(pos..pos + 1, 0, &ids[pos + 1..pos + 2], &Stop::default()));
            let asked = asked.expect("a distribution");
            asked[0].log_sum_exp - asked[0].asked[0].1
        })
        .collect();
    Ok(worst.max(near("ce", &targets, &golden["ce"].values, tolerance)?))
}

pub fn norms(rows: &Tensor) -> Vec<f32> {
    let norm = |row: &[f32]| {
        row.iter()
            .map(|it| f64::from(*it).powi(2))
            .sum::<f64>()
            .sqrt() as f32
    };
    rows.values.chunks(rows.shape[1]).map(norm).collect()
}

pub fn firsts(rows: &Tensor) -> Vec<f32> {
    rows.values
        .chunks(rows.shape[1])
        .flat_map(|row| row[..16].to_vec())
        .collect()
}

pub fn near(name: &str, got: &[f32], golden: &[f32], tolerance: f32) -> Result<f32, String> {
    let largest = golden.iter().fold(0.0_f32, |it, v| it.max(v.abs()));
    let mut worst = 0.0_f32;
    for (n, (a, b)) in got.iter().zip(golden).enumerate() {
        let relative = (a - b).abs() / largest;
        if relative.is_nan() || relative > tolerance {
            return Err(format!(
                "first difference at {name}[{n}]: {a}, golden {b} ({relative:.1e} of the largest)"
            ));
        }
        worst = worst.max(relative);
    }
    match got.len() == golden.len() {
        true => Ok(worst),
        false => Err(format!(
            "{name}: {} numbers, golden {}",
            got.len(),
            golden.len()
        )),
    }
}
