//! Links on the desk: what is asked when, what runs, what only waits for the visitor.

use super::*;
use crate::app::{choice::Choice, desk::Atlas, parts::Parts, record::Record};
use crate::session::protocol::{EngineState, Event, EventBody, ModelRef, RunKey};
use crate::spec::{Config, FeatureId, Plan, Precision, StoredList};
use std::sync::Arc;

fn fold(desk: &mut Desk, purpose: Purpose, body: EventBody) -> Vec<CommandBody> {
    desk.posted(7, purpose);
    let out = desk.fold(
        Event {
            id: 7,
            seq: 0,
            body,
        },
        &Parts::default(),
        1.0,
    );
    out.into_iter().map(|it| it.body).collect()
}

fn read(desk: &mut Desk, view: View) -> Vec<CommandBody> {
    let it = LinkRead {
        view,
        notes: vec![],
        neuronpedia: None,
        snapshot: None,
    };
    fold(
        desk,
        Purpose::ReadLink,
        EventBody::Done(Outcome::LinkRead(it)),
    )
}

fn linked(text: &str) -> View {
    View {
        prompt: Some(Input::Text(text.into())),
        feature: Some(FeatureId { layer: 1, index: 2 }),
        ..View::default()
    }
}

fn opening() -> Desk {
    let mut desk = Desk::new("https://here".into(), None);
    desk.linking.opened = Some("#/x?p=a".into());
    let asked = desk.start();
    assert!(matches!(&asked[1].body, CommandBody::ReadLink { text } if text == "#/x?p=a"));
    assert_eq!(asked.len(), 2, "no model is opened before the link is read");
    desk
}

#[test]
fn a_link_is_read_before_a_model_is_opened_and_again_after() {
    let mut desk = opening();
    let asked = read(&mut desk, linked("a"));
    assert!(matches!(asked[0], CommandBody::Open(_)));
    assert_eq!(
        desk.linking.prompt.as_ref().map(|it| it.text.as_str()),
        Some("a")
    );
    assert!(desk.linking.landed.is_none());
    assert!(matches!(
        &desk.link_again()[0].body,
        CommandBody::ReadLink { .. }
    ));
}

#[test]
fn a_model_that_is_not_here_is_said_and_nothing_is_fetched() {
    let mut desk = opening();
    let view = View {
        model: Some(LinkModel::gemma(Precision::Precise)),
        ..linked("a")
    };
    let asked = read(&mut desk, view);
    assert_eq!(asked, [CommandBody::Stored]);
    let none = StoredList::default();
    let asked = fold(
        &mut desk,
        Purpose::Begin,
        EventBody::Done(Outcome::Stored(none)),
    );
    assert!(
        matches!(&asked[0], CommandBody::Open(it) if matches!(it.model, ModelRef::Folder { .. }))
    );
    assert!(!asked.iter().any(|it| matches!(it, CommandBody::Fetch(_))));
    assert!(desk.linking.notes[0].contains("not on this device"));
    assert!(!desk.library.choice.is_demo(), "the form stands ready");
}

fn no_plan() -> Plan {
    Plan {
        precision: Precision::Reference,
        n_ctx: 0,
        n_block: 0,
        max_binding_bytes: 0,
        max_gpu_bytes: None,
        n_resident: 0,
        weight_bytes: 0,
        n_kept: 0,
        d_transcoder: 0,
        kv_bytes: 0,
        kept_bytes: 0,
        scratch_bytes: 0,
        staging_bytes: 0,
        scope: None,
        total_bytes: 0,
    }
}

/// A desk whose demo model is open, and a link of Gemma that is read there.
fn sent_to_the_demo() -> (Desk, View) {
    let mut desk = opening();
    read(&mut desk, linked("b"));
    desk.opened = Some((Config::gemma_2_2b(), no_plan()));
    desk.read_link("#/x?m=g2b-precise");
    let view = View {
        model: Some(LinkModel::gemma(Precision::Precise)),
        ..linked("a")
    };
    (desk, view)
}

#[test]
fn a_link_of_another_model_is_looked_for_where_one_is_open() {
    let (mut desk, view) = sent_to_the_demo();
    assert_eq!(read(&mut desk, view.clone()), [CommandBody::Stored]);
    let none = EventBody::Done(Outcome::Stored(StoredList::default()));
    let asked = fold(&mut desk, Purpose::Begin, none);
    assert!(matches!(asked[..], [CommandBody::ReadLink { .. }]));
    assert!(desk.linking.notes[0].contains("not on this device; the demo model is shown"));
    assert!(desk.opened.is_some(), "what is open stays open");
    read(&mut desk, view);
    assert!(desk.linking.landed.is_some(), "the rest of the link holds");
    assert_eq!(desk.linking.notes.len(), 1, "said once");
}

