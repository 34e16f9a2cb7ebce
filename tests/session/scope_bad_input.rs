//! Bad requests about transcoders: each is a failure that names the thing and helps, and the engine goes on.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::protocol::*;
use gemscope::spec::{Operation, Positions, Site};

/// What is said names all `whats`; what is advised has `remedy`.
fn says(
    client: &mut gemscope::session::Client,
    body: CommandBody,
    (whats, remedy): (&[&str], &str),
) {
    let failure = failed(client, body);
    for what in whats {
        assert!(failure.what.contains(what), "{what}: {failure:?}");
    }
    assert!(failure.remedy.contains(remedy), "{remedy}: {failure:?}");
}

fn with(transcoders: TranscoderRequest) -> CommandBody {
    open(OpenRequest {
        transcoders: Some(transcoders),
        ..nano()
    })
}

#[test]
fn transcoders_that_are_not_there() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    says(
        &mut client,
        with(transcoders("tiny")),
        (&["tiny"], "nano, wide and full"),
    );
    let folder = |path: &str| TranscoderRequest {
        place: TranscoderRef::Folder { path: path.into() },
        ..transcoders("nano")
    };
    let empty = with(folder("tests/golden/tokenizer"));
    says(
        &mut client,
        empty,
        (&["tests/golden/tokenizer", "no transcoders"], "params.npz"),
    );
    let missing = with(folder("tests/no such folder"));
    says(&mut client, missing, (&["no such folder"], ""));
    says(
        &mut client,
        with(transcoders("wide")),
        (&["shape", "layer"], "this very model"),
    );
    let layers = TranscoderRequest {
        layers: Some(vec![1, 4]),
        ..transcoders("nano")
    };
    says(
        &mut client,
        with(layers),
        (&["layer 4", "0 to 3"], "layers that the model has"),
    );
    let l0 = TranscoderRequest {
        average_l0: vec![(2, 99_999)],
        ..transcoders("nano")
    };
    says(
        &mut client,
        with(l0),
        (&["layer 2", "99999"], "Choose one that is there"),
    );
    fails(&mut client, prompt(&IDS, &[]), "No model is open");
    done(&mut client, open(scoped()));
    ran(&mut client, prompt(&IDS, &[]));
}

#[test]
fn without_transcoders_nothing_of_them_can_be_asked() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    says(
        &mut client,
        card("2.176", &[]),
        (&["No model is open"], "Open a model"),
    );
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    for body in [
        ask_features(&run, None),
        ask_dense(&run, &[0], &[DensePart::Acts]),
        ask_metrics(&run, &[Splice::All]),
        ask_effects(&run, 7, None),
        steer(&run, &["2:1:176=off"]),
        splice(&run, Splice::All),
        card("2.176", &[]),
    ] {
        says(
            &mut client,
            body,
            (&["No transcoders are open"], "--transcoders"),
        );
    }
}

#[test]
fn places_that_do_not_exist() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let some = TranscoderRequest {
        layers: Some(vec![1, 2]),
        ..transcoders("nano")
    };
    done(&mut client, with(some));
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let not_loaded: (&[&str], &str) = (&["layer 3 is not loaded", "1-2"], "a layer that is there");
    for body in [
        ask_features(&run, Some(&[1, 3])),
        ask_dense(&run, &[3], &[DensePart::Out]),
        ask_metrics(&run, &[Splice::Layer(3)]),
        ask_effects(&run, 7, Some(&[3])),
        steer(&run, &["3:1:7=off"]),
        splice(&run, Splice::Layer(3)),
        card("3.7", &[]),
        card("1.7", &[3]),
    ] {
        says(&mut client, body, not_loaded);
    }
    let beyond: (&[&str], &str) = (&["layer 9 is not loaded"], "a layer that is there");
    says(&mut client, ask_features(&run, Some(&[9])), beyond);
    says(&mut client, ask_lens(&run, Some(&[9])), (&["blocks.9"], ""));
    let feature: (&[&str], &str) = (&["2.256", "0 to 255"], "0 to 255");
    says(&mut client, steer(&run, &["2:1:256=off"]), feature);
    says(&mut client, card("2.256", &[]), feature);
    let position: (&[&str], &str) = (&["24", "the prompt's 24"], "count from 0");
    says(&mut client, steer(&run, &["2:24:7=off"]), position);
    says(&mut client, steer(&run, &["2:24-:7=off"]), position);
    let body = at(ask_features(&run, None), Positions::Span(0, 24));
    says(&mut client, body, position);
    says(
        &mut client,
        ask_effects(&run, 512, None),
        (&["512"], "0 to 511"),
    );
    assert_eq!(all_features(&mut client, &run).len(), 2, "it goes on");
}

