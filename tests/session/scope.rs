//! Runs with transcoders and runs derived from them, as they are meant.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::EngineOptions;
use gemscope::session::protocol::*;
use gemscope::spec::{Positions, Precision, Site};

#[test]
fn features_are_told_layer_by_layer() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let of_scope = plan_of(&mut client).scope.expect("a plan of the scope");
    assert_eq!(of_scope.encoder_layers, [0, 1, 2, 3]);
    assert_eq!(
        (of_scope.n_encoders_resident, of_scope.n_decoders_resident),
        (4, 4)
    );
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let before = n_submits(&mut client);
    let all = all_features(&mut client, &run);
    assert_eq!(
        all.iter().map(|it| it.layer).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    for it in &all {
        assert!(
            it.places.windows(2).all(|two| two[0] < two[1]),
            "by position and feature"
        );
        assert!(it.activations.iter().all(|it| *it > 0.0));
        assert_eq!((&it.clean, it.applied.len()), (&None, 0));
    }
    let bos = all.iter().flat_map(|it| &it.places).filter(|it| it[0] == 0);
    assert!(bos.count() > 0, "BOS is encoded like any position");
    assert!(all[2].places.contains(&[21, 176]));
    let some = features(
        &mut client,
        at(ask_features(&run, Some(&[3, 1])), Positions::Span(2, 9)),
    );
    assert_eq!(
        some.iter().map(|it| it.layer).collect::<Vec<_>>(),
        [3, 1],
        "as asked"
    );
    for it in &some {
        let of_all = all[it.layer].rows().into_iter();
        let expected: Vec<_> = of_all.filter(|row| (2..=9).contains(&row.0[0])).collect();
        assert_eq!(it.rows(), expected);
    }
    assert!(
        ran(&mut client, prompt(&LONGER, &[])).2,
        "the same run is kept"
    );
    assert_eq!(
        n_submits(&mut client),
        before,
        "what is kept needs no device"
    );
}

