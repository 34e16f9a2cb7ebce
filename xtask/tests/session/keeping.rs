//! What is kept: listed, compared, repaired, taken away, copied; and never under an open model.

use crate::world::*;
use gemscope::{
    session::protocol::*,
    spec::{Packing, Part},
};
use std::fs;

#[test]
fn damage_is_found_forgotten_and_fetched_again() {
    let world = World::new("damage");
    let mut client = world.client();
    done(&mut client, world.fetch());
    let verify = |repair| CommandBody::Verify {
        selection: StoredSelection::default(),
        repair,
    };
    let Outcome::Verified(it) = done(&mut client, verify(false)) else {
        panic!("verified")
    };
    assert!(
        it.damaged.is_empty() && it.n_parts > 20 && it.read_bytes > 0,
        "{it:?}"
    );
    let key = key_of(&mut client, Part::Mlp(2));
    drop(client);
    spoil(&world, &key);
    let mut client = world.client();
    for (repair, forgotten) in [(false, false), (true, true)] {
        let Outcome::Verified(it) = done(&mut client, verify(repair)) else {
            panic!("verified")
        };
        let [damage] = &it.damaged[..] else {
            panic!("{it:?}")
        };
        assert_eq!((&damage.key, damage.part), (&key, Some(Part::Mlp(2))));
        assert!(
            damage.n_pieces == 1 && damage.forgotten == forgotten,
            "{damage:?}"
        );
    }
    let (told, ended) = told(&mut client, world.fetch());
    let Ok(Outcome::Fetched(fetched)) = ended else {
        panic!("{ended:?}")
    };
    assert!(
        (1..=3 * (16 << 10)).contains(&fetched.received_bytes),
        "{fetched:?}"
    );
    assert!(told.iter().any(|it| matches!(
        it,
        FetchTold::Part {
            part: Part::Mlp(2),
            ..
        }
    )));
    let Outcome::Verified(it) = done(&mut client, verify(false)) else {
        panic!("verified")
    };
    assert!(it.damaged.is_empty());
}

#[test]
fn what_is_open_stays_and_the_rest_can_go() {
    if no_gpu("what_is_open_stays_and_the_rest_can_go") {
        return;
    }
    let world = World::new("remove");
    let mut client = world.client();
    done(&mut client, world.fetch());
    let mut open = world.set();
    open.transcoders.as_mut().unwrap().halves = vec![Half::Encoder];
    done(&mut client, CommandBody::Open(open));
    let remove = |selection: StoredSelection| CommandBody::Remove {
        selection,
        set_aside: false,
    };
    let refused = failed(&mut client, remove(StoredSelection::default()));
    assert!(
        refused.what.contains("open model") && refused.remedy.contains("Close"),
        "{refused:?}"
    );
    let decoders = StoredSelection {
        parts: Some((0..4).map(Part::Decoder).collect()),
        ..StoredSelection::default()
    };
    let Outcome::Freed { size_bytes } = done(&mut client, remove(decoders)) else {
        panic!("freed")
    };
    assert!(size_bytes > 0);
    done(&mut client, CommandBody::Close);
    done(&mut client, remove(StoredSelection::default()));
    let it = failed(&mut client, CommandBody::Open(world.set()));
    assert!(
        it.what.contains("not kept") && it.remedy.contains("Fetch"),
        "{it:?}"
    );
    let Outcome::Stored(list) = done(&mut client, CommandBody::Stored) else {
        panic!("a list")
    };
    assert!(
        list.sources
            .iter()
            .all(|it| it.parts.iter().all(|it| it.part.is_none())),
        "{list:?}"
    );
}

#[test]
fn what_is_exported_can_be_imported_elsewhere() {
    let mut world = World::new("copies");
    let mut client = world.client();
    done(&mut client, world.fetch());
    let to = world.folder.join("copy").to_str().unwrap().to_string();
    let export = CommandBody::Export {
        selection: StoredSelection::default(),
        to: to.clone(),
    };
    let Outcome::Copied(out) = done(&mut client, export) else {
        panic!("copied")
    };
    assert!(out.left_out.is_empty() && out.n_parts > 20, "{out:?}");
    drop(client);
    fs::remove_dir_all(world.store()).unwrap();
    world.hub_goes();
    let mut client = world.client();
    let Outcome::Copied(back) = done(&mut client, CommandBody::Import { from: to }) else {
        panic!("copied")
    };
    assert_eq!(
        (back.n_parts, back.size_bytes),
        (out.n_parts, out.size_bytes)
    );
    let Outcome::Fetched(it) = done(&mut client, world.fetch()) else {
        panic!("all of it is there")
    };
    assert_eq!(it.received_bytes, 0);
}

#[test]
fn a_manifest_proves_pieces_as_they_come() {
    let world = World::new("manifest");
    let mut client = world.client();
    let hub = world.folder.join("hub");
    let from = hub.join(TRANSCODERS).to_str().unwrap().to_string();
    let Outcome::Manifest { json } = done(&mut client, CommandBody::Manifest { from }) else {
        panic!("a manifest")
    };
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(value.is_object() && json.contains("params.npz"), "{json}");
    let missing = hub.join("nowhere").to_str().unwrap().to_string();
    let it = failed(&mut client, CommandBody::Manifest { from: missing });
    assert!(it.what.contains("nowhere"), "{it:?}");
}

fn key_of(client: &mut gemscope::session::Client, part: Part) -> String {
    let Outcome::Stored(list) = done(client, CommandBody::Stored) else {
        panic!("a list")
    };
    let mut parts = list.sources.iter().flat_map(|it| &it.parts);
    let it = parts.find(|it| it.part == Some(part)).expect("the part");
    assert!(it.whole && it.packing == Some(Packing::Bf16), "{it:?}");
    it.key.clone()
}

/// Changes a byte of what is kept under a key.
fn spoil(world: &World, key: &str) {
    let path = world.store().join("gemscope").join(format!("{key}.data"));
    let mut bytes = fs::read(&path).expect("a file");
    bytes[20_000] ^= 1;
    fs::write(&path, bytes).expect("a file");
}
