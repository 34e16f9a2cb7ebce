//! Lower precisions from what is kept in a higher one: the very pieces of the file, without the file; and what is known of opening
//! rows once the table is there.

use crate::{
    checkpoints::in_memory,
    npz_files::{D_MODEL, Form, NPZ, arrays, npz},
    parts::{BOTH, config, cut, pack, read},
};
use gemscope::{
    hub::Memory,
    spec::{Packing, Part, Trust},
    store::{Begin, BlobPlan, Mark, MemoryDisk, Reader, Store, StoreConfig, sha256},
    sys::block_on,
    weights::{
        CheckpointHead, DictionaryHead, PartPlan,
        library::{Higher, opening_trust},
        synth::Stored,
    },
};

pub fn store(disk: &MemoryDisk) -> Store {
    block_on(Store::open(
        std::rc::Rc::new(disk.clone()),
        StoreConfig::default(),
    ))
    .unwrap()
}

/// Keeps a part as a fetch would; `trust` by piece.
pub fn keep(
    store: &Store,
    source: &Memory,
    (key, plan): (&str, &PartPlan),
    trust: impl Fn(usize) -> Trust,
) -> Reader {
    keep_as(store, source, (key, key.into(), plan), trust)
}

/// The same with a note of what it is.
pub fn keep_as(
    store: &Store,
    source: &Memory,
    (key, meta, plan): (&str, serde_json::Value, &PartPlan),
    trust: impl Fn(usize) -> Trust,
) -> Reader {
    let blob = BlobPlan {
        meta,
        size_bytes: plan.size_bytes,
        pieces: (0..plan.pieces.len()).map(|it| plan.spans(it)).collect(),
    };
    let Begin::Writer(writer) = block_on(store.begin(key, blob)).unwrap() else {
        panic!("`{key}` is there already");
    };
    for (n, piece) in plan.pieces.iter().enumerate() {
        let raw = read(source, &piece.file, piece.range.clone());
        for (at, bytes) in plan.pack(n, &raw).unwrap() {
            block_on(writer.write(at, &bytes)).unwrap();
        }
        let kept = plan.spans(n).into_iter();
        let kept = kept.flat_map(|it| block_on(writer.read(it)).unwrap().into_vec());
        let mark = Mark {
            source: block_on(sha256(&raw)),
            packed: block_on(sha256(&kept.collect::<Vec<u8>>().into())),
            trust: trust(n),
        };
        block_on(writer.mark(n as u32, mark)).unwrap();
    }
    block_on(writer.commit()).unwrap()
}

#[test]
fn a_lower_precision_is_made_without_the_file() {
    let mut memory = Memory::default();
    memory.insert(NPZ, npz(&arrays(), &Form::default()));
    let head = block_on(DictionaryHead::read(&memory, NPZ, 1, D_MODEL)).unwrap();
    let plans = |packing| head.parts(&cut(packing, 9000), &BOTH).unwrap();
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    for (high, low) in plans(Packing::F32).iter().zip(plans(Packing::Q8)) {
        let key = high.part.to_string();
        keep(&store, &memory, (&key, high), |it| Trust::ALL[it % 3]);
        let higher = find(&store, &key, high).expect("kept without loss");
        let mut kept = vec![0; low.size_bytes as usize];
        for piece in 0..low.pieces.len() {
            let raw = block_on(higher.piece(piece)).unwrap();
            assert_eq!(raw.trust, Trust::ALL[piece % 3]);
            assert_eq!(raw.source, block_on(sha256(&raw.bytes)));
            for (at, bytes) in low.pack(piece, &raw.bytes).unwrap() {
                kept[at as usize..][..bytes.len()].copy_from_slice(&bytes.into_vec());
            }
        }
        assert!(kept == pack(&memory, &low), "{}", low.part);
    }
    let encoder = &plans(Packing::F32)[1];
    assert!(disk.damage("gemscope/encoder.1.data", 9));
    let higher = find(&store, "encoder.1", encoder).unwrap();
    let got = block_on(higher.piece(0)).err().expect("damage");
    assert!(
        got.to_string().contains("encoder.1") && got.remedy().contains("repair"),
        "{got}"
    );
    assert!(block_on(higher.piece(1)).is_ok());
}

fn find(store: &Store, key: &str, plan: &PartPlan) -> Option<Higher> {
    let candidates = [("nothing".into(), plan.clone()), (key.into(), plan.clone())];
    block_on(Higher::find(store, candidates)).unwrap()
}

#[test]
fn what_lost_something_is_partial_or_cut_otherwise_serves_no_lower_one() {
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    let plan =
        |packing, piece_bytes| head.parts(&cut(packing, piece_bytes), &[]).unwrap()[1].clone();
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let fine = plan(Packing::Bf16, 1000);
    keep(&store, &memory, ("fine", &fine), |_| Trust::File);
    let coarse = plan(Packing::Q8, 1000);
    keep(&store, &memory, ("coarse", &coarse), |_| Trust::File);
    assert!(find(&store, "fine", &fine).is_some());
    assert!(find(&store, "coarse", &coarse).is_none());
    assert!(find(&store, "fine", &plan(Packing::Bf16, 3000)).is_none());
    drop(block_on(store.reopen("fine", &[0])).unwrap());
    assert!(find(&store, "fine", &fine).is_none());
    assert!(Higher::packings_above(Packing::F32).is_empty());
    assert!(Higher::packings_above(Packing::Q8).contains(&Packing::Bf16));
}

#[test]
fn opening_rows_count_as_the_rows_of_the_table_that_equal_them() {
    let memory = in_memory(&config(), Stored::Bf16, 1);
    let head = block_on(CheckpointHead::read(&memory)).unwrap();
    for packing in [Packing::Bf16, Packing::Q8] {
        let plans = head.parts(&cut(packing, 1000), &[0, 1, 100, 150]).unwrap();
        let tiles = plans
            .iter()
            .filter(|it| matches!(it.part, Part::Embedding(_)));
        let tiles: Vec<&PartPlan> = tiles.collect();
        let disk = MemoryDisk::new(1);
        let store = store(&disk);
        let opening = keep(&store, &memory, ("opening", &plans[0]), |_| Trust::Received);
        let kept: Vec<Reader> = tiles
            .iter()
            .map(|it| {
                keep(&store, &memory, (&it.part.to_string(), it), |_| {
                    Trust::Manifest
                })
            })
            .collect();
        let rows = || tiles.iter().copied().zip(&kept).collect::<Vec<_>>();
        let of = |tiles: &[_]| block_on(opening_trust((&plans[0], &opening), tiles)).unwrap();
        // Three runs of rows; the last gain is in no tile.
        let got = of(&rows());
        assert_eq!(got.len(), 3);
        assert!(got.iter().all(|it| it.1 == Trust::Manifest));
        assert!(
            got.iter()
                .all(|(it, _)| plans[0].pieces.len() > *it as usize)
        );
        assert!(of(&[]).is_empty());
        // Row 100 is no longer what it was: its run is no longer vouched for.
        let tile = &tiles[0].tensors[0];
        let at = tile.at + 100 * tile.size_bytes() / tile.rows.len() as u64;
        assert!(disk.damage("gemscope/embedding.0.data", at + 1));
        assert_eq!(of(&rows()).len(), 2);
    }
}
