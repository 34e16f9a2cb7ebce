//! Transcoders: the same bits come out of every kind of file, and they lie as `spec::Layout` says.

use crate::{
    checkpoints::{Tensor, file_of},
    npz_files::{
        Array, D_MODEL, Form, N_FEATURES, NPZ, SAFETENSORS, arrays, f32_bytes, find, npz, open,
        open_as, values,
    },
};
use futures_util::future::LocalBoxFuture;
use gemscope::{
    hub::{HubError, Memory, Source},
    spec::{Bytes, DType, Dictionary, DictionaryArray, Layout, Packing},
    sys::block_on,
    weights::DictionaryFile,
};
use half::{bf16, f16};
use std::{cell::Cell, ops::Range, rc::Rc};

const PACKINGS: [Packing; 4] = [Packing::F32, Packing::Bf16, Packing::F16, Packing::Q8];
const N_STRIPES: usize = D_MODEL / 32;

/// Circuit-tracer's file of the same weights.
pub fn safetensors(dtype: &str) -> Vec<Tensor> {
    let narrow = |values: Vec<f32>| match dtype {
        "F32" => f32_bytes(&values),
        "BF16" => bytes_of(&values, |it| bf16::from_f32(it).to_le_bytes()),
        _ => bytes_of(&values, |it| f16::from_f32(it).to_le_bytes()),
    };
    let tensor = |array: DictionaryArray| {
        let (name, shape, values) = match array {
            DictionaryArray::WEnc => ("W_enc", vec![N_FEATURES, D_MODEL], transposed()),
            DictionaryArray::WDec => ("W_dec", vec![N_FEATURES, D_MODEL], values(array)),
            DictionaryArray::BEnc => ("b_enc", vec![N_FEATURES], values(array)),
            DictionaryArray::BDec => ("b_dec", vec![D_MODEL], values(array)),
            DictionaryArray::Threshold => {
                let name = "activation_function.threshold";
                (name, vec![N_FEATURES], values(array))
            }
        };
        Tensor {
            name: name.into(),
            dtype: dtype.into(),
            shape: shape.iter().map(|it| *it as u64).collect(),
            bytes: narrow(values),
        }
    };
    DictionaryArray::ALL.into_iter().map(tensor).collect()
}

fn bytes_of<const N: usize>(values: &[f32], of: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|it| of(*it)).collect()
}

/// The encoder with a row per feature.
fn transposed() -> Vec<f32> {
    let w_enc = values(DictionaryArray::WEnc);
    (0..N_FEATURES * D_MODEL)
        .map(|it| w_enc[it % D_MODEL * N_FEATURES + it / D_MODEL])
        .collect()
}

/// The same npz in f16.
pub fn in_f16() -> Vec<Array> {
    let narrow = |mut it: Array| {
        let values = bytemuck::pod_collect_to_vec::<u8, f32>(&it.data);
        it.data = bytes_of(&values, |it| f16::from_f32(it).to_le_bytes());
        it.descr = "<f2".into();
        it
    };
    arrays().into_iter().map(narrow).collect()
}

/// A tile put together from its pieces; every byte must come once, at multiples of 16.
pub fn tiles(file: &DictionaryFile, tiles: &[Range<usize>], packing: Packing) -> Vec<Vec<u8>> {
    let bytes =
        |it: &Range<usize>| packing.matrix_bytes(Layout::Stripes, it.len(), file.dictionary().d_in);
    let mut out: Vec<Vec<u8>> = tiles.iter().map(|it| vec![0; bytes(it)]).collect();
    let mut n_seen: Vec<Vec<u8>> = out.clone();
    let mut pieces = file.encoder_pieces(tiles, packing).unwrap();
    while let Some(it) = block_on(pieces.next()).unwrap() {
        let (at, bytes) = (it.at as usize, it.bytes.into_vec());
        assert!(at.is_multiple_of(16) && bytes.len().is_multiple_of(16));
        out[it.tile][at..at + bytes.len()].copy_from_slice(&bytes);
        (n_seen[it.tile][at..at + bytes.len()].iter_mut()).for_each(|it| *it += 1);
    }
    assert!(n_seen.iter().flatten().all(|it| *it == 1));
    out
}

