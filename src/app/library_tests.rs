//! The model screen on the desk: what is asked when, what arrives, what is told.

use super::*;
use crate::{
    app::{Atlas, Origin, Parts, Record},
    session::protocol::{Event, FeatureId, Fetched, Reached, RunKey, Token, Verified},
    spec::{Label, OPENING, Trust},
};

fn event(id: u32, body: EventBody) -> Event {
    Event { id, seq: 0, body }
}

/// Folds an event; what is asked next is posted under ids from `from` on.
fn fold(desk: &mut Desk, id: u32, body: EventBody, from: u32) -> Vec<CommandBody> {
    let questions = desk.fold(event(id, body), &Parts::default(), 0.0);
    post(desk, questions, from)
}

fn post(desk: &mut Desk, questions: Vec<Question>, from: u32) -> Vec<CommandBody> {
    let mut out = Vec::new();
    for (n, it) in questions.into_iter().enumerate() {
        desk.posted(from + n as u32, it.purpose);
        out.push(it.body);
    }
    out
}

fn token() -> Token {
    Token {
        id: 5,
        piece: "a".into(),
        bytes: None,
        special: false,
    }
}

/// A desk that shows a recorded run of a prompt of the opening set and fetches Gemma.
fn fetching() -> Desk {
    let record = Record {
        prompt: OPENING[0].text.into(),
        tokens: vec![token(); 3],
        ..Record::default()
    };
    let mut desk = Desk::new("https://here".into(), Some((record, Default::default())));
    desk.library.choice = desk.library.choice.clone().from(Origin::Mirror);
    let questions = desk.fetch_chosen();
    assert!(matches!(
        post(&mut desk, questions, 1)[..],
        [CommandBody::Fetch(_)]
    ));
    desk
}

fn part(it: Part) -> EventBody {
    EventBody::Partial(Partial::Fetch(FetchTold::Part {
        part: it,
        trust: Trust::Received,
    }))
}

fn ready(n_encoders: usize, whole: bool) -> EventBody {
    EventBody::Ready(Readiness {
        opening: true,
        encoders: (0..n_encoders).collect(),
        n_layers: n_encoders,
        whole,
        embedding: whole,
        ..Readiness::default()
    })
}

#[test]
fn nothing_is_asked_of_a_hub_before_it_is_wanted() {
    let mut desk = Desk::new("https://here".into(), None);
    let mut bodies: Vec<CommandBody> = desk.start().into_iter().map(|it| it.body).collect();
    bodies.extend(desk.look_at_models().into_iter().map(|it| it.body));
    for it in bodies {
        assert!(!matches!(
            it,
            CommandBody::Fetch(_) | CommandBody::Variants { .. }
        ));
    }
    assert!(desk.fetch_chosen().is_empty(), "the demo is here already");
    assert!(desk.library.failure.is_some());
}

#[test]
fn what_the_page_carries_of_the_demos_features_is_not_said_of_another_models() {
    let feature = FeatureId { layer: 0, index: 3 };
    let mut atlas = Atlas::default();
    atlas.label(0, vec![Label::new(feature.index)]);
    let mut desk = Desk::new("https://here".into(), Some((Record::default(), atlas)));
    desk.start();
    assert!(desk.atlas.labels.contains_key(&feature));
    desk.library.choice = desk.library.choice.clone().from(Origin::Mirror);
    desk.open_chosen();
    assert!(desk.library.open.is_some());
    assert!(desk.atlas.labels.is_empty());
}

#[test]
fn a_set_is_opened_with_its_first_part_and_its_prompt_runs_when_it_can() {
    let mut desk = fetching();
    let asked = fold(&mut desk, 1, part(Part::Opening), 2);
    assert!(matches!(
        asked[..],
        [CommandBody::Open(_), CommandBody::LabelsLoad { .. }]
    ));
    assert!(
        fold(&mut desk, 1, part(Part::Attention(0)), 9).is_empty(),
        "once"
    );
    assert!(
        fold(&mut desk, 0, ready(0, false), 9).len() == 1,
        "the opening prompt runs"
    );
    desk.posted(9, Purpose::Run);
    let ran = EventBody::Done(Outcome::Ran {
        run: RunKey("r".into()),
        tokens: vec![token(); 3],
        kept: false,
        reached: Reached::default(),
    });
    assert!(
        fold(&mut desk, 9, ran, 10).is_empty(),
        "no features are there, and no next token"
    );
    let shown = desk.shown.clone().expect("a run");
    assert_eq!(shown.key, Some(RunKey("r".into())));
}

#[test]
fn layers_are_asked_for_as_they_arrive_and_the_next_token_at_the_end() {
    let mut desk = fetching();
    let shown = desk.shown.as_mut().expect("a run");
    shown.key = Some(RunKey("r".into()));
    let record = std::sync::Arc::make_mut(&mut shown.record);
    record.n_layers = 2;
    record.loaded = vec![false; 2];
    let asked = fold(&mut desk, 0, ready(1, false), 20);
    assert!(matches!(asked[..], [CommandBody::Ask { .. }]));
    assert!(
        fold(&mut desk, 0, ready(2, true), 30).is_empty(),
        "one at a time"
    );
    let asked = fold(&mut desk, 20, EventBody::Done(Outcome::Nothing), 30);
    assert_eq!(
        asked.len(),
        2,
        "features of what is missing, and the next token"
    );
}

#[test]
fn what_failed_or_was_stopped_is_said_and_can_be_begun_again() {
    let mut desk = fetching();
    let asked = fold(&mut desk, 1, EventBody::Cancelled, 5);
    assert!(matches!(asked[..], [CommandBody::Stored]));
    assert!(desk.library.fetching.is_none());
    assert!(desk.library.told[0].contains("goes on from there"));
    let questions = desk.fetch_chosen();
    post(&mut desk, questions, 7);
    let failure = Failure {
        what: "No room.".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    fold(&mut desk, 7, EventBody::Failed(failure.clone()), 8);
    assert_eq!(desk.library.failure, Some(failure));
    assert!(desk.failure.is_none(), "the run on the page has not failed");
}

#[test]
fn what_was_found_is_told_in_words() {
    let mut desk = fetching();
    desk.posted(3, Purpose::Verify);
    let found = Outcome::Verified(Verified {
        read_bytes: 1_500_000_000,
        ..Verified::default()
    });
    fold(&mut desk, 3, EventBody::Done(found), 4);
    assert_eq!(desk.library.told, ["1.5 GB read: nothing is damaged."]);
    let whole = Outcome::Fetched(Fetched {
        repos: vec![],
        received_bytes: 2_000,
        disk_bytes: 999_960_000,
        trust: Trust::File,
        seconds: 3.4,
    });
    let asked = fold(&mut desk, 1, EventBody::Done(whole), 9);
    assert!(asked.iter().any(|it| matches!(it, CommandBody::Open(_))));
    assert_eq!(
        desk.library.told[1],
        "Whole: 1.0 GB on this device, 2.0 kB received in 3 s."
    );
}
