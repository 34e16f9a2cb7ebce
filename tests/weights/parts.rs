//! Parts: every piece packed by itself makes what reading the whole file makes, bit for bit, and all pieces together are the file.

use crate::{
    checkpoints::file_of,
    checkpoints::{in_memory, open, tiny},
    dictionary::{safetensors, tiles},
    npz_files::{D_MODEL, Form, N_FEATURES, NPZ, SAFETENSORS, arrays, npz},
};
use gemscope::{
    hub::{Memory, Source},
    spec::{Bytes, Config, DictionaryArray, Half, Norm, Packing, Part, TensorName, registry},
    sys::block_on,
    weights::{
        Checkpoint, CheckpointHead, Cut, DictionaryFile, DictionaryHead, PartPlan, synth::Stored,
    },
};
use std::{collections::BTreeMap, rc::Rc};

pub const BOTH: [Half; 2] = [Half::Encoder, Half::Decoder];

pub fn config() -> Config {
    Config {
        n_layers: 2,
        d_vocab: 200,
        ..tiny()
    }
}

pub fn cut(packing: Packing, piece_bytes: u64) -> Cut {
    Cut {
        packing,
        piece_bytes,
    }
}

pub fn read(source: &Memory, file: &str, range: std::ops::Range<u64>) -> Bytes {
    block_on(source.read(file, range)).unwrap()
}

/// Fetches and packs a part piece by piece: what is kept. Every byte that a piece fills is filled by it alone.
pub fn pack(source: &Memory, plan: &PartPlan) -> Vec<u8> {
    let mut kept = vec![0; plan.size_bytes as usize];
    let mut filled = vec![false; kept.len()];
    for (n, piece) in plan.pieces.iter().enumerate() {
        let raw = read(source, &piece.file, piece.range.clone());
        let mut mine = vec![false; kept.len()];
        for (at, bytes) in plan.pack(n, &raw).unwrap() {
            let (at, bytes) = (at as usize, bytes.into_vec());
            kept[at..at + bytes.len()].copy_from_slice(&bytes);
            mine[at..at + bytes.len()].fill(true);
        }
        let mut spans = vec![false; kept.len()];
        for it in plan.spans(n) {
            spans[it.start as usize..it.end as usize].fill(true);
        }
        assert_eq!(mine, spans, "piece {n} of {} fills its spans", plan.part);
        for (before, now) in filled.iter_mut().zip(mine) {
            assert!(!(*before && now), "{} fills a byte twice", plan.part);
            *before |= now;
        }
    }
    kept
}

/// What pieces that need no packing are, had back from what is kept.
fn check_as_in_file(source: &Memory, plan: &PartPlan, kept: &[u8]) -> usize {
    let pieces = (0..plan.pieces.len()).filter(|it| plan.is_kept_as_it_is(*it));
    pieces
        .map(|n| {
            let piece = &plan.pieces[n];
            let back: Vec<u8> = (plan.as_in_file(n).iter())
                .flat_map(|it| &kept[it.start as usize..it.end as usize])
                .copied()
                .collect();
            let raw = read(source, &piece.file, piece.range.clone()).into_vec();
            assert_eq!(back, raw, "piece {n} of {}", plan.part);
        })
        .count()
}

/// All pieces but those of the opening rows are each file once, without gaps.
fn check_cover(source: &Memory, plans: &[PartPlan]) {
    let mut ranges: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for piece in plans.iter().flat_map(|it| &it.pieces) {
        let of_file = ranges.entry(&piece.file).or_default();
        of_file.push((piece.range.start, piece.range.end));
    }
    for (file, mut of_file) in ranges {
        of_file.sort_unstable();
        let mut at = 0;
        for (start, end) in of_file {
            assert!(start <= at, "{file}: nobody fetches {at} to {start}");
            at = at.max(end);
        }
        assert_eq!(at, block_on(source.size(file)).unwrap(), "{file}");
    }
}

