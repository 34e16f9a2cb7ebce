//! Everything that can be wrong with a transcoder's file is an error that names the thing and says what to do.

use crate::{
    checkpoints::{Tensor, file_of},
    dictionary::safetensors,
    npz_files::{
        Array, D_MODEL, Form, N_FEATURES, NPZ, SAFETENSORS, arrays, find, npz, open, open_as,
    },
};
use gemscope::{
    hub::{HubError, Memory},
    spec::Packing,
    sys::block_on,
    weights::{DictionaryFile, WeightsError},
};
use std::rc::Rc;

/// The error must name what is given and have a remedy.
fn naming<T: std::fmt::Debug>(got: Result<T, WeightsError>, names: &[&str]) -> WeightsError {
    let error = got.expect_err("it went well");
    let text = error.to_string();
    for name in names {
        assert!(text.contains(name), "`{text}` does not name {name}");
    }
    assert!(error.remedy().ends_with('.'));
    error
}

/// The tests' npz, its arrays changed.
fn changed(change: impl FnOnce(&mut Vec<Array>)) -> Result<DictionaryFile, WeightsError> {
    let mut arrays = arrays();
    change(&mut arrays);
    open(&arrays, &Form::default())
}

/// The tests' npz, its bytes changed.
fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> Result<DictionaryFile, WeightsError> {
    let mut bytes = npz(&arrays(), &Form::default());
    change(&mut bytes);
    open_as(NPZ, bytes)
}

/// The tests' safetensors file, its tensors changed.
fn traced(change: impl FnOnce(&mut Vec<Tensor>)) -> Result<DictionaryFile, WeightsError> {
    let mut tensors = safetensors("F32");
    change(&mut tensors);
    open_as(SAFETENSORS, file_of(&tensors))
}

macro_rules! assert_error {
    ($error:expr, $($pattern:tt)+) => {{
        let error = $error;
        assert!(matches!(&error, $($pattern)+), "{error:?}");
    }};
}

