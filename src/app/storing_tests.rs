//! What is kept, by rows: what a row says, what is asked when it is removed, and what becomes of what is open or being fetched.

use super::*;
use crate::{
    app::{Origin, Parts},
    session::protocol::{Event, EventBody, Outcome, StoredList},
    spec::{Precision, RepoRef, Trust},
};

fn part(key: &str, part: Option<Part>, packing: Option<Packing>) -> StoredPart {
    StoredPart {
        key: key.into(),
        part,
        packing,
        size_bytes: 1_000,
        done_bytes: 1_000,
        whole: true,
        trust: Some(Trust::File),
        busy: false,
    }
}

fn source(repo: &str, file: Option<&str>, parts: Vec<StoredPart>) -> StoredSource {
    let repo: RepoRef = repo.parse().expect("a repository");
    StoredSource {
        repo: Some(repo),
        commit: None,
        file: file.map(String::from),
        parts,
    }
}

/// A desk on which Gemma is open, with two transcoders, the second in two packings.
fn opened() -> Desk {
    let mut desk = Desk::new("https://here".into(), None);
    desk.library.choice = Choice::default().from(Origin::Mirror);
    let set = (desk.library.choice.request("")).expect("a set");
    let (model, scope) = (
        desk.library.choice.model.clone(),
        desk.library.choice.transcoders.clone(),
    );
    desk.library.open = Some(set);
    let [bf16, f16, q8] = [Packing::Bf16, Packing::F16, Packing::Q8].map(Some);
    let encoder = |layer| Some(Part::Encoder(layer));
    desk.library.stored = Some(StoredList {
        sources: vec![
            source(
                &model,
                None,
                vec![
                    part("m0", Some(Part::Mlp(0)), bf16),
                    part("head", None, None),
                ],
            ),
            source(&scope, Some("layer_1"), vec![part("e1", encoder(1), f16)]),
            source(
                &scope,
                Some("layer_0"),
                vec![part("e0", encoder(0), f16), part("q0", encoder(0), q8)],
            ),
        ],
        ..StoredList::default()
    });
    desk
}

fn keys(of: &[&str]) -> StoredSelection {
    KeptRow {
        words: String::new(),
        keys: of.iter().map(ToString::to_string).collect(),
    }
    .selection()
}

fn bodies(all: Vec<Question>) -> Vec<CommandBody> {
    all.into_iter().map(|it| it.body).collect()
}

#[test]
fn what_is_here_in_one_precision_is_not_here_in_another() {
    let mut desk = opened();
    assert_eq!(desk.library.has_chosen(), Some(true));
    desk.library.choice.precision = Precision::Compact;
    assert_eq!(desk.library.has_chosen(), None, "the model is not");
    desk.library.choice.precision = Precision::Reference;
    assert_eq!(
        desk.library.has_chosen(),
        Some(false),
        "its features are not"
    );
    desk.library.choice.layers = "none".into();
    assert_eq!(desk.library.has_chosen(), Some(true), "nor are they wanted");
}

#[test]
fn a_row_is_a_file_in_a_packing_and_rows_are_in_the_order_of_layers() {
    let sets = opened().library.kept_sets();
    assert_eq!(sets.len(), 2);
    assert!(sets[0].all.words.contains("2.0 kB, 2 of 2 parts whole"));
    assert_eq!(sets[0].all.keys, ["m0", "head"]);
    let rows: Vec<&[String]> = sets[1].rows.iter().map(|it| &it.keys[..]).collect();
    assert_eq!(rows, [["e0"], ["q0"], ["e1"]]);
    assert!(sets[1].rows[1].words.starts_with("layer_0, 8 bit: 1.0 kB"));
    assert_eq!(sets[1].all.keys, ["e1", "e0", "q0"]);
}

#[test]
fn what_is_open_is_closed_and_what_is_left_of_it_opens_again() {
    let mut desk = opened();
    let set = desk.library.open.clone();
    let asked = bodies(desk.remove(keys(&["e0"])));
    assert!(
        matches!(&asked[..3], [CommandBody::Close, CommandBody::Remove { .. }, CommandBody::Open(it)] if Some(it) == set.as_ref()),
        "{asked:?}"
    );
    let asked = bodies(desk.remove(keys(&["m0", "head"])));
    assert!(desk.is_demo(), "{asked:?}");
    let asked = bodies(desk.remove(keys(&["e1"])));
    assert!(
        matches!(asked[..], [CommandBody::Remove { .. }]),
        "nothing of it is open"
    );
}

#[test]
fn a_fetch_is_stopped_before_everything_goes() {
    let mut desk = opened();
    let fetch = desk.fetch_chosen();
    desk.posted(7, fetch[0].purpose.clone());
    let asked = bodies(desk.remove_all());
    assert!(matches!(asked[..], [CommandBody::Cancel { id: 7 }]));
    let event = Event {
        id: 7,
        seq: 0,
        body: EventBody::Cancelled,
    };
    let asked = bodies(desk.fold(event, &Parts::default(), 0.0));
    assert!(
        matches!(asked[..2], [CommandBody::Close, CommandBody::Remove { .. }]),
        "{asked:?}"
    );
    assert!(desk.library.fetching.is_none());
}

#[test]
fn a_row_says_what_a_verification_found_of_it_and_only_of_it() {
    let mut desk = opened();
    desk.verify(keys(&["e0", "q0"]), false);
    let said = |desk: &Desk| {
        let rows = desk.library.kept_sets().remove(1).rows;
        rows.iter().map(|it| it.words.clone()).collect::<Vec<_>>()
    };
    assert!(!said(&desk)[0].contains("undamaged"), "it is not known yet");
    desk.posted(3, Purpose::Verify);
    let found = Verified {
        read_bytes: 2_000,
        n_parts: 2,
        damaged: vec![Damage {
            key: "q0".into(),
            part: Some(Part::Encoder(0)),
            n_pieces: 1,
            size_bytes: 64_000,
            forgotten: false,
        }],
    };
    let event = Event {
        id: 3,
        seq: 0,
        body: EventBody::Done(Outcome::Verified(found)),
    };
    desk.fold(event, &Parts::default(), 0.0);
    let rows = said(&desk);
    assert!(rows[0].ends_with(", undamaged"), "{}", rows[0]);
    assert!(
        rows[1].ends_with("damaged: encoder.0 (1 piece, 64.0 kB)"),
        "{}",
        rows[1]
    );
    assert!(!rows[2].contains("damaged"), "it was not read");
    assert_eq!(
        desk.library.told,
        ["Damaged: encoder.0 (1 piece, 64.0 kB). Repair has 64.0 kB fetched again."]
    );
    desk.remove(keys(&["q0"]));
    assert!(!said(&desk)[0].contains("undamaged"), "something changed");
}
