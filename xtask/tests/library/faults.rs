//! Every fault of the Hub, and every pair of faults: a fetch ends whole, or with an error that says what to do; what was complete
//! stays; and without faults it goes on to the same end.

use super::{
    sets,
    world::{Expected, World},
};
use gemscope::{
    spec::{FetchTold, OpenRequest, Precision, Trust},
    weights::{WeightsError, library::LibraryError},
};
use std::collections::BTreeSet;

/// One rule for each fault, where it strikes in the middle of things.
const RULES: &[&str] = &[
    "cut:5000@/#4x3",
    "stall:3000@params#2x2",
    "slow:200000@/#3x2",
    "status:503@/#2x3",
    "status:429:7@/#5x2",
    "status:404@/#9",
    "expired@/#2x2",
    "forbidden@/#3",
    "wrong-length@/#4",
    "short:700@/#3x2",
    "long:900@/#3x2",
    "shifted:10@/#4",
    "no-range@/#5x2",
    "flip:150000@model.safetensors#x1",
    "flip:70000@layer_1#x1",
    "html@/#6x2",
    "redirect-loop@/#3",
    "garbage-json@/api#1x2",
];

fn strike(world: &World, set: &OpenRequest, rules: &[&str], expected: &Expected) -> bool {
    world.faults(rules);
    let mut told = BTreeSet::new();
    let got = world.fetch_as(&sets::request(set.clone()), None, &mut |it| {
        if let FetchTold::Part { part, .. } = it {
            told.insert(part);
        }
    });
    let is_whole = match got {
        Ok(_) => true,
        Err(it) => {
            assert!(it.remedy().len() > 20, "{it}");
            false
        }
    };
    world.faults(&[]);
    if !told.is_empty() {
        let missing = world.kept(set).missing();
        assert!(
            missing.iter().all(|it| !told.contains(it)),
            "{rules:?} lost {missing:?}"
        );
    }
    world
        .fetch(set)
        .unwrap_or_else(|it| panic!("{rules:?}, then none: {it}"));
    world.assert_whole(set, expected);
    is_whole
}

#[test]
fn every_fault_ends_whole_or_says_what_to_do() {
    for precision in [Precision::Reference, Precision::Compact] {
        let expected = Expected::of(|it| it.plain(precision));
        let mut n_whole = 0;
        for rule in RULES {
            let world = World::new();
            let set = world.plain(precision);
            n_whole += usize::from(strike(&world, &set, &[rule], &expected));
        }
        // Most faults are cured without a word.
        assert!(n_whole >= 10, "{n_whole} of {}", RULES.len());
    }
}

#[test]
fn every_pair_of_faults_ends_whole_or_says_what_to_do() {
    let expected = Expected::of(|it| it.plain(Precision::Precise));
    for (n, first) in RULES.iter().enumerate() {
        for second in &RULES[n + 1..] {
            let world = World::new();
            let set = world.plain(Precision::Precise);
            strike(&world, &set, &[first, second], &expected);
        }
    }
}

#[test]
fn a_file_that_is_replaced_under_its_commit_is_an_error() {
    for rule in ["changed@model.safetensors#3", "changed@layer_1#2"] {
        let world = World::new();
        let set = world.plain(Precision::Compact);
        world.faults(&[rule]);
        let error = world
            .fetch(&set)
            .expect_err("other content under the commit");
        assert!(!error.remedy().is_empty(), "{error}");
        world.faults(&[]);
        let again = world.fetch(&set).expect_err("still other content");
        assert!(!again.remedy().is_empty(), "{again}");
    }
}

#[test]
fn a_file_that_is_not_what_was_published_is_received_again_and_then_an_error() {
    for precision in [Precision::Reference, Precision::Compact] {
        let expected = Expected::of(|it| it.plain(precision));
        let file_bytes = sets::files(sets::MODEL)["model.safetensors"].len() as u64;
        let world = World::new();
        let set = world.plain(precision);
        world.faults(&["flip:150000@model.safetensors#x1"]);
        let fetched = world.fetch(&set).expect("it is received again");
        assert_eq!(fetched.trust, Trust::File);
        assert!(world.served_twice() >= file_bytes);
        world.assert_whole(&set, &expected);

        let world = World::new();
        world.faults(&["flip:150000@model.safetensors"]);
        let error = world.fetch(&set).expect_err("it is wrong each time");
        let is_mismatch = matches!(&error, WeightsError::Library(LibraryError::Mismatch { file, .. }) if file == "model.safetensors");
        assert!(is_mismatch, "{error}");
        let parts = world.parts();
        assert!(
            parts.values().any(|it| *it == Some(Trust::Received)),
            "{parts:?}"
        );
        world.faults(&[]);
        world.fetch(&set).expect("it is right again");
        world.assert_whole(&set, &expected);
    }
}

#[test]
fn a_new_commit_is_not_taken_until_it_is_asked_for() {
    let world = World::new();
    let set = world.plain(Precision::Compact);
    let first = world.fetch(&set).expect("a set");
    let commit = world
        .hub
        .touch(sets::MODEL, "README.md")
        .expect("a new commit");
    world.hub.clear_log();
    let same = world.fetch(&set).expect("the same");
    assert_eq!(world.hub.log().len(), 0);
    assert_eq!(same.repos, first.repos);
    let mut request = sets::request(set.clone());
    request.update = true;
    let new = world
        .fetch_as(&request, None, &mut |_| ())
        .expect("the new one");
    assert_eq!(new.repos[0].commit, commit);
    // What has not changed is there already.
    assert!(world.data_log().is_empty());
    let kept = world.fetch(&set).expect("pinned to the new one");
    assert_eq!(kept.repos, new.repos);
}

#[test]
fn a_file_that_changes_between_two_starts_leaves_the_pinned_one() {
    let expected = Expected::of(|it| it.plain(Precision::Compact));
    let mut world = World::new();
    let set = world.plain(Precision::Compact);
    super::kills::fetch_until(&world, &set, 40);
    world.disk.crash();
    for file in ["model.safetensors", "README.md"] {
        world.hub.touch(sets::MODEL, file).expect("a new commit");
    }
    world.fetch(&set).expect("the old commit is still there");
    world.assert_whole(&set, &expected);
}
