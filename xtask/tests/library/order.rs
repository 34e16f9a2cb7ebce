//! What is asked for before what, by the Hub's log; and how much comes before the first layer's features, by the plan at full size.

use super::{
    sets::{self, OPENING},
    world::World,
};
use gemscope::{
    hub::Source,
    spec::{FetchTold, Half, Packing, Part, Precision},
    sys::{Stop, block_on},
    weights::{
        CheckpointHead, Cut, DictionaryHead,
        library::FetchControl,
        synth::{Preset, Synthetic},
    },
};

use std::ops::Range;
use xtask::hub::Entry;

/// What is read of a file at first.
const HEAD_BYTES: u64 = 64 << 10;
/// What may come before the last byte of the first encoder.
const MOST_BYTES: u64 = 205_000_000;
/// Of Gemma's tokenizer.json.
const TOKENIZER_BYTES: u64 = 17_525_357;

#[test]
fn nothing_else_is_asked_for_before_the_first_encoder_is_there() {
    for precision in [Precision::Reference, Precision::Compact] {
        let world = World::new();
        let set = world.plain(precision);
        let mut n_before = 0;
        let mut seen = Vec::new();
        let hub = world.hub.clone();
        let mut told = |it: FetchTold| {
            if let FetchTold::Part { part, .. } = it {
                seen.push(part);
                if part == Part::Encoder(0) && n_before == 0 {
                    n_before = hub.log().len();
                }
            }
        };
        world
            .fetch_as(&sets::request(set), None, &mut told)
            .expect("a set");
        let mut first: Vec<Part> = seen[..4].to_vec();
        first.sort_unstable();
        let expected = [
            Part::Opening,
            Part::Attention(0),
            Part::Vectors(0),
            Part::Encoder(0),
        ];
        assert_eq!(first, expected);
        let (needed, mut n_ranges) = (needed(), 0);
        for entry in &world.hub.log()[..n_before] {
            let line = entry.request_line();
            assert!(!entry.path.contains("layer_1"), "{line}");
            let Some(range) = asked(entry).filter(|_| entry.path.ends_with("model.safetensors"))
            else {
                continue;
            };
            n_ranges += 1;
            let fits = |it: &Range<u64>| it.start <= range.start && range.end <= it.end;
            let is_head = range == (0..HEAD_BYTES);
            assert!(is_head || needed.iter().any(fits), "{line}");
        }
        assert!(n_ranges > 4, "{n_ranges}");
    }
}

/// The range that a request asks for.
fn asked(entry: &Entry) -> Option<Range<u64>> {
    let (start, end) = entry
        .range
        .as_ref()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let end: u64 = end.parse().ok()?;
    Some(start.parse().ok()?..end + 1)
}

/// Ranges of the model's file that layer 0's features need.
fn needed() -> Vec<Range<u64>> {
    let config = sets::config();
    let source = Synthetic::with(&config, Default::default(), 1);
    let head = block_on(CheckpointHead::read(&source)).expect("a model");
    let cut = Cut {
        packing: Packing::Bf16,
        piece_bytes: super::world::config().piece_bytes as u64,
    };
    let parts = head.parts(&cut, &OPENING).expect("parts").into_iter();
    let first = parts.filter(|it| matches!(it.part, Part::Opening | Part::Attention(0)));
    let mut ranges: Vec<_> = first.flat_map(|it| it.pieces).map(|it| it.range).collect();
    ranges.sort_by_key(|it| it.start);
    // What lies side by side is asked for together.
    ranges.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
    ranges
}

#[test]
fn at_full_size_205_megabytes_come_before_the_first_features() {
    let model = Synthetic::new(Preset::Full);
    let transcoders = Synthetic::transcoders(Preset::Full, 1);
    let file = transcoders.files().next().expect("one").to_string();
    let d_model = Preset::Full.config().d_model;
    let head = block_on(CheckpointHead::read(&model)).expect("a model");
    let of_dictionary = block_on(DictionaryHead::read(&transcoders, &file, 0, d_model));
    let of_dictionary = of_dictionary.expect("a transcoder");
    let cut = Cut {
        packing: Packing::Bf16,
        piece_bytes: 8 << 20,
    };
    // 400 tokens of an opening set, no two side by side.
    let opening: Vec<u32> = (0..400).map(|it| 100 + 600 * it).collect();
    let mut parts = head.parts(&cut, &opening).expect("parts");
    let dictionary = of_dictionary.parts(&cut, &[Half::Encoder, Half::Decoder]);
    parts.extend(dictionary.expect("parts"));
    let first = [
        Part::Opening,
        Part::Attention(0),
        Part::Vectors(0),
        Part::Encoder(0),
    ];
    let first = parts.iter().filter(|it| first.contains(&it.part));
    let weights: u64 = first.map(|it| it.source_bytes()).sum();
    let config = block_on(model.size("config.json")).expect("a config");
    let sum = weights + TOKENIZER_BYTES + config + 3 * HEAD_BYTES;
    assert!(sum <= MOST_BYTES, "{sum}");
    assert!(sum > 190_000_000, "{sum}");
}

#[test]
fn a_layer_that_is_asked_for_comes_next() {
    let world = World::new();
    let set = world.plain(Precision::Reference);
    let control = FetchControl::new(Stop::default());
    let mut order = Vec::new();
    let asking = control.clone();
    let mut told = |it: FetchTold| {
        if let FetchTold::Part { part, .. } = it
            && !order.contains(&part)
        {
            order.push(part);
            if part == Part::Encoder(0) {
                asking.prioritise(1);
            }
        }
    };
    let fetched = world.run(async {
        let library = world.library().await;
        let request = sets::request(set.clone());
        let fetched = library.fetch_with(&request, None, &OPENING, &control, &mut told);
        fetched.await
    });
    fetched.expect("a set");
    let at = |part| order.iter().position(|it| *it == part).expect("told");
    for before in [
        Part::Vectors(1),
        Part::Encoder(1),
        Part::Mlp(0),
        Part::Attention(1),
    ] {
        for after in [
            Part::Embedding(0),
            Part::Decoder(0),
            Part::Mlp(1),
            Part::Decoder(1),
        ] {
            assert!(at(before) < at(after), "{before} {after} {order:?}");
        }
    }
    assert!(at(Part::Encoder(1)) < at(Part::Mlp(0)));
}
