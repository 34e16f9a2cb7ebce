//! Names, plans, writes and files that are wrong: each is refused or does not count, and says what can be done.

use super::blobs::{N_PIECES, bytes, damaged, finish, plan, put, store, whole, writer};
use gemscope::{
    store::{Begin, BlobState, Disk, Mark, MemoryDisk, StoreError},
    sys::block_on,
};

#[test]
fn keys_that_are_no_file_names_are_refused_everywhere() {
    let store = store(&MemoryDisk::new(1));
    for key in [
        "",
        "..",
        "../a",
        "a/b",
        "A",
        ".hidden",
        "a b",
        "a\0",
        &"k".repeat(101),
    ] {
        let errors = [
            block_on(store.begin(key, plan("x"))).err(),
            block_on(store.reader(key)).err(),
            block_on(store.remove(key)).err(),
            block_on(store.reopen(key, &[])).err(),
            block_on(store.scratch(key, 1)).err(),
            block_on(store.export(key, &MemoryDisk::new(1), |_| ())).err(),
        ];
        for it in errors {
            assert!(
                matches!(it, Some(StoreError::Key { .. })),
                "{key:?}: {it:?}"
            );
        }
    }
}

#[test]
fn plans_whose_pieces_do_not_fit_are_refused_and_leave_nothing() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let mut overlapping = plan("x");
    overlapping.pieces[1] = vec![0..200];
    let mut outside = plan("x");
    outside.pieces[5].push(43_000..43_211);
    for wrong in [overlapping, outside] {
        let error = block_on(store.begin("a", wrong)).err().unwrap();
        assert!(matches!(error, StoreError::Plan { .. }), "{error}");
    }
    assert!(block_on(store.list()).unwrap().is_empty());
}

#[test]
fn a_writer_refuses_what_would_make_its_marks_lies() {
    let store = store(&MemoryDisk::new(1));
    let it = writer(&store, "a", &plan("x"));
    let mark = put(&it, 1, 0).unwrap();
    let write = |at: u64, n_bytes| block_on(it.write(at, &bytes(at, n_bytes, 9)));
    assert!(matches!(
        write(7099, 2),
        Err(StoreError::Kept { piece: 1, .. })
    ));
    assert!(matches!(
        write(12_099, 1),
        Err(StoreError::Kept { piece: 1, .. })
    ));
    assert!(write(12_100, 1).is_ok() && write(7099, 1).is_ok());
    assert!(matches!(write(43_209, 2), Err(StoreError::Range { .. })));
    assert!(matches!(write(u64::MAX, 2), Err(StoreError::Range { .. })));
    assert!(block_on(it.mark(1, mark)).is_ok(), "the same again");
    let other = Mark {
        packed: [0; 32],
        ..mark
    };
    assert!(matches!(
        block_on(it.mark(1, other)),
        Err(StoreError::Kept { .. })
    ));
    assert!(matches!(
        block_on(it.mark(N_PIECES, mark)),
        Err(StoreError::Piece { .. })
    ));
    assert!(matches!(
        block_on(it.forget(0)),
        Err(StoreError::Piece { .. })
    ));
    block_on(it.forget(1)).unwrap();
    assert!(write(7100, 10).is_ok());
    drop(it);
    let nothing = block_on(store.reopen("b", &[])).err();
    assert!(matches!(nothing, Some(StoreError::Missing { .. })));
    let no_piece = block_on(store.reopen("a", &[3])).err();
    assert!(matches!(no_piece, Some(StoreError::Piece { piece: 3, .. })));
}

/// Every byte of the record, changed one at a time: the record does not count, the journal does, nothing is lost.
#[test]
fn a_damaged_record_does_not_count() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    drop(whole(&store, "a", "x"));
    let inside = disk.inside("gemscope");
    let record = inside.file("a.record").unwrap();
    let state = || block_on(store.list()).unwrap()[0].state;
    assert_eq!(state(), BlobState::Whole);
    for at in 0..record.len() {
        inside.damage("a.record", at as u64);
        assert!(matches!(state(), BlobState::Partial { .. }), "byte {at}");
        inside.insert("a.record", &record);
    }
    for n_bytes in 0..record.len() {
        inside.insert("a.record", &record[..n_bytes]);
        assert!(
            matches!(state(), BlobState::Partial { .. }),
            "{n_bytes} bytes"
        );
    }
    assert_eq!(
        writer(&store, "a", &plan("x")).marks().len() as u32,
        N_PIECES
    );
}

/// Every byte of the journal: what lies before it counts, what it belongs to and all behind does not.
#[test]
fn a_damaged_journal_counts_up_to_the_damage() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let it = writer(&store, "a", &plan("x"));
    for piece in 0..3 {
        put(&it, piece, 0).unwrap();
        block_on(it.sync()).unwrap();
    }
    drop(it);
    let inside = disk.inside("gemscope");
    let journal = inside.file("a.journal").unwrap();
    let n_marks = || {
        block_on(store.reader("a")).unwrap().map(|it| {
            assert!(damaged(&it).is_empty());
            it.marks().len()
        })
    };
    assert_eq!(n_marks(), Some(3));
    let mut before = Some(0);
    let end = journal.iter().rposition(|&it| it != 0).unwrap();
    for at in 0..=end {
        inside.damage("a.journal", at as u64);
        let now = n_marks();
        assert!(
            now >= before.filter(|it| *it > 0) && now < Some(3),
            "byte {at}: {now:?} after {before:?}"
        );
        before = now.or(before);
        inside.insert("a.journal", &journal[..at]);
        assert_eq!(n_marks(), now, "cut at {at}");
        inside.insert("a.journal", &journal);
    }
    assert_eq!(before, Some(2), "the last entry alone was lost");
}

