//! What goes wrong in a session: cancels, credits, lost devices, refused memory, bad commands.
#![cfg(feature = "engine")]

#[path = "session/common.rs"]
mod common;

use common::*;
use gemscope::gpu::Faults;
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions, Told};
use gemscope::spec::{Positions, Site};
use std::time::Duration;

fn options(faults: &[Faults]) -> EngineOptions {
    EngineOptions {
        faults: faults.to_vec(),
        ..Default::default()
    }
}

fn lose_at(submit: u64) -> Faults {
    Faults {
        lose_at_submit: Some(submit),
        ..Default::default()
    }
}

/// Outcome, and the states told on the way.
fn with_states(client: &mut Client, body: CommandBody) -> (Result<Outcome, Failure>, Vec<EngineState>, usize) {
    let (mut states, mut n_pieces) = (Vec::new(), 0);
    let mut on = |it: Told| match it {
        Told::State(it) => states.push(it),
        Told::Partial(..) => n_pieces += 1,
        Told::Progress { .. } => (),
    };
    let result = client.call(body, &mut on);
    (result, states, n_pieces)
}

#[test]
fn a_waiting_command_that_is_cancelled_never_runs() {
    let Some(mut client) = client(Default::default()) else { return };
    done(&mut client, open(nano()));
    let long = client.post(prompt(&[5; 128], &[Site::Logits]));
    let waits = client.post(prompt(&IDS, &[]));
    let cancel = client.post(CommandBody::Cancel { id: waits });
    let mut messages = until_end(&mut client, long);
    let described = client.post(CommandBody::Describe);
    messages.extend(until_end(&mut client, described));
    assert_eq!(end_of(&messages, waits), &EventBody::Cancelled);
    assert_eq!(end_of(&messages, cancel), &EventBody::Done(Outcome::Nothing));
    let EventBody::Done(Outcome::Described(about)) = end_of(&messages, described) else { panic!("described") };
    assert_eq!(about.open.as_ref().map(|it| it.runs.len()), Some(1), "only the long one has run");
}

#[test]
fn a_running_command_stops_within_one_submit() {
    let Some(mut client) = client(Default::default()) else { return };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    let before = n_submits(&mut client);
    let id = client.post(generate(&run, 100));
    // Nothing is acknowledged: the engine waits for credits after some tokens, or still generates; either way it must stop.
    let first = loop {
        let message = client.next_message(LONG).expect("a token");
        if let EventBody::Partial(Partial::Token(_)) = message.event.body {
            break message;
        }
    };
    assert_eq!(first.event.id, id);
    let cancel = client.post(CommandBody::Cancel { id });
    let told = until_end(&mut client, id);
    assert_eq!(told.last().map(|it| &it.event.body), Some(&EventBody::Cancelled));
    assert!(told.iter().any(|it| it.event.id == cancel), "the cancel has its own end, at once");
    let after = n_submits(&mut client);
    done(&mut client, CommandBody::Describe);
    assert_eq!(n_submits(&mut client), after, "nothing goes on afterwards");
    assert!(after > before);
    assert_eq!(distributions(&mut client, &run, Positions::All).len(), 5, "the engine goes on");
}

#[test]
fn a_load_that_is_cancelled_leaves_nothing_open() {
    let Some(mut client) = client(Default::default()) else { return };
    let id = client.post(open(nano()));
    client.post(CommandBody::Cancel { id });
    let told = until_end(&mut client, id);
    assert_eq!(told.last().map(|it| &it.event.body), Some(&EventBody::Cancelled));
    assert!(failed(&mut client, prompt(&IDS, &[])).what.contains("No model is open"));
}