#[test]
fn dense_arrays_are_what_the_lists_stand_for() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let all = all_features(&mut client, &run);
    for of_layer in &all {
        let (width, acts) = dense(&mut client, &run, of_layer.layer, DensePart::Acts);
        let (_, pre) = dense(&mut client, &run, of_layer.layer, DensePart::Pre);
        assert_eq!((width, acts.len()), (256, 24 * 256));
        let active = acts.iter().enumerate().filter(|it| *it.1 != 0.0);
        let listed: Vec<_> = active
            .map(|(n, it)| ([(n / 256) as i32, (n % 256) as i32], *it, *it))
            .collect();
        assert_eq!(of_layer.rows(), listed);
        assert!(acts.iter().zip(&pre).all(|it| *it.0 == 0.0 || it.0 == it.1));
    }
    let (width, out) = dense(&mut client, &run, 1, DensePart::Out);
    assert_eq!((width, out.len()), (64, 24 * 64));
    let body = ask_dense(&run, &[0, 2], &[DensePart::Pre, DensePart::Out]);
    let some = pieces(&mut client, at(body, Positions::From(23)));
    let told: Vec<_> = some
        .iter()
        .map(|it| match &it.0 {
            Partial::Dense {
                layer,
                dense,
                first,
                array,
            } => (*layer, *dense, *first, array.shape.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let row = |layer, part, width| (layer, part, 23, vec![1, width]);
    let expected = [
        row(0, DensePart::Pre, 256),
        row(0, DensePart::Out, 64),
        row(2, DensePart::Pre, 256),
        row(2, DensePart::Out, 64),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_derived_run_stands_beside_its_clean_one() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, tokens, _) = ran(&mut client, prompt(&LONGER, &[]));
    let clean = all_features(&mut client, &run);
    let of_clean = distributions(&mut client, &run, Positions::All);
    let (derived, of_derived, kept) = ran(&mut client, steer(&run, &["2:21:176=off"]));
    assert!(!kept && derived != run && of_derived == tokens);
    let told = all_features(&mut client, &derived);
    for (now, before) in told.iter().zip(&clean) {
        assert_eq!(now.layer, before.layer);
        // Up to the layer that is touched nothing changes: what a layer reads comes before what it adds.
        let is_same = now.rows() == before.rows();
        assert_eq!(is_same, now.layer <= 2, "layer {}", now.layer);
        assert!(
            now.clean.is_some(),
            "a derived run always tells the clean one"
        );
        let moved = now.rows().into_iter().filter(|it| it.1 != it.2);
        assert!(
            moved.clone().all(|it| it.0[0] >= 21),
            "nothing moves before the position"
        );
        let clean_rows = now.rows().into_iter().filter(|it| it.2 != 0.0);
        let clean_rows: Vec<_> = clean_rows.map(|it| (it.0, it.2, it.2)).collect();
        assert_eq!(
            clean_rows,
            before.rows(),
            "and every feature of it is listed"
        );
    }
    let [applied] = told[2].applied[..] else {
        panic!("{:?}", told[2].applied)
    };
    assert_eq!(
        (applied.pos, applied.index, applied.applied),
        (21, 176, 0.0)
    );
    assert!(applied.clean > 0.0 && applied.activation == applied.clean);
    assert!(told.iter().all(|it| it.layer == 2 || it.applied.is_empty()));
    let of_derived = distributions(&mut client, &derived, Positions::All);
    assert_eq!(of_derived[..21], of_clean[..21]);
    assert_ne!(of_derived[21..], of_clean[21..]);
    let before = n_submits(&mut client);
    let (again, _, kept) = ran(&mut client, steer(&run, &["2:21:176=off"]));
    assert_eq!(
        (again, kept, n_submits(&mut client)),
        (derived.clone(), true, before)
    );
    let some = features(
        &mut client,
        at(ask_features(&derived, Some(&[2])), Positions::Span(0, 20)),
    );
    assert_eq!(some[0].applied, [], "nothing is applied at those positions");
}

#[test]
fn the_modes_are_three_runs_and_no_change_changes_nothing() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let clean = distributions(&mut client, &run, Positions::All);
    let mut told = vec![clean.clone()];
    for mode in [Mode::Frozen, Mode::Free, Mode::Direct] {
        let same = derive(&run, &["2:21:176=x1", "0:*:9=+0"], None, mode);
        let (same, ..) = ran(&mut client, same);
        assert_eq!(
            distributions(&mut client, &same, Positions::All),
            clean,
            "{mode}"
        );
        let (other, ..) = ran(&mut client, derive(&run, &["1:5-:7=6"], None, mode));
        let of_other = distributions(&mut client, &other, Positions::All);
        assert!(!told.contains(&of_other), "{mode}");
        told.push(of_other);
    }
}

#[test]
fn a_derived_run_of_a_derived_one_adds_up() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (first, ..) = ran(&mut client, steer(&run, &["2:21:176=off"]));
    let (second, ..) = ran(&mut client, steer(&first, &["1:4:7=x2"]));
    let (both, _, kept) = ran(&mut client, steer(&run, &["2:21:176=off", "1:4:7=x2"]));
    assert_eq!((both, kept), (second.clone(), true));
    let (spliced, ..) = ran(&mut client, splice(&second, Splice::Layer(3)));
    let at_once = derive(
        &run,
        &["2:21:176=off", "1:4:7=x2"],
        Some(Splice::Layer(3)),
        Mode::Frozen,
    );
    assert_eq!(ran(&mut client, at_once).0, spliced);
    let failure = failed(&mut client, steer(&second, &["2:20-:176=3"]));
    for word in ["2:21:176=off", "2:20-:176=3", "position 21"] {
        assert!(failure.what.contains(word), "{failure:?}");
    }
    assert!(failure.remedy.contains("one of the two"));
    let (elsewhere, ..) = ran(&mut client, steer(&second, &["2:22-:176=3"]));
    let applied: Vec<_> = features(&mut client, ask_features(&elsewhere, Some(&[1, 2])))
        .iter()
        .flat_map(|it| it.applied.clone())
        .map(|it| (it.pos, it.index, it.applied))
        .collect();
    let expected = [(4, 7, 0.0), (21, 176, 0.0), (22, 176, 3.0), (23, 176, 3.0)];
    assert_eq!(
        (applied.len(), &applied[1..]),
        (4, &expected[1..]),
        "{applied:?}"
    );
}

