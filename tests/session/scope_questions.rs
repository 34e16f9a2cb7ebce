//! Questions that transcoders answer: lens, metrics, effects, a feature's own numbers; and what goes on under interventions.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions};
use gemscope::spec::Positions;

#[test]
fn the_lens_is_told_by_layers_and_ends_where_the_model_does() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let told = lens(&mut client, ask_lens(&run, None));
    let order: Vec<_> = told.iter().map(|it| (it.0, it.1.pos)).collect();
    let expected: Vec<_> = (0..4)
        .flat_map(|layer| (0..24).map(move |pos| (layer, pos)))
        .collect();
    assert_eq!(order, expected);
    let last = distributions(&mut client, &run, Positions::All);
    for ((_, lens), last) in told[3 * 24..].iter().zip(&last) {
        assert_eq!(lens.top[0].id, last.top[0].id);
        assert!((lens.log_sum_exp - last.log_sum_exp).abs() < 1e-4);
        assert_eq!((lens.top.len(), lens.asked.len()), (3, 1));
        assert!((lens.asked[0].probability - last.asked[0].probability).abs() < 1e-5);
    }
    let some = at(ask_lens(&run, Some(&[2, 0])), Positions::Span(7, 8));
    let some = lens(&mut client, some);
    assert_eq!(some[..2], told[2 * 24 + 7..2 * 24 + 9]);
    assert_eq!(some[2..], told[7..9]);
}

fn lens(client: &mut Client, body: CommandBody) -> Vec<(usize, Distribution)> {
    let of = |it: Piece| match it.0 {
        Partial::Lens { layer, told } => (layer, told),
        other => panic!("{other:?}"),
    };
    pieces(client, body).into_iter().map(of).collect()
}

/// Without transcoders too, where rows are kept for it.
#[test]
fn the_lens_needs_no_transcoders() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    let expected = lens(&mut client, ask_lens(&run, None));
    let alone = OpenRequest {
        n_kept: Some(32),
        ..nano()
    };
    done(&mut client, open(alone));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    assert_eq!(lens(&mut client, ask_lens(&run, None)), expected);
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    fails(&mut client, ask_lens(&run, None), "--keep");
}

fn golden() -> serde_json::Value {
    let text = std::fs::read("tests/golden/scope.json").expect("the golden");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn metrics_are_those_of_the_golden() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let golden = &golden()["prompts"][1];
    let ids: Vec<u32> = serde_json::from_value(golden["ids"].clone()).expect("ids");
    assert_eq!(ids, LONGER);
    let (run, ..) = ran(&mut client, prompt(&ids, &[]));
    let splices: Vec<Splice> = (0..4).map(Splice::Layer).chain([Splice::All]).collect();
    let told = pieces(&mut client, ask_metrics(&run, &splices));
    let golden = &golden["metrics"];
    let close = |got: Option<f64>, expected: &serde_json::Value, room: f64| {
        let (got, expected) = (got.expect("a number"), expected.as_f64().expect("a number"));
        let size = expected.abs().max(1.0);
        assert!(
            (got - expected).abs() < room * size,
            "{got} and not {expected}"
        );
    };
    assert_eq!(told.len(), splices.len());
    for (n, ((partial, _), splice)) in told.iter().zip(&splices).enumerate() {
        let Partial::Metrics(it) = partial else {
            panic!("{partial:?}")
        };
        assert_eq!((it.splice, it.n_pos, it.n_targets), (*splice, 23, 22));
        close(Some(it.ce_clean), &golden["ce_clean"], 2e-5);
        assert!((it.delta_loss - (it.ce_spliced - it.ce_clean)).abs() < 1e-9);
        let expected = match splice {
            Splice::Layer(_) => &golden["layers"][n],
            Splice::All => &golden["all_layers"],
        };
        close(Some(it.ce_spliced), &expected["ce_spliced"], 2e-5);
        close(Some(it.kl), &expected["kl_spliced"], 1e-3);
        if *splice == Splice::All {
            assert_eq!((it.l0, it.fvu, it.ce_loss_score), (None, None, None));
            continue;
        }
        close(it.l0, &expected["l0"], 1e-6);
        close(it.fvu, &expected["fvu"], 1e-4);
        close(it.ce_zero_ablated, &expected["ce_zero_ablated"], 2e-5);
    }
}