#[test]
fn pieces_wait_for_credits() {
    let Some(mut client) = client(Default::default()) else { return };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&[9; 40], &[]));
    let id = client.post(ask_probs(&run, Positions::All));
    let mut n_pieces = 0;
    while let Some(message) = client.next_message(Duration::from_secs(if n_pieces < 8 { 120 } else { 1 })) {
        assert!(!is_terminal(&message.event.body), "it can't end before its pieces are taken");
        n_pieces += u32::from(matches!(message.event.body, EventBody::Partial(_)));
    }
    assert_eq!(n_pieces, PARTIAL_CREDITS);
    client.acknowledge(id, 3);
    for _ in 0..3 {
        let message = client.next_message(LONG).expect("a piece per credit");
        assert!(matches!(message.event.body, EventBody::Partial(Partial::Probs(_))));
    }
    assert!(client.next_message(Duration::from_millis(300)).is_none());
    client.acknowledge(id, 100);
    let mut n_rest = 0;
    loop {
        let message = client.next_message(LONG).expect("the rest");
        match message.event.body {
            EventBody::Partial(_) => n_rest += 1,
            EventBody::Done(Outcome::Nothing) => break,
            other => panic!("{other:?}"),
        }
        client.acknowledge(id, 1);
    }
    assert_eq!(n_rest, 40 - 8 - 3);
}

#[test]
fn a_lost_device_is_replaced_once_per_command() {
    let Some(mut sound) = client(Default::default()) else { return };
    done(&mut sound, open(nano()));
    let loaded = n_submits(&mut sound);
    let (run, ..) = ran(&mut sound, prompt(&IDS, &[]));
    let (expected, _) = watched(&mut sound, generate(&run, 12));

    let Some(mut client) = client(options(&[lose_at(loaded + 6)])) else { return };
    done(&mut client, open(nano()));
    ran(&mut client, prompt(&IDS, &[]));
    let (result, states, n_pieces) = with_states(&mut client, generate(&run, 12));
    assert!(matches!(&states[..], [EngineState::DeviceLost { .. }, EngineState::Recovered]), "{states:?}");
    let Ok(Outcome::Generated { tokens, .. }) = result else { panic!("{result:?}") };
    assert_eq!((tokens, n_pieces), (expected.clone(), expected.len()), "no token is lost or told twice");

    let Some(mut client) = client_lost_twice(loaded) else { return };
    done(&mut client, open(nano()));
    let (result, states, _) = with_states(&mut client, prompt(&IDS, &[]));
    let failure = result.expect_err("lost twice");
    assert!(failure.what.contains("lost again") && !failure.remedy.is_empty(), "{failure:?}");
    assert!(matches!(states.last(), Some(EngineState::DeviceLost { .. })), "{states:?}");
    assert_eq!(ran(&mut client, prompt(&IDS, &[])).0, run, "the next command takes a new device, and the model is there");
}

fn client_lost_twice(loaded: u64) -> Option<Client> {
    client(options(&[lose_at(loaded + 1), lose_at(loaded + 1)]))
}

#[test]
fn a_device_lost_while_loading_is_replaced() {
    let Some(mut client) = client(options(&[lose_at(2)])) else { return };
    let (result, states, _) = with_states(&mut client, open(nano()));
    assert!(matches!(result, Ok(Outcome::Opened { .. })), "{result:?}");
    assert_eq!(states.len(), 2, "{states:?}");
    ran(&mut client, prompt(&IDS, &[]));
}

#[test]
fn refused_memory_is_a_failure_and_the_engine_goes_on() {
    let Some(mut sound) = client(Default::default()) else { return };
    let Outcome::Planned(plan) = done(&mut sound, CommandBody::Plan(nano())) else { panic!("a plan") };
    let refuse = Faults {
        refuse_above_bytes: Some(plan.total_bytes * 3 / 4),
        ..Default::default()
    };
    let Some(mut client) = client(options(&[refuse])) else { return };
    let failure = failed(&mut client, open(nano()));
    assert!(failure.what.contains("bytes"), "{failure:?}");
    assert!(failure.remedy.contains("compact") && failure.remedy.contains("context"), "{failure:?}");
    assert!(failed(&mut client, prompt(&IDS, &[])).what.contains("No model is open"));
    let Outcome::Described(about) = done(&mut client, CommandBody::Describe) else { panic!("described") };
    assert_eq!((about.gpu_bytes, about.open), (0, None), "everything is given back");
    done(&mut client, CommandBody::ResetGpu);
    done(&mut client, open(nano()));
    ran(&mut client, prompt(&IDS, &[]));
}