#[test]
fn a_model_that_a_link_asks_for_and_that_fails_leaves_the_former_one() {
    let (mut desk, view) = sent_to_the_demo();
    let demo = desk.library.open.clone().expect("the demo is open");
    read(&mut desk, view);
    let gemma = desk.library.choice.request("https://here").expect("a form");
    desk.open(gemma);
    let it = Failure {
        what: "No memory.".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    let asked = fold(&mut desk, Purpose::Open, EventBody::Failed(it.clone()));
    assert!(matches!(&asked[0], CommandBody::Open(it) if *it == demo));
    assert!(desk.linking.notes[0].contains("No memory."));
    assert!(!desk.is_between(), "addresses are written again");
    // That one fails too: nothing goes in a circle.
    assert!(fold(&mut desk, Purpose::Open, EventBody::Failed(it)).is_empty());
}

#[test]
fn a_model_that_fails_leaves_the_former_one_to_who_chose_it_too() {
    let (mut desk, _) = sent_to_the_demo();
    desk.leave_link();
    let demo = desk.library.open.clone().expect("the demo is open");
    desk.library.choice =
        Choice::of_link(&LinkModel::gemma(Precision::Precise), &Choice::default());
    desk.open_chosen();
    let it = Failure {
        what: "The engine stopped.".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    let asked = fold(&mut desk, Purpose::Open, EventBody::Failed(it));
    assert!(matches!(&asked[0], CommandBody::Open(it) if *it == demo));
    assert!(desk.linking.notes[0].contains("The engine stopped."));
    assert_eq!(
        desk.library.open,
        Some(demo.clone()),
        "the page names what comes"
    );
    // The engine starts again before that is open: it is asked for once more.
    let state = EventBody::State(EngineState::Restarting {
        reason: "trap".into(),
    });
    let asked = fold(&mut desk, Purpose::Describe, state);
    assert!(matches!(&asked[0], CommandBody::Open(it) if *it == demo));
}

#[test]
fn without_webgpu_a_link_shows_what_is_not_of_another_model() {
    let mut desk = opening();
    desk.no_webgpu = true;
    let asked = desk.start();
    let opens = |it: &Question| matches!(it.body, CommandBody::Open(_) | CommandBody::Stored);
    assert!(!asked.iter().any(opens), "{asked:?}");
    let view = View {
        layer: Some(1),
        ..linked("a")
    };
    assert!(read(&mut desk, view.clone()).is_empty());
    assert_eq!(desk.linking.landed.take().and_then(|it| it.layer), Some(1));
    assert!(desk.linking.notes.is_empty());
    let of_gemma = View {
        model: Some(LinkModel::gemma(Precision::Precise)),
        ..view
    };
    assert!(read(&mut desk, of_gemma).is_empty());
    assert_eq!(desk.linking.landed.take().and_then(|it| it.layer), None);
    assert_eq!(desk.linking.notes.len(), 1);
    assert!(!desk.is_between(), "addresses are written again");
    assert!(desk.fetch_chosen().is_empty() && desk.library.failure.is_some());
}

#[test]
fn a_model_that_was_open_in_this_visit_comes_back_as_it_was() {
    let (mut desk, view) = sent_to_the_demo();
    let form = Choice {
        transcoders: "nobody/others".into(),
        layers: "0-12".into(),
        budget: "6000".into(),
        ..Choice::of_link(&LinkModel::gemma(Precision::Precise), &Choice::default())
    };
    let gemma = form.request("https://here").expect("a form");
    let model = Some(LinkModel::of(&gemma));
    desk.open(gemma);
    let demo = Choice::default().request("https://here").expect("a form");
    desk.open(demo);
    desk.library.choice = Choice::default();
    desk.opened = Some((Config::gemma_2_2b(), no_plan()));
    read(&mut desk, View { model, ..view });
    assert_eq!(desk.library.choice, form);
}

#[test]
fn tokens_of_another_model_are_not_run() {
    let (mut desk, view) = sent_to_the_demo();
    let ids = View {
        prompt: Some(Input::Ids(vec![2, 200_000])),
        ..view
    };
    desk.linking.sought_model = true;
    let asked = read(&mut desk, ids);
    assert!(
        !asked.iter().any(|it| matches!(it, CommandBody::Run { .. })),
        "{asked:?}"
    );
    assert!(desk.linking.notes.iter().any(|it| it.contains("tokens")));
    assert!(
        desk.linking
            .landed
            .as_ref()
            .is_some_and(|it| it.prompt.is_none())
    );
}

#[test]
fn what_a_former_link_waits_for_is_not_the_next_one_s() {
    let (mut desk, view) = sent_to_the_demo();
    read(&mut desk, view);
    desk.posted(11, Purpose::Begin);
    desk.read_link("#/x?p=c");
    assert!(!desk.is_asked(&Purpose::Begin));
    assert!(desk.linking.prompt.is_none());
}

#[test]
fn where_nobody_knows_what_is_kept_the_model_stays_and_the_other_is_named() {
    let (mut desk, view) = sent_to_the_demo();
    read(&mut desk, view.clone());
    let it = Failure {
        what: "No storage.".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    fold(&mut desk, Purpose::Begin, EventBody::Failed(it));
    read(&mut desk, view);
    assert!(desk.linking.notes[0].contains("made with Gemma 2 2B; here is the demo model"));
    assert!(desk.opened.is_some());
}

#[test]
fn a_link_that_can_t_be_read_is_said_and_the_demo_opens() {
    let mut desk = opening();
    let it = Failure {
        what: "This is no link.".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    let asked = fold(&mut desk, Purpose::ReadLink, EventBody::Failed(it));
    assert!(matches!(asked[0], CommandBody::Open(_)));
    assert_eq!(desk.linking.notes, ["This is no link. "]);
    assert!(desk.linking.opened.is_none());
}

#[test]
fn a_long_prompt_waits_for_the_visitor() {
    let mut desk = Desk::default();
    let prompt = |text: String| Prompt { text, ids: None };
    assert!(
        desk.run_linked(prompt("x".repeat(MAX_RUN_BYTES + 1)), 0.0)
            .is_empty()
    );
    assert_eq!(desk.linking.notes.len(), 1);
    assert_eq!(desk.run_linked(prompt("x".into()), 0.0).len(), 1);
}

#[test]
fn addresses_are_asked_for_once_and_not_while_a_link_is_opened() {
    let mut desk = Desk::default();
    assert_eq!(desk.link(linked("a")).len(), 1);
    assert!(desk.link(linked("a")).is_empty());
    desk.read_link("#/x");
    assert!(desk.link(linked("b")).is_empty());
}

#[test]
fn what_the_sender_calls_features_is_shown_until_the_visitor_has_a_name_of_his_own() {
    let mut desk = Desk::default();
    let feature = FeatureId { layer: 1, index: 2 };
    let text = "theirs".to_string();
    let named = View {
        labels: vec![OwnLabel { feature, text }],
        ..View::default()
    };
    desk.take_labels(&named);
    assert_eq!(desk.atlas.words(feature), Some("theirs"));
    assert_eq!(
        desk.atlas.named(feature).and_then(|it| it.label),
        Some("theirs".into())
    );
    desk.edit_label(feature, "mine");
    assert_eq!(desk.atlas.words(feature), Some("mine"));
    let other = View {
        model: Some(LinkModel::gemma(Precision::Precise)),
        ..named
    };
    desk.take_labels(&other);
    assert!(
        desk.atlas.sent.is_empty(),
        "names of another model's features"
    );
}

#[test]
fn a_sender_s_witness_is_held_only_against_a_run_of_his_prompt() {
    let mut desk = Desk::default();
    assert!(desk.hold_against().is_none());
    let prompt = |text: &str| Prompt {
        text: text.into(),
        ids: None,
    };
    let sent = WitnessSent {
        witness: Witness::default(),
        model: None,
    };
    desk.linking.sent = Some((prompt("a"), sent));
    let shown = |text: &str| Shown {
        prompt: prompt(text),
        record: Arc::default(),
        source: Source::Recorded,
        key: Some(RunKey("r".into())),
    };
    desk.shown = Some(shown("b"));
    assert!(desk.hold_against().is_none());
    desk.shown = Some(shown("a"));
    assert!(matches!(
        desk.hold_against().map(|it| it.body),
        Some(CommandBody::Witness { .. })
    ));
    desk.linking.witness = Some(Witness::default());
    desk.bear_witness();
    assert!(
        desk.linking.witness.is_none(),
        "what was recorded was not run here"
    );
}

#[test]
fn the_prompt_that_the_page_opens_with_is_linked_by_its_text() {
    let record = Record {
        prompt: "one".into(),
        ..Record::default()
    };
    let mut desk = Desk::new(String::new(), Some((record, Atlas::default())));
    let shown = desk.shown.as_mut().expect("the recorded run");
    shown.prompt.ids = Some(vec![2, 5]);
    shown.source = Source::Live {
        model: String::new(),
        precision: Precision::Precise,
        adapter: String::new(),
        millis: 1.0,
    };
    // Compared with what this machine computes, it is forgotten.
    desk.expected = None;
    let linked = |desk: &Desk| desk.view([].into_iter()).prompt;
    assert_eq!(linked(&desk), Some(Input::Text("one".into())));
    desk.shown.as_mut().expect("a run").prompt.text = "two".into();
    assert_eq!(linked(&desk), Some(Input::Ids(vec![2, 5])));
}
