//! Activations against golden ones, in the order of the forward pass, so that the first difference is the one to look at.
//!
//! Shared by the native tests and by `xtask`, which judges what the browsers computed.
#![allow(dead_code, reason = "each program uses a part of what they share")]

use safetensors::{Dtype, SafeTensors};
use std::{collections::BTreeMap, fs, path::Path};

/// Named tensors.
pub type Tensors = BTreeMap<String, Tensor>;

/// A tensor of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Outermost first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// How far a site is from its golden.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// Its path.
    pub site: String,
    /// Largest difference, as a part of the golden tensor's largest value; infinite if a number is not finite.
    pub relative: f32,
}

/// Every golden site is there and near.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// How many were compared.
    pub n_sites: usize,
    /// The farthest one.
    pub worst: Distance,
}

impl Distance {
    /// For a report.
    pub fn line(&self) -> String {
        format!("{}: {:.1e} of its largest value", self.site, self.relative)
    }
}

/// The f32 and i32 tensors of a safetensors file.
///
/// Errors: the file can't be read, or holds another type.
pub fn read(path: &Path) -> Result<Tensors, String> {
    let bytes = fs::read(path).map_err(|it| format!("{}: {it}", path.display()))?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|it| format!("{}: {it}", path.display()))?;
    file.iter()
        .map(|(name, view)| {
            let number: fn([u8; 4]) -> f32 = match view.dtype() {
                Dtype::F32 => f32::from_le_bytes,
                Dtype::I32 => |it| i32::from_le_bytes(it) as f32,
                other => return Err(format!("{name}: {other:?} is not compared")),
            };
            let values = view.data().as_chunks::<4>().0;
            let tensor = Tensor {
                shape: view.shape().to_vec(),
                values: values.iter().map(|it| number(*it)).collect(),
            };
            Ok((name.to_string(), tensor))
        })
        .collect()
}

/// The tensors whose names begin with `prefix`, without it.
pub fn with_prefix(tensors: &Tensors, prefix: &str) -> Tensors {
    tensors
        .iter()
        .filter_map(|(name, it)| Some((name.strip_prefix(prefix)?.to_string(), it.clone())))
        .collect()
}

/// Compares every golden site. What is there besides is not looked at.
///
/// Errors: the first site in the order of the forward pass that is missing, has another shape or is farther than `tolerance`.
pub fn compare(got: &Tensors, golden: &Tensors, tolerance: f32) -> Result<Agreement, String> {
    let mut sites: Vec<&String> = golden.keys().collect();
    sites.sort_by_key(|it| place(it));
    let mut worst = None::<Distance>;
    for site in &sites {
        let it = distance(site, got.get(*site), &golden[*site])?;
        if it.relative > tolerance {
            return Err(format!(
                "first difference at {} (tolerance {tolerance:.0e})",
                it.line()
            ));
        }
        if worst.as_ref().is_none_or(|far| it.relative > far.relative) {
            worst = Some(it);
        }
    }
    let n_sites = sites.len();
    worst
        .map(|worst| Agreement { n_sites, worst })
        .ok_or("there is nothing to compare".into())
}

fn distance(site: &str, got: Option<&Tensor>, golden: &Tensor) -> Result<Distance, String> {
    let got = got.ok_or(format!("first difference at {site}: it is missing"))?;
    if got.shape != golden.shape {
        return Err(format!(
            "first difference at {site}: shape {:?}, golden {:?}",
            got.shape, golden.shape
        ));
    }
    let largest = golden.values.iter().fold(0.0, |it: f32, v| it.max(v.abs()));
    let farthest = got
        .values
        .iter()
        .zip(&golden.values)
        .map(|(a, b)| (a - b).abs())
        .fold(
            0.0,
            |it: f32, v| if it.is_nan() || v <= it { it } else { v },
        ); // a NaN stays
    let finite = farthest.is_finite();
    Ok(Distance {
        site: site.into(),
        relative: match (finite, farthest) {
            (false, _) => f32::INFINITY,
            (true, 0.0) => 0.0,
            (true, it) => it / largest,
        },
    })
}

/// Where a site stands in the forward pass.
fn place(site: &str) -> (usize, usize, &str) {
    const IN_LAYER: &[&str] = &[
        "hook_resid_pre",
        "attn.hook_pattern",
        "hook_attn_out",
        "hook_resid_mid",
        "ln2.hook_normalized",
        "hook_mlp_out",
        "hook_resid_post",
    ];
    let in_layer = site
        .strip_prefix("blocks.")
        .and_then(|it| it.split_once('.'))
        .and_then(|(layer, hook)| Some((layer.parse::<usize>().ok()?, hook)));
    match in_layer {
        Some((layer, hook)) => {
            let within = IN_LAYER.iter().position(|it| *it == hook);
            (1 + layer, within.unwrap_or(IN_LAYER.len()), hook)
        }
        None if site == "ids" || site == "hook_embed" => (0, 0, site),
        None => (usize::MAX, 0, site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(of: &[(&str, &[f32])]) -> Tensors {
        of.iter()
            .map(|(name, values)| {
                let tensor = Tensor {
                    shape: vec![values.len()],
                    values: values.to_vec(),
                };
                (name.to_string(), tensor)
            })
            .collect()
    }

    #[test]
    fn the_first_difference_in_the_order_of_the_pass_is_named() {
        let golden = tensors(&[
            ("logits", &[1.0]),
            ("blocks.1.hook_resid_mid", &[1.0, -4.0]),
            ("blocks.1.hook_attn_out", &[2.0]),
            ("blocks.10.attn.hook_pattern", &[1.0]),
        ]);
        let mut got = golden.clone();
        assert_eq!(compare(&got, &golden, 0.0).map(|it| it.n_sites), Ok(4));
        for (site, wrong) in [
            ("logits", 2.0),
            ("blocks.10.attn.hook_pattern", 0.0),
            ("blocks.1.hook_resid_mid", f32::NAN),
            ("blocks.1.hook_attn_out", 2.1),
        ] {
            got.get_mut(site).expect("a site").values[0] = wrong;
            let told = compare(&got, &golden, 1e-2).expect_err("a difference");
            assert!(told.contains(&format!("at {site}:")), "{told}");
        }
    }

    #[test]
    fn distance_is_a_part_of_the_largest_value() {
        let golden = tensors(&[("logits", &[1.0, -10.0])]);
        let near = tensors(&[("logits", &[1.1, -10.0]), ("else", &[])]);
        let agreement = compare(&near, &golden, 0.02).expect("near");
        assert!((agreement.worst.relative - 0.01).abs() < 1e-6);
        assert!(compare(&near, &golden, 0.005).is_err());
    }

    #[test]
    fn what_is_missing_or_misshapen_differs() {
        let golden = tensors(&[("logits", &[1.0])]);
        assert!(compare(&Tensors::new(), &golden, 1.0).is_err());
        assert!(compare(&tensors(&[("logits", &[1.0, 1.0])]), &golden, 1.0).is_err());
        assert!(compare(&golden, &Tensors::new(), 1.0).is_err());
    }
}
