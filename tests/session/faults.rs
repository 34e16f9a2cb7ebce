//! What goes wrong with devices, memory and time: cancels, credits, losses, refusals.

use crate::asking::*;
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
fn with_states(
    client: &mut Client,
    body: CommandBody,
) -> (Result<Outcome, Failure>, Vec<EngineState>, usize) {
    let (mut states, mut n_pieces) = (Vec::new(), 0);
    let mut on = |it: Told| match it {
        Told::State(it) => states.push(it),
        Told::Partial(..) => n_pieces += 1,
        Told::Progress { .. } | Told::Ready(_) => (),
    };
    let result = client.call(body, &mut on);
    (result, states, n_pieces)
}

#[test]
fn a_waiting_command_that_is_cancelled_never_runs() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let long = client.post(prompt(&[5; 128], &[Site::Logits]));
    let waits = client.post(prompt(&IDS, &[]));
    let cancel = client.post(CommandBody::Cancel { id: waits });
    let mut messages = until_end(&mut client, long);
    let described = client.post(CommandBody::Describe);
    messages.extend(until_end(&mut client, described));
    assert_eq!(end_of(&messages, waits), &EventBody::Cancelled);
    assert_eq!(
        end_of(&messages, cancel),
        &EventBody::Done(Outcome::Nothing)
    );
    let EventBody::Done(Outcome::Described(about)) = end_of(&messages, described) else {
        panic!("described")
    };
    assert_eq!(
        about.open.as_ref().map(|it| it.runs.len()),
        Some(1),
        "only the long one has run"
    );
}

#[test]
fn a_running_command_stops_within_one_submit() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
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
    assert_eq!(
        told.last().map(|it| &it.event.body),
        Some(&EventBody::Cancelled)
    );
    assert!(
        told.iter().any(|it| it.event.id == cancel),
        "the cancel has its own end, at once"
    );
    let after = n_submits(&mut client);
    done(&mut client, CommandBody::Describe);
    assert_eq!(n_submits(&mut client), after, "nothing goes on afterwards");
    assert!(after > before);
    assert_eq!(
        distributions(&mut client, &run, Positions::All).len(),
        5,
        "the engine goes on"
    );
}

#[test]
fn a_load_that_is_cancelled_leaves_nothing_open() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let id = client.post(open(nano()));
    client.post(CommandBody::Cancel { id });
    let told = until_end(&mut client, id);
    assert_eq!(
        told.last().map(|it| &it.event.body),
        Some(&EventBody::Cancelled)
    );
    fails(&mut client, prompt(&IDS, &[]), "No model is open");
}

