//! Makes what the browser tests read over the network and what is too large to be committed. Leaves driving browsers to `browser.mjs`.

use gemscope::{
    spec::Config,
    weights::synth::{self, Preset, Stored, Synthetic},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn made(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A small model with a vocabulary of the real size, so that Gemma's tokenizer belongs to it: 33 MB, read by ranges.
#[test]
fn a_model_in_a_folder_is_left_for_the_browsers() {
    let config = Config {
        d_vocab: Config::gemma_2_2b().d_vocab,
        ..Preset::Nano.config()
    };
    let folder = made("vocabulary");
    let source = Synthetic::with(&config, Stored::Bf16, 2);
    synth::write(&source, &folder, |_, _| ()).expect("a writable target folder");
    for name in source.files() {
        assert!(folder.join(name).is_file(), "{name}");
    }
}

/// What the test Hub has: `nano` with its transcoders, a part of it for schedules of faults, and one with a tokenizer.
#[test]
fn repositories_are_left_for_the_test_hub() {
    let root = made("hub/synth");
    let tokenizer = Path::new("tests/golden/tokenizer/small.json");
    for (name, n_layers, typed) in [("nano", 4, false), ("pair", 2, false), ("typed", 2, true)] {
        let config = Config {
            n_layers,
            ..Preset::Nano.config()
        };
        let model = root.join(name);
        let sources = [
            (Synthetic::with(&config, Stored::Bf16, 1), model.clone()),
            (
                Synthetic::transcoders(Preset::Nano, n_layers),
                root.join(format!("{name}-transcoders")),
            ),
        ];
        for (source, folder) in &sources {
            synth::write(source, folder, |_, _| ()).expect("a writable target folder");
        }
        if typed {
            fs::copy(tokenizer, model.join("tokenizer.json")).expect("a tokenizer");
        }
        assert!(model.join("config.json").is_file());
    }
}
