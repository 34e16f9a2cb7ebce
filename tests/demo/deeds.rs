//! What the card says that features do, done again by the engine: states swapped, "say a capital" turned round, a language stopped.

use super::{demo, json, list, number, run, says, text};
use crate::asking;
use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::{FeatureId, Intervention, Operation, Positions, Precision};
use serde_json::Value;

/// A run with interventions, attention free.
fn steered(client: &mut Client, clean: &RunKey, interventions: Vec<Intervention>) -> RunKey {
    let body = CommandBody::Derive {
        run: clean.clone(),
        interventions,
        splice: None,
        mode: Mode::Free,
        want: vec![],
    };
    asking::ran(client, body).0
}

/// Interventions of the golden: `[layer, position, feature, value]`.
fn sets(it: &Value) -> Vec<Intervention> {
    let one = |it: &Value| Intervention {
        feature: FeatureId {
            layer: number(&it[0]),
            index: number(&it[2]),
        },
        positions: Positions::Span(number(&it[1]), number(&it[1])),
        operation: Operation::Set(it[3].as_f64().expect("a value") as f32),
    };
    list(it).iter().map(one).collect()
}

/// A group at a multiple of its clean values, everywhere but at BOS.
fn scaled(group: &Value, factor: f32) -> Vec<Intervention> {
    let one = |it: &Value| Intervention {
        feature: FeatureId {
            layer: number(&it[0]),
            index: number(&it[1]),
        },
        positions: Positions::From(1),
        operation: Operation::Scale(factor),
    };
    list(group).iter().map(one).collect()
}

/// What is said of each question `[text, before, after]`, without and with a group; both must be what the recipe found.
fn check(client: &mut Client, questions: &Value, group: &[Intervention], what: &str) {
    for it in list(questions) {
        let (clean, tokens) = run(client, text(&it[0]));
        let last = tokens.len() - 1;
        assert_eq!(says(client, &clean, last), text(&it[1]), "{what}: {it}");
        let changed = steered(client, &clean, group.to_vec());
        assert_eq!(says(client, &changed, last), text(&it[2]), "{what}: {it}");
    }
}

/// One engine for all: opening costs more than asking.
#[test]
fn features_do_what_the_card_says() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    examples_are_answered(&mut client);
    let deeds = &json()["deeds"];
    states_are_swapped(&mut client, deeds);
    a_state_off_leaves_the_others(&mut client, &deeds["state_control"]);
    say_a_capital_turned_round_says_none(&mut client, &deeds["say"]);
    a_language_stops_and_the_other_goes_on(&mut client, &deeds["french"]);
}

/// Each of the page's opening prompts is continued as its example says.
fn examples_are_answered(client: &mut Client) {
    for it in list(&super::files::read("examples.json")["examples"]) {
        let (clean, tokens) = run(client, text(&it["prompt"]));
        let said = says(client, &clean, tokens.len() - 1);
        let mut answers = list(&it["answers"]).iter();
        assert!(
            answers.any(|it| text(it).trim() == said),
            "{said} after {it}"
        );
    }
}

fn states_are_swapped(client: &mut Client, deeds: &Value) {
    for (name, fewest) in [("swaps", 10), ("swaps_at_city", 0)] {
        let swaps = list(&deeds[name]);
        let n_done = (swaps.iter().map(|it| usize::from(swap(client, it)))).sum::<usize>();
        println!("{name}: {n_done} of {}", swaps.len());
        assert_eq!(swaps.len(), 20);
        assert!(n_done >= fewest, "{name}: {n_done} give the other capital");
    }
}

/// Whether a swap gives the capital that was wanted; it must say what the recipe found.
fn swap(client: &mut Client, it: &Value) -> bool {
    let (clean, tokens) = run(client, text(&it["prompt"]));
    let last = tokens.len() - 1;
    let before = says(client, &clean, last);
    assert_eq!(before, text(&it["before"]), "{}", it["prompt"]);
    let swapped = steered(client, &clean, sets(&it["interventions"]));
    let said = says(client, &swapped, last);
    assert_eq!(said, text(&it["after"]), "{}", it["prompt"]);
    said == text(&it["wanted"])
}

fn a_state_off_leaves_the_others(client: &mut Client, it: &Value) {
    let group = scaled(&it["features"], 0.0);
    for questions in ["questions", "control_questions"] {
        check(client, &it[questions], &group, "Texas off");
    }
}

fn say_a_capital_turned_round_says_none(client: &mut Client, it: &Value) {
    let group = scaled(&it["features"], -1.0);
    for questions in ["questions", "state_questions", "control_questions"] {
        check(client, &it[questions], &group, "say a capital");
    }
    assert!(2 * number(&it["turned"]) >= number(&it["of"]));
}

fn a_language_stops_and_the_other_goes_on(client: &mut Client, it: &Value) {
    let factor = it["factor"].as_f64().expect("a factor") as f32;
    let group = scaled(&it["features"], factor);
    for questions in ["own_questions", "other_questions", "control_questions"] {
        check(client, &it[questions], &group, "French");
    }
    assert!(2 * number(&it["own_after"]) <= number(&it["own_before"]));
    assert!(10 * number(&it["other_after"]) >= 9 * number(&it["other_before"]));
}