/// What a feature does to a logit directly is what the logit loses when it is switched off under frozen norms.
#[test]
fn effects_are_what_direct_ablations_do() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let token = 7;
    let all = all_features(&mut client, &run);
    let told = pieces(&mut client, ask_effects(&run, token, None));
    assert_eq!(told.len(), 4);
    for ((partial, parts), of_layer) in told.iter().zip(&all) {
        let Partial::Effects {
            layer,
            places,
            effects,
        } = partial
        else {
            panic!("{partial:?}")
        };
        assert_eq!(*layer, of_layer.layer);
        let places: Vec<[i32; 2]> = bytemuck::pod_collect_to_vec(&parts[places.part]);
        let effects: Vec<f32> = bytemuck::pod_collect_to_vec(&parts[effects.part]);
        assert_eq!(
            (&places, effects.len()),
            (&of_layer.places, of_layer.places.len())
        );
    }
    // Of the last layer, where no attention comes after.
    let [pos, index] = all[3].places.last().copied().expect("a feature");
    let of_pos = Positions::Span(pos as usize, pos as usize);
    let some = at(ask_effects(&run, token, Some(&[3])), of_pos);
    let [(Partial::Effects { .. }, parts)] = &pieces(&mut client, some)[..] else {
        panic!("one layer")
    };
    let places: Vec<[i32; 2]> = bytemuck::pod_collect_to_vec(&parts[0]);
    let effects: Vec<f32> = bytemuck::pod_collect_to_vec(&parts[1]);
    assert!(places.iter().all(|it| it[0] == pos));
    let effect = effects[places.iter().position(|it| it[1] == index).expect("it")];
    let off = format!("3:{pos}:{index}=off");
    let (off, ..) = ran(&mut client, derive(&run, &[&off], None, Mode::Direct));
    let [clean, off] = [run, off].map(|it| before_softcap(&mut client, &it, of_pos));
    // The mean of the logits is left out of an effect, and is not moved as the one logit is.
    let moved = |n: usize| f64::from(clean[n]) - f64::from(off[n]);
    let mean = (0..clean.len()).map(moved).sum::<f64>() / clean.len() as f64;
    let got = moved(token as usize) - mean;
    assert!(
        (got - f64::from(effect)).abs() < 1e-4,
        "{got} and not {effect}"
    );
}

/// Logits as they were before they were capped to 30. Source: Gemma 2.
fn before_softcap(client: &mut Client, run: &RunKey, of: Positions) -> Vec<f32> {
    let site = gemscope::spec::Site::Logits;
    let logits = activations(client, run, &[site], of);
    let uncapped = logits[&site].iter().map(|it| 30.0 * (it / 30.0).atanh());
    uncapped.collect()
}

#[test]
fn a_card_is_told_at_once_and_needs_no_run() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let Outcome::Feature(it) = done(&mut client, card("2.176", &[2, 0])) else {
        panic!("a card")
    };
    assert_eq!((it.feature, it.n_features), (id("2.176"), 256));
    let logits = it.logits.as_ref().expect("logits");
    assert_eq!((logits.top.len(), logits.bottom.len()), (10, 10));
    assert!(
        logits
            .top
            .windows(2)
            .all(|two| two[0].value >= two[1].value)
    );
    assert_eq!(logits.histogram.counts.iter().sum::<u32>(), 512);
    assert!(it.de_embedding.is_some() && it.cosine.is_some());
    let layers: Vec<_> = it.nearest.iter().map(|it| it.feature.layer).collect();
    assert_eq!(layers, [2, 2, 2, 0, 0, 0]);
    assert!(it.nearest.iter().all(|near| near.feature != it.feature));
    // With one half, what it can tell.
    let halves = |half| OpenRequest {
        transcoders: Some(TranscoderRequest {
            halves: vec![half],
            ..transcoders("nano")
        }),
        ..nano()
    };
    done(&mut client, open(halves(Half::Encoder)));
    let Outcome::Feature(encoder) = done(&mut client, card("2.176", &[])) else {
        panic!("a card")
    };
    let of_encoder = (
        encoder.encoder_norm,
        &encoder.de_embedding,
        encoder.decoder_norm,
    );
    assert_eq!(of_encoder, (it.encoder_norm, &it.de_embedding, None));
    assert_eq!((encoder.logits, encoder.threshold), (None, it.threshold));
    done(&mut client, open(halves(Half::Decoder)));
    let Outcome::Feature(decoder) = done(&mut client, card("2.176", &[2, 0])) else {
        panic!("a card")
    };
    assert_eq!(
        (decoder.logits, decoder.nearest, decoder.encoder_norm),
        (it.logits, it.nearest, None)
    );
}

