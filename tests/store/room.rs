//! Full disks and disks that fail: an ordinary state that keeps what is there and says how much is missing.

use super::blobs::{N_PIECES, damaged, finish, open, plan, put, reader, store, whole, writer};
use gemscope::{
    store::{Begin, BlobInfo, BlobState, Disk, MemoryDisk, Store, StoreError, WriteFault},
    sys::block_on,
};

fn missing_bytes(error: &StoreError) -> u64 {
    match error {
        StoreError::NoRoom { missing_bytes, .. } => *missing_bytes,
        it => panic!("not a full disk: {it}"),
    }
}

#[test]
fn room_is_found_missing_before_the_first_byte() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    whole(&store, "a", "x");
    let before = block_on(disk.inside("gemscope").list()).unwrap();
    let used_bytes: u64 = before.iter().map(|it| it.1).sum();
    disk.set_quota(used_bytes + 20_000);
    let error = block_on(store.begin("b", plan("x"))).err().unwrap();
    let missing = missing_bytes(&error);
    assert!(missing == 23_210, "{missing}");
    assert_eq!(
        block_on(disk.inside("gemscope").list()).unwrap(),
        before,
        "nothing of it is left"
    );
    assert!(damaged(&reader(&store, "a")).is_empty());
    assert_eq!(block_on(store.room_bytes()), Some(20_000));
    // Neither is there room for a scratch, and nothing of that is left either.
    missing_bytes(&block_on(store.scratch("s", 30_000)).err().unwrap());
    assert_eq!(block_on(disk.inside("gemscope").list()).unwrap(), before);
    // With room enough, also for the journal and the record, nothing more is asked for until it is whole.
    disk.set_quota(used_bytes + 43_210 + 10_000);
    let it = writer(&store, "b", &plan("x"));
    let now_bytes: u64 = block_on(disk.inside("gemscope").list())
        .unwrap()
        .iter()
        .map(|it| it.1)
        .sum();
    disk.set_quota(now_bytes);
    assert!(damaged(&finish(it)).is_empty());
}

/// Every write of a blob's life goes wrong once, in either way: what was synced stays, and trying again goes on.
#[test]
fn a_write_that_fails_loses_nothing_that_was_synced() {
    for how in [WriteFault::Error, WriteFault::Short] {
        let mut n_failed = 0;
        for after in 0.. {
            let mut disk = MemoryDisk::new(u64::from(after));
            drop(store(&disk));
            disk.fail_write(after, how);
            let first = store(&disk);
            let synced = attempt(&first);
            disk.crash();
            let second = store(&disk);
            let there = block_on(second.reader("a")).unwrap();
            let there = there.map_or(0, |it| {
                assert!(damaged(&it).is_empty(), "{how:?} after {after}");
                it.marks().len()
            });
            assert!(
                there >= synced.min(N_PIECES as usize),
                "{how:?} after {after}: {there} of {synced}"
            );
            if synced == N_PIECES as usize + 1 {
                break;
            }
            n_failed += 1;
            // A record whose flush failed may have come through.
            let done = match block_on(second.begin("a", plan("x"))).unwrap() {
                Begin::Whole(it) => it,
                Begin::Writer(it) => finish(it),
                Begin::Busy => panic!("no one is left who writes"),
            };
            assert!(done.is_whole() && damaged(&done).is_empty());
        }
        assert!(n_failed >= 30, "{how:?}: {n_failed} writes could fail");
    }
}

/// How many pieces were synced before the fault; one more when there was none.
fn attempt(store: &Store) -> usize {
    let mut synced = 0;
    let mut tried = || -> Result<(), StoreError> {
        let Begin::Writer(it) = block_on(store.begin("a", plan("x")))? else {
            panic!("nothing is there");
        };
        for piece in 0..N_PIECES {
            put(&it, piece, 0)?;
            block_on(it.sync())?;
            synced += 1;
        }
        block_on(it.commit()).map(drop)
    };
    match tried() {
        Ok(()) => synced + 1,
        Err(it) => {
            assert!(
                matches!(it, StoreError::Io { .. } | StoreError::NoRoom { .. }),
                "{it}"
            );
            synced
        }
    }
}

