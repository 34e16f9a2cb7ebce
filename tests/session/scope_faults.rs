//! What goes wrong with runs and questions of the scope: stops, lost devices, little room.

use crate::asking::*;
use crate::scoped::*;
use gemscope::gpu::Faults;
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions, Told};
use gemscope::spec::Positions;
use std::time::Duration;

/// Everything that a command tells.
#[derive(Debug, PartialEq)]
struct Answer {
    outcome: Result<Outcome, Failure>,
    pieces: Vec<Piece>,
    states: Vec<EngineState>,
}

fn answer(client: &mut Client, body: CommandBody) -> Answer {
    let (mut pieces, mut states) = (Vec::new(), Vec::new());
    let mut on = |it: Told| match it {
        Told::Partial(it, parts) => pieces.push((it, parts)),
        Told::State(it) => states.push(it),
        Told::Progress { .. } | Told::Ready(_) => (),
    };
    let outcome = client.call(body, &mut on).map(|it| match it {
        // No two take as long.
        Outcome::Generated { tokens, text, .. } => Outcome::Generated {
            tokens,
            text,
            seconds: 0.0,
        },
        other => other,
    });
    Answer {
        outcome,
        pieces,
        states,
    }
}

/// The keys of a run and of one derived from it.
fn keys() -> Option<(RunKey, RunKey)> {
    let mut client = scoped_client(Default::default())?;
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (derived, ..) = ran(&mut client, steer(&run, &["0:3-:9=+2"]));
    Some((run, derived))
}

/// Cancels a command that is under way, and waits for its end.
fn cancel_amid(client: &mut Client, body: CommandBody) {
    let what = format!("{body:?}");
    let id = client.post(body);
    // Most tell at once how far they are; a card tells nothing, and some time passes instead. Pieces are not acknowledged: a
    // command that has more of them than credits can't end.
    let mut messages = Vec::new();
    messages.extend(client.next_message(Duration::from_millis(40)));
    let cancel = client.post(CommandBody::Cancel { id });
    messages.extend(until_end(client, id));
    assert_eq!(end_of(&messages, id), &EventBody::Cancelled, "{what}");
    let describe = client.post(CommandBody::Describe);
    let later = until_end(client, describe);
    assert!(later.iter().all(|it| it.event.id != id), "{what}");
    messages.extend(later);
    assert_eq!(
        end_of(&messages, cancel),
        &EventBody::Done(Outcome::Nothing),
        "{what}"
    );
    let after = n_submits(client);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(n_submits(client), after, "{what}: nothing goes on");
}

#[test]
fn every_command_can_be_cancelled_and_asked_again() {
    let Some(mut sound) = scoped_client(Default::default()) else {
        return;
    };
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let long: Vec<u32> = (0..128).map(|it| 2 + it * 37 % 500).collect();
    let mut of_long = RunKey(String::new());
    for it in [&mut sound, &mut client] {
        let (run, ..) = ran(it, prompt(&LONGER, &[]));
        ran(it, steer(&run, &["0:3-:9=+2"]));
        (of_long, ..) = ran(it, prompt(&long, &[]));
    }
    let Some((run, derived)) = keys() else { return };
    let layers = [0, 1, 2, 3].repeat(3);
    let splices = [Splice::Layer(0), Splice::Layer(2), Splice::All].repeat(4);
    let parts = [DensePart::Pre, DensePart::Acts, DensePart::Out];
    let mut other = long.clone();
    other.reverse();
    for body in [
        prompt(&other, &[]),
        derive(&of_long, &["0:*:9=+1"], Some(Splice::All), Mode::Free),
        ask_features(&derived, Some(&layers)),
        ask_dense(&derived, &layers, &parts),
        ask_lens(&run, None),
        ask_metrics(&run, &splices),
        ask_effects(&run, 7, Some(&layers)),
        card("2.176", &[0, 1, 2, 3].repeat(50)),
        generate(&derived, 20),
        ask_probs(&derived, Positions::All),
    ] {
        let what = format!("{body:?}");
        cancel_amid(&mut client, body.clone());
        let expected = answer(&mut sound, body.clone());
        assert!(expected.outcome.is_ok(), "{what}: {expected:?}");
        assert!(answer(&mut client, body) == expected, "{what}");
    }
}

/// What a command answers on a device with faults, after others; and the submits before it and after.
fn with_faults(
    faults: &[Faults],
    before: &[CommandBody],
    body: &CommandBody,
) -> Option<(Answer, u64, u64)> {
    let options = EngineOptions {
        faults: faults.to_vec(),
        kept_bytes: Some(1),
        ..Default::default()
    };
    let mut client = scoped_client(options)?;
    for it in before {
        done(&mut client, it.clone());
    }
    let first = n_submits(&mut client);
    let answer = answer(&mut client, body.clone());
    Some((answer, first, n_submits(&mut client)))
}

