//! Bad commands and prompts: each is answered, and the engine goes on.

use crate::common::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions};
use gemscope::spec::{Positions, Site};

#[test]
fn bad_prompts_are_failures() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    assert!(failed(&mut client, prompt(&[], &[])).what.contains("empty"));
    assert!(
        failed(&mut client, prompt(&[2, 512], &[]))
            .what
            .contains("512")
    );
    assert!(
        failed(&mut client, prompt(&[2; 8193], &[]))
            .what
            .contains("8193")
    );
    assert!(
        failed(&mut client, prompt(&[2], &[Site::MlpOut(4)]))
            .what
            .contains("blocks.4")
    );
    let text = CommandBody::Run {
        input: Input::Text("words".into()),
        want: vec![],
        writes: vec![],
    };
    assert!(failed(&mut client, text).what.contains("tokenizer"));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    assert!(
        failed(&mut client, ask_probs(&run, Positions::Span(3, 5)))
            .what
            .contains("3-5")
    );
    assert!(
        failed(
            &mut client,
            ask_sites(&run, &[Site::ResidPre(9)], Positions::All)
        )
        .what
        .contains("blocks.9")
    );
    let unknown = RunKey("0123456789abcdef".into());
    assert!(
        failed(&mut client, ask_probs(&unknown, Positions::All))
            .what
            .contains("0123456789abcdef")
    );
    assert!(
        failed(&mut client, generate(&unknown, 1))
            .what
            .contains("0123456789abcdef")
    );
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
    assert!(
        failed(&mut client, open(nano()))
            .what
            .contains("no such adapter")
    );
    let Outcome::Planned(plan) = done(&mut client, CommandBody::Plan(nano())) else {
        panic!("a plan needs no adapter")
    };
    assert!(plan.total_bytes > 0);
}
