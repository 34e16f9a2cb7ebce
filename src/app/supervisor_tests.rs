//! The supervisor on the host: no worker, no browser.

use super::*;
use crate::session::protocol::{ModelRef, Outcome};
use crate::spec::Precision;

fn open() -> CommandBody {
    CommandBody::Open(OpenRequest {
        transcoders: None,
        n_kept: None,
        model: ModelRef::Synth {
            preset: "nano".into(),
            tokenizer: None,
        },
        precision: Precision::Reference,
        n_ctx: None,
        max_gpu_bytes: None,
    })
}

fn sent(actions: &[Action]) -> Vec<CommandBody> {
    let sent = actions.iter().filter_map(|it| match it {
        Action::Send(it) => Some(it.body.clone()),
        _ => None,
    });
    sent.collect()
}

fn failed_ids(actions: &[Action]) -> Vec<u32> {
    let failed = actions.iter().filter_map(|it| match it {
        Action::Tell(Event {
            id,
            body: EventBody::Failed(_),
            ..
        }) => Some(*id),
        _ => None,
    });
    failed.collect()
}

fn done(it: &mut Supervisor, id: u32) -> Vec<Action> {
    let body = EventBody::Done(Outcome::Nothing);
    it.event(Event { id, seq: 0, body })
}

#[test]
fn commands_wait_until_the_worker_is_ready_and_follow_the_greeting() {
    let (mut it, actions) = Supervisor::new();
    assert_eq!(actions, [Action::Start]);
    let (id, actions) = it.post(CommandBody::Describe);
    assert!(actions.is_empty());
    let actions = it.ready();
    let sent = sent(&actions);
    assert!(matches!(
        sent[..],
        [CommandBody::Hello { .. }, CommandBody::Describe]
    ));
    let Action::Send(hello) = &actions[0] else {
        panic!("a command")
    };
    assert!(
        done(&mut it, hello.id).is_empty(),
        "the greeting is not the page's"
    );
    assert_eq!(done(&mut it, id).len(), 1);
}

#[test]
fn it_restarts_once_opens_again_and_then_is_dead() {
    let (mut it, _) = Supervisor::new();
    it.ready();
    let (id, _) = it.post(open());
    done(&mut it, id);
    let (running, _) = it.post(CommandBody::Describe);
    let actions = it.died("trap");
    assert_eq!(failed_ids(&actions), [running]);
    assert_eq!(actions.last(), Some(&Action::Start));
    let (waits, _) = it.post(CommandBody::Describe);
    let sent = sent(&it.ready());
    assert!(matches!(
        sent[..],
        [
            CommandBody::Hello { .. },
            CommandBody::Open(_),
            CommandBody::Describe
        ]
    ));
    let actions = it.died("trap");
    assert_eq!(failed_ids(&actions), [waits]);
    assert_eq!(actions.last(), Some(&Action::End));
    assert!(it.died("again").is_empty());
    let (refused, actions) = it.post(CommandBody::Describe);
    assert_eq!(failed_ids(&actions), [refused]);
    let actions = it.restart();
    assert!(matches!(
        actions[..],
        [
            Action::Tell(Event {
                body: EventBody::State(EngineState::Restarting { .. }),
                ..
            }),
            Action::Start
        ]
    ));
    assert!(
        matches!(it.died("trap").last(), Some(Action::Start)),
        "by hand gives one more"
    );
}

#[test]
fn a_closed_model_is_not_opened_again() {
    let (mut it, _) = Supervisor::new();
    it.ready();
    for body in [open(), CommandBody::Close] {
        let (id, _) = it.post(body);
        done(&mut it, id);
    }
    it.died("trap");
    assert!(matches!(sent(&it.ready())[..], [CommandBody::Hello { .. }]));
}

#[test]
fn a_worker_that_dies_while_another_model_opens_brings_neither_back_by_itself() {
    let (mut it, _) = Supervisor::new();
    it.ready();
    let (first, _) = it.post(open());
    done(&mut it, first);
    let (second, _) = it.post(open());
    assert_eq!(failed_ids(&it.died("trap")), [second]);
    assert!(matches!(sent(&it.ready())[..], [CommandBody::Hello { .. }]));
}

#[test]
fn another_build_is_dead_at_once() {
    let (mut it, _) = Supervisor::new();
    let actions = it.ready();
    let Action::Send(hello) = &actions[0] else {
        panic!("a command")
    };
    let body = EventBody::Failed(Failure {
        what: "Other protocol.".into(),
        remedy: "Reload.".into(),
        detail: String::new(),
    });
    let actions = it.event(Event {
        id: hello.id,
        seq: 0,
        body,
    });
    assert_eq!(actions.last(), Some(&Action::End));
}
