//! The parsers of files that others wrote, fed random and mutated ones: no panic, and no allocation that the input does not justify.
//! The functions called here are those that `fuzz/fuzz_targets` call.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at what they did not expect"
)]

use gemscope::{
    hub::Memory,
    scope::Labels,
    spec::{Config, FeatureId, Packing},
    sys::block_on,
    weights::{
        Checkpoint, DictionaryFile, Header, Index, WeightsError,
        npy::NpyHeader,
        synth::{Preset, Stored, Synthetic},
        zip,
    },
};
use proptest::{collection::vec, prelude::*, sample::Index as At};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    rc::Rc,
};

/// Bytes of the largest single allocation per byte of input: an integer of a shape has two characters in a file and 8 bytes in a
/// vector that doubles as it grows.
const LARGEST_PER_BYTE: usize = 16;
/// What small inputs may take: error messages and first allocations.
const LARGEST_AT_LEAST: usize = 4096;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which remembers the largest request of each thread.
struct Watching;

// SAFETY: every call is handed on as it came.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(size));
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static WATCHING: Watching = Watching;

/// Runs a parser and compares its largest allocation with its input.
fn frugally<T>(input: &[u8], parser: impl FnOnce(&[u8]) -> T) -> T {
    LARGEST.set(0);
    let out = parser(input);
    let (got, most) = (
        LARGEST.get(),
        LARGEST_AT_LEAST + LARGEST_PER_BYTE * input.len(),
    );
    assert!(
        got <= most,
        "{got} bytes at once for an input of {}",
        input.len()
    );
    out
}

/// A change of a file.
#[derive(Clone, Debug)]
enum Mutation {
    Set(At, u8),
    Insert(At, Vec<u8>),
    Cut(At, usize),
    Repeat(At, usize),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            _ if bytes.is_empty() => (),
            Self::Set(at, to) => *at.get_mut(bytes) = *to,
            Self::Insert(at, what) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, what.iter().copied());
            }
            Self::Cut(at, n) => {
                let at = at.index(bytes.len());
                bytes.drain(at..bytes.len().min(at + n));
            }
            Self::Repeat(at, n) => {
                let at = at.index(bytes.len());
                let piece = bytes[at..bytes.len().min(at + n)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

/// Pieces that mean something in JSON.
const TOKENS: &[&str] = &[
    "0",
    "1",
    "-",
    "9",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "null",
    "1e9",
    "\\u0000",
    "18446744073709551615",
];

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let insert = prop_oneof![
        vec(any::<u8>(), 1..4),
        prop::sample::select(TOKENS).prop_map(|it| it.as_bytes().to_vec()),
    ];
    let one = prop_oneof![
        (any::<At>(), any::<u8>()).prop_map(|(at, to)| Mutation::Set(at, to)),
        (any::<At>(), insert).prop_map(|(at, what)| Mutation::Insert(at, what)),
        (any::<At>(), 1usize..40).prop_map(|(at, n)| Mutation::Cut(at, n)),
        (any::<At>(), 1usize..200).prop_map(|(at, n)| Mutation::Repeat(at, n)),
    ];
    vec(one, 1..5)
}

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    mutations.iter().for_each(|it| it.apply(&mut bytes));
    bytes
}

/// A file of the tiny checkpoint of nano's shapes, cut after `most` bytes.
fn file(name: &str, n_shards: usize, most: u64) -> Vec<u8> {
    use gemscope::hub::Source;
    let config = Config {
        n_layers: 1,
        d_vocab: 8,
        ..Preset::Nano.config()
    };
    let source = Synthetic::with(&config, Stored::Bf16, n_shards);
    let size = block_on(source.size(name)).unwrap().min(most);
    block_on(source.read(name, 0..size)).unwrap().into_vec()
}

/// A small labels file.
const LABELS: &[u8] = br#"{"version":1,"made":"by hand","sentences":[["<bos>"," a"," b"],["<bos>"," c"]],"layers":[{"layer":0,"features":[{"index":3,"label":"b","density":0.5,"max":3.0,"top":[[0,2,3.0],[1,1,2.5]]},{"index":7}]},{"layer":1,"features":[]}]}"#;