#[test]
fn a_sync_that_fails_can_be_tried_again() {
    let mut disk = MemoryDisk::new(7);
    let first = store(&disk);
    let it = writer(&first, "a", &plan("x"));
    put(&it, 0, 0).unwrap();
    disk.fail_write(0, WriteFault::Short);
    assert!(block_on(it.sync()).is_err());
    put(&it, 1, 0).unwrap();
    block_on(it.sync()).unwrap();
    // A piece whose forgetting fails is still there, and may not be written over.
    disk.fail_write(0, WriteFault::Error);
    assert!(block_on(it.forget(0)).is_err());
    assert!(matches!(put(&it, 0, 5), Err(StoreError::Kept { .. })));
    block_on(it.sync()).unwrap();
    disk.crash();
    let second = store(&disk);
    assert_eq!(reader(&second, "a").marks().len(), 2);
    assert!(damaged(&reader(&second, "a")).is_empty());
}

#[test]
fn writers_are_synced_when_enough_is_marked_in_all() {
    let mut disk = MemoryDisk::new(3);
    let first = open(&disk, 12_000).unwrap();
    let (a, b) = (
        writer(&first, "a", &plan("x")),
        writer(&first, "b", &plan("x")),
    );
    put(&a, 1, 0).unwrap(); // 5000
    put(&b, 1, 0).unwrap(); // 10000
    let done = |store: &Store| {
        let done = |it: &BlobInfo| match it.state {
            BlobState::Partial { done_bytes } => done_bytes,
            BlobState::Whole => panic!("whole"),
        };
        block_on(store.list())
            .unwrap()
            .iter()
            .map(done)
            .collect::<Vec<_>>()
    };
    assert_eq!(done(&first), [0, 0]);
    put(&a, 3, 0).unwrap(); // 15000
    put(&b, 3, 0).unwrap();
    disk.crash();
    assert_eq!(done(&store(&disk)), [10_000, 5000]);
}

/// A dead writer's last word was seen and never flushed: whoever goes on from it must not build on what a crash takes back.
#[test]
fn what_a_dead_writer_left_unflushed_is_flushed_before_it_is_relied_on() {
    for seed in 0..40 {
        let mut disk = MemoryDisk::new(seed);
        let first = store(&disk);
        let it = writer(&first, "a", &plan("x"));
        put(&it, 0, 0).unwrap();
        block_on(it.sync()).unwrap();
        put(&it, 1, 0).unwrap();
        // The payload's flush and the journal's write succeed, the journal's flush does not.
        disk.fail_write(2, WriteFault::Error);
        assert!(block_on(it.forget(0)).is_err());
        drop(it);
        let it = writer(&first, "a", &plan("x"));
        assert_eq!(it.marks().into_keys().collect::<Vec<_>>(), [1]);
        put(&it, 0, 1).unwrap();
        disk.crash();
        let there = reader(&store(&disk), "a");
        assert!(damaged(&there).is_empty(), "seed {seed}");
        assert!(there.marks().contains_key(&1), "seed {seed}");
    }
}

#[test]
fn a_record_that_was_never_flushed_is_flushed_before_the_journal_goes() {
    let mut n_tried = 0;
    for (seed, after) in (0..10).flat_map(|seed| (0..6).map(move |after| (seed, after))) {
        let mut disk = MemoryDisk::new(seed);
        let first = store(&disk);
        let it = writer(&first, "a", &plan("x"));
        for piece in 0..N_PIECES {
            put(&it, piece, 0).unwrap();
        }
        block_on(it.sync()).unwrap();
        // The payload's flush, the record's write and its size succeed, its flush does not.
        disk.fail_write(3, WriteFault::Error);
        assert!(block_on(it.commit()).is_err());
        disk.fail_write(after, WriteFault::Error);
        n_tried += usize::from(block_on(first.reopen("a", &[])).is_err());
        disk.crash();
        let there = reader(&store(&disk), "a");
        assert!(
            there.is_whole() && damaged(&there).is_empty(),
            "seed {seed}, after {after}"
        );
    }
    assert!(n_tried >= 40, "{n_tried} failed");
}
