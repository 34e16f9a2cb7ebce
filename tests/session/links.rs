//! Links by command: without a model, beside one; witnesses of runs, and what the receiver of one is told.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::Precision;

fn links(client: &mut Client, view: View) -> Links {
    match done(client, CommandBody::Link { view }) {
        Outcome::Linked(it) => it,
        other => panic!("{other:?}"),
    }
}

fn read_link(text: &str) -> CommandBody {
    CommandBody::ReadLink { text: text.into() }
}

fn read(client: &mut Client, text: &str) -> LinkRead {
    match done(client, read_link(text)) {
        Outcome::LinkRead(it) => it,
        other => panic!("{other:?}"),
    }
}

fn witness(
    client: &mut Client,
    run: &RunKey,
    sent: Option<WitnessSent>,
) -> (Witness, Option<Verdict>) {
    let run = run.clone();
    match done(client, CommandBody::Witness { run, sent }) {
        Outcome::Witnessed { witness, verdict } => (witness, verdict),
        other => panic!("{other:?}"),
    }
}

#[test]
fn links_need_no_model_and_no_device() {
    let mut client = Client::start(Default::default()).expect("an engine");
    let view = View {
        prompt: Some(Input::Text("The capital of Texas is".into())),
        feature: Some(id("20.15589")),
        model: Some("g2b-precise".parse().expect("a model")),
        ..View::default()
    };
    let made = links(&mut client, view.clone());
    assert_eq!(
        made.fragment,
        "#/x?p=The%20capital%20of%20Texas%20is&f=20.15589&m=g2b-precise"
    );
    assert_eq!(made.without_prompt, "#/x?f=20.15589&m=g2b-precise");
    let address = "https://www.neuronpedia.org/gemma-2-2b/20-gemmascope-transcoder-16k/15589";
    assert_eq!(made.neuronpedia.as_deref(), Some(address));
    let told = read(
        &mut client,
        &format!("https://example.org/a/{}", made.fragment),
    );
    assert_eq!((told.view, told.notes), (view, vec![]));
    assert_eq!(told.neuronpedia.as_deref(), Some(address));
    for (text, word) in [
        ("", "nothing to open"),
        ("hello there", "12/9377"),
        ("#/x!1AAAA", "damaged"),
        (
            "https://www.neuronpedia.org/gpt2-small/1-res-jb/2",
            "gemma-2-2b",
        ),
    ] {
        fails(&mut client, read_link(text), word);
    }
    let long = View {
        prompt: Some(Input::Text("a".repeat(9000))),
        ..View::default()
    };
    fails(&mut client, CommandBody::Link { view: long }, "8 kB");
    let notes = read(&mut client, "#/x?t=3&zzz=1!9AAAA").notes;
    assert!(
        notes.len() == 2 && notes[0].contains("newer version"),
        "{notes:?}"
    );
}

#[test]
fn the_open_model_says_what_it_does_not_have() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let told = read(&mut client, "#/f/2/176?l=4&pin=3.255,3.256");
    assert_eq!(told.view.pins.len(), 1);
    assert_eq!(
        (told.view.layer, told.view.route),
        (None, gemscope::spec::Route::Feature(id("2.176")))
    );
    assert!(
        told.notes[0].contains("no feature 3.256") && told.notes[0].contains("features 0 to 255"),
        "{:?}",
        told.notes
    );
    assert!(told.notes[1].contains("layers 0 to 3"), "{:?}", told.notes);
    let of_gemma = read(&mut client, "#/f/12/9377?m=g2b-precise");
    assert!(of_gemma.notes.is_empty(), "{of_gemma:?}");
}