#[test]
fn interventions_that_make_no_sense() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    says(
        &mut client,
        steer(&run, &[]),
        (&["othing was asked to change"], "intervention or a splice"),
    );
    says(
        &mut client,
        steer(&run, &["2:1-4:7=off", "2:4-:7=3"]),
        (&["2:1-4:7=off", "2:4-:7=3", "position 4"], "one of the two"),
    );
    let operations = [
        Operation::Set(f32::NAN),
        Operation::Scale(f32::INFINITY),
        Operation::Add(f32::NEG_INFINITY),
    ];
    for operation in operations {
        let body = CommandBody::Derive {
            run: run.clone(),
            interventions: vec![Intervention {
                feature: id("2.7"),
                positions: Positions::Span(1, 1),
                operation,
            }],
            splice: None,
            mode: Mode::Frozen,
            want: vec![],
        };
        says(
            &mut client,
            body,
            (&["2:1:7=", "not finite"], "finite number"),
        );
    }
    says(
        &mut client,
        derive(&run, &["1:5:7=1e38"], None, Mode::Free),
        (&["norm", "position 5"], "a smaller one"),
    );
    let want = CommandBody::Derive {
        run: run.clone(),
        interventions: parse(&["2:1:7=off"]),
        splice: None,
        mode: Mode::Frozen,
        want: vec![Site::ResidPre(9)],
    };
    says(&mut client, want, (&["blocks.9"], "sites"));
    let unknown = RunKey("0123456789abcdef".into());
    says(
        &mut client,
        steer(&unknown, &["2:1:7=off"]),
        (&["0123456789abcdef"], "Run the prompt again"),
    );
    let runs = described(&mut client).open.expect("open").runs;
    assert_eq!(runs, [run], "none of them is kept");
}

#[test]
fn a_decoder_that_is_not_loaded() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let encoders = TranscoderRequest {
        halves: vec![Half::Encoder],
        ..transcoders("nano")
    };
    done(&mut client, with(encoders));
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    assert_eq!(all_features(&mut client, &run).len(), 4);
    let expected: (&[&str], &str) = (
        &["The decoder of layer 2 is not loaded", "none"],
        "with the decoder of that layer",
    );
    for body in [
        steer(&run, &["2:1:7=off"]),
        splice(&run, Splice::Layer(2)),
        ask_metrics(&run, &[Splice::Layer(2)]),
        ask_effects(&run, 7, Some(&[2])),
        ask_dense(&run, &[2], &[DensePart::Out]),
        card("2.7", &[2]),
    ] {
        says(&mut client, body, expected);
    }
    let all: (&[&str], &str) = (&["decoder"], "");
    says(&mut client, splice(&run, Splice::All), all);
    says(&mut client, ask_metrics(&run, &[Splice::All]), all);
}

#[test]
fn questions_that_only_a_clean_run_answers() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (derived, ..) = ran(&mut client, steer(&run, &["2:21:176=off"]));
    let change = Change::Add(vec![0.5; 64]);
    let body = written(&LONGER, Site::MlpOut(1), Positions::From(3), change);
    let (changed, ..) = ran(&mut client, body);
    assert_eq!(
        all_features(&mut client, &changed).len(),
        4,
        "features of a run with writes are told"
    );
    for it in [&derived, &changed] {
        for (body, name) in [
            (ask_lens(it, None), "The logit lens"),
            (ask_metrics(it, &[Splice::All]), "Metrics"),
            (ask_effects(it, 7, None), "Effects"),
        ] {
            says(
                &mut client,
                body,
                (&[name, &it.0], "without writes and interventions"),
            );
        }
    }
    says(
        &mut client,
        steer(&changed, &["2:1:7=off"]),
        (&["derived run", &changed.0], "without writes"),
    );
    let (short, ..) = ran(&mut client, prompt(&[2, 5], &[]));
    says(
        &mut client,
        ask_metrics(&short, &[Splice::Layer(1)]),
        (&["2 tokens"], "two tokens besides BOS"),
    );
    let (least, ..) = ran(&mut client, prompt(&[2, 5, 9], &[]));
    assert_eq!(
        pieces(&mut client, ask_metrics(&least, &[Splice::Layer(1)])).len(),
        1
    );
}

/// Zeros where a norm reads are somebody's wish, not a fault of the device.
#[test]
fn runs_with_writes_may_have_rows_of_any_norm() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let zeros = Change::Replace(vec![0.0; 24 * 64]);
    for site in [Site::Ln2Normalized(2), Site::ResidMid(2)] {
        let body = written(&LONGER, site, Positions::All, zeros.clone());
        let (run, ..) = ran(&mut client, body);
        assert_eq!(all_features(&mut client, &run).len(), 4, "{site}");
    }
}