/// A header of entries that may or may not make sense, in a file whose size may or may not be the right one.
fn headers() -> impl Strategy<Value = Vec<u8>> {
    let dtype = prop::sample::select(&["BF16", "F16", "F32", "I32", "U8", "F64", ""][..]);
    let entry = (
        "[ab]{0,2}",
        dtype,
        vec(0u64..4, 0..3),
        any::<bool>(),
        0u64..40,
    );
    let json = vec(entry, 0..5).prop_map(|entries| {
        let (mut at, mut text) = (0, Vec::new());
        for (name, dtype, shape, honest, other) in entries {
            let size = match dtype {
                "BF16" | "F16" => 2,
                "U8" => 1,
                "F64" => 8,
                _ => 4,
            };
            let size = if honest {
                shape.iter().product::<u64>() * size
            } else {
                other
            };
            let end = at + size;
            text.push(format!(
                r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
            ));
            at = end;
        }
        (format!("{{{}}}", text.join(",")), at)
    });
    (json, prop_oneof![4 => Just(0i64), 1 => -3i64..4]).prop_map(|((json, n_data), more)| {
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.as_bytes());
        file.resize(file.len() + (n_data as i64 + more).max(0) as usize, 0);
        file
    })
}

/// Our parser must accept what the safetensors crate accepts on this 64-bit machine, and nothing else, but for what it refuses
/// on purpose: other types, a name that stands twice, a header that does not begin with a brace.
fn agrees_with_the_crate(bytes: &[u8]) {
    let ours = Header::parse("x", bytes, bytes.len() as u64);
    match (ours, safetensors::SafeTensors::deserialize(bytes)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.tensors.len(), theirs.len());
            for (name, view) in theirs.iter() {
                let entry = &ours.tensors[name];
                let range = entry.range.start as usize..entry.range.end as usize;
                assert_eq!(view.data(), &bytes[range]);
                assert!(
                    view.shape()
                        .iter()
                        .map(|it| *it as u64)
                        .eq(entry.shape.iter().copied())
                );
            }
        }
        (Err(_), Err(_)) => (),
        (Err(WeightsError::UnknownDType { .. } | WeightsError::Duplicate { .. }), Ok(_)) => (),
        (Err(WeightsError::HeaderJson { detail, .. }), Ok(_)) if detail.contains("begin") => (),
        // The crate forgets the first of two tensors of one name, and with it what was wrong with it.
        (Err(WeightsError::Size { tensor, .. }), Ok(_)) if n_named(bytes, &tensor) > 1 => (),
        (ours, theirs) => panic!("{ours:?}\n{:?}", theirs.err()),
    }
}

/// How often a header names a tensor.
fn n_named(bytes: &[u8], tensor: &str) -> usize {
    let name = format!("\"{tensor}\"");
    String::from_utf8_lossy(bytes).matches(&name).count()
}

/// Every pure parser of npz files, on bytes that may or may not be what it expects.
fn zip_parsers(bytes: &[u8], at: u64) {
    let n_bytes = bytes.len() as u64;
    let _ = frugally(bytes, |it| zip::find_end("x", it, n_bytes));
    let _ = frugally(bytes, |it| zip::find_end("x", it, at));
    let _ = frugally(bytes, |it| zip::parse_end64("x", it, at));
    let directory = zip::Directory {
        range: at..at.saturating_add(n_bytes),
        n_entries: 5,
    };
    let entries = frugally(bytes, |it| zip::parse_directory("x", it, &directory));
    for entry in entries.unwrap_or_default() {
        let _ = zip::payload("x", &entry, bytes, at);
    }
    let _ = frugally(bytes, |it| NpyHeader::parse("x", "y", it));
}