#[test]
fn a_witness_is_reproduced_or_says_in_what_it_differs() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let (run, ..) = ran(&mut client, prompt(&LONGER, &[]));
    let (ours, verdict) = witness(&mut client, &run, None);
    assert_eq!(verdict, None);
    let last = distributions(&mut client, &run, "23".parse().expect("a position"));
    assert_eq!(ours.token, last[0].top[0].id);
    let off = f32::from(ours.probability) / 255.0 - last[0].top[0].probability;
    assert!(off.abs() <= 0.5 / 255.0 + 1e-6, "{off}");
    let mut strongest: Vec<(FeatureId, f32)> = Vec::new();
    for of_layer in all_features(&mut client, &run) {
        let layer = of_layer.layer;
        for (place, activation, _) in of_layer.rows().into_iter().filter(|it| it.0[0] > 0) {
            let index = place[1] as usize;
            strongest.push((FeatureId { layer, index }, activation));
        }
    }
    strongest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut expected: Vec<FeatureId> = Vec::new();
    for (it, _) in strongest {
        if !expected.contains(&it) && expected.len() < 8 {
            expected.push(it);
        }
    }
    assert_eq!(ours.features, expected);
    let model = Some("demo".parse().expect("a model"));
    let same = WitnessSent {
        witness: ours.clone(),
        model,
    };
    let (_, verdict) = witness(&mut client, &run, Some(same.clone()));
    let verdict = verdict.expect("a verdict");
    assert!(
        verdict.reproduced && verdict.differences.is_empty() && verdict.n_same == 8,
        "{verdict:?}"
    );
    let (other, ..) = ran(&mut client, prompt(&IDS, &[]));
    let (_, verdict) = witness(&mut client, &other, Some(same.clone()));
    assert!(!verdict.expect("a verdict").reproduced, "of another prompt");
    let elsewhere = WitnessSent {
        witness: Witness {
            adapter: Some("Apple M2".into()),
            ..ours
        },
        model: Some("g2b-compact".parse().expect("a model")),
    };
    let verdict = witness(&mut client, &run, Some(elsewhere))
        .1
        .expect("a verdict");
    let all = verdict.differences.join(" ");
    for word in [
        "Apple M2 at the sender's",
        "Gemma 2 2B at the sender's",
        "compact at the sender's",
    ] {
        assert!(all.contains(word), "{word}: {all}");
    }
}

#[test]
fn a_witness_without_transcoders_tells_the_next_token() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let unknown = RunKey("0".into());
    fails(
        &mut client,
        CommandBody::Witness {
            run: unknown.clone(),
            sent: None,
        },
        "Open a model",
    );
    let compact = OpenRequest {
        precision: Precision::Compact,
        ..nano()
    };
    done(&mut client, open(compact));
    fails(
        &mut client,
        CommandBody::Witness {
            run: unknown,
            sent: None,
        },
        "Run the prompt again",
    );
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    let (it, _) = witness(&mut client, &run, None);
    assert!(it.features.is_empty() && it.adapter.is_some_and(|it| it.len() <= 48));
    let sent = WitnessSent {
        witness: Witness {
            token: 9999,
            features: vec![id("1.2")],
            ..Witness::default()
        },
        model: None,
    };
    let verdict = witness(&mut client, &run, Some(sent)).1.expect("a verdict");
    let all = verdict.differences.join(" ");
    assert!(
        !verdict.reproduced
            && all.contains("token 9999")
            && all.contains("transcoders are not loaded"),
        "{all}"
    );
}

#[test]
fn a_view_for_another_page_leaves_out_what_it_is_told_to() {
    let mut client = Client::start(Default::default()).expect("an engine");
    let view = View {
        route: gemscope::spec::Route::Feature(id("1.2")),
        embed: gemscope::spec::EmbedFlags {
            no_plots: true,
            theme: Some("dark".into()),
            ..Default::default()
        },
        ..View::default()
    };
    let it = links(&mut client, view);
    assert_eq!(it.fragment, "#/f/1/2");
    assert_eq!(it.embed, "#/embed/f/1/2?plots=0&theme=dark");
}

#[test]
fn a_snapshot_of_a_link_is_named_and_asked_for_only_on_command() {
    let mut client = Client::start(Default::default()).expect("an engine");
    let link = "#/x?src=https%3A%2F%2Fgithub.com%2Fa%2Fb%2Fblob%2Fmain%2Fc.json&t=1";
    let it = read(&mut client, link);
    let at = it.snapshot.expect("a snapshot");
    assert_eq!(at.host, "raw.githubusercontent.com");
    assert_eq!(
        at.address,
        "https://raw.githubusercontent.com/a/b/main/c.json"
    );
    assert!(read(&mut client, "#/x?t=1").snapshot.is_none());
    for (address, word) in [
        ("javascript:alert(1)", "https://"),
        ("http://example.org/x.json", "https://"),
        ("", "https://"),
    ] {
        let address = address.into();
        fails(&mut client, CommandBody::Snapshot { address }, word);
    }
}
