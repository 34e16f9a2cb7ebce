//! The desk on the host: answers in, questions out.

use super::*;
use crate::app::{
    Metric, Origin,
    desk::{Atlas, Check, Source},
};
use crate::session::protocol::{CommandBody, Input, Partial, Plan, Probability, Reached};
use crate::spec::{Config, DType, Distribution, Precision};

fn tell(desk: &mut Desk, purpose: Purpose, body: EventBody) -> Vec<Question> {
    tell_with(desk, purpose, body, &Parts::default())
}

/// An event that answers what was asked for this purpose.
fn tell_with(desk: &mut Desk, purpose: Purpose, body: EventBody, parts: &Parts) -> Vec<Question> {
    let id = 900;
    desk.posted(id, purpose);
    let out = desk.fold(Event { id, seq: 0, body }, parts, 50.0);
    desk.asked.remove(&id);
    out
}

fn plan() -> Plan {
    Plan {
        precision: Precision::Reference,
        n_ctx: 1,
        n_block: 1,
        max_binding_bytes: 1,
        max_gpu_bytes: None,
        n_resident: 1,
        weight_bytes: 1,
        kv_bytes: 1,
        n_kept: 0,
        d_transcoder: 640,
        kept_bytes: 0,
        scope: None,
        scratch_bytes: 1,
        staging_bytes: 1,
        total_bytes: 4,
    }
}

fn open(desk: &mut Desk) -> Vec<Question> {
    let config = Config {
        n_layers: 2,
        ..Config::gemma_2_2b()
    };
    let body = EventBody::Done(Outcome::Opened {
        config,
        plan: plan(),
        fingerprint: String::new(),
        declared_l0: vec![(1, 7)],
    });
    tell(desk, Purpose::Open, body)
}

fn prompt(text: &str) -> Prompt {
    Prompt {
        text: text.into(),
        ids: None,
    }
}

fn token(id: u32) -> Token {
    Token {
        id,
        piece: format!(" t{id}"),
        bytes: None,
        special: false,
    }
}

fn failure() -> Failure {
    Failure {
        what: "No.".into(),
        remedy: "Yes.".into(),
        detail: String::new(),
    }
}

fn array(part: usize, shape: &[usize]) -> crate::session::protocol::Array {
    crate::session::protocol::Array {
        dtype: DType::F32,
        shape: shape.into(),
        part,
    }
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// A run from asking to the page.
fn run(desk: &mut Desk, text: &str) -> Vec<Question> {
    let (_, questions) = desk.run(prompt(text), 10.0);
    assert!(matches!(questions[0].body, CommandBody::Run { .. }));
    let ran = Outcome::Ran {
        run: RunKey("a".into()),
        tokens: vec![token(2), token(7)],
        kept: true,
        reached: Reached {
            whole: true,
            ..Default::default()
        },
    };
    let asked = tell(desk, Purpose::Run, EventBody::Done(ran));
    assert_eq!(asked.len(), 2);
    let piece = Partial::Features {
        layer: 1,
        places: array(0, &[1, 2]),
        activations: array(1, &[1]),
        clean: None,
        applied: vec![],
    };
    let parts = Parts(vec![bytes(&[1, 9]), 2.5f32.to_le_bytes().to_vec()]);
    tell_with(desk, Purpose::Features, EventBody::Partial(piece), &parts);
    let next = Distribution {
        pos: 1,
        log_sum_exp: 0.0,
        top: vec![Probability {
            id: 11,
            piece: " x".into(),
            logit: 1.0,
            probability: 0.5,
        }],
        asked: vec![],
    };
    tell(
        desk,
        Purpose::Next,
        EventBody::Partial(Partial::Probs(next)),
    );
    assert!(tell(desk, Purpose::Features, EventBody::Done(Outcome::Nothing)).is_empty());
    tell(desk, Purpose::Next, EventBody::Done(Outcome::Nothing))
}

#[test]
fn a_run_takes_its_place_when_all_of_it_is_there() {
    let mut desk = Desk::new(String::new(), None);
    assert_eq!(desk.start().len(), 3);
    open(&mut desk);
    let asked = run(&mut desk, "one");
    let shown = desk.shown.clone().expect("a run");
    assert_eq!(
        (shown.record.firings.len(), shown.record.n_features),
        (1, 640)
    );
    assert_eq!(shown.record.loaded, [false, true]);
    let live = Source::Live {
        model: "demo model".into(),
        precision: Precision::Reference,
        adapter: String::new(),
        millis: 40.0,
    };
    assert_eq!(shown.source, live);
    let purposes: Vec<&Purpose> = asked.iter().map(|it| &it.purpose).collect();
    assert_eq!(purposes, [&Purpose::Effects(11)]);
    let witness = desk.linking.witness.clone().expect("what the run says");
    assert_eq!((witness.token, witness.features.len()), (11, 1));
    assert_eq!(desk.history, ["one"]);
    assert_eq!(desk.atlas.met.len(), 1);
}

#[test]
fn what_was_run_on_one_model_is_not_said_of_the_next() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let (_, asked) = desk.run(prompt("two"), 0.0);
    assert_eq!(asked.len(), 1);
    desk.library.choice = desk.library.choice.clone().from(Origin::Mirror);
    desk.open_chosen();
    assert!(desk.session.is_empty() && desk.atlas.met.is_empty());
    let shown = desk.shown.as_ref().expect("what was there");
    assert_eq!(
        (shown.prompt.text.as_str(), &shown.prompt.ids),
        ("one", &None)
    );
    assert!(!desk.is_running(), "its engine has another model");
    let asked = open(&mut desk);
    let runs = |it: &Question| matches!(&it.body, CommandBody::Run { input: Input::Text(text), .. } if text == "two");
    assert!(asked.iter().any(runs), "what was asked last: {asked:?}");
}