#[test]
fn a_model_kept_in_parts_is_the_model_read_from_its_files() {
    for (stored, n_shards) in [(Stored::Bf16, 1), (Stored::F32, 3)] {
        let memory = in_memory(&config(), stored, n_shards);
        let whole = open(memory.clone()).unwrap();
        let head = block_on(CheckpointHead::read(&memory)).unwrap();
        let json = serde_json::to_string(&head).unwrap();
        let head: CheckpointHead = serde_json::from_str(&json).unwrap();
        for packing in [Packing::Bf16, Packing::Q8] {
            for piece_bytes in [1, 1000, 1 << 20] {
                let plans = head
                    .parts(&cut(packing, piece_bytes), &[2, 5, 6, 150])
                    .unwrap();
                check_cover(&memory, &plans);
                let mut store = Memory::default();
                for plan in &plans {
                    let kept = pack(&memory, plan);
                    let n = check_as_in_file(&memory, plan, &kept);
                    let as_it_is = stored == Stored::Bf16 && packing == Packing::Bf16;
                    let is_matrix = !matches!(plan.part, Part::Opening);
                    assert!(!(as_it_is && is_matrix) || n > 0, "{}", plan.part);
                    store.insert(&plan.part.to_string(), kept);
                }
                let kept = Checkpoint::kept(Rc::new(store), &head).unwrap();
                assert!(!kept.has(TensorName::Embed, 0..1));
                for plan in plans.iter().filter(|it| it.part != Part::Opening) {
                    kept.add(&plan.part.to_string(), &plan.tensors);
                }
                same(&whole, &kept, packing);
                assert_eq!(kept.fingerprint(), whole.fingerprint());
                let opening = Checkpoint::kept(kept.source().clone(), &head).unwrap();
                opening.add("opening", &plans[0].tensors);
                assert!(
                    opening.has(TensorName::Embed, 5..7) && !opening.has(TensorName::Embed, 6..8)
                );
                let row = |of: &Checkpoint| {
                    let row = block_on(of.packed_rows(TensorName::Embed, 150..151, packing));
                    row.unwrap().into_vec()
                };
                assert_eq!(row(&opening), row(&whole));
            }
        }
    }
}

fn same(whole: &Checkpoint, kept: &Checkpoint, packing: Packing) {
    for spec in registry(&config()) {
        if spec.name == TensorName::FinalNorm {
            continue;
        }
        if let [n_out, _] = spec.shape[..] {
            let rows = |of: &Checkpoint| {
                let rows = block_on(of.packed_rows(spec.name, 0..n_out, packing));
                rows.unwrap().into_vec()
            };
            assert_eq!(rows(whole), rows(kept), "{} {packing:?}", spec.name);
        } else {
            let vector = |of: &Checkpoint| block_on(of.vector(spec.name)).unwrap();
            assert_eq!(vector(whole), vector(kept), "{}", spec.name);
        }
    }
}

#[test]
fn what_is_kept_coarser_can_be_made_from_what_is_kept_finer_but_not_back() {
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    let keep = |packing| {
        let plans = head.parts(&cut(packing, 4096), &[]).unwrap();
        let mut store = Memory::default();
        for plan in &plans {
            store.insert(&plan.part.to_string(), pack(&memory, plan));
        }
        let kept = Checkpoint::kept(Rc::new(store), &head).unwrap();
        for plan in &plans {
            kept.add(&plan.part.to_string(), &plan.tensors);
        }
        kept
    };
    let (fine, coarse) = (keep(Packing::Bf16), keep(Packing::Q8));
    let rows =
        |of: &Checkpoint, packing| block_on(of.packed_rows(TensorName::Embed, 3..9, packing));
    let from_fine = rows(&fine, Packing::Q8).unwrap().into_vec();
    assert_eq!(from_fine, rows(&coarse, Packing::Q8).unwrap().into_vec());
    let got = rows(&coarse, Packing::Bf16).unwrap_err();
    assert!(
        !got.remedy().is_empty() && got.to_string().contains("8 bit"),
        "{got}"
    );
    fine.take_away("mlp.1");
    assert!(block_on(fine.vector(TensorName::Norm(1, Norm::PostFeedforward))).is_err());
    assert!(block_on(fine.vector(TensorName::Norm(1, Norm::Input))).is_ok());
}