/// A transcoder of nano as numpy writes it.
fn npz() -> Vec<u8> {
    use gemscope::hub::Source;
    let source = Synthetic::transcoders(Preset::Nano, 1);
    let name = source.files().next().unwrap();
    let size = block_on(source.size(name)).unwrap();
    block_on(source.read(name, 0..size)).unwrap().into_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn random_bytes_break_no_parser(bytes in vec(any::<u8>(), 0..300), file_bytes: u64) {
        let _ = frugally(&bytes, |it| Header::parse("x", it, it.len() as u64));
        let _ = frugally(&bytes, |it| Header::parse("x", it, file_bytes));
        let _ = frugally(&bytes, |it| Index::from_json("x", it));
        let _ = frugally(&bytes, Config::from_json);
        let _ = frugally(&bytes, Labels::parse);
        zip_parsers(&bytes, file_bytes);
    }

    #[test]
    fn random_headers_are_judged_as_the_crate_judges_them(bytes in headers()) {
        frugally(&bytes, |it| Header::parse("x", it, it.len() as u64)).ok();
        agrees_with_the_crate(&bytes);
    }

    #[test]
    fn mutated_headers_break_nothing(mutations in mutations()) {
        let bytes = mutated(file("model.safetensors", 1, 4096), &mutations);
        let _ = frugally(&bytes, |it| Header::parse("x", it, it.len() as u64));
        // The same with the length set right again, so that the text itself is reached.
        let mut bytes = bytes;
        if let Some(text_bytes) = bytes.len().checked_sub(8) {
            bytes[..8].copy_from_slice(&(text_bytes as u64).to_le_bytes());
            while bytes.last() == Some(&0) { bytes.pop(); }
        }
        let _ = frugally(&bytes, |it| Header::parse("x", it, 1 << 40));
        agrees_with_the_crate(&bytes);
    }

    #[test]
    fn mutated_indexes_break_nothing(mutations in mutations()) {
        let bytes = mutated(file("model.safetensors.index.json", 2, u64::MAX), &mutations);
        if let Ok(index) = frugally(&bytes, |it| Index::from_json("x", it)) {
            prop_assert!(index.shards().iter().all(|it| !it.contains('/')));
        }
    }

    #[test]
    fn mutated_configs_break_nothing(mutations in mutations()) {
        let bytes = mutated(file("config.json", 1, u64::MAX), &mutations);
        let _ = frugally(&bytes, Config::from_json);
    }

    #[test]
    fn mutated_labels_are_refused_or_can_be_asked(mutations in mutations()) {
        let bytes = mutated(LABELS.to_vec(), &mutations);
        if let Ok(it) = frugally(&bytes, Labels::parse) {
            for layer in it.layers() {
                for label in it.layer(layer) {
                    let feature = FeatureId { layer, index: label.index };
                    prop_assert_eq!(it.label(feature), Some(label.clone()));
                    let examples = it.examples(feature, usize::MAX);
                    prop_assert!(examples.iter().all(|it| it.pos < it.tokens.len() && it.value.is_finite()));
                }
            }
        }
    }

    #[test]
    fn mutated_npz_open_or_fail(mutations in mutations(), near_the_end: bool) {
        let whole = npz();
        // Most of a file are weights; what can be wrong stands at its ends.
        let (mut bytes, ends) = match near_the_end {
            true => (whole[..whole.len() - 400].to_vec(), mutated(whole[whole.len() - 400..].to_vec(), &mutations)),
            false => (mutated(whole[..300].to_vec(), &mutations), whole[300..].to_vec()),
        };
        bytes.extend(ends);
        zip_parsers(&bytes, bytes.len() as u64);
        let (n_bytes, mut memory) = (bytes.len(), Memory::default());
        memory.insert("x.npz", bytes);
        let opened = block_on(DictionaryFile::open(Rc::new(memory), "x.npz", 0, 64));
        if let Ok(it) = opened {
            let n = it.dictionary().d_transcoder;
            prop_assert!(n * 64 * 8 <= n_bytes);
            let _ = block_on(it.encoder_stripe(0, 0..n, Packing::Q8));
            let _ = block_on(it.decoder_rows(0..n, Packing::F16));
        }
    }

    #[test]
    fn mutated_checkpoints_open_or_fail(mutations in mutations(), which in 0usize..4) {
        let names = ["config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        let mut memory = Memory::default();
        for (n, name) in names.into_iter().enumerate() {
            let bytes = file(name, 2, u64::MAX);
            memory.insert(name, if n == which { mutated(bytes, &mutations) } else { bytes });
        }
        let _ = block_on(Checkpoint::open(Rc::new(memory)));
    }
}

#[test]
fn deep_and_long_texts_are_refused_cheaply() {
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let mut header = (deep.len() as u64).to_le_bytes().to_vec();
    header.extend(&deep);
    assert!(frugally(&header, |it| Header::parse("x", it, it.len() as u64)).is_err());
    assert!(frugally(&deep, |it| Index::from_json("x", it)).is_err());
    assert!(frugally(&deep, Config::from_json).is_err());
    assert!(frugally(&deep, Labels::parse).is_err());
    let shape = format!(
        r#"{{"a":{{"dtype":"F32","shape":[{}1],"data_offsets":[0,4]}}}}"#,
        "1,".repeat(100_000)
    );
    let mut header = (shape.len() as u64).to_le_bytes().to_vec();
    header.extend(shape.as_bytes());
    let file_bytes = header.len() as u64 + 4;
    assert!(frugally(&header, |it| Header::parse("x", it, file_bytes)).is_ok());
    // A length that promises 100 MB of header, and a file that has them not.
    let claim = [&99_999_999u64.to_le_bytes()[..], b"{}"].concat();
    assert!(frugally(&claim, |it| Header::parse("x", it, 1 << 40)).is_err());
}