/// What is generated under open interventions is what runs of the continued prompt say under them.
#[test]
fn a_derived_run_is_continued_under_its_interventions() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let texts = ["1:5-:7=6", "2:*:30=off"];
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (clean, _) = watched(&mut client, generate(&run, 5));
    let body = derive(&run, &texts, None, Mode::Free);
    let (derived, ..) = ran(&mut client, body);
    let (told, outcome) = watched(&mut client, generate(&derived, 5));
    let Outcome::Generated { tokens, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((&told, told.len()), (&tokens, 5));
    assert_ne!(told, clean);
    let mut ids = LONGER.to_vec();
    for token in &tokens {
        let (run, ..) = ran(&mut client, prompt(&ids, &[]));
        let (derived, ..) = ran(&mut client, derive(&run, &texts, None, Mode::Free));
        let last = Positions::From(ids.len() - 1);
        let next = &distributions(&mut client, &derived, last)[0];
        assert_eq!(next.top[0].id, token.id, "after {} tokens", ids.len());
        ids.push(token.id);
    }
    // The prompt's own run is still what it was.
    assert_eq!(watched(&mut client, generate(&run, 5)).0, clean);
    assert_eq!(watched(&mut client, generate(&derived, 5)).0, told);
}

/// What is written into a run is seen by its features; so many fire then that lists overflow, and nothing is cut short.
#[test]
fn lists_that_overflow_are_listed_whole() {
    let small = EngineOptions {
        max_binding_bytes: Some(16 << 10),
        ..Default::default()
    };
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (expected, plan) = crowded(&mut client);
    let Some(mut client) = scoped_client(small) else {
        return;
    };
    let (got, small_plan) = crowded(&mut client);
    let in_first_block = |it: &OfLayer| {
        let there = it.places.iter();
        there.filter(|it| it[0] < small_plan.n_block as i32).count()
    };
    let listed: usize = got.iter().map(in_first_block).sum();
    assert!(
        listed > small_plan.n_block * 256,
        "{listed} features fit the list"
    );
    let in_all: usize = expected.iter().map(|it| it.places.len()).sum();
    // 4096 come with the first readback.
    assert!(in_all > 4096 && plan.n_block >= 24, "{in_all}");
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(got.places, expected.places, "layer {}", got.layer);
        for (a, b) in got.activations.iter().zip(&expected.activations) {
            assert!((a - b).abs() < 1e-3 + 1e-5 * b.abs(), "{a} and not {b}");
        }
    }
}

/// The features of a run whose encoders all read rows far larger than any that a norm leaves.
fn crowded(client: &mut Client) -> (Vec<OfLayer>, Plan) {
    let rows = |layer: usize| {
        let numbers = (0..24 * 64).map(|n| ((n * 7919 + layer * 104_729) % 2003) as f32);
        let numbers = numbers.map(|it| (it - 1001.0) / 20.0);
        Write {
            site: gemscope::spec::Site::Ln2Normalized(layer),
            positions: Positions::All,
            change: Change::Replace(numbers.collect()),
        }
    };
    let body = CommandBody::Run {
        input: Input::Ids(LONGER.into()),
        want: vec![],
        writes: (0..4).map(rows).collect(),
    };
    let (run, ..) = ran(client, body);
    (all_features(client, &run), plan_of(client))
}
