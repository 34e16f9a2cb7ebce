//! Programs that die at any moment, with what was not flushed: the next one goes on, fetches little again and proves everything.

use super::{
    sets::{self, OPENING},
    world::{Expected, World},
};
use gemscope::{
    spec::{OpenRequest, Precision},
    sys::Stop,
    weights::library::FetchControl,
};
use std::{future::poll_fn, pin::pin, task::Poll};
use xtask::hub::Config;

/// Chunks of so many bytes a second are a piece large at most.
const BYTES_PER_SECOND: u64 = 240_000;

/// A counter with a finalising hash. Source: splitmix64.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % n
    }
}

/// Fetches until it has been polled so often, then dies. How often it was polled, and whether it came to its end.
pub fn fetch_until(world: &World, set: &OpenRequest, n_polls: u64) -> (u64, bool) {
    world.run(async {
        let library = world.library().await;
        let control = FetchControl::new(Stop::default());
        let request = sets::request(set.clone());
        let mut told = |_| ();
        let mut fetch = pin!(library.fetch_with(&request, None, &OPENING, &control, &mut told));
        let mut n = 0;
        poll_fn(|context| {
            if n == n_polls {
                return Poll::Ready((n, false));
            }
            n += 1;
            fetch.as_mut().poll(context).map(|it| {
                it.unwrap_or_else(|it| panic!("{it}"));
                (n, true)
            })
        })
        .await
    })
}

/// A Hub whose chunks are small, so that what a broken request costs is too.
pub fn throttled() -> World {
    World::of(Config {
        throttle_bytes_per_second: Some(BYTES_PER_SECOND),
        ..Config::new(sets::repos())
    })
}

#[test]
fn a_killed_fetch_goes_on_with_what_was_written_down() {
    for precision in [Precision::Reference, Precision::Precise, Precision::Compact] {
        let expected = Expected::of(|it| it.plain(precision));
        let whole = throttled();
        let set = whole.plain(precision);
        let (n_polls, _) = fetch_until(&whole, &set, u64::MAX);
        let twice_anyway = whole.served_twice();
        let mut chance = Chance(precision as u64);
        for _ in 0..30 {
            let mut world = throttled();
            let set = world.plain(precision);
            let (_, ended) = fetch_until(&world, &set, chance.below(n_polls));
            assert!(!ended);
            world.disk.crash();
            fetch_until(&world, &set, u64::MAX);
            world.assert_whole(&set, &expected);
            let config = &world.config;
            // Of each open request a piece, and of those a chunk that was on its way.
            let piece_bytes = config.piece_bytes as u64 + BYTES_PER_SECOND / 20;
            let allowed = config.journal_bytes + config.in_flight as u64 * piece_bytes;
            let twice = world.served_twice();
            assert!(
                twice <= twice_anyway + allowed,
                "{precision}: {twice} {twice_anyway} {allowed}"
            );
        }
    }
}

#[test]
fn a_fetch_that_is_killed_over_and_over_comes_to_its_end() {
    for (seed, precision) in [(1, Precision::Compact), (2, Precision::Precise)] {
        let expected = Expected::of(|it| it.plain(precision));
        let mut world = throttled();
        let set = world.plain(precision);
        let mut chance = Chance(seed);
        let mut n_killed = 0;
        while !fetch_until(&world, &set, 5 + chance.below(60)).1 {
            world.disk.crash();
            n_killed += 1;
            assert!(n_killed < 400, "it makes no progress");
        }
        assert!(n_killed > 3, "{n_killed}");
        world.assert_whole(&set, &expected);
    }
}

#[test]
fn a_fetch_that_is_stopped_keeps_what_has_arrived() {
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let whole = throttled();
    fetch_until(&whole, &whole.plain(Precision::Compact), u64::MAX);
    let twice_anyway = whole.served_twice();
    let mut chance = Chance(9);
    for _ in 0..6 {
        let world = throttled();
        let set = world.plain(Precision::Compact);
        let after_millis = 200.0 + chance.below(2500) as f64;
        let stop = Stop::default();
        let control = FetchControl::new(stop.clone());
        let error = world.run(async {
            let library = world.library().await;
            let request = sets::request(set.clone());
            let mut told = |_| ();
            let fetch = library.fetch_with(&request, None, &OPENING, &control, &mut told);
            let stopping = async {
                xtask::hub::Clock::sleep(&world.clock, after_millis).await;
                stop.set();
                control.wake();
            };
            futures_util::future::join(fetch, stopping).await.0
        });
        assert!(error.is_err());
        let before = world.data_log().iter().map(|it| it.bytes_sent).sum::<u64>();
        fetch_until(&world, &set, u64::MAX);
        world.assert_whole(&set, &expected);
        let piece_bytes = world.config.piece_bytes as u64 + BYTES_PER_SECOND / 20;
        let most = twice_anyway + world.config.in_flight as u64 * piece_bytes;
        let twice = world.served_twice();
        assert!(twice <= most, "{before} {twice} {twice_anyway}");
    }
}
