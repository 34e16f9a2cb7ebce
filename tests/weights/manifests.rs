//! Manifests: those of folders prove every piece that is fetched, and nothing else passes for one.

use crate::{
    checkpoints::{file_of, in_memory},
    dictionary::safetensors,
    npz_files::{D_MODEL, Form, NPZ, SAFETENSORS, arrays, npz},
    parts::{BOTH, config, cut, read},
};
use gemscope::{
    hub::{Memory, Source},
    spec::{Packing, Part},
    sys::{Stop, block_on},
    weights::{
        CheckpointHead, DictionaryHead, PartPlan, WeightsError, library::Manifest, synth::Stored,
    },
};
use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha256};

const PIECE_BYTES: u64 = 3000;

fn make(source: &Memory) -> Result<Manifest, WeightsError> {
    let stop = Stop::default();
    let mut told = (0, 0);
    let mut on = |done, total| {
        assert!(done > told.0 && done <= total);
        told = (done, total);
    };
    let made = Manifest::make_in_pieces(source, PIECE_BYTES, (&mut on, &stop));
    let made = block_on(made);
    assert!(made.is_err() || told.0 == told.1);
    made
}

fn check(source: &Memory, plans: &[PartPlan], manifest: &Manifest) {
    for piece in plans.iter().flat_map(|it| &it.pieces) {
        let got = manifest.of(&piece.file, &piece.range);
        let raw = read(source, &piece.file, piece.range.clone()).into_vec();
        assert_eq!(got.unwrap(), *Sha256::digest(raw), "{piece:?}");
    }
    for name in block_on(source.list()).unwrap() {
        let size_bytes = block_on(source.size(&name)).unwrap();
        let whole = read(source, &name, 0..size_bytes).into_vec();
        let got = manifest.of(&name, &(0..size_bytes)).unwrap();
        assert_eq!(got, *Sha256::digest(whole), "{name}");
    }
}

#[test]
fn every_piece_of_a_model_is_in_its_manifest_in_whatever_packing() {
    for n_shards in [1, 3] {
        let mut memory = in_memory(&config(), Stored::Bf16, n_shards);
        memory.insert("tokenizer.json", "{}");
        memory.insert("empty", "");
        let manifest = make(&memory).unwrap();
        let head = block_on(CheckpointHead::read(&memory)).unwrap();
        for packing in [Packing::Bf16, Packing::Q8] {
            let plans = head.parts(&cut(packing, PIECE_BYTES), &[3, 199]).unwrap();
            let (opening, others) = plans.split_first().unwrap();
            check(&memory, others, &manifest);
            assert_eq!(opening.part, Part::Opening);
            let known =
                |it: &&gemscope::weights::PiecePlan| manifest.of(&it.file, &it.range).is_some();
            // The last gain is; rows of the table are pieces of no file.
            assert_eq!(opening.pieces.iter().filter(known).count(), 1);
        }
        let again = Manifest::parse(manifest.to_json().as_bytes()).unwrap();
        assert_eq!(again, manifest);
    }
}

#[test]
fn every_piece_of_transcoders_is_in_their_manifest() {
    let mut memory = Memory::default();
    memory.insert(NPZ, npz(&arrays(), &Form::default()));
    memory.insert(SAFETENSORS, file_of(&safetensors("F16")));
    memory.insert("README.md", "words");
    let manifest = make(&memory).unwrap();
    for name in [NPZ, SAFETENSORS] {
        let head = block_on(DictionaryHead::read(&memory, name, 1, D_MODEL)).unwrap();
        for packing in [Packing::F16, Packing::Q8] {
            let plans = head.parts(&cut(packing, PIECE_BYTES), &BOTH).unwrap();
            check(&memory, &plans, &manifest);
        }
    }
    assert_eq!(manifest.files().len(), 3);
}

#[test]
fn a_folder_of_neither_is_an_error_and_so_is_being_stopped() {
    let mut memory = Memory::default();
    memory.insert("README.md", "words");
    let got = make(&memory).unwrap_err();
    assert!(got.to_string().contains("neither"), "{got}");
    assert!(got.remedy().contains("config.json"));
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let stop = Stop::default();
    let mut on = |_, _| stop.set();
    let got = block_on(Manifest::make(&memory, (&mut on, &stop)));
    assert!(matches!(got, Err(WeightsError::Stopped)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_and_mutated_manifests_never_panic(
        noise in vec(any::<u8>(), 0..200),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        prop_assert!(Manifest::parse(&noise).is_err());
        let sha = "0f".repeat(32);
        let good = format!(
            r#"{{"version":1,"files":{{"a/b":{{"size_bytes":30,"sha256":"{sha}","pieces":[[0,10,"{sha}"],[10,30,"{sha}"]]}}}}}}"#
        );
        let manifest = Manifest::parse(good.as_bytes()).unwrap();
        prop_assert_eq!(manifest.to_json(), good.clone());
        let mut text = good.into_bytes();
        for (at, byte) in changes {
            let n_bytes = text.len();
            text[at.index(n_bytes)] = byte;
        }
        // What still passes is written and read as the same.
        if let Ok(it) = Manifest::parse(&text) {
            prop_assert_eq!(Manifest::parse(it.to_json().as_bytes()).unwrap(), it);
        }
    }
}
