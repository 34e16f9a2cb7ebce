//! Random schedules of faults, pauses, stops, deaths, tabs and priorities: the store is never corrupted, and comes to the same end.

use super::{
    kills::{Chance, throttled},
    sets::{self, OPENING},
    world::{Expected, World},
};
use futures_util::future::join;
use gemscope::{
    spec::{OpenRequest, Precision},
    store::MemoryDisk,
    sys::Stop,
    weights::library::FetchControl,
};
use std::{future::poll_fn, pin::Pin, task::Poll};

/// Schedules in the test command; `GEMSCOPE_SCHEDULES` asks for more.
const N_SCHEDULES: u64 = 6;
const FAULTS: &[&str] = &[
    "cut:5000@/#3x2",
    "stall:3000@params#2",
    "status:503@/#2x2",
    "expired@/#2x2",
    "short:700@/#3",
    "long:900@/#3",
    "shifted:10@/#4",
    "flip:150000@model.safetensors#x1",
    "flip:70000@layer_1#x1",
    "no-range@/#5",
];

/// One program's part: it fetches, is paused and asked for layers now and then, and dies or is stopped or ends.
async fn program(world: &World, disk: &MemoryDisk, set: &OpenRequest, mut chance: Chance) {
    let library = world.library_on(disk).await;
    let stop = Stop::default();
    let control = FetchControl::new(stop.clone());
    let request = sets::request(set.clone());
    let n_polls = 10 + chance.below(250);
    let mut told = |_| ();
    let mut fetch: Pin<Box<_>> =
        Box::pin(library.fetch_with(&request, None, &OPENING, &control, &mut told));
    let mut n = 0;
    let fetching = poll_fn(|context| {
        n += 1;
        match fetch.as_mut().poll(context).is_ready() || n >= n_polls {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    });
    let meddling = async {
        for _ in 0..3 {
            let millis = 100.0 + chance.below(600) as f64;
            xtask::hub::Clock::sleep(&world.clock, millis).await;
            match chance.below(4) {
                0 => control.prioritise(chance.below(2) as usize),
                1 => control.pause(true),
                2 => control.pause(false),
                _ => {
                    stop.set();
                    control.wake();
                }
            }
        }
        control.pause(false);
        stop.set();
        control.wake();
    };
    join(fetching, meddling).await;
}

fn schedule(seed: u64, expected: &[(Precision, Expected)]) {
    let mut chance = Chance(seed);
    let (precision, expected) = &expected[chance.below(3) as usize];
    let mut world = throttled();
    let set = world.plain(*precision);
    for _ in 0..4 {
        let rules: Vec<&str> = (0..chance.below(3))
            .map(|_| FAULTS[chance.below(FAULTS.len() as u64) as usize])
            .collect();
        world.faults(&rules);
        let tab = world.disk.tab();
        let (one, other) = (Chance(chance.below(1 << 40)), Chance(chance.below(1 << 40)));
        match chance.below(2) {
            0 => world.run(program(&world, &world.disk, &set, one)),
            _ => drop(world.run(join(
                program(&world, &world.disk, &set, one),
                program(&world, &tab, &set, other),
            ))),
        }
        match chance.below(3) {
            0 => world.disk.crash(),
            1 => tab.close_tab(),
            _ => (),
        }
    }
    // A tab that is still open would hold what its program left.
    world.disk.crash();
    world.faults(&[]);
    world
        .fetch(&set)
        .unwrap_or_else(|it| panic!("schedule {seed}: {it}"));
    world.assert_whole(&set, expected);
}

#[test]
fn random_schedules_come_to_the_same_end() {
    let all = [Precision::Reference, Precision::Precise, Precision::Compact];
    let expected = all.map(|precision| (precision, Expected::of(|it| it.plain(precision))));
    let asked = std::env::var("GEMSCOPE_SCHEDULES").ok();
    let n_schedules = asked.and_then(|it| it.parse().ok()).unwrap_or(N_SCHEDULES);
    for seed in 0..n_schedules {
        schedule(seed, &expected);
    }
}