#[test]
fn splices_are_runs_of_their_own() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let clean = distributions(&mut client, &run, Positions::All);
    let mut told = vec![clean.clone()];
    for it in [Splice::Layer(0), Splice::Layer(3), Splice::All] {
        let (spliced, ..) = ran(&mut client, splice(&run, it));
        let of_it = distributions(&mut client, &spliced, Positions::All);
        assert_eq!(of_it[0], clean[0], "{it}: BOS keeps what the model gave it");
        assert!(!told.contains(&of_it), "{it}");
        told.push(of_it);
        // What is put in is the reconstruction.
        let (_, out) = dense(&mut client, &spliced, 3, DensePart::Out);
        let site = Site::MlpOut(3);
        let got = &activations(&mut client, &spliced, &[site], Positions::All)[&site];
        assert_eq!(got[64..] == out[64..], it != Splice::Layer(0), "{it}");
    }
}

/// What is asked of a run must not depend on what the device did in between.
#[test]
fn a_derived_run_asked_about_later_is_the_same() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let sites = [Site::ResidPre(0), Site::Pattern(3), Site::Logits];
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (derived, ..) = ran(&mut client, steer(&run, &["1:9:7=5"]));
    let probs = distributions(&mut client, &derived, Positions::All);
    let told = all_features(&mut client, &derived);
    let of_sites = activations(&mut client, &derived, &sites, Positions::All);
    let of_clean = activations(&mut client, &run, &sites, Positions::All);
    assert_eq!(of_sites[&sites[0]], of_clean[&sites[0]]);
    assert_ne!(of_sites[&sites[2]], of_clean[&sites[2]]);
    let between = [
        prompt(&IDS, &[]),
        splice(&run, Splice::All),
        ask_metrics(&run, &[Splice::Layer(2)]),
        ask_lens(&run, None),
        card("2.176", &[0]),
        CommandBody::Drop { run: run.clone() },
        CommandBody::ResetGpu,
    ];
    for body in between {
        done(&mut client, body.clone());
        assert_eq!(
            distributions(&mut client, &derived, Positions::All),
            probs,
            "after {body:?}"
        );
        assert_eq!(all_features(&mut client, &derived), told, "after {body:?}");
    }
    fails(&mut client, ask_probs(&run, Positions::All), &run.0);
    assert_eq!(
        activations(&mut client, &derived, &sites, Positions::All),
        of_sites
    );
}

/// The plan says what the device holds, whatever is asked.
#[test]
fn live_bytes_stay_within_three_percent_of_the_plan() {
    for (max_binding_bytes, precision, most) in [
        (None, Precision::Reference, 0.03),
        (Some(16 << 10), Precision::Reference, 0.03),
        // Planned are uploads under way besides; transcoders this small never have as many.
        (None, Precision::Compact, 0.05),
    ] {
        let options = EngineOptions {
            max_binding_bytes,
            ..Default::default()
        };
        let Some(mut client) = client(options) else {
            return;
        };
        let request = OpenRequest {
            precision,
            ..scoped()
        };
        done(&mut client, open(request));
        let ids: Vec<u32> = (0..70).map(|it| 2 + it * 37 % 500).collect();
        let (run, ..) = ran(&mut client, prompt(&ids, &[Site::Logits]));
        let (derived, ..) = ran(&mut client, steer(&run, &["1:*:7=x3"]));
        done(&mut client, generate(&derived, 5));
        for body in [
            ask_probs(&run, Positions::All),
            ask_lens(&run, None),
            ask_dense(&run, &[0, 3], &[DensePart::Pre, DensePart::Out]),
            ask_metrics(&run, &[Splice::Layer(1), Splice::All]),
            ask_effects(&run, 7, None),
        ] {
            pieces(&mut client, body);
        }
        done(&mut client, card("2.176", &[0, 2]));
        let about = described(&mut client);
        let plan = about.open.expect("open").plan;
        let planned = plan.total_bytes as f64;
        let peak = about.peak_gpu_bytes as f64;
        assert!(
            peak < 1.03 * planned && (peak / planned - 1.0).abs() < most,
            "{max_binding_bytes:?}, {precision}: {peak} and {planned} planned"
        );
    }
}
