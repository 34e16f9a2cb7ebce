//! Makes what the browser tests read over the network and what is too large to be committed. Leaves driving browsers to `browser.mjs`.

use gemscope::{
    spec::Config,
    weights::synth::{self, Preset, Stored, Synthetic},
};
use std::path::Path;

/// A small model with a vocabulary of the real size, so that Gemma's tokenizer belongs to it: 33 MB, read by ranges.
#[test]
fn a_model_in_a_folder_is_left_for_the_browsers() {
    let config = Config {
        d_vocab: Config::gemma_2_2b().d_vocab,
        ..Preset::Nano.config()
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vocabulary");
    let source = Synthetic::with(&config, Stored::Bf16, 2);
    synth::write(&source, &folder, |_, _| ()).expect("a writable target folder");
    for name in source.files() {
        assert!(folder.join(name).is_file(), "{name}");
    }
}
