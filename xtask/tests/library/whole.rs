//! Without faults: what is kept is what the files say, in every packing and from every kind of file, and nothing is fetched twice.

use super::{
    sets::{self, LISTED, MODEL, SHARDED, TRACED, TRANSCODERS},
    world::{World, assert_same, assert_same_weights, plain},
};
use gemscope::spec::{FetchTold, Part, Precision, Trust};

const ALL: [Precision; 3] = [Precision::Reference, Precision::Precise, Precision::Compact];

#[test]
fn every_precision_is_kept_bit_for_bit_and_proven() {
    for precision in ALL {
        let world = World::new();
        let set = world.plain(precision);
        let mut parts = Vec::new();
        let fetched = world
            .fetch_as(&sets::request(set.clone()), None, &mut |it| {
                if let FetchTold::Part { part, .. } = it {
                    parts.push(part);
                }
            })
            .unwrap_or_else(|it| panic!("{precision}: {it}"));
        assert_eq!(
            fetched.trust,
            Trust::File,
            "{precision} {:?}",
            world.parts()
        );
        let kept = world.kept(&set);
        assert_eq!(kept.missing(), []);
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), world.parts().len());
        assert!(parts.contains(&Part::Opening));
        assert_same(&world, &kept, &plain(&world, MODEL, TRANSCODERS), precision);
        let tokenizer = world.run(kept.checkpoint.tokenizer_json()).expect("a text");
        assert_eq!(
            tokenizer.as_deref(),
            Some(&*sets::files(MODEL)["tokenizer.json"])
        );
    }
}

#[test]
fn a_second_fetch_asks_for_nothing() {
    let world = World::new();
    let set = world.plain(Precision::Compact);
    world.fetch(&set).expect("a set");
    world.hub.clear_log();
    let fetched = world.fetch(&set).expect("the same");
    assert_eq!(world.hub.log().len(), 0);
    assert_eq!((fetched.received_bytes, fetched.trust), (0, Trust::File));
}

#[test]
fn shards_in_f32_and_one_file_in_bf16_give_the_same_bits() {
    for precision in ALL {
        let one = World::new();
        let of_one = one.plain(precision);
        one.fetch(&of_one).expect("a set");
        let several = World::new();
        let of_several = several.set(SHARDED, TRACED, precision);
        let fetched = several.fetch(&of_several).expect("a set");
        assert_eq!(fetched.trust, Trust::File);
        let kept = several.kept(&of_several);
        assert_same(
            &several,
            &kept,
            &plain(&several, SHARDED, TRACED),
            precision,
        );
        // Their headers differ, and so do the bytes around the tensors; the weights don't.
        let (a, b) = (one.kept(&of_one), several.kept(&of_several));
        assert_same_weights(&one, &a, &b, precision);
    }
}

#[test]
fn a_list_of_another_repositorys_files_is_followed() {
    let world = World::new();
    let set = world.set(MODEL, LISTED, Precision::Precise);
    let fetched = world.fetch(&set).expect("a set");
    assert_eq!(fetched.trust, Trust::File);
    assert_same(
        &world,
        &world.kept(&set),
        &plain(&world, MODEL, TRANSCODERS),
        Precision::Precise,
    );
    // The same files under their own name are there already.
    world.hub.clear_log();
    world
        .fetch(&world.plain(Precision::Precise))
        .expect("the same files");
    assert!(world.data_log().is_empty());
}

#[test]
fn a_lower_precision_is_made_from_a_higher_one_without_a_request() {
    let direct = World::new();
    direct
        .fetch(&direct.plain(Precision::Compact))
        .expect("a set");
    let world = World::new();
    world
        .fetch(&world.plain(Precision::Reference))
        .expect("a set");
    world.hub.clear_log();
    let fetched = world.fetch(&world.plain(Precision::Compact)).expect("made");
    assert_eq!(world.hub.log().len(), 0);
    assert_eq!(fetched.trust, Trust::File);
    let (made, expected) = (world.bytes(), direct.bytes());
    for (key, bytes) in expected {
        assert!(made.get(&key) == Some(&bytes), "{key}");
    }
}