#[test]
fn pieces_wait_for_credits() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&[9; 40], &[]));
    let id = client.post(ask_probs(&run, Positions::All));
    let mut n_pieces = 0;
    while let Some(message) =
        client.next_message(Duration::from_secs(if n_pieces < 8 { 120 } else { 1 }))
    {
        assert!(
            !is_terminal(&message.event.body),
            "it can't end before its pieces are taken"
        );
        n_pieces += u32::from(matches!(message.event.body, EventBody::Partial(_)));
    }
    assert_eq!(n_pieces, PARTIAL_CREDITS);
    client.acknowledge(id, 3);
    for _ in 0..3 {
        let message = client.next_message(LONG).expect("a piece per credit");
        assert!(matches!(
            message.event.body,
            EventBody::Partial(Partial::Probs(_))
        ));
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
    let Some(mut sound) = client(Default::default()) else {
        return;
    };
    done(&mut sound, open(nano()));
    let loaded = n_submits(&mut sound);
    let (run, ..) = ran(&mut sound, prompt(&IDS, &[]));
    let (expected, _) = watched(&mut sound, generate(&run, 12));

    let Some(mut client) = client(options(&[lose_at(loaded + 6)])) else {
        return;
    };
    done(&mut client, open(nano()));
    ran(&mut client, prompt(&IDS, &[]));
    let (result, states, n_pieces) = with_states(&mut client, generate(&run, 12));
    assert!(
        matches!(
            &states[..],
            [EngineState::DeviceLost { .. }, EngineState::Recovered]
        ),
        "{states:?}"
    );
    let Ok(Outcome::Generated { tokens, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(
        (tokens, n_pieces),
        (expected.clone(), expected.len()),
        "no token is lost or told twice"
    );

    let Some(mut client) = client_lost_twice(loaded) else {
        return;
    };
    done(&mut client, open(nano()));
    let (result, states, _) = with_states(&mut client, prompt(&IDS, &[]));
    let failure = result.expect_err("lost twice");
    assert!(
        failure.what.contains("lost again") && !failure.remedy.is_empty(),
        "{failure:?}"
    );
    assert!(
        matches!(states.last(), Some(EngineState::DeviceLost { .. })),
        "{states:?}"
    );
    let (result, states, _) = with_states(&mut client, prompt(&IDS, &[]));
    assert!(
        matches!(&result, Ok(Outcome::Ran { run: same, .. }) if *same == run),
        "the next command takes a new device, and the model is there: {result:?}"
    );
    assert!(
        matches!(&states[..], [EngineState::Recovered]),
        "{states:?}"
    );
}

fn client_lost_twice(loaded: u64) -> Option<Client> {
    client(options(&[lose_at(loaded + 1), lose_at(loaded + 1)]))
}

#[test]
fn activations_survive_a_loss_between_their_pieces() {
    let ids = [9; 100];
    let sites = [Site::ResidPre(0), Site::MlpOut(3)];
    let told = |faults: &[Faults]| {
        let mut client = client(options(faults))?;
        done(&mut client, open(nano()));
        let (run, ..) = ran(&mut client, prompt(&ids, &[]));
        let after = n_submits(&mut client);
        let (mut pieces, mut n_states) = (Vec::new(), 0);
        let mut on = |it: Told| match it {
            Told::Partial(it, parts) => pieces.push((it, parts)),
            Told::State(_) => n_states += 1,
            Told::Progress { .. } | Told::Ready(_) => (),
        };
        let ask = ask_sites(&run, &sites, Positions::All);
        client.call(ask, &mut on).expect("activations");
        Some((pieces, n_states, after..n_submits(&mut client)))
    };
    let Some((expected, _, asked)) = told(&[]) else {
        return;
    };
    assert_eq!(expected.len(), 4, "two blocks of two sites");
    // How many submits a pass takes depends on how long they take: the middle of one may be the end of another.
    let middle = (asked.start + asked.end) / 2 + 1;
    let is_lost_amid = |at: u64| {
        let (again, n_states, _) = told(&[lose_at(at)]).expect("an adapter is there");
        assert!(
            again == expected,
            "a piece is lost or told twice, lost at {at}"
        );
        n_states == 2
    };
    let mut points = (middle..=asked.end + 2).chain(asked.start + 1..middle);
    assert!(points.any(is_lost_amid), "never lost in {asked:?}");
}

#[test]
fn refused_memory_is_a_failure_and_the_engine_goes_on() {
    let Some(mut sound) = client(Default::default()) else {
        return;
    };
    let Outcome::Planned(plan) = done(&mut sound, CommandBody::Plan(nano())) else {
        panic!("a plan")
    };
    let refuse = Faults {
        refuse_above_bytes: Some(plan.total_bytes / 2),
        ..Default::default()
    };
    let Some(mut client) = client(options(&[refuse])) else {
        return;
    };
    let failure = failed(&mut client, open(nano()));
    assert!(failure.what.contains("bytes"), "{failure:?}");
    assert!(
        failure.remedy.contains("compact") && failure.remedy.contains("context"),
        "{failure:?}"
    );
    fails(&mut client, prompt(&IDS, &[]), "No model is open");
    let about = described(&mut client);
    assert_eq!(about.open, None);
    // Uniforms and staging are the device's own and stay.
    assert!(
        about.gpu_bytes < plan.total_bytes / 4,
        "{} of {} bytes stay",
        about.gpu_bytes,
        plan.total_bytes
    );
    done(&mut client, CommandBody::ResetGpu);
    done(&mut client, open(nano()));
    ran(&mut client, prompt(&IDS, &[]));
}
