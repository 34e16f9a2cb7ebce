//! `full --browser --page`: the story of a set by the page alone, judged by the golden, and natively where that is small enough. Leaves
//! telling the story to `tests/browser/full_page.mjs`.

use super::{compare::Tensors, full_browser::golden, in_browser::World};
use anyhow::Result;
use gemscope::{spec::Precision, weights::synth::Preset};
use std::{ffi::OsString, fs, path::Path};
use xtask::{browser, place};

/// Runs it; whether everything held.
///
/// Errors: what keeps the browser from starting; a golden that is not there.
pub fn run(kind: &str, preset: Preset, precision: Precision) -> Result<bool> {
    let (golden, ids) = golden(preset)?;
    let world = World::new(kind)?;
    let expected = world.out.join(format!("expected.{preset}.json"));
    fs::write(&expected, serde_json::to_vec(&features(&golden))?)?;
    let (preset_name, precision_name) = (preset.to_string(), precision.to_string());
    let plain = [
        "--preset",
        &preset_name,
        "--precision",
        &precision_name,
        "--ids",
        &ids,
    ];
    let mut more = plain.map(OsString::from).to_vec();
    more.extend(["--expected".into(), expected.into()]);
    more.extend(["--tokenizer".into(), tokenizer(preset).into()]);
    if preset != Preset::Full {
        more.extend(["--gemscope".into(), browser::command_line()?.into()]);
    }
    world.run("full_page.mjs", &more)
}

/// A tokenizer whose ids the preset has.
fn tokenizer(preset: Preset) -> std::path::PathBuf {
    match preset {
        Preset::Full => Path::new("../shared/reference/tokenizer/tokenizer.json").into(),
        Preset::Nano | Preset::Wide => place::root().join("tests/golden/tokenizer/small.json"),
    }
}

/// What fires by the golden: layer, position, feature, activation.
fn features(golden: &Tensors) -> Vec<(usize, u32, u32, f32)> {
    let of_layer = |layer: usize| {
        let (places, acts) = (
            golden.get(&format!("blocks.{layer}.features"))?,
            golden.get(&format!("blocks.{layer}.acts"))?,
        );
        let places = places.values.chunks(2);
        let rows = places.zip(&acts.values);
        let rows = rows.map(|(at, act)| (layer, at[0] as u32, at[1] as u32, *act));
        Some(rows.collect::<Vec<_>>())
    };
    (0..).map_while(of_layer).flatten().collect()
}
