//! What is kept without loss, had back as its file has it: every type, packing and order of files; and a cut that no packing changes.

use crate::{
    checkpoints::{file_of, in_memory, tiny},
    dictionary::{in_f16, safetensors},
    npz_files::{D_MODEL, Form, NPZ, SAFETENSORS, arrays, npz},
    parts::{BOTH, config, cut, pack, read},
};
use gemscope::{
    hub::Memory,
    spec::{Bytes, Packing, Part},
    sys::block_on,
    weights::{CheckpointHead, DictionaryHead, PartPlan, WeightsError, synth::Stored},
};
use std::ops::Range;

pub const PACKINGS: [Packing; 4] = [Packing::F32, Packing::Bf16, Packing::F16, Packing::Q8];

/// The bytes that are kept of a piece, span by span.
fn kept_of(plan: &PartPlan, piece: usize, kept: &[u8]) -> Vec<(Range<u64>, Bytes)> {
    let spans = plan.spans(piece).into_iter();
    let bytes = |it: &Range<u64>| kept[it.start as usize..it.end as usize].to_vec().into();
    spans.map(|it| (it.clone(), bytes(&it))).collect()
}

/// Packs parts, and compares what comes back of each piece with its file; how many did of how many.
fn check(source: &Memory, plans: &[PartPlan]) -> (usize, usize) {
    let (mut n_back, mut n_pieces) = (0, 0);
    for plan in plans {
        let kept = pack(source, plan);
        for (n, piece) in plan.pieces.iter().enumerate() {
            n_pieces += 1;
            let got = plan.unpack(n, &kept_of(plan, n, &kept));
            if !plan.is_lossless(n) {
                assert!(!plan.is_kept_as_it_is(n));
                let got = got.unwrap_err();
                assert!(matches!(got, WeightsError::Coarse { .. }), "{got}");
                continue;
            }
            n_back += 1;
            let raw = read(source, &piece.file, piece.range.clone()).into_vec();
            assert!(got.unwrap().into_vec() == raw, "piece {n} of {}", plan.part);
        }
    }
    (n_back, n_pieces)
}

/// The ranges of all pieces, by file.
fn ranges(plans: &[PartPlan]) -> Vec<(String, Range<u64>)> {
    let pieces = plans.iter().flat_map(|it| &it.pieces);
    let mut out: Vec<_> = pieces
        .map(|it| (it.file.clone(), it.range.clone()))
        .collect();
    out.sort_by_key(|it| (it.0.clone(), it.1.start));
    out
}

#[test]
fn a_model_comes_back_as_its_files_have_it() {
    for (stored, lossless) in [
        (Stored::Bf16, &[Packing::F32, Packing::Bf16][..]),
        (Stored::F32, &[Packing::F32]),
    ] {
        let memory = in_memory(&config(), stored, 2);
        let head = block_on(CheckpointHead::read(&memory)).unwrap();
        for packing in PACKINGS {
            for piece_bytes in [1000, 1 << 20] {
                let plans = head.parts(&cut(packing, piece_bytes), &[2, 5, 6]).unwrap();
                let (n_back, n_pieces) = check(&memory, &plans);
                assert_eq!(n_back == n_pieces, lossless.contains(&packing));
                assert!(n_back > 0, "vectors lose nothing");
            }
        }
    }
}

#[test]
fn a_transcoder_comes_back_whatever_a_row_of_its_file_is() {
    let form = Form {
        padding: 3,
        comment: b"padding behind".to_vec(),
        ..Form::default()
    };
    let wide = &[Packing::F32][..];
    for (name, bytes, lossless) in [
        (NPZ, npz(&arrays(), &form), wide),
        (NPZ, npz(&in_f16(), &form), &[Packing::F32, Packing::F16]),
        (SAFETENSORS, file_of(&safetensors("F32")), wide),
        (
            SAFETENSORS,
            file_of(&safetensors("F16")),
            &[Packing::F32, Packing::F16],
        ),
        (
            SAFETENSORS,
            file_of(&safetensors("BF16")),
            &[Packing::F32, Packing::Bf16],
        ),
    ] {
        let mut memory = Memory::default();
        memory.insert(name, bytes);
        let head = block_on(DictionaryHead::read(&memory, name, 1, D_MODEL)).unwrap();
        let any = block_on(DictionaryHead::read_of_any_width(&memory, name, 1)).unwrap();
        assert_eq!(any, head);
        for packing in PACKINGS {
            for piece_bytes in [1, 20_000, 1 << 20] {
                let plans = head.parts(&cut(packing, piece_bytes), &BOTH).unwrap();
                let (n_back, n_pieces) = check(&memory, &plans);
                let expected = lossless.contains(&packing);
                assert_eq!(n_back == n_pieces, expected, "{name} {packing:?}");
            }
        }
    }
}

#[test]
fn other_bytes_than_those_of_the_piece_are_refused() {
    let memory = in_memory(&tiny(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    let plans = head.parts(&cut(Packing::Bf16, 1 << 20), &[]).unwrap();
    let plan = plans.iter().find(|it| it.part == Part::Mlp(0)).unwrap();
    let kept = pack(&memory, plan);
    let good = kept_of(plan, 0, &kept);
    assert!(good.len() > 1 && plan.unpack(0, &good).is_ok());
    let mut swapped = good.clone();
    swapped.swap(0, 1);
    let mut short = good.clone();
    short[0].1 = vec![0].into();
    for wrong in [&good[1..], &swapped, &short, &[]] {
        let got = plan.unpack(0, wrong).unwrap_err();
        assert!(got.to_string().contains("mlp.0"), "{got}");
    }
}

#[test]
fn the_cut_follows_from_the_files_alone() {
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    for piece_bytes in [1, 3000, 1 << 20] {
        let of = |packing, opening: &[u32]| {
            let plans = head.parts(&cut(packing, piece_bytes), opening).unwrap();
            ranges(&plans)
        };
        let one = of(Packing::F32, &[]);
        for packing in PACKINGS {
            assert_eq!(of(packing, &[]), one, "{packing:?}");
        }
        // The last rows of the table too, whatever lies behind them in the file.
        let opened = of(Packing::Q8, &[0, 1, 198, 199]);
        assert!(one.iter().all(|it| opened.contains(it)));
        let n_own = if piece_bytes == 1 { 4 } else { 2 };
        assert_eq!(opened.len(), one.len() + n_own);
    }
    let mut memory = Memory::default();
    memory.insert(NPZ, npz(&arrays(), &Form::default()));
    let head = block_on(DictionaryHead::read(&memory, NPZ, 1, D_MODEL)).unwrap();
    let of = |packing| {
        let plans = head.parts(&cut(packing, 10_000), &BOTH).unwrap();
        let halves = BOTH.map(|it| head.parts(&cut(packing, 10_000), &[it]).unwrap());
        for it in halves.iter().flatten() {
            let same = plans.iter().find(|of| of.part == it.part).unwrap();
            assert_eq!(it.pieces, same.pieces);
        }
        ranges(&plans)
    };
    for packing in PACKINGS {
        assert_eq!(of(packing), of(Packing::F32));
    }
}
