//! Two programs at one disk, a disk without room, damage on the disk.

use super::{
    kills::{Chance, fetch_until, throttled},
    sets::{self, OPENING},
    world::{Expected, World},
};
use futures_util::future::join;
use gemscope::{
    spec::{Precision, Trust},
    store::{Store, StoreConfig, StoreError},
    sys::Stop,
    weights::{
        WeightsError,
        library::{FetchControl, LibraryError, Manifest},
    },
};
use std::{rc::Rc, task::Poll};

#[test]
fn two_tabs_fetch_nothing_twice_and_both_end_with_the_whole() {
    for precision in [Precision::Reference, Precision::Compact] {
        let expected = Expected::of(|it| it.plain(precision));
        let alone = World::new();
        alone.fetch(&alone.plain(precision)).expect("a set");
        let world = World::new();
        let set = world.plain(precision);
        let tab = world.disk.tab();
        let (one, other) = world.run(async {
            let libraries = (world.library().await, world.library_on(&tab).await);
            let control = FetchControl::new(Stop::default());
            let request = sets::request(set.clone());
            let (mut told, mut told_too) = (|_| (), |_| ());
            let one = libraries
                .0
                .fetch_with(&request, None, &OPENING, &control, &mut told);
            let other = libraries
                .1
                .fetch_with(&request, None, &OPENING, &control, &mut told_too);
            join(one, other).await
        });
        assert_eq!(one.expect("whole").trust, Trust::File);
        assert_eq!(other.expect("whole").trust, Trust::File);
        assert_eq!(world.served_twice(), alone.served_twice());
        world.assert_whole(&set, &expected);
    }
}

#[test]
fn a_tab_takes_over_from_one_that_dies() {
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let mut chance = Chance(5);
    for _ in 0..4 {
        let world = World::new();
        let set = world.plain(Precision::Compact);
        let tab = world.disk.tab();
        let n_polls = 20 + chance.below(300);
        let fetched = world.run(async {
            let dies = world.library_on(&tab).await;
            let lives = world.library().await;
            let control = FetchControl::new(Stop::default());
            let request = sets::request(set.clone());
            let (mut told, mut told_too) = (|_| (), |_| ());
            let mut first =
                Box::pin(dies.fetch_with(&request, None, &OPENING, &control, &mut told));
            let mut n = 0;
            let dying = std::future::poll_fn(|context| {
                n += 1;
                let done = first.as_mut().poll(context).is_ready() || n >= n_polls;
                if done { Poll::Ready(()) } else { Poll::Pending }
            });
            let second = lives.fetch_with(&request, None, &OPENING, &control, &mut told_too);
            let dying = async {
                dying.await;
                tab.close_tab();
            };
            join(dying, second).await.1
        });
        fetched.expect("taken over");
        world.assert_whole(&set, &expected);
    }
}

#[test]
fn what_another_tab_removes_meanwhile_is_told_and_comes_again() {
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let mut chance = Chance(9);
    let whole = throttled();
    let (most_polls, _) = fetch_until(&whole, &whole.plain(Precision::Compact), u64::MAX);
    let mut n_told = 0;
    for _ in 0..24 {
        let world = throttled();
        let set = world.plain(Precision::Compact);
        let tab = world.disk.tab();
        let n_polls = 1 + chance.below(most_polls);
        world.run(async {
            let (fetches, removes) = (world.library().await, world.library_on(&tab).await);
            let control = FetchControl::new(Stop::default());
            let request = sets::request(set.clone());
            let mut told = |_| ();
            let mut fetching =
                Box::pin(fetches.fetch_with(&request, None, &OPENING, &control, &mut told));
            let mut n = 0;
            let early = std::future::poll_fn(|context| {
                n += 1;
                match fetching.as_mut().poll(context) {
                    Poll::Pending if n < n_polls => Poll::Pending,
                    Poll::Pending => Poll::Ready(None),
                    Poll::Ready(it) => Poll::Ready(Some(it)),
                }
            });
            let early = early.await;
            for it in removes.store().list().await.expect("a list") {
                // What is being written stays.
                let _ = removes.store().remove(&it.key).await;
            }
            let fetched = match early {
                Some(it) => it,
                None => fetching.await,
            };
            if let Err(it) = fetched {
                n_told += 1;
                let is_told = matches!(
                    it,
                    WeightsError::Library(LibraryError::Removed { .. })
                        | WeightsError::Store(StoreError::Missing { .. })
                );
                assert!(is_told, "{it}");
            }
            let mut told = |_| ();
            let again = fetches.fetch_with(&request, None, &OPENING, &control, &mut told);
            again.await.unwrap_or_else(|it| panic!("{it}"));
        });
        world.assert_whole(&set, &expected);
    }
    assert!(n_told > 0);
}

