//! Which model opens on the host: one after another, one that fails, none where there is no adapter.

use crate::app::{
    ask::Purpose,
    choice::{Choice, Origin},
    desk::{Desk, Engine, Prompt},
    parts::Parts,
};
use crate::session::protocol::{
    CommandBody, EngineState, Event, EventBody, Failure, OpenRequest, Outcome,
};
use crate::spec::{Config, Plan, Precision};

fn told(desk: &mut Desk, id: u32, purpose: Option<Purpose>, body: EventBody) -> Vec<CommandBody> {
    if let Some(it) = purpose {
        desk.posted(id, it);
    }
    let out = desk.fold(Event { id, seq: 0, body }, &Parts::default(), 1.0);
    out.into_iter().map(|it| it.body).collect()
}

fn opened() -> EventBody {
    EventBody::Done(Outcome::Opened {
        config: Config::gemma_2_2b(),
        plan: Plan {
            precision: Precision::Precise,
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
        },
        fingerprint: String::new(),
        declared_l0: vec![],
    })
}

fn failed() -> EventBody {
    EventBody::Failed(Failure {
        what: "No memory.".into(),
        remedy: String::new(),
        detail: String::new(),
    })
}

fn request(origin: Origin) -> OpenRequest {
    let form = Choice::default().from(origin);
    form.request("https://here").expect("a form")
}

/// A desk on which the demo is open.
fn demo_open() -> Desk {
    let mut desk = Desk::new("https://here".into(), None);
    desk.open(request(Origin::Demo));
    told(&mut desk, 1, Some(Purpose::Open), opened());
    assert!(desk.opened.is_some());
    desk
}

#[test]
fn of_two_that_were_chosen_the_last_counts_and_the_former_stays_the_one_that_was_open() {
    let mut desk = demo_open();
    desk.open(request(Origin::Mirror));
    desk.posted(2, Purpose::Open);
    desk.open(request(Origin::Gated));
    desk.posted(3, Purpose::Open);
    told(&mut desk, 2, None, opened());
    assert!(desk.opened.is_none(), "the first is not what is waited for");
    let asked = told(&mut desk, 3, None, failed());
    assert!(matches!(&asked[0], CommandBody::Open(it) if *it == request(Origin::Demo)));
}

#[test]
fn what_was_asked_while_a_model_failed_to_open_runs_on_the_former() {
    let mut desk = demo_open();
    desk.open(request(Origin::Mirror));
    let prompt = Prompt {
        text: "asked meanwhile".into(),
        ids: None,
    };
    desk.run(prompt.clone(), 2.0);
    told(&mut desk, 2, Some(Purpose::Open), failed());
    assert_eq!(desk.linking.prompt, Some(prompt));
}

#[test]
fn a_dead_engine_opens_what_was_chosen_last() {
    let mut desk = demo_open();
    let dead = EngineState::Dead {
        reason: "trap".into(),
    };
    told(&mut desk, 0, None, EventBody::State(dead));
    desk.open(request(Origin::Mirror));
    assert!(told(&mut desk, 2, Some(Purpose::Open), failed()).is_empty());
    let again = EngineState::Restarting {
        reason: "by hand".into(),
    };
    let asked = told(&mut desk, 0, None, EventBody::State(again));
    assert!(matches!(&asked[0], CommandBody::Open(it) if *it == request(Origin::Mirror)));
}

#[test]
fn without_an_adapter_a_link_is_read_again_and_shows_what_was_recorded() {
    let mut desk = Desk::new("https://here".into(), None);
    desk.linking.opened = Some("#/x?p=a".into());
    desk.start();
    desk.open(request(Origin::Demo));
    told(&mut desk, 0, None, EventBody::State(EngineState::NoAdapter));
    assert_eq!(desk.engine, Engine::Said(EngineState::NoAdapter));
    let asked = told(&mut desk, 2, Some(Purpose::Open), failed());
    assert!(matches!(&asked[..], [CommandBody::ReadLink { text }] if text == "#/x?p=a"));
    assert!(
        desk.open(request(Origin::Demo)).is_empty(),
        "none is opened"
    );
}

#[test]
fn an_engine_that_dies_over_the_model_of_a_link_goes_on_with_the_link() {
    let mut desk = Desk::new("https://here".into(), None);
    desk.linking.opened = Some("#/x?p=a".into());
    desk.start();
    desk.open(request(Origin::Demo));
    told(&mut desk, 2, Some(Purpose::Open), failed());
    assert!(
        !desk.is_between(),
        "where nothing follows, addresses are written again"
    );
    let again = EngineState::Restarting {
        reason: "trap".into(),
    };
    let asked = told(&mut desk, 0, None, EventBody::State(again));
    assert!(matches!(&asked[0], CommandBody::Open(_)));
    assert_eq!(desk.linking.opened.as_deref(), Some("#/x?p=a"));
}
