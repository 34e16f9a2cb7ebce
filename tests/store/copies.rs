//! Copies out of the store and into it: the same files, each piece checked, nothing trusted for being there.

use super::blobs::{N_PIECES, damaged, plan, put, reader, store, whole, writer};
use gemscope::{
    spec::Trust,
    store::{BlobState, Disk, MemoryDisk, StoreError},
    sys::block_on,
};

#[test]
fn a_blob_goes_out_and_comes_in_the_same() {
    let (ours, outside, theirs) = (
        store(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        store(&MemoryDisk::new(3)),
    );
    let it = whole(&ours, "a", "x");
    let all = block_on(it.read(0..it.size_bytes())).unwrap().into_vec();
    let mut told_bytes = 0;
    block_on(ours.export("a", &outside, |it| told_bytes += it)).unwrap();
    assert_eq!(told_bytes, it.size_bytes());
    let imported = block_on(theirs.import("a", &outside, Trust::File, |_| ())).unwrap();
    let got = imported.whole.expect("whole");
    assert_eq!((got.plan(), got.marks()), (it.plan(), it.marks()));
    assert_eq!(
        block_on(got.read(0..got.size_bytes())).unwrap().into_vec(),
        all
    );
    // Once more, over what is there.
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    assert!(
        block_on(theirs.import("a", &outside, Trust::File, |_| ()))
            .unwrap()
            .whole
            .is_some()
    );
}

#[test]
fn a_copy_counts_as_no_more_trustworthy_than_it_may() {
    let (ours, outside, theirs) = (
        store(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        store(&MemoryDisk::new(3)),
    );
    let it = writer(&ours, "a", &plan("x"));
    for piece in 0..N_PIECES {
        put(&it, piece, 0).unwrap();
        block_on(it.raise(piece, Trust::ALL[piece as usize % 3])).unwrap();
    }
    block_on(it.commit()).unwrap();
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    let imported = block_on(theirs.import("a", &outside, Trust::Manifest, |_| ())).unwrap();
    let levels: Vec<Trust> = imported
        .whole
        .unwrap()
        .marks()
        .values()
        .map(|it| it.trust)
        .collect();
    let (low, middle) = (Trust::Received, Trust::Manifest);
    assert_eq!(levels, [low, middle, middle, low, middle, middle]);
}

#[test]
fn damaged_pieces_of_a_copy_are_left_out() {
    let (ours, outside, theirs) = (
        store(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        store(&MemoryDisk::new(3)),
    );
    whole(&ours, "a", "x");
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    assert!(outside.damage("a.data", 100) && outside.damage("a.data", 21_100));
    let imported = block_on(theirs.import("a", &outside, Trust::File, |_| ())).unwrap();
    assert!(imported.whole.is_none());
    assert_eq!(imported.bad_pieces, [0, 3]);
    let kept = reader(&theirs, "a");
    assert!(kept.marks().len() == 4 && damaged(&kept).is_empty());
    // A better copy fills in what is missing.
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    let imported = block_on(theirs.import("a", &outside, Trust::File, |_| ())).unwrap();
    assert!(damaged(&imported.whole.unwrap()).is_empty());
}

#[test]
fn copies_without_a_true_record_are_refused() {
    let (ours, outside, theirs) = (
        store(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        store(&MemoryDisk::new(3)),
    );
    let import = |key: &str| block_on(theirs.import(key, &outside, Trust::File, |_| ())).err();
    assert!(matches!(import("a"), Some(StoreError::Damaged { .. })));
    assert!(matches!(import("../a"), Some(StoreError::Key { .. })));
    whole(&ours, "a", "x");
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    outside.damage("a.record", 200);
    assert!(matches!(import("a"), Some(StoreError::Damaged { .. })));
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    outside.insert("a.data", &[0; 100]);
    assert!(matches!(import("a"), Some(StoreError::Damaged { .. })));
    assert!(block_on(theirs.list()).unwrap().is_empty());
}

#[test]
fn only_what_is_whole_goes_out_and_only_where_there_is_room() {
    let (ours, outside) = (store(&MemoryDisk::new(1)), MemoryDisk::new(2));
    let export = |key: &str| block_on(ours.export(key, &outside, |_| ())).err();
    assert!(matches!(export("a"), Some(StoreError::Missing { .. })));
    drop(writer(&ours, "a", &plan("x")));
    assert!(matches!(
        export("a"),
        Some(StoreError::Unfinished { n_missing: 6, .. })
    ));
    whole(&ours, "a", "x");
    outside.set_quota(10_000);
    assert!(matches!(export("a"), Some(StoreError::NoRoom { .. })));
    assert!(
        block_on(outside.list()).unwrap().is_empty(),
        "nothing half-made is left"
    );
    let lists = block_on(ours.list()).unwrap();
    assert_eq!(lists[0].state, BlobState::Whole);
}

#[test]
fn an_interrupted_import_goes_on() {
    let (ours, outside, mut disk) = (
        store(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        MemoryDisk::new(3),
    );
    whole(&ours, "a", "x");
    block_on(ours.export("a", &outside, |_| ())).unwrap();
    let theirs = super::blobs::open(&disk, 1).unwrap();
    disk.fail_write(14, gemscope::store::WriteFault::Error);
    let failed = block_on(theirs.import("a", &outside, Trust::File, |_| ())).err();
    assert!(matches!(failed, Some(StoreError::Io { .. })));
    disk.crash();
    let theirs = store(&disk);
    assert!(!reader(&theirs, "a").marks().is_empty());
    let imported = block_on(theirs.import("a", &outside, Trust::File, |_| ())).unwrap();
    assert!(damaged(&imported.whole.unwrap()).is_empty());
}
