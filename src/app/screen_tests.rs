//! The screen on the host: answers in, questions out.

use super::*;

fn event(id: u32, body: EventBody) -> Event {
    Event { id, seq: 0, body }
}

fn failure() -> Failure {
    Failure {
        what: "No.".into(),
        remedy: "Yes.".into(),
        detail: String::new(),
    }
}

fn opened(precision: Precision) -> Outcome {
    let plan = Plan {
        precision,
        n_ctx: 1,
        n_block: 1,
        max_binding_bytes: 1,
        max_gpu_bytes: None,
        n_resident: 1,
        weight_bytes: 1,
        kv_bytes: 1,
        n_kept: 0,
        d_transcoder: 0,
        kept_bytes: 0,
        scope: None,
        scratch_bytes: 1,
        staging_bytes: 1,
        total_bytes: 4,
    };
    Outcome::Opened {
        config: Config {
            n_layers: 2,
            ..Config::gemma_2_2b()
        },
        plan,
        fingerprint: String::new(),
    }
}

fn described() -> Outcome {
    Outcome::Described(Description {
        adapter: "a".into(),
        backend: "b".into(),
        driver: "c".into(),
        software: true,
        max_binding_bytes: 1,
        features: vec![],
        gpu_bytes: 0,
        peak_gpu_bytes: 0,
        heap_bytes: 0,
        n_submits: 0,
        open: None,
        last_errors: vec![],
    })
}

/// Answers the question under `id`; what is asked next.
fn answer(screen: &mut Screen, id: u32, outcome: Outcome) -> Option<CommandBody> {
    let next = screen.fold(event(id, EventBody::Done(outcome)), &[]);
    screen.posted(id + 1);
    next
}

#[test]
fn it_asks_its_way_to_the_end() {
    let mut screen = Screen::default();
    assert_eq!(screen.start(Request::default()), CommandBody::Describe);
    screen.posted(1);
    assert!(matches!(
        answer(&mut screen, 1, described()),
        Some(CommandBody::Open(_))
    ));
    let run = answer(&mut screen, 2, opened(Precision::Reference));
    assert!(matches!(run, Some(CommandBody::Run { want, .. }) if want.len() == 3));
    let ran = Outcome::Ran {
        run: RunKey("k".into()),
        tokens: vec![],
        kept: false,
        reached: Default::default(),
    };
    assert!(matches!(
        answer(&mut screen, 3, ran),
        Some(CommandBody::Ask {
            what: What::Site(_),
            ..
        })
    ));
    assert!(matches!(
        answer(&mut screen, 4, Outcome::Nothing),
        Some(CommandBody::Ask {
            what: What::Probs { .. },
            ..
        })
    ));
    assert!(matches!(
        answer(&mut screen, 5, Outcome::Nothing),
        Some(CommandBody::Generate { .. })
    ));
    assert_eq!(screen.state, State::Loading);
    let generated = Outcome::Generated {
        tokens: vec![],
        text: String::new(),
        seconds: 1.0,
    };
    assert_eq!(answer(&mut screen, 6, generated), None);
    assert_eq!((screen.state, screen.running()), (State::Done, None));
    assert!(
        matches!(screen.start(Request::default()), CommandBody::Run { .. }),
        "still open"
    );
    let compact = Request {
        precision: Precision::Compact,
        ..Request::default()
    };
    assert!(
        matches!(screen.start(compact), CommandBody::Open(_)),
        "another precision"
    );
}

#[test]
fn failures_and_stops_end_it() {
    let mut screen = Screen::default();
    screen.start(Request::default());
    screen.posted(1);
    screen.fold(event(1, EventBody::Failed(failure())), &[]);
    assert_eq!(
        (screen.state, screen.failure.clone()),
        (State::Failed, Some(failure()))
    );
    screen.start(Request::default());
    screen.posted(2);
    assert_eq!(
        (screen.state, screen.failure.clone()),
        (State::Loading, None)
    );
    assert_eq!(
        screen.fold(event(1, EventBody::Cancelled), &[]),
        None,
        "of an earlier command"
    );
    assert_eq!(screen.running(), Some(2));
    screen.fold(event(2, EventBody::Cancelled), &[]);
    assert!(screen.stopped && screen.state == State::Done);
}

#[test]
fn an_engine_that_starts_again_is_asked_again_and_a_dead_one_is_a_failure() {
    let mut screen = Screen::default();
    screen.start(Request::default());
    screen.posted(1);
    screen.fold(event(1, EventBody::Failed(failure())), &[]);
    let restarting = EngineState::Restarting {
        reason: "trap".into(),
    };
    let next = screen.fold(event(0, EventBody::State(restarting)), &[]);
    assert_eq!(next, Some(CommandBody::Describe));
    assert_eq!(
        (screen.state, screen.failure.clone()),
        (State::Restarting, None)
    );
    let dead = EngineState::Dead {
        reason: "trap".into(),
    };
    assert_eq!(screen.fold(event(0, EventBody::State(dead)), &[]), None);
    assert_eq!(screen.state, State::Failed);
}
