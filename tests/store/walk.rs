//! The life of a blob without accidents: begun, marked, busy, read in part, committed, repaired, raised, removed.

use super::blobs::{N_PIECES, bytes, damaged, finish, plan, put, reader, store, whole, writer};
use gemscope::{
    spec::Trust,
    store::{Begin, BlobState, Disk, MemoryDisk, StoreError, selftest},
    sys::block_on,
};
use std::rc::Rc;

#[test]
fn the_selftest_holds_in_memory() {
    let disk = MemoryDisk::new(1);
    let told = block_on(selftest(Rc::new(disk.clone()))).unwrap();
    assert!(told.contains("removed"), "{told}");
    let inside = disk.inside("selftest").inside("gemscope");
    assert_eq!(
        block_on(inside.list()).unwrap(),
        [("VERSION".to_string(), 17)]
    );
}

#[test]
fn a_blob_is_whole_only_when_all_of_it_is_there() {
    let store = store(&MemoryDisk::new(1));
    let it = writer(&store, "a", &plan("x"));
    for piece in 0..N_PIECES - 1 {
        put(&it, piece, 0).unwrap();
    }
    let error = block_on(it.commit()).err().expect("a piece is missing");
    assert!(
        matches!(error, StoreError::Unfinished { n_missing: 1, .. }),
        "{error}"
    );
    let it = writer(&store, "a", &plan("x"));
    assert_eq!(it.marks().len(), 5, "what a failed commit synced stays");
    let whole = finish(it);
    assert!(whole.is_whole() && damaged(&whole).is_empty());
    assert!(matches!(
        block_on(store.begin("a", plan("x"))).unwrap(),
        Begin::Whole(_)
    ));
    // Gaps are zeros, also where something else was kept before.
    assert_eq!(block_on(whole.read(0..100)).unwrap().into_vec(), [0; 100]);
}

#[test]
fn ranges_are_there_when_their_pieces_are() {
    let store = store(&MemoryDisk::new(1));
    let it = writer(&store, "a", &plan("x"));
    put(&it, 0, 3).unwrap();
    block_on(it.sync()).unwrap();
    put(&it, 1, 3).unwrap(); // not synced: a reader does not see it
    let reader = reader(&store, "a");
    for (range, there) in [
        (0..3100, true),
        (3100..6100, true), // a gap
        (0..7000, true),
        (0..7101, false),
        (7100..7101, false),
        (43_000..43_210, true),
        (43_000..43_211, false),
    ] {
        assert_eq!(reader.has(&range), there, "{range:?}");
        assert_eq!(
            block_on(reader.read(range.clone())).is_ok(),
            there,
            "{range:?}"
        );
    }
    let got = block_on(reader.read(6100..7000)).unwrap().into_vec();
    assert_eq!(got, bytes(6100, 900, 3).into_vec());
    assert_eq!(
        block_on(it.read(7100..7104)).unwrap().into_vec(),
        bytes(7100, 4, 3).into_vec()
    );
    assert!(block_on(reader.verify(0)).unwrap());
    assert!(matches!(
        block_on(reader.verify(1)),
        Err(StoreError::Piece { piece: 1, .. })
    ));
}

#[test]
fn another_tab_sees_what_is_written_and_may_not_touch_it() {
    let disk = MemoryDisk::new(1);
    let (first, second) = (store(&disk), store(&disk.tab()));
    let it = writer(&first, "a", &plan("x"));
    put(&it, 2, 0).unwrap();
    block_on(it.sync()).unwrap();
    assert!(matches!(
        block_on(second.begin("a", plan("x"))).unwrap(),
        Begin::Busy
    ));
    assert!(matches!(
        block_on(second.remove("a")),
        Err(StoreError::Busy { .. })
    ));
    assert!(matches!(
        block_on(second.reopen("a", &[])),
        Err(StoreError::Busy { .. })
    ));
    let [info] = &block_on(second.list()).unwrap()[..] else {
        panic!("one blob is listed");
    };
    assert!(
        info.busy && info.key == "a" && info.trust == Some(Trust::Received),
        "{info:?}"
    );
    assert_eq!(info.state, BlobState::Partial { done_bytes: 3900 });
    let usage = block_on(second.usage()).unwrap();
    assert_eq!(usage.reserved_bytes, 43_210 - 3900);
    drop(finish(it));
    let Begin::Whole(it) = block_on(second.begin("a", plan("x"))).unwrap() else {
        panic!("the second tab uses what the first one made");
    };
    assert!(damaged(&it).is_empty());
    assert_eq!(block_on(second.usage()).unwrap().reserved_bytes, 0);
}