#[test]
fn what_is_told_of_one_run_is_not_put_into_the_next() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    assert_eq!(desk.explain().len(), 2);
    desk.heap.lens.entry(0).or_default();
    run(&mut desk, "two");
    assert!(desk.heap.lens.is_empty());
    desk.heap.lens.entry(0).or_default();
    desk.need(Metric::Error);
    assert!(!desk.heap.lens.is_empty(), "what others wait for stays");
}

#[test]
fn what_fails_leaves_what_is_shown() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let before = desk.shown.clone();
    desk.run(prompt("two"), 0.0);
    tell(&mut desk, Purpose::Run, EventBody::Failed(failure()));
    assert_eq!(desk.failure, Some(failure()));
    assert_eq!(desk.shown, before);
    tell(&mut desk, Purpose::Lens, EventBody::Failed(failure()));
    assert!(desk.troubles.contains_key("lens"));
}

#[test]
fn what_can_not_be_run_is_refused_kindly() {
    let mut desk = Desk::new(String::new(), None);
    for text in ["".to_string(), "x".repeat(100_001)] {
        let (cancel, asked) = desk.run(prompt(&text), 0.0);
        assert!(cancel.is_empty() && asked.is_empty());
        let it = desk.failure.clone().expect("a refusal");
        assert!(!it.what.is_empty() && !it.remedy.is_empty());
    }
    desk.no_webgpu = true;
    assert!(desk.run(prompt("one"), 0.0).1.is_empty());
}

#[test]
fn an_engine_that_starts_again_runs_the_prompt_once_more_and_not_twice() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let restarting = || {
        EventBody::State(EngineState::Restarting {
            reason: "trap".into(),
        })
    };
    let asked = tell(&mut desk, Purpose::Describe, restarting());
    let purposes: Vec<Purpose> = asked.into_iter().map(|it| it.purpose).collect();
    assert_eq!(purposes, [Purpose::Labels, Purpose::Run]);
    let asked = tell(&mut desk, Purpose::Describe, restarting());
    assert_eq!(asked.len(), 1, "within half a minute only the labels");
}

#[test]
fn what_is_asked_while_the_gpu_is_lost_is_what_runs_when_it_is_back() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let (_, asked) = desk.run(prompt("two"), 40.0);
    assert_eq!(asked.len(), 1);
    let back = EventBody::State(EngineState::Recovered);
    let asked = tell(&mut desk, Purpose::Describe, back);
    let runs = |it: &Question| matches!(&it.body, CommandBody::Run { input: Input::Text(text), .. } if text == "two");
    assert!(asked.iter().any(runs), "{asked:?}");
}

#[test]
fn the_first_run_is_compared_with_the_recorded_one() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let record = (*desk.shown.clone().expect("a run").record).clone();
    let mut again = Desk::new(String::new(), Some((record.clone(), Atlas::default())));
    let asked = open(&mut again);
    assert!(
        matches!(asked[0].body, CommandBody::Run { .. }),
        "what is shown is run"
    );
    run(&mut again, "one");
    assert_eq!(again.check, Check::Same);
    let mut other = record;
    other.firings[0].activation = 9.0;
    let mut again = Desk::new(String::new(), Some((other, Atlas::default())));
    open(&mut again);
    run(&mut again, "one");
    assert!(matches!(again.check, Check::Differs(_)));
}

#[test]
fn a_candidate_adds_its_token_exactly() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    let prompt = desk.with_token(11, " x").expect("a prompt");
    assert_eq!(prompt.ids, Some(vec![2, 7, 11]));
    assert_eq!(prompt.text, "one x");
}

#[test]
fn lens_and_figures_come_into_the_run_when_all_is_there() {
    let mut desk = Desk::new(String::new(), None);
    open(&mut desk);
    run(&mut desk, "one");
    assert_eq!(desk.explain().len(), 2);
    let told = Distribution {
        pos: 0,
        log_sum_exp: 0.0,
        top: vec![],
        asked: vec![],
    };
    let piece = Partial::Lens { layer: 0, told };
    tell(&mut desk, Purpose::Lens, EventBody::Partial(piece));
    assert!(
        desk.shown
            .as_ref()
            .is_some_and(|it| it.record.lens.is_empty())
    );
    tell(&mut desk, Purpose::Lens, EventBody::Done(Outcome::Nothing));
    assert!(
        desk.shown
            .as_ref()
            .is_some_and(|it| it.record.lens.len() == 1)
    );
}

#[test]
fn what_is_told_of_progress_ends_nothing() {
    let mut desk = Desk::default();
    desk.posted(7, Purpose::Labels);
    let mut fold = |body| {
        let (id, seq) = (7, 0);
        desk.fold(Event { id, seq, body }, &Parts::default(), 1.0);
        desk.is_asked(&Purpose::Labels)
    };
    assert!(fold(EventBody::Progress {
        phase: "Reading labels".into(),
        done: 1,
        total: Some(6),
        unit: "layers".into(),
    }));
    assert!(!fold(EventBody::Cancelled));
}