/// With no memory for what is kept, everything is computed when it is asked for, and so can be lost.
#[test]
fn a_device_lost_amid_a_command_changes_nothing() {
    let Some((run, derived)) = keys() else { return };
    let clean = || vec![prompt(&LONGER, &[])];
    let changed = || vec![prompt(&LONGER, &[]), steer(&run, &["0:3-:9=+2"])];
    let parts = [DensePart::Pre, DensePart::Out];
    let splices = [Splice::Layer(1), Splice::All];
    for (before, body) in [
        (vec![], prompt(&LONGER, &[])),
        (clean(), steer(&run, &["0:3-:9=+2"])),
        (clean(), ask_features(&run, None)),
        (changed(), ask_features(&derived, None)),
        (changed(), ask_dense(&derived, &[1, 3], &parts)),
        (clean(), ask_lens(&run, None)),
        (clean(), ask_metrics(&run, &splices)),
        (clean(), ask_effects(&run, 7, None)),
        (vec![], card("2.176", &[0, 2])),
        (changed(), generate(&derived, 12)),
    ] {
        // How many submits a pass takes depends on how long they take, unless they are even.
        let told = |lose_at_submit| {
            let faults = Faults {
                lose_at_submit,
                even_submits: true,
                ..Default::default()
            };
            with_faults(&[faults], &before, &body)
        };
        let Some((expected, first, last)) = told(None) else {
            return;
        };
        assert!(last > first && expected.outcome.is_ok(), "{body:?}");
        let middle = (first + last).div_ceil(2);
        for at in [first + 1, middle, last] {
            let (got, ..) = told(Some(at)).expect("an adapter is there");
            assert_eq!(got.outcome, expected.outcome, "{body:?}, lost at {at}");
            assert!(
                got.pieces == expected.pieces,
                "{body:?}, lost at {at}: a piece is lost, changed or told twice"
            );
            assert!(
                matches!(
                    &got.states[..],
                    [EngineState::DeviceLost { .. }, EngineState::Recovered]
                ),
                "{body:?}: submits {first} to {last}, not lost at {at}"
            );
        }
    }
}

/// Prompts of 24 tokens that differ.
fn prompts() -> Vec<Vec<u32>> {
    let of = |n: u32| {
        let token = |it: u32| {
            if it == 0 {
                2
            } else {
                3 + (it * 37 + n * 91) % 500
            }
        };
        (0..24).map(token).collect()
    };
    (0..5).map(of).collect()
}

#[test]
fn runs_within_a_small_budget_are_forgotten_and_made_again() {
    let small = EngineOptions {
        kept_bytes: Some(4000),
        ..Default::default()
    };
    let (Some(mut sound), Some(mut client)) =
        (scoped_client(Default::default()), scoped_client(small))
    else {
        return;
    };
    let mut told = Vec::new();
    for ids in prompts() {
        let (run, ..) = ran(&mut sound, prompt(&ids, &[]));
        let (derived, ..) = ran(&mut sound, steer(&run, &["1:4-:7=5"]));
        let of_derived = all_features(&mut sound, &derived);
        ran(&mut client, prompt(&ids, &[]));
        assert_eq!(
            all_features(&mut client, &run),
            all_features(&mut sound, &run)
        );
        ran(&mut client, steer(&run, &["1:4-:7=5"]));
        assert_eq!(all_features(&mut client, &derived), of_derived);
        told.push((ids, run, derived, of_derived));
    }
    let kept = described(&mut client).open.expect("open").runs;
    let (ids, run, derived, of_derived) = &told[0];
    assert!(
        kept.len() < 10 && !kept.contains(run) && kept.contains(&told[4].2),
        "{kept:?}"
    );
    fails(&mut client, ask_features(run, None), "forgotten");
    fails(&mut client, steer(run, &["1:4-:7=5"]), "forgotten");
    assert!(!ran(&mut client, prompt(ids, &[])).2);
    assert_eq!(ran(&mut client, steer(run, &["1:4-:7=5"])).0, *derived);
    assert_eq!(&all_features(&mut client, derived), of_derived);
}

#[test]
fn more_prompts_than_rows_are_kept_in_turn() {
    let small = OpenRequest {
        n_kept: Some(40),
        ..scoped()
    };
    let Some(mut sound) = scoped_client(Default::default()) else {
        return;
    };
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(small));
    assert_eq!(plan_of(&mut client).n_kept, 40);
    let mut expected = Vec::new();
    for ids in prompts() {
        for it in [&mut sound, &mut client] {
            let (run, ..) = ran(it, prompt(&ids, &[]));
            let (derived, ..) = ran(it, steer(&run, &["1:4-:7=5"]));
            expected.push((run, derived));
        }
    }
    for (run, derived) in &expected {
        for body in [
            ask_probs(derived, Positions::All),
            ask_lens(run, Some(&[1])),
            ask_effects(run, 7, Some(&[3])),
            ask_dense(derived, &[3], &[DensePart::Acts]),
        ] {
            let of_sound = answer(&mut sound, body.clone());
            assert!(answer(&mut client, body) == of_sound);
        }
    }
}

#[test]
fn a_prompt_longer_than_what_is_kept_can_be_run_but_not_derived_from() {
    let small = OpenRequest {
        n_kept: Some(16),
        ..scoped()
    };
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(small));
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    assert_eq!(all_features(&mut client, &run).len(), 4);
    dense(&mut client, &run, 2, DensePart::Out);
    for body in [
        steer(&run, &["2:21:176=off"]),
        splice(&run, Splice::All),
        ask_lens(&run, None),
        ask_metrics(&run, &[Splice::Layer(2)]),
        ask_effects(&run, 7, None),
    ] {
        let failure = failed(&mut client, body);
        assert!(
            failure.what.contains("24") && failure.what.contains("16"),
            "{failure:?}"
        );
        assert!(failure.remedy.contains("more positions kept"));
    }
    let (short, ..) = ran(&mut client, prompt(&LONGER[..16], &[]));
    ran(&mut client, steer(&short, &["2:15:7=3"]));
    pieces(&mut client, ask_lens(&short, None));
}