#[test]
fn a_full_disk_keeps_what_is_there_and_says_what_is_missing() {
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let total: u64 = expected.0.values().map(|it| it.len() as u64).sum();
    for tenths in [2, 5, 9] {
        let world = World::new();
        let set = world.plain(Precision::Compact);
        world.disk.set_quota(60_000 + total * tenths / 10);
        let error = world.fetch(&set).expect_err("no room");
        let is_no_room = matches!(
            error,
            WeightsError::Library(LibraryError::NoRoom { missing_bytes, .. }) if missing_bytes > 0 && missing_bytes <= 2 * total
        );
        assert!(is_no_room, "{tenths}: {error}");
        let before = world.kept(&set).missing();
        assert!(!before.is_empty());
        world.disk.set_quota(u64::MAX);
        world.fetch(&set).expect("room");
        world.assert_whole(&set, &expected);
    }
}

#[test]
fn without_room_for_what_waits_everything_is_proven_all_the_same() {
    let alone = World::new();
    let set = alone.plain(Precision::Compact);
    alone.fetch(&set).expect("a set");
    let expected = Expected(alone.bytes());
    let used_bytes = alone.run(async {
        let usage = alone.library().await.store().usage().await;
        usage.expect("a number").total_bytes
    });
    let world = World::new();
    // Notes are written beside the older ones before these go.
    world.disk.set_quota(used_bytes + (30 << 10));
    let fetched = world.fetch(&set).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(fetched.trust, Trust::File);
    world.assert_whole(&set, &expected);
    assert!(world.served_twice() > alone.served_twice());
}

#[test]
fn a_damaged_piece_that_was_forgotten_is_fetched_alone_and_proven_at_once() {
    let world = World::new();
    let set = world.plain(Precision::Compact);
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    world.fetch(&set).expect("a set");
    let key = expected
        .0
        .keys()
        .find(|it| it.contains("mlp.1"))
        .expect("a part");
    let file = format!("{key}.data");
    assert!(world.disk.inside("gemscope").damage(&file, 100));
    world.run(async {
        let store = Store::open(Rc::new(world.disk.clone()), StoreConfig::default()).await;
        let store = store.expect("a store");
        let reader = store.reader(key).await.expect("a reader").expect("a part");
        let bad = reader.damaged(|_| ()).await.expect("verified");
        assert_eq!(bad.len(), 1);
        drop(reader);
        drop(store.reopen(key, &bad).await.expect("a writer"));
    });
    world.hub.clear_log();
    world.fetch(&set).expect("repaired");
    let sent: u64 = world.data_log().iter().map(|it| it.bytes_sent).sum();
    assert!(sent <= world.config.piece_bytes as u64, "{sent}");
    world.assert_whole(&set, &expected);
}

#[test]
fn damage_before_a_file_is_proven_is_found_and_that_piece_fetched_again() {
    let expected = Expected::of(|it| it.plain(Precision::Reference));
    let key = expected
        .0
        .keys()
        .find(|it| it.contains("encoder.0"))
        .expect("a part");
    for n_polls in (10..).step_by(10) {
        assert!(
            n_polls < 1000,
            "the encoder is never there before the decoder"
        );
        let mut world = throttled();
        let set = world.plain(Precision::Reference);
        fetch_until(&world, &set, n_polls);
        world.disk.crash();
        let parts = world.parts();
        if parts
            .get(key)
            .is_none_or(|it| it.is_none_or(|it| it == Trust::File))
        {
            continue;
        }
        assert!(
            world
                .disk
                .inside("gemscope")
                .damage(&format!("{key}.data"), 3)
        );
        fetch_until(&world, &set, u64::MAX);
        world.assert_whole(&set, &expected);
        return;
    }
}

#[test]
fn pieces_in_a_manifest_are_proven_as_they_come() {
    let world = World::new();
    let set = world.plain(Precision::Compact);
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let piece_bytes = world.config.piece_bytes as u64;
    let manifest = world.run(async {
        let mut merged = Manifest::default();
        for repo in [sets::MODEL, sets::TRANSCODERS] {
            let mut memory = gemscope::hub::Memory::default();
            for (name, bytes) in sets::files(repo) {
                memory.insert(&name, bytes.to_vec());
            }
            let stop = Stop::default();
            let mut on = |_, _| ();
            let made = Manifest::make_in_pieces(&memory, piece_bytes, (&mut on, &stop));
            merged = merged.merged(made.await.expect("a manifest"));
        }
        merged
    });
    let fetched = world.fetch_as(&sets::request(set.clone()), Some(manifest), &mut |_| ());
    assert_eq!(fetched.expect("a set").trust, Trust::Manifest);
    world.assert_whole(&set, &expected);
}
