//! Synthetic transcoders against those that synth.py writes; sets of them; files above 4 GiB.

use crate::npz_files::{D_MODEL, Form, NPZ, arrays, npz, open};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use gemscope::{
    hub::{Folder, HubError, Memory, Source, check_range},
    spec::{Bytes, DictionaryArray, Packing},
    sys::block_on,
    weights::{
        Choice, DictionaryFile, DictionarySet, WeightsError,
        synth::{Preset, Synthetic, Uniform, write},
    },
};
use half::f16;
use sha2::{Digest, Sha256};
use std::{ops::Range, rc::Rc};

#[test]
fn files_on_the_disk_are_those_of_synth_py() {
    // Source: sha256sum of what `synth.py --preset nano` writes, numpy 2.4.6, Python's zipfile.
    let expected = [
        "fd1d6308e3537c0b770a6a9499928357f8b89a3c36d02986323ce7191ab67f6e",
        "07226dee8a757fb14ae76c3737809e4517dcab83fb0594fd66129750fd350f38",
        "b71a200b72fda174e2a6d32779a3188c9327a29b69456baffd660d4646fa235c",
        "5859cccdca66a7b4ec4645875ee045727e297807e02c913a87aafe787c15e612",
    ];
    let folder = std::env::temp_dir().join(format!("gemscope-dictionary-{}", std::process::id()));
    let synthetic = Synthetic::transcoders(Preset::Nano, usize::MAX);
    write(&synthetic, &folder, |_, _| ()).unwrap();
    for (layer, expected) in expected.iter().enumerate() {
        let name = format!("layer_{layer}/width_256/average_l0_4/params.npz");
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let got: String = (Sha256::digest(&bytes).iter())
            .map(|it| format!("{it:02x}"))
            .collect();
        assert_eq!(got, *expected, "{name}");
    }
    let disk = Folder::new(&folder);
    assert_eq!(
        block_on(disk.list()).unwrap(),
        block_on(synthetic.list()).unwrap()
    );
    // Checksums apart, the files are the same; the fingerprint tells them apart, the weights do not.
    let [a, b] = [Rc::new(disk) as Rc<dyn Source>, Rc::new(synthetic)].map(|it| {
        let set = block_on(DictionarySet::read(&*it)).unwrap();
        assert!(set.layers().eq(0..4));
        let file = set.choose(3, Choice::default()).unwrap().file.clone();
        block_on(DictionaryFile::open(it, &file, 3, 64)).unwrap()
    });
    let stripe = |it: &DictionaryFile| {
        let got = block_on(it.encoder_stripe(1, 0..256, Packing::Q8));
        got.unwrap().into_vec()
    };
    assert_eq!(stripe(&a), stripe(&b));
    assert_eq!(a.threshold(), b.threshold());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn weights_of_the_full_size_are_those_of_synth_py() {
    // Source: `uniform` over `transcoder_tensors` of synth.py, numpy 2.4.6.
    let cases = [
        (0, DictionaryArray::WDec, 0, 0xbc9b_130e),
        (25, DictionaryArray::WDec, 37_748_735, 0x3c42_53f0),
        (13, DictionaryArray::WEnc, 12_345_678, 0xbb1a_a0d0),
        (25, DictionaryArray::BDec, 2303, 0xbd74_828d),
        (7, DictionaryArray::BEnc, 16_383, 0xbda8_09d8),
        (3, DictionaryArray::Threshold, 0, 0x401d_9f99),
        (3, DictionaryArray::Threshold, 16_383, 0x4012_aaba),
    ];
    for (layer, array, index, expected) in cases {
        let uniform = Uniform::of_dictionary(Preset::Full, layer, array);
        assert_eq!(uniform.at(index).to_bits(), expected, "{array} of {layer}");
    }
}

#[test]
fn a_transcoder_of_the_true_size_is_read_in_pieces() {
    let source = Synthetic::transcoders(Preset::Full, 26);
    let file = "layer_25/width_16k/average_l0_80/params.npz";
    assert_eq!(source.files().count(), 26);
    // Source: bytes of each params.npz of google/gemma-scope-2b-pt-transcoders.
    assert_eq!(block_on(source.size(file)).unwrap(), 302_131_416);
    let it = block_on(DictionaryFile::open(Rc::new(source), file, 25, 2304)).unwrap();
    assert_eq!(it.dictionary().d_transcoder, 16_384);
    let of = |array| Uniform::of_dictionary(Preset::Full, 25, array);
    let row = block_on(it.decoder_rows(16_383..16_384, Packing::F32)).unwrap();
    let row = bytemuck::pod_collect_to_vec::<u8, f32>(&row.into_vec());
    assert_eq!(row[2303], of(DictionaryArray::WDec).at(37_748_735));
    let w_enc = of(DictionaryArray::WEnc);
    let tiles = [0..10_000, 10_000..16_384];
    let mut pieces = it.encoder_pieces(&tiles, Packing::F16).unwrap();
    let mut n_bytes = 0;
    while let Some(it) = block_on(pieces.next()).unwrap() {
        let (bytes, tile) = (it.bytes.into_vec(), &tiles[it.tile]);
        n_bytes += bytes.len();
        assert!(bytes.len() <= 4 << 20);
        // The last weight of each piece.
        let last = (it.at as usize + bytes.len()) / 2 - 1;
        let (stripe, inside) = (last / (tile.len() * 32), last % (tile.len() * 32));
        let (input, feature) = (stripe * 32 + inside % 32, tile.start + inside / 32);
        let expected = f16::from_f32(w_enc.at((input * 16_384 + feature) as u64));
        assert_eq!(bytes[bytes.len() - 2..], expected.to_le_bytes());
    }
    assert_eq!(n_bytes, 2304 * 16_384 * 2);
}

/// A file of which only the end is there; zeros stand before it.
struct Huge {
    base: u64,
    end: Vec<u8>,
}

impl Source for Huge {
    fn size(&self, _: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        future::ready(Ok(self.base + self.end.len() as u64)).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let n_bytes = check_range(file, &range, self.base + self.end.len() as u64).unwrap();
        let byte = |it: u64| {
            it.checked_sub(self.base)
                .map_or(0, |it| self.end[it as usize])
        };
        let bytes: Vec<u8> = range.map(byte).collect();
        assert_eq!(bytes.len(), n_bytes);
        future::ready(Ok(bytes.into())).boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        future::ready(Ok(vec![NPZ.into()])).boxed_local()
    }

    fn name(&self) -> String {
        "a huge file".into()
    }
}

#[test]
fn places_above_4_gib_are_read() {
    let base = 5 << 30;
    let form = Form {
        zip64: true,
        base,
        ..Form::default()
    };
    let end = npz(&arrays(), &form);
    let huge = Rc::new(Huge { base, end });
    let far = block_on(DictionaryFile::open(huge, NPZ, 1, D_MODEL)).unwrap();
    let near = open(&arrays(), &Form::default()).unwrap();
    let [far, near] = [far, near].map(|it| {
        let stripe = block_on(it.encoder_stripe(1, 0..96, Packing::F32)).unwrap();
        let rows = block_on(it.decoder_rows(90..96, Packing::F32)).unwrap();
        (stripe.into_vec(), rows.into_vec())
    });
    assert!(far == near);
}

#[test]
fn a_set_is_found_wherever_its_files_are() {
    let mut memory = Memory::default();
    for name in ["layer_2.safetensors", NPZ, "README.md"] {
        memory.insert(name, Vec::new());
    }
    let set = block_on(DictionarySet::read(&memory)).unwrap();
    assert!(set.layers().eq([1, 2]));
    let got = block_on(DictionarySet::read(&Memory::default()));
    let error = got.unwrap_err();
    assert!(matches!(error, WeightsError::NoDictionaries { .. }));
    assert!(error.remedy().ends_with('.'));
    let nowhere = Folder::new("no/such/folder");
    let error = block_on(DictionarySet::read(&nowhere)).unwrap_err();
    assert!(matches!(
        error,
        WeightsError::Hub(HubError::NoFolder { .. })
    ));
}
