//! Bad commands and prompts: each is answered, and the engine goes on.

use crate::asking::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions};
use gemscope::spec::{Positions, Site};

#[test]
fn bad_prompts_are_failures() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    fails(&mut client, prompt(&[], &[]), "empty");
    fails(&mut client, prompt(&[2, 512], &[]), "512");
    fails(&mut client, prompt(&[2; 8193], &[]), "8193");
    fails(&mut client, prompt(&[2], &[Site::MlpOut(4)]), "blocks.4");
    let text = CommandBody::Run {
        input: Input::Text("words".into()),
        want: vec![],
        writes: vec![],
    };
    fails(&mut client, text, "tokenizer");
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    fails(&mut client, ask_probs(&run, Positions::Span(3, 5)), "3-5");
    fails(
        &mut client,
        ask_sites(&run, &[Site::ResidPre(9)], Positions::All),
        "blocks.9",
    );
    let unknown = RunKey("0123456789abcdef".into());
    fails(
        &mut client,
        ask_probs(&unknown, Positions::All),
        "0123456789abcdef",
    );
    fails(&mut client, generate(&unknown, 1), "0123456789abcdef");
    let hot = CommandBody::Generate {
        run,
        n: 1,
        sampling: Sampling {
            temperature: -1.0,
            ..Sampling::GREEDY
        },
        watch: false,
    };
    fails(&mut client, hot, "emperature");
}

#[test]
fn commands_that_are_none_are_answered() {
    // Needs no adapter.
    let mut client = Client::start_silent(Default::default()).expect("an engine");
    let first = client.next_message(LONG).expect("a state");
    assert_eq!(
        (first.event.id, first.event.body),
        (0, EventBody::State(EngineState::Ready))
    );
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
        let EventBody::Failed(failure) = message.event.body else {
            panic!("{text}")
        };
        assert!(!failure.what.is_empty() && !failure.remedy.is_empty());
    }
    let id = client.post(hello(PROTOCOL + 1));
    let told = until_end(&mut client, id);
    assert!(
        matches!(told.last().map(|it| &it.event.body), Some(EventBody::Failed(it)) if it.remedy.contains("Reload"))
    );
}

#[test]
fn an_id_in_use_is_refused_and_the_first_goes_on() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let id = client.post(prompt(&[5; 128], &[Site::Logits]));
    client.inbox().post(Command {
        id,
        body: CommandBody::Describe,
    });
    let told = until_end(&mut client, id);
    assert!(
        told.iter()
            .any(|it| it.event.id == 0 && matches!(it.event.body, EventBody::Failed(_)))
    );
    assert!(matches!(
        end_of(&told, id),
        EventBody::Done(Outcome::Ran { .. })
    ));
}

#[test]
fn an_adapter_that_is_not_there_is_a_failure() {
    let options = EngineOptions {
        adapter: Some("no such adapter".into()),
        ..Default::default()
    };
    let mut client = Client::start(options).expect("an engine");
    fails(&mut client, open(nano()), "no such adapter");
    let Outcome::Planned(plan) = done(&mut client, CommandBody::Plan(nano())) else {
        panic!("a plan needs no adapter")
    };
    assert!(plan.total_bytes > 0);
}