/// Where the directory of an npz begins, by its last record.
fn directory_at(bytes: &[u8]) -> usize {
    let at = bytes.len() - 6;
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

#[test]
fn no_file_and_no_kind_of_file() {
    let open = |name| {
        let memory = Rc::new(Memory::default());
        block_on(DictionaryFile::open(memory, name, 0, D_MODEL))
    };
    let error = naming(open(NPZ), &[NPZ]);
    assert_error!(error, WeightsError::Hub(HubError::NotFound { .. }));
    let error = naming(open("layer_0.pt"), &["layer_0.pt"]);
    assert_error!(error, WeightsError::NotDictionary { .. });
}

#[test]
fn compressed_and_encrypted_entries() {
    let form = Form {
        method: 8,
        ..Form::default()
    };
    let error = naming(open(&arrays(), &form), &[NPZ, "W_enc.npy", "8"]);
    assert_error!(error, WeightsError::Compressed { method: 8, .. });
    let form = Form {
        flags: 1,
        ..Form::default()
    };
    let error = naming(open(&arrays(), &form), &[NPZ, "W_enc.npy"]);
    assert_error!(error, WeightsError::Encrypted { .. });
}

#[test]
fn a_file_cut_short_anywhere() {
    let whole = npz(&arrays(), &Form::default());
    for n in (0..whole.len()).step_by(37) {
        let error = naming(open_as(NPZ, whole[..n].to_vec()), &[NPZ]);
        assert_error!(error, WeightsError::NotZip { .. });
    }
    // A hole, with the end in its place.
    let error = naming(damaged(|it| drop(it.drain(1000..1500))), &[NPZ]);
    assert_error!(error, WeightsError::ZipDirectory { .. });
    let error = naming(damaged(|it| it.extend(b"more")), &[NPZ]);
    assert_error!(error, WeightsError::NotZip { .. });
}

#[test]
fn directories_that_make_no_sense() {
    let set = |at: usize, to: &'static [u8]| {
        move |it: &mut Vec<u8>| {
            let from = it.len() - 22 + at;
            it[from..from + to.len()].copy_from_slice(to);
        }
    };
    let cases: [(usize, &'static [u8], &str); 6] = [
        (4, &[1, 0], "several files"),
        (8, &[4, 0], "several files"),
        (8, &[4, 0, 4, 0], "says 4 entries and lists 5"),
        (12, &[0, 0, 1, 0], "outside"),
        (16, &[0; 4], "something else"),
        (16, &[0xff; 4], "zip64 record is missing"),
    ];
    for (at, to, detail) in cases {
        let error = naming(damaged(set(at, to)), &[NPZ, detail]);
        assert_error!(error, WeightsError::ZipDirectory { .. });
    }
    let mut many = arrays();
    let one = many[1].clone();
    many.extend((0..100).map(|it| Array {
        name: format!("x{it}"),
        ..one.clone()
    }));
    let error = naming(open(&many, &Form::default()), &[NPZ, "105"]);
    assert_error!(error, WeightsError::ZipDirectory { .. });
}

#[test]
fn zip64_records_that_make_no_sense() {
    let form = Form {
        zip64: true,
        ..Form::default()
    };
    let whole = npz(&arrays(), &form);
    let record = whole.len() - 22 - 20 - 56;
    let cases = [
        (record, 0, "zip64 record"),
        (record + 16, 1, "several files"),
        (record + 24, 9, "several files"),
        (record + 55, 0x7f, "outside"),
        (record + 56, 0, "zip64 record is missing"),
        (record + 56 + 15, 0xff, "zip64 record is missing"),
    ];
    for (at, to, detail) in cases {
        let mut bytes = whole.clone();
        bytes[at] = to;
        let error = naming(open_as(NPZ, bytes), &[NPZ, detail]);
        assert_error!(error, WeightsError::ZipDirectory { .. });
    }
}

#[test]
fn entries_that_are_not_where_the_directory_says() {
    // The first line of the directory: its place, its sizes, the sizes alone.
    let error = naming(
        damaged(|it| {
            let at = directory_at(it) + 42;
            it[at] = 1;
        }),
        &[NPZ, "W_enc.npy", "header is not where"],
    );
    assert_error!(error, WeightsError::ZipEntry { .. });
    let error = naming(
        damaged(|it| {
            let at = directory_at(it) + 20;
            it[at] ^= 1;
        }),
        &[NPZ, "W_enc.npy", "two sizes"],
    );
    assert_error!(error, WeightsError::ZipEntry { .. });
    let error = naming(
        damaged(|it| {
            let at = directory_at(it);
            (it[at + 23], it[at + 27]) = (0x7f, 0x7f);
        }),
        &[NPZ, "W_enc.npy", "beyond"],
    );
    assert_error!(error, WeightsError::ZipEntry { .. });
    let error = naming(damaged(|it| it[8] = 8), &["W_enc.npy", "methods"]);
    assert_error!(error, WeightsError::ZipEntry { .. });
    // Two lines of the directory that lead to the same bytes.
    let mut twice = arrays();
    (twice[1].name, twice[2].name) = ("b_enc".into(), "other".into());
    let mut bytes = npz(&twice, &Form::default());
    let first = directory_at(&bytes);
    let second = first + 46 + "W_enc.npy".len();
    let third = second + 46 + "b_enc.npy".len();
    let place = bytes[second + 42..second + 46].to_vec();
    bytes[third + 42..third + 46].copy_from_slice(&place);
    let error = naming(open_as(NPZ, bytes), &[NPZ, "other.npy", "b_enc.npy"]);
    assert_error!(error, WeightsError::ZipEntry { .. });
}

#[test]
fn arrays_of_other_types_and_orders() {
    let error = naming(
        changed(|it| find(it, "W_dec").descr = "<f8".into()),
        &["W_dec", "<f8"],
    );
    assert_error!(error, WeightsError::UnknownDType { .. });
    let error = naming(
        changed(|it| find(it, "b_enc").descr = ">f4".into()),
        &["b_enc", ">f4"],
    );
    assert_error!(error, WeightsError::UnknownDType { .. });
    let error = naming(
        changed(|it| find(it, "W_enc").fortran_order = "True"),
        &["W_enc", NPZ],
    );
    assert_error!(error, WeightsError::FortranOrder { .. });
    let error = naming(
        changed(|it| find(it, "W_enc").fortran_order = "Maybe"),
        &["W_enc", NPZ],
    );
    assert_error!(error, WeightsError::Npy { .. });
    let error = naming(
        changed(|it| find(it, "W_enc").version = 9),
        &["W_enc", "version"],
    );
    assert_error!(error, WeightsError::Npy { .. });
    let error = naming(traced(|it| it[0].dtype = "I32".into()), &["W_enc", "I32"]);
    assert_error!(error, WeightsError::DType { .. });
}

#[test]
fn arrays_that_are_missing_too_many_or_of_a_wrong_size() {
    for n in 0..5 {
        let name = arrays()[n].name.clone();
        let error = naming(changed(|it| drop(it.remove(n))), &[NPZ, &name]);
        assert_error!(error, WeightsError::MissingArray { .. });
    }
    let error = naming(
        traced(|it| drop(it.remove(2))),
        &["activation_function.threshold"],
    );
    assert_error!(error, WeightsError::MissingArray { .. });
    let skip = |it: &mut Vec<Array>| {
        it.push(Array {
            name: "W_skip".into(),
            ..it[1].clone()
        })
    };
    assert_error!(
        naming(changed(skip), &[NPZ, "W_skip"]),
        WeightsError::ExtraArray { .. }
    );
    let twice = |it: &mut Vec<Array>| it.push(it[1].clone());
    assert_error!(
        naming(changed(twice), &[NPZ, "b_enc"]),
        WeightsError::Duplicate { .. }
    );
    let short = |it: &mut Vec<Array>| find(it, "b_dec").data.truncate(255);
    assert_error!(
        naming(changed(short), &[NPZ, "b_dec"]),
        WeightsError::Size { .. }
    );
    let huge = |it: &mut Vec<Array>| find(it, "b_dec").shape = vec![1 << 40, 1 << 40];
    assert_error!(
        naming(changed(huge), &[NPZ, "b_dec"]),
        WeightsError::Size { .. }
    );
}

#[test]
fn shapes_that_disagree_and_a_transcoder_of_another_model() {
    // As many numbers, in other shapes.
    let turned = |it: &mut Vec<Array>| find(it, "W_enc").shape.reverse();
    let error = naming(changed(turned), &[NPZ, "W_enc", "[64, 96]", "[96, 64]"]);
    assert_error!(error, WeightsError::ArrayShape { .. });
    let flat = |it: &mut Vec<Array>| find(it, "threshold").shape = vec![8, 12];
    let error = naming(changed(flat), &["threshold", "[96]", "[8, 12]"]);
    assert_error!(error, WeightsError::ArrayShape { .. });
    let fewer = |it: &mut Vec<Array>| {
        let b_enc = find(it, "b_enc");
        b_enc.shape = vec![95];
        b_enc.data.truncate(95 * 4);
    };
    assert_error!(
        naming(changed(fewer), &["96", "95"]),
        WeightsError::ArrayShape { .. }
    );
    let none = |it: &mut Vec<Array>| {
        it.iter_mut()
            .filter(|it| it.name != "b_dec")
            .for_each(|it| {
                it.shape
                    .iter_mut()
                    .filter(|it| **it == N_FEATURES)
                    .for_each(|it| *it = 0);
                it.data.clear();
            });
    };
    assert_error!(
        naming(changed(none), &["[64, 0]"]),
        WeightsError::ArrayShape { .. }
    );
    for name in [NPZ, SAFETENSORS] {
        let mut memory = Memory::default();
        memory.insert(NPZ, npz(&arrays(), &Form::default()));
        memory.insert(SAFETENSORS, file_of(&safetensors("BF16")));
        let got = block_on(DictionaryFile::open(Rc::new(memory), name, 0, 2304));
        let error = naming(got, &[name, "W_enc", "2304", "64"]);
        assert_error!(error, WeightsError::ArrayShape { .. });
    }
    // The npz's own order of rows in circuit-tracer's file.
    let turned = |it: &mut Vec<Tensor>| it[0].shape.reverse();
    assert_error!(
        naming(traced(turned), &["W_enc"]),
        WeightsError::ArrayShape { .. }
    );
}

#[test]
fn weights_that_are_no_numbers_are_named_by_their_place_in_the_file() {
    for name in ["b_enc", "threshold", "b_dec"] {
        let bad = |it: &mut Vec<Array>| find(it, name).data[12..16].fill(0xff);
        let error = naming(changed(bad), &[name, NPZ]);
        assert_error!(error, WeightsError::NotFinite { index: 3, .. });
    }
    let (input, feature) = (37, 70);
    let in_rows = input * N_FEATURES + feature;
    let in_columns = feature * D_MODEL + input;
    let files = [
        (
            changed(|it| find(it, "W_enc").data[in_rows * 4..][..4].fill(0xff)),
            in_rows,
        ),
        (
            traced(|it| it[0].bytes[in_columns * 4..][..4].fill(0xff)),
            in_columns,
        ),
    ];
    for (file, place) in files {
        let file = file.unwrap();
        for packing in [Packing::F32, Packing::F16, Packing::Q8] {
            let mut pieces = file.encoder_pieces(&[0..64, 64..96], packing).unwrap();
            let error = loop {
                match block_on(pieces.next()) {
                    Ok(it) => assert!(it.is_some(), "every piece came"),
                    Err(it) => break it,
                }
            };
            assert_error!(&error, WeightsError::NotFinite { index, .. } if *index == place as u64);
            let got = block_on(file.encoder_stripe(1, 65..71, packing));
            assert_error!(naming(got, &["W_enc"]), WeightsError::NotFinite { .. });
            assert!(block_on(file.encoder_stripe(0, 65..71, packing)).is_ok());
        }
    }
    let place = 5 * D_MODEL + 9;
    let file = changed(|it| find(it, "W_dec").data[place * 4..][..4].fill(0xff)).unwrap();
    let got = block_on(file.decoder_rows(4..6, Packing::F32));
    let error = naming(got, &["W_dec", NPZ]);
    assert_error!(&error, WeightsError::NotFinite { index, .. } if *index == place as u64);
    assert!(block_on(file.decoder_rows(6..7, Packing::F32)).is_ok());
}

#[test]
fn a_weight_too_large_for_16_bits() {
    let place = 40 * N_FEATURES + 3;
    let large = 70_000f32.to_le_bytes();
    let file = changed(|it| find(it, "W_enc").data[place * 4..][..4].copy_from_slice(&large));
    let file = file.unwrap();
    let got = block_on(file.encoder_stripe(1, 0..96, Packing::F16));
    let error = naming(got, &["W_enc"]);
    assert_error!(&error, WeightsError::TooLarge { index, .. } if *index == place as u64);
    assert!(block_on(file.encoder_stripe(1, 0..96, Packing::Bf16)).is_ok());
}

#[test]
fn features_and_stripes_that_are_not_there() {
    let file = open(&arrays(), &Form::default()).unwrap();
    let reversed = std::ops::Range { start: 5, end: 4 };
    for features in [0..97, 96..97, 3..3, reversed.clone()] {
        let got = file.encoder_pieces(std::slice::from_ref(&features), Packing::F32);
        assert!(matches!(got.err(), Some(WeightsError::Rows { .. })));
        let got = block_on(file.encoder_stripe(0, features, Packing::F32));
        assert_error!(naming(got, &["W_enc"]), WeightsError::Rows { .. });
    }
    let got = block_on(file.encoder_stripe(2, 0..1, Packing::F32));
    assert_error!(
        naming(got, &["W_enc", "64 to 96"]),
        WeightsError::Rows { .. }
    );
    for features in [0..97, 97..97, reversed] {
        let got = block_on(file.decoder_rows(features, Packing::F32));
        assert_error!(naming(got, &["W_dec"]), WeightsError::Rows { .. });
    }
}