#[test]
fn bad_prompts_are_failures() {
    let Some(mut client) = client(Default::default()) else { return };
    done(&mut client, open(nano()));
    assert!(failed(&mut client, prompt(&[], &[])).what.contains("empty"));
    assert!(failed(&mut client, prompt(&[2, 512], &[])).what.contains("512"));
    assert!(failed(&mut client, prompt(&[2; 129], &[])).what.contains("129"));
    assert!(failed(&mut client, prompt(&[2], &[Site::MlpOut(4)])).what.contains("blocks.4"));
    let text = CommandBody::Run {
        input: Input::Text("words".into()),
        want: vec![],
        writes: vec![],
    };
    assert!(failed(&mut client, text).what.contains("tokenizer"));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    assert!(failed(&mut client, ask_probs(&run, Positions::Span(3, 5))).what.contains("3-5"));
    assert!(failed(&mut client, ask_sites(&run, &[Site::ResidPre(9)], Positions::All)).what.contains("blocks.9"));
    let unknown = RunKey("0123456789abcdef".into());
    assert!(failed(&mut client, ask_probs(&unknown, Positions::All)).what.contains("0123456789abcdef"));
    assert!(failed(&mut client, generate(&unknown, 1)).what.contains("0123456789abcdef"));
    let hot = CommandBody::Generate {
        run,
        n: 1,
        sampling: Sampling {
            temperature: -1.0,
            ..Sampling::GREEDY
        },
        watch: false,
    };
    assert!(failed(&mut client, hot).remedy.contains("emperature"));
}

#[test]
fn commands_that_are_none_are_answered() {
    // Needs no adapter.
    let mut client = Client::start_silent(Default::default()).expect("an engine");
    let first = client.next_message(LONG).expect("a state");
    assert_eq!((first.event.id, first.event.body), (0, EventBody::State(EngineState::Ready)));
    let inbox = client.inbox();
    for (text, id) in [
        (r#"{"id": 7, "body": {"Fly": {"to": "the moon"}}}"#, 7),
        (r#"{"id": 7, "body": "Describe", "more": "#, 0),
        ("not json", 0),
        (r#"{"id": 0, "body": "Describe"}"#, 0),
        (r#"{"id": 8, "body": "Describe"}"#, 8),
    ] {
        inbox.post_json(text);
        let message = client.next_message(LONG).expect("an answer");
        assert_eq!(message.event.id, id, "{text}");
        let EventBody::Failed(failure) = message.event.body else { panic!("{text}") };
        assert!(!failure.what.is_empty() && !failure.remedy.is_empty());
    }
    let id = client.post(hello(PROTOCOL + 1));
    let told = until_end(&mut client, id);
    assert!(matches!(told.last().map(|it| &it.event.body), Some(EventBody::Failed(it)) if it.remedy.contains("Reload")));
}

#[test]
fn an_id_in_use_is_refused_and_the_first_goes_on() {
    let Some(mut client) = client(Default::default()) else { return };
    done(&mut client, open(nano()));
    let id = client.post(prompt(&[5; 128], &[Site::Logits]));
    client.inbox().post(Command {
        id,
        body: CommandBody::Describe,
    });
    let told = until_end(&mut client, id);
    assert!(told.iter().any(|it| it.event.id == 0 && matches!(it.event.body, EventBody::Failed(_))));
    assert!(matches!(end_of(&told, id), EventBody::Done(Outcome::Ran { .. })));
}

#[test]
fn an_adapter_that_is_not_there_is_a_failure() {
    let options = EngineOptions {
        adapter: Some("no such adapter".into()),
        ..Default::default()
    };
    let mut client = Client::start(options).expect("an engine");
    assert!(failed(&mut client, open(nano())).what.contains("no such adapter"));
    let Outcome::Planned(plan) = done(&mut client, CommandBody::Plan(nano())) else { panic!("a plan needs no adapter") };
    assert!(plan.total_bytes > 0);
}