/// What `Layout::Stripes` says, weight by weight.
fn reference_stripe(stripe: usize, features: Range<usize>, packing: Packing) -> Vec<u8> {
    let w_enc = values(DictionaryArray::WEnc);
    let rows = features.map(|feature| {
        let inputs = stripe * 32..stripe * 32 + 32;
        inputs.map(|it| w_enc[it * N_FEATURES + feature]).collect()
    });
    let rows: Vec<Vec<f32>> = rows.collect();
    let all = || rows.iter().flatten().copied();
    match packing {
        Packing::F32 => all().flat_map(f32::to_le_bytes).collect(),
        Packing::Bf16 => all()
            .flat_map(|it| bf16::from_f32(it).to_le_bytes())
            .collect(),
        Packing::F16 => all()
            .flat_map(|it| f16::from_f32(it).to_le_bytes())
            .collect(),
        Packing::Q8 => {
            let scale = |row: &Vec<f32>| {
                f16::from_f32(row.iter().fold(0f32, |most, it| most.max(it.abs())) / 127.0)
            };
            let quants = rows.iter().flat_map(|row| {
                let scale = scale(row).to_f32();
                row.iter()
                    .map(move |it| (it / scale).round_ties_even() as i8 as u8)
            });
            let mut out: Vec<u8> = quants.collect();
            out.extend(rows.iter().flat_map(|row| scale(row).to_le_bytes()));
            out.resize(out.len().next_multiple_of(16), 0);
            out
        }
    }
}

#[test]
fn stripes_lie_as_the_layout_says() {
    let file = open(&arrays(), &Form::default()).unwrap();
    for packing in PACKINGS {
        for features in [0..N_FEATURES, 0..1, 3..20, 90..N_FEATURES] {
            for stripe in 0..N_STRIPES {
                let got = block_on(file.encoder_stripe(stripe, features.clone(), packing));
                let expected = reference_stripe(stripe, features.clone(), packing);
                let got = got.unwrap().into_vec();
                assert_eq!(got.len(), packing.stripe_bytes(features.len()));
                assert!(got == expected, "{packing:?} {features:?} stripe {stripe}");
            }
        }
    }
}

#[test]
fn tiles_are_their_stripes_one_behind_the_other() {
    let file = open(&arrays(), &Form::default()).unwrap();
    // All of it; parts, out of order and overlapping; so little that whole rows would not pay.
    for cut in [vec![0..96], vec![64..96, 0..65], vec![5..6], vec![]] {
        for packing in PACKINGS {
            let got = tiles(&file, &cut, packing);
            for (tile, features) in got.iter().zip(&cut) {
                let expected: Vec<u8> = (0..N_STRIPES)
                    .flat_map(|it| reference_stripe(it, features.clone(), packing))
                    .collect();
                assert!(*tile == expected, "{packing:?} {features:?}");
            }
        }
    }
}

/// A place that counts the bytes that are read of it.
struct Counting {
    files: Memory,
    n_bytes: Cell<u64>,
}

impl Source for Counting {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        self.files.size(file)
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        (self.n_bytes).set(self.n_bytes.get() + range.end - range.start);
        self.files.read(file, range)
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        self.files.list()
    }

    fn name(&self) -> String {
        "a place that counts".into()
    }
}

#[test]
fn nothing_is_read_twice_and_little_for_few_features() {
    let mut files = Memory::default();
    files.insert(NPZ, npz(&arrays(), &Form::default()));
    files.insert(SAFETENSORS, file_of(&safetensors("F32")));
    let n_bytes = Cell::new(0);
    let source = Rc::new(Counting { files, n_bytes });
    let all: Vec<Range<usize>> = (0..N_FEATURES).map(|it| it..it + 1).collect();
    for name in [NPZ, SAFETENSORS] {
        let opening = DictionaryFile::open(source.clone(), name, 1, D_MODEL);
        let file = block_on(opening).unwrap();
        for (cut, n_features) in [(&all[..], N_FEATURES), (&[5..7], 2)] {
            source.n_bytes.set(0);
            tiles(&file, cut, Packing::F16);
            let expected = n_features * D_MODEL * 4;
            assert_eq!(source.n_bytes.get(), expected as u64, "{name}");
        }
    }
}

#[test]
fn the_transposed_file_gives_the_same_bits() {
    let npz = open(&arrays(), &Form::default()).unwrap();
    let other = open_as(SAFETENSORS, file_of(&safetensors("F32"))).unwrap();
    assert_eq!(npz.dictionary(), other.dictionary());
    assert_eq!(
        (npz.b_enc(), npz.threshold(), npz.b_dec()),
        (other.b_enc(), other.threshold(), other.b_dec())
    );
    assert_same_matrices(&npz, &other, &PACKINGS);
}