/// All parts packed and kept; of the transcoder only the vectors are known to be there.
fn kept_dictionary(memory: &Memory, head: &DictionaryHead, plans: &[PartPlan]) -> DictionaryFile {
    let mut store = Memory::default();
    for plan in plans {
        let kept = pack(memory, plan);
        check_as_in_file(memory, plan, &kept);
        store.insert(&plan.part.to_string(), kept);
    }
    let vectors = ("vectors.1", &plans[0].tensors[..]);
    block_on(DictionaryFile::kept(Rc::new(store), head, vectors)).unwrap()
}

fn same_dictionary(whole: &DictionaryFile, kept: &DictionaryFile, packing: Packing) {
    assert_eq!(kept.fingerprint(), whole.fingerprint());
    let vectors = |of: &DictionaryFile| [of.b_enc(), of.threshold(), of.b_dec()].concat();
    assert_eq!(vectors(kept), vectors(whole));
    for of in [vec![0..N_FEATURES], vec![0..64, 64..N_FEATURES]] {
        let [got, expected] = [kept, whole].map(|it| tiles(it, &of, packing));
        assert_eq!(got, expected, "{packing:?}");
    }
    let rows = |of: &DictionaryFile| block_on(of.decoder_rows(5..70, packing)).unwrap();
    assert_eq!(rows(kept).into_vec(), rows(whole).into_vec());
    let stripe = |of: &DictionaryFile| block_on(of.encoder_stripe(1, 3..70, packing)).unwrap();
    assert_eq!(stripe(kept).into_vec(), stripe(whole).into_vec());
}

#[test]
fn a_transcoder_kept_in_parts_is_the_one_read_from_its_file() {
    let numbers = npz(
        &arrays(),
        &Form {
            padding: 3,
            comment: b"padding behind".to_vec(),
            ..Form::default()
        },
    );
    let files = [
        (NPZ, numbers),
        (SAFETENSORS, file_of(&safetensors("F32"))),
        (SAFETENSORS, file_of(&safetensors("F16"))),
    ];
    for (name, bytes) in files {
        let mut memory = Memory::default();
        memory.insert(name, bytes);
        let whole = block_on(DictionaryFile::open(
            Rc::new(memory.clone()),
            name,
            1,
            D_MODEL,
        ))
        .unwrap();
        let head = block_on(DictionaryHead::read(&memory, name, 1, D_MODEL)).unwrap();
        for packing in [Packing::F32, Packing::F16, Packing::Q8] {
            for piece_bytes in [1, 20_000, 1 << 20] {
                let plans = head.parts(&cut(packing, piece_bytes), &BOTH).unwrap();
                check_cover(&memory, &plans);
                let kept = kept_dictionary(&memory, &head, &plans);
                assert!(!kept.has(Half::Encoder) && !kept.has(Half::Decoder));
                assert!(kept.encoder_pieces(&[0..N_FEATURES], packing).is_err());
                for plan in &plans {
                    kept.add(&plan.part.to_string(), &plan.tensors);
                }
                assert!(kept.has(Half::Encoder) && kept.has(Half::Decoder));
                same_dictionary(&whole, &kept, packing);
                kept.take_away("encoder.1");
                assert!(!kept.has(Half::Encoder) && kept.has(Half::Decoder));
            }
        }
        let one = head
            .parts(&cut(Packing::F16, 1 << 20), &[Half::Decoder])
            .unwrap();
        let parts: Vec<Part> = one.iter().map(|it| it.part).collect();
        assert_eq!(parts, [Part::Vectors(1), Part::Decoder(1)]);
        assert_eq!(one[1].tensors[0].name, DictionaryArray::WDec.name());
    }
}

#[test]
fn a_piece_of_another_length_is_an_error() {
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    let plans = head.parts(&cut(Packing::Q8, 4096), &[]).unwrap();
    let got = plans[1].pack(0, &vec![0; 7].into()).unwrap_err();
    assert!(got.to_string().contains("7 bytes"), "{got}");
}
