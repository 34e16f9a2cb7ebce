//! What the card says that features do, done again by the engine: states swapped, "say a capital" turned round, a language stopped.

use super::{demo, json, list, number, run, says, text};
use crate::{asking, scoped};
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

#[test]
fn features_of_another_state_give_its_capital() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    let deeds = &json()["deeds"];
    for name in ["swaps", "swaps_at_city"] {
        let swaps = list(&deeds[name]);
        let n_done = (swaps.iter().map(|it| usize::from(swap(&mut client, it)))).sum::<usize>();
        println!("{name}: {n_done} of {}", swaps.len());
        assert_eq!(swaps.len(), 20);
        assert!(
            n_done >= 10 || name != "swaps",
            "{n_done} of 20 give the other capital"
        );
    }
}

/// Whether a swap gives the capital that was wanted; it must say what the recipe found.
fn swap(client: &mut Client, it: &Value) -> bool {
    let (clean, tokens) = run(client, text(&it["prompt"]));
    let last = tokens.len() - 1;
    assert_eq!(
        says(client, &clean, last),
        text(&it["before"]),
        "{}",
        it["prompt"]
    );
    let swapped = steered(client, &clean, sets(&it["interventions"]));
    let said = says(client, &swapped, last);
    assert_eq!(said, text(&it["after"]), "{}", it["prompt"]);
    said == text(&it["wanted"])
}

/// One state's features off leave the others' questions as they were.
#[test]
fn a_state_switched_off_leaves_the_others() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    let it = &json()["deeds"]["state_control"];
    let group = scaled(&it["features"], 0.0);
    check(&mut client, &it["questions"], &group, "Texas off");
    check(&mut client, &it["control_questions"], &group, "Texas off");
}

#[test]
fn say_a_capital_turned_round_says_no_capital() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    let it = &json()["deeds"]["say"];
    let group = scaled(&it["features"], -1.0);
    for questions in ["questions", "state_questions", "control_questions"] {
        check(&mut client, &it[questions], &group, "say a capital");
    }
    assert!(2 * number(&it["turned"]) >= number(&it["of"]));
}

#[test]
fn a_language_stops_and_the_other_goes_on() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    for name in ["french", "spanish"] {
        let it = &json()["deeds"][name];
        let factor = it["factor"].as_f64().expect("a factor") as f32;
        let group = scaled(&it["features"], factor);
        for questions in ["own_questions", "other_questions", "control_questions"] {
            check(&mut client, &it[questions], &group, name);
        }
    }
    let french = &json()["deeds"]["french"];
    assert!(2 * number(&french["own_after"]) <= number(&french["own_before"]));
    assert!(10 * number(&french["other_after"]) >= 9 * number(&french["other_before"]));
}

/// The first example, by hand: every feature active at the city is Dallas's, and putting Oakland's there gives California's capital.
#[test]
fn a_whole_city_put_in_place_of_another_gives_its_capital() {
    let Some(mut client) = demo(Precision::Reference) else {
        return;
    };
    let prompt = |city| format!("Fact: the capital of the state containing {city} is");
    let (other, tokens) = run(&mut client, &prompt("Oakland"));
    let city = tokens.len() - 2;
    let theirs = scoped::all_features(&mut client, &other);
    let (clean, _) = run(&mut client, &prompt("Dallas"));
    let mine = scoped::all_features(&mut client, &clean);
    let at_city = |of: &[scoped::OfLayer], zero: bool| -> Vec<Intervention> {
        let all = of.iter().flat_map(|layer| {
            let rows = layer.rows().into_iter();
            rows.map(move |(place, value, _)| (layer.layer, place, value))
        });
        let here = all.filter(|it| it.1[0] as usize == city);
        here.map(|(layer, place, value)| Intervention {
            feature: FeatureId {
                layer,
                index: place[1] as usize,
            },
            positions: Positions::Span(city, city),
            operation: Operation::Set(if zero { 0.0 } else { value }),
        })
        .collect()
    };
    let mut changes = at_city(&theirs, false);
    let named: Vec<FeatureId> = changes.iter().map(|it| it.feature).collect();
    let off = at_city(&mine, true).into_iter();
    changes.extend(off.filter(|it| !named.contains(&it.feature)));
    let swapped = steered(&mut client, &clean, changes);
    assert_eq!(says(&mut client, &clean, city + 1), "Austin");
    assert_eq!(says(&mut client, &swapped, city + 1), "Sacramento");
}