#[test]
fn what_is_torn_off_a_journal_is_cut_off_before_it_is_written_on() {
    let disk = MemoryDisk::new(1);
    let store = store(&disk);
    let it = writer(&store, "a", &plan("x"));
    for piece in 0..3 {
        put(&it, piece, 0).unwrap();
    }
    block_on(it.sync()).unwrap();
    drop(it);
    let inside = disk.inside("gemscope");
    let journal = inside.file("a.journal").unwrap();
    let end = journal.iter().rposition(|&it| it != 0).unwrap();
    inside.damage("a.journal", end as u64 - 90); // in the last but one
    let it = writer(&store, "a", &plan("x"));
    assert_eq!(it.marks().len(), 1);
    drop(it);
    let cut = inside.file("a.journal").unwrap();
    assert!(cut[end - 150..].iter().all(|it| *it == 0));
}

#[test]
fn data_of_another_size_is_nothing() {
    for (n_bytes, whole) in [
        (0, true),
        (43_209, true),
        (43_211, true),
        (43_209, false),
        (43_211, false),
    ] {
        let disk = MemoryDisk::new(1);
        let first = store(&disk);
        let it = writer(&first, "a", &plan("x"));
        put(&it, 0, 0).unwrap();
        match whole {
            true => drop(finish(it)),
            false => block_on(it.sync()).unwrap(),
        }
        disk.close_tab();
        let inside = disk.tab().inside("gemscope");
        inside.insert("a.data", &vec![0; n_bytes]);
        let store = store(&disk.tab());
        assert!(block_on(store.list()).unwrap().is_empty(), "{n_bytes}");
        assert_eq!(
            inside.file("a.journal"),
            None,
            "what says nothing is taken away"
        );
        assert!(writer(&store, "a", &plan("x")).marks().is_empty());
    }
}

#[test]
fn a_crash_while_removing_never_leaves_a_record_or_a_journal_without_data() {
    let mut n_left = 0;
    for seed in 0..60 {
        let mut disk = MemoryDisk::new(seed);
        let first = store(&disk);
        drop(whole(&first, "a", "x"));
        block_on(first.remove("a")).unwrap();
        disk.crash();
        let inside = disk.inside("gemscope");
        let there =
            [".record", ".journal", ".data"].map(|it| inside.file(&format!("a{it}")).is_some());
        assert!(there.is_sorted(), "{there:?}");
        n_left += usize::from(there == [false, true, true]);
    }
    assert!(n_left > 3, "crashes fell between the removals");
}

#[test]
fn files_that_are_none_of_ours_are_left_alone() {
    let disk = MemoryDisk::new(1);
    drop(store(&disk));
    let inside = disk.inside("gemscope");
    for name in ["notes.txt", "Gemma.data", ".record"] {
        inside.insert(name, b"x");
    }
    let store = store(&disk);
    finish(writer(&store, "a", &plan("x")));
    assert!(matches!(
        block_on(store.begin("a", plan("x"))).unwrap(),
        Begin::Whole(_)
    ));
    let names = block_on(inside.list()).unwrap();
    assert_eq!(names.iter().filter(|it| it.1 == 1).count(), 3, "{names:?}");
}

#[test]
fn every_error_says_what_can_be_done() {
    for it in errors_of_disks().into_iter().chain(errors_of_blobs()) {
        let remedy = it.remedy();
        assert!(remedy.ends_with('.') && remedy.len() > 20, "{it}: {remedy}");
    }
}

fn errors_of_disks() -> Vec<StoreError> {
    let x = || "x".to_string();
    let (file, place, found) = (x, x, x);
    vec![
        StoreError::NoRoom {
            file: file(),
            place: place(),
            missing_bytes: 77,
        },
        StoreError::Private { detail: x() },
        StoreError::NoOpfs,
        StoreError::Missing {
            file: file(),
            place: place(),
        },
        StoreError::Io {
            file: file(),
            source: std::io::Error::other("x"),
        },
        StoreError::Range {
            file: file(),
            wanted: 1..2,
            size_bytes: 1,
        },
        StoreError::Length {
            file: file(),
            wanted_bytes: 2,
            got_bytes: 1,
        },
        StoreError::Memory {
            file: file(),
            size_bytes: 1,
        },
        StoreError::Version {
            place: place(),
            found: found(),
        },
    ]
}

fn errors_of_blobs() -> Vec<StoreError> {
    let x = || "x".to_string();
    let (key, detail) = (x, x);
    vec![
        StoreError::Key { key: key() },
        StoreError::Plan {
            key: key(),
            detail: detail(),
        },
        StoreError::Busy { key: key() },
        StoreError::NotHere {
            key: key(),
            wanted: 1..2,
        },
        StoreError::Kept {
            key: key(),
            piece: 1,
        },
        StoreError::Piece {
            key: key(),
            piece: 1,
            n_pieces: 1,
        },
        StoreError::Unfinished {
            key: key(),
            n_missing: 1,
        },
        StoreError::Damaged {
            key: key(),
            place: x(),
            detail: detail(),
        },
    ]
}