#[test]
fn another_plan_begins_anew() {
    let store = store(&MemoryDisk::new(1));
    whole(&store, "a", "x");
    let it = writer(&store, "a", &plan("y"));
    assert!(it.marks().is_empty());
    drop(it);
    let mut other_pieces = plan("y");
    other_pieces.pieces.swap(0, 1);
    let it = writer(&store, "a", &other_pieces);
    put(&it, 0, 0).unwrap();
    block_on(it.sync()).unwrap();
    drop(it);
    assert!(
        writer(&store, "a", &plan("y")).marks().is_empty(),
        "partial, cut otherwise"
    );
    let kept = whole(&store, "a", "y").plan().pieces.clone();
    let Begin::Whole(it) = block_on(store.begin("a", other_pieces)).unwrap() else {
        panic!("what is whole is whole, however it was cut");
    };
    assert_eq!(it.plan().pieces, kept);
}

#[test]
fn only_the_bad_pieces_are_written_again() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    whole(&store, "a", "x");
    let inside = disk.inside("gemscope");
    assert!(inside.damage("a.data", 7101) && inside.damage("a.data", 30_000));
    let bad = damaged(&reader(&store, "a"));
    assert_eq!(bad, [1, 4]);
    let it = block_on(store.reopen("a", &bad)).unwrap();
    assert_eq!(it.marks().into_keys().collect::<Vec<_>>(), [0, 2, 3, 5]);
    drop(it);
    // An interrupted repair goes on as any other writing.
    let it = writer(&store, "a", &plan("x"));
    assert_eq!(it.marks().len(), 4);
    assert!(damaged(&finish(it)).is_empty());
}

#[test]
fn trust_rises_and_is_kept() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let it = writer(&store, "a", &plan("x"));
    put(&it, 0, 0).unwrap();
    block_on(it.raise(0, Trust::File)).unwrap();
    block_on(it.raise(0, Trust::Manifest)).unwrap(); // less is not heard
    assert!(matches!(
        block_on(it.raise(1, Trust::File)),
        Err(StoreError::Piece { .. })
    ));
    block_on(it.sync()).unwrap();
    assert_eq!(reader(&store, "a").marks()[&0].trust, Trust::File);
    drop(finish(it));
    let lowest = || block_on(store.list()).unwrap()[0].trust;
    assert_eq!(lowest(), Some(Trust::Received));
    let it = block_on(store.reopen("a", &[])).unwrap();
    for piece in 1..N_PIECES {
        block_on(it.raise(piece, Trust::Manifest)).unwrap();
    }
    block_on(it.commit()).unwrap();
    assert_eq!(lowest(), Some(Trust::Manifest));
}

#[test]
fn removing_frees_all_of_it() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let empty = block_on(store.usage()).unwrap();
    whole(&store, "a", "x");
    let full = block_on(store.usage()).unwrap();
    assert_eq!(
        block_on(store.remove("a")).unwrap(),
        full.total_bytes - empty.total_bytes
    );
    assert_eq!(block_on(store.usage()).unwrap(), empty);
    assert!(block_on(store.reader("a")).unwrap().is_none());
    assert_eq!(block_on(store.remove("a")).unwrap(), 0);
}

#[test]
fn scratches_go_with_their_owner() {
    let disk = MemoryDisk::new(1);
    let first = store(&disk);
    let scratch = block_on(first.scratch("spill", 5000)).unwrap();
    block_on(scratch.write(10, &vec![1, 2].into())).unwrap();
    assert_eq!(block_on(scratch.read(9..12)).unwrap().into_vec(), [0, 1, 2]);
    let busy = block_on(first.scratch("spill", 5000)).err();
    assert!(matches!(busy, Some(StoreError::Busy { .. })));
    // Opened while its owner lives, a store leaves it alone; afterwards it takes it away.
    let second = store(&disk.tab());
    assert_eq!(block_on(second.usage()).unwrap().scratch_bytes, 5000);
    disk.close_tab();
    drop(scratch);
    assert_eq!(
        block_on(second.usage()).unwrap().scratch_bytes,
        5000,
        "a dead tab takes nothing away"
    );
    let third = store(&second_tab(&disk));
    assert_eq!(block_on(third.usage()).unwrap().scratch_bytes, 0);
}

fn second_tab(disk: &MemoryDisk) -> MemoryDisk {
    disk.tab()
}

#[test]
fn an_empty_blob_and_one_without_pieces_are_whole_at_once() {
    let store = store(&MemoryDisk::new(1));
    let mut empty = plan("x");
    empty.pieces.clear();
    let it = writer(&store, "gaps", &empty);
    assert!(block_on(it.commit()).unwrap().is_whole());
    empty.size_bytes = 0;
    let it = writer(&store, "empty", &empty);
    let it = block_on(it.commit()).unwrap();
    assert!(block_on(it.read(0..0)).unwrap().is_empty());
    assert_eq!(block_on(store.list()).unwrap()[0].trust, None);
}
