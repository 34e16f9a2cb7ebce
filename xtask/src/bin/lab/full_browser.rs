//! `full --browser`: the set of full size from a test Hub through a browser into its store, and the golden prompt from there. Leaves
//! driving the browser to `tests/browser/full.mjs`.

use super::{
    compare::{self, Tensors},
    in_browser::World,
    parts,
};
use anyhow::{Result, anyhow, bail};
use gemscope::{spec::Precision, weights::synth::Preset};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Runs it; whether everything held.
///
/// Errors: what keeps the browser from starting; a golden that is not there.
pub fn run(kind: &str, preset: Preset, precision: Precision) -> Result<bool> {
    let (golden, ids) = golden(preset)?;
    let world = World::new(kind)?;
    let dump = world.out.join("full.safetensors");
    if dump.exists() {
        fs::remove_file(&dump)?;
    }
    let (preset, precision_name) = (preset.to_string(), precision.to_string());
    let more = [
        "--preset",
        &preset,
        "--precision",
        &precision_name,
        "--ids",
        &ids,
    ];
    let fine = world.run("full.mjs", &more.map(OsString::from))?;
    if !fine {
        return Ok(false);
    }
    match (dump.exists(), kind, precision) {
        (true, ..) => judge(&dump, &golden, precision),
        // The one set that a browser's default quota does not hold.
        (false, "firefox", Precision::Reference) => Ok(true),
        _ => bail!("the set did not fit"),
    }
}

/// The first prompt's golden of a preset, and that prompt as it is given to scripts.
///
/// Errors: a golden that is not there.
pub fn golden(preset: Preset) -> Result<(Tensors, String)> {
    let path = PathBuf::from(format!("../shared/reference/{preset}/golden.safetensors"));
    let golden = compare::read(&path).map_err(|it| anyhow!(it))?;
    let golden = compare::with_prefix(&golden, "p0.");
    let ids = golden["ids"]
        .values
        .iter()
        .map(|it| (*it as u32).to_string());
    let ids = ids.collect::<Vec<_>>().join(",");
    Ok((golden, ids))
}

fn judge(dump: &Path, golden: &Tensors, precision: Precision) -> Result<bool> {
    let got = compare::read(dump).map_err(|it| anyhow!(it))?;
    let same_model = precision != Precision::Compact;
    let near = if same_model {
        sites(&got, golden).map(|it| format!("holds, worst {it:.1e}"))
    } else {
        Ok("not compared at 8 bit".to_string())
    };
    let first = first_tokens(&got, golden);
    let jaccard = jaccard(&got, golden);
    let least = match precision {
        Precision::Reference => 1.0,
        Precision::Precise => 0.995,
        Precision::Compact => 0.95,
    };
    println!(
        "  golden        {}",
        near.as_deref().unwrap_or_else(|it| it)
    );
    println!(
        "  first tokens  {}",
        first.as_deref().unwrap_or_else(|it| it)
    );
    println!("  features      Jaccard {jaccard:.4}, {least} at least");
    Ok(near.is_ok() && first.is_ok() && jaccard >= least)
}

/// Three sites of every layer and the best logits; the largest relative difference.
fn sites(got: &Tensors, golden: &Tensors) -> Result<f32, String> {
    let mut worst = 0.0_f32;
    for (name, expected) in golden {
        let Some((site, part)) = name.rsplit_once('.') else {
            continue;
        };
        let of = match (got.get(site), part) {
            (Some(rows), "norm") => parts::norms(rows),
            (Some(rows), "first16") => parts::firsts(rows),
            _ => continue,
        };
        worst = worst.max(parts::near(name, &of, &expected.values, parts::TOLERANCE)?);
    }
    for name in ["logits.logsumexp", "logits.top20.values"] {
        let far = parts::near(
            name,
            &got[name].values,
            &golden[name].values,
            parts::TOLERANCE,
        )?;
        worst = worst.max(far);
    }
    match worst > 0.0 {
        true => Ok(worst),
        false => Err("nothing was compared".into()),
    }
}

/// The first token of each position is the golden's wherever it wins by more than the tolerance.
fn first_tokens(got: &Tensors, golden: &Tensors) -> Result<String, String> {
    let (ids, expected) = (
        &got["logits.top20.ids"].values,
        &golden["logits.top20.ids"].values,
    );
    let values = &golden["logits.top20.values"].values;
    for pos in 0..expected.len() / 20 {
        let margin = values[20 * pos] - values[20 * pos + 1];
        let clear = margin > parts::TOLERANCE * values[20 * pos].abs();
        if clear && ids[20 * pos] != expected[20 * pos] {
            return Err(format!(
                "position {pos}: {} and not {}",
                ids[20 * pos],
                expected[20 * pos]
            ));
        }
    }
    Ok(format!("right at {} positions", expected.len() / 20))
}

/// Of all active features of all layers.
fn jaccard(got: &Tensors, golden: &Tensors) -> f64 {
    let (mut both, mut either) = (0, 0);
    for (name, expected) in golden.iter().filter(|it| it.0.ends_with(".features")) {
        let set = |it: &[f32]| -> BTreeSet<[u32; 2]> {
            it.chunks(2)
                .map(|it| [it[0] as u32, it[1] as u32])
                .collect()
        };
        let of = got.get(name).map(|it| set(&it.values)).unwrap_or_default();
        let expected = set(&expected.values);
        both += of.intersection(&expected).count();
        either += of.union(&expected).count();
    }
    both as f64 / either.max(1) as f64
}