#[test]
fn sixteen_bits_in_the_file_are_those_of_the_packing() {
    let wide = open(&arrays(), &Form::default()).unwrap();
    let halves = open(&in_f16(), &Form::default()).unwrap();
    let traced = open_as(SAFETENSORS, file_of(&safetensors("F16"))).unwrap();
    let uppers = open_as(SAFETENSORS, file_of(&safetensors("BF16"))).unwrap();
    assert_eq!(halves.dtypes(), (Some(DType::F16), Some(DType::F16)));
    assert_eq!(uppers.dtypes(), (Some(DType::BF16), Some(DType::BF16)));
    assert_same_matrices(&wide, &halves, &[Packing::F16]);
    assert_same_matrices(&halves, &traced, &PACKINGS);
    assert_same_matrices(&wide, &uppers, &[Packing::Bf16]);
}

fn assert_same_matrices(a: &DictionaryFile, b: &DictionaryFile, packings: &[Packing]) {
    for packing in packings {
        let cut = [0..64, 64..N_FEATURES, 1..2];
        assert!(
            tiles(a, &cut, *packing) == tiles(b, &cut, *packing),
            "{packing:?}"
        );
        let stripe = |it: &DictionaryFile| {
            let got = block_on(it.encoder_stripe(1, 7..80, *packing));
            got.unwrap().into_vec()
        };
        assert!(stripe(a) == stripe(b), "{packing:?}");
        for features in [0..N_FEATURES, 95..96, 4..4] {
            let rows = |it: &DictionaryFile| {
                let got = block_on(it.decoder_rows(features.clone(), *packing));
                got.unwrap().into_vec()
            };
            assert!(rows(a) == rows(b), "{packing:?} {features:?}");
        }
    }
}

#[test]
fn vectors_and_decoder_are_those_of_the_file() {
    let file = open(&arrays(), &Form::default()).unwrap();
    assert_eq!(
        *file.dictionary(),
        Dictionary::transcoder(1, D_MODEL, N_FEATURES)
    );
    assert_eq!(file.file(), NPZ);
    assert_eq!(file.b_enc(), values(DictionaryArray::BEnc));
    assert_eq!(file.threshold(), values(DictionaryArray::Threshold));
    assert_eq!(file.b_dec(), values(DictionaryArray::BDec));
    let w_dec = values(DictionaryArray::WDec);
    let got = block_on(file.decoder_rows(10..12, Packing::F32)).unwrap();
    let expected = &w_dec[10 * D_MODEL..12 * D_MODEL];
    assert_eq!(got.into_vec(), f32_bytes(expected));
    let got = block_on(file.decoder_rows(95..96, Packing::Q8)).unwrap();
    assert_eq!(got.len(), Packing::Q8.row_bytes(D_MODEL));
}

#[test]
fn entries_may_stand_in_any_order_anywhere_and_in_any_form() {
    let mut shuffled = arrays();
    shuffled.rotate_left(2);
    shuffled.swap(0, 1);
    let mut versions = arrays();
    for (it, version) in versions.iter_mut().zip([2, 3, 1, 3, 2]) {
        it.version = version;
    }
    let forms = [
        Form {
            zip64: true,
            ..Form::default()
        },
        Form {
            padding: 5,
            ..Form::default()
        },
        Form {
            padding: 7,
            zip64: true,
            comment: b"a PK\x05\x06 in a comment".to_vec(),
            ..Form::default()
        },
        Form {
            comment: vec![b'x'; 65_535],
            zip64: true,
            ..Form::default()
        },
        Form {
            padding: 251,
            ..Form::default()
        },
        Form {
            streamed: true,
            ..Form::default()
        },
    ];
    let expected = tiles(
        &open(&arrays(), &Form::default()).unwrap(),
        &[0..96],
        Packing::F32,
    );
    for form in &forms {
        for arrays in [&shuffled, &versions, &arrays()] {
            let got = tiles(&open(arrays, form).unwrap(), &[0..96], Packing::F32);
            assert!(got == expected);
        }
    }
}

#[test]
fn the_fingerprint_follows_headers_and_checksums() {
    let plain = Form::default();
    let first = open(&arrays(), &plain).unwrap();
    let again = open(&arrays(), &plain).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    assert_eq!(first.fingerprint().len(), 64);
    for name in ["b_enc", "threshold", "b_dec", "W_enc", "W_dec"] {
        let mut other = arrays();
        find(&mut other, name).data[0] ^= 1;
        let other = open(&other, &plain).unwrap();
        assert_ne!(first.fingerprint(), other.fingerprint(), "{name}");
    }
    let padded = Form {
        padding: 4,
        ..plain
    };
    assert_ne!(
        first.fingerprint(),
        open(&arrays(), &padded).unwrap().fingerprint()
    );
}
