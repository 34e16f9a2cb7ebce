//! Files made of a run: every form, its numbers against those asked for, where they come from, and what can't be made.

use crate::asking::*;
use crate::scoped::*;
use gemscope::session::protocol::*;
use gemscope::session::{Client, Told};
use gemscope::spec::{Positions, Site};
use safetensors::SafeTensors;
use serde_json::Value;

pub fn document(run: &RunKey, what: DocumentWhat, form: DocumentForm) -> CommandBody {
    CommandBody::Document {
        run: Some(run.clone()),
        what,
        form,
        link: Some("https://example.org/#/x?t=1".into()),
    }
}

/// A file and what is said of it; its pieces come in order.
pub fn file(client: &mut Client, body: CommandBody) -> (Vec<u8>, DocumentMade) {
    let mut out: Vec<u8> = Vec::new();
    let outcome = client.call(body, &mut |it| {
        if let Told::Partial(it, parts) = it {
            let Partial::Document { first } = it else {
                panic!("{it:?}")
            };
            assert_eq!((first, parts.len()), (out.len() as u64, 1));
            out.extend(&parts[0]);
        }
    });
    let Ok(Outcome::Document(made)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(made.size_bytes, out.len() as u64);
    (out, made)
}

pub fn text(client: &mut Client, body: CommandBody) -> (String, DocumentMade) {
    let (bytes, made) = file(client, body);
    (String::from_utf8(bytes).expect("text"), made)
}

pub fn says_its_origin(text: &str, client: &mut Client) {
    let about = described(client);
    for part in [
        "synth:nano",
        "reference",
        &about.adapter,
        BUILD,
        "https://example.org/#/x?t=1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let Outcome::Opened { fingerprint, .. } = done(client, open(scoped())) else {
        panic!("opened")
    };
    assert!(text.contains(&fingerprint), "{text}");
}

pub fn run(client: &mut Client) -> RunKey {
    ran(client, prompt(&LONGER, &[])).0
}

/// Layer, position, index and activation of each.
pub type Row = (usize, i32, i32, f32);

pub fn rows_of(client: &mut Client, run: &RunKey) -> Vec<Row> {
    let all = all_features(client, run);
    let rows = all.iter().flat_map(|of| {
        let rows = of.rows().into_iter();
        rows.map(|(place, activation, _)| (of.layer, place[0], place[1], activation))
    });
    let rows: Vec<Row> = rows.collect();
    assert!(rows.len() > 50);
    rows
}

#[test]
fn tables_hold_every_active_feature() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let expected = rows_of(&mut client, &run);
    let head = [
        "layer",
        "pos",
        "token_id",
        "token",
        "feature",
        "activation",
        "label",
    ];
    for (form, between) in [(DocumentForm::Csv, ','), (DocumentForm::Tsv, '\t')] {
        let (text, made) = text(&mut client, document(&run, DocumentWhat::Features, form));
        assert_eq!(made.name, format!("gemscope-features-{}.{form}", run.0));
        let lines: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
        assert_eq!(lines[0].split(between).collect::<Vec<_>>(), head);
        let rows = lines[1..].iter().map(|it| {
            let values: Vec<&str> = it.split(between).collect();
            let number = |at: usize| values[at].parse::<i32>().expect("a number");
            let id = LONGER[number(1) as usize] as i32;
            assert_eq!((values.len(), number(2)), (7, id));
            let activation = values[5].parse().expect("a number");
            (number(0) as usize, number(1), number(4), activation)
        });
        assert_eq!(rows.collect::<Vec<Row>>(), expected);
        says_its_origin(&text, &mut client);
    }
}

#[test]
fn json_holds_the_same() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let body = document(&run, DocumentWhat::Features, DocumentForm::Json);
    let (text, made) = text(&mut client, body);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let rows = value["features"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|it| {
            let number = |key: &str| it[key].as_i64().expect("a number") as i32;
            let activation = it["activation"].as_f64().expect("a number") as f32;
            let layer = number("layer") as usize;
            (layer, number("pos"), number("feature"), activation)
        });
    assert_eq!(rows.collect::<Vec<Row>>(), rows_of(&mut client, &run));
    let n_tokens = value["tokens"].as_array().map(Vec::len);
    assert_eq!(
        (n_tokens, made.mime.as_str()),
        (Some(24), "application/json")
    );
    says_its_origin(&value["origin"].to_string(), &mut client);
}

#[test]
fn arrays_are_those_that_are_asked_for() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let (bytes, _) = file(
        &mut client,
        document(&run, DocumentWhat::Features, DocumentForm::Safetensors),
    );
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let words = |name: &str| -> Vec<[u8; 4]> {
        bytemuck::pod_collect_to_vec(tensors.tensor(name).expect(name).data())
    };
    let expected: Vec<(i32, i32, i32, f32)> = (all_features(&mut client, &run).iter())
        .flat_map(|it| {
            it.rows()
                .into_iter()
                .map(|(place, activation, _)| (it.layer as i32, place[0], place[1], activation))
                .collect::<Vec<_>>()
        })
        .collect();
    let column = |name: &str| {
        words(name)
            .into_iter()
            .map(i32::from_le_bytes)
            .collect::<Vec<_>>()
    };
    let activations = words("features.activation")
        .into_iter()
        .map(f32::from_le_bytes);
    let places = column("features.layer")
        .into_iter()
        .zip(column("features.pos"))
        .zip(column("features.index"));
    let rows: Vec<_> = places
        .zip(activations)
        .map(|(((layer, pos), index), it)| (layer, pos, index, it))
        .collect();
    assert_eq!(rows, expected);
    let sites = [Site::Pattern(1), Site::ResidPost(3), Site::Logits];
    let asked = activations_of(&mut client, &run, &sites);
    let what = DocumentWhat::Sites(sites.into());
    let (bytes, _) = file(&mut client, document(&run, what, DocumentForm::Safetensors));
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(tensors.len(), 4);
    for site in sites {
        let tensor = tensors.tensor(&site.to_string()).expect("a site");
        let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(tensor.data());
        assert!(numbers == asked[&site], "{site}");
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = header.metadata().clone().expect("metadata");
    says_its_origin(&format!("{metadata:?}"), &mut client);
}

fn activations_of(
    client: &mut Client,
    run: &RunKey,
    sites: &[Site],
) -> std::collections::BTreeMap<Site, Vec<f32>> {
    activations(client, run, sites, Positions::All)
}

#[test]
fn sites_come_in_order_when_little_may_be_kept() {
    let options = gemscope::session::EngineOptions {
        kept_bytes: Some(4000),
        ..Default::default()
    };
    let Some(mut client) = client(options) else {
        return;
    };
    done(&mut client, open(nano()));
    let ids: Vec<u32> = (0..70).map(|it| 2 + (it * 37) % 500).collect();
    let (run, ..) = ran(&mut client, prompt(&ids, &[]));
    let sites = [Site::Pattern(2), Site::MlpOut(0)];
    let what = DocumentWhat::Sites([sites[0], sites[1], sites[0]].into());
    let (bytes, _) = file(&mut client, document(&run, what, DocumentForm::Safetensors));
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(tensors.len(), 3, "a site named twice is written once");
    for site in sites {
        // Which sites a pass tells decides which kernels it fuses: each is asked for alone, as it is written.
        let asked = activations_of(&mut client, &run, &[site]);
        let numbers: Vec<f32> =
            bytemuck::pod_collect_to_vec(tensors.tensor(&site.to_string()).expect("a site").data());
        let both = numbers.iter().zip(&asked[&site]);
        let wrong = both.enumerate().find(|it| it.1.0 != it.1.1);
        assert_eq!((wrong, numbers.len()), (None, asked[&site].len()), "{site}");
    }
    let none = DocumentWhat::Sites(vec![]);
    fails(
        &mut client,
        document(&run, none, DocumentForm::Safetensors),
        "Name the sites",
    );
}

#[test]
fn summary_and_map_of_a_run() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let (summary, made) = text(
        &mut client,
        document(&run, DocumentWhat::Summary, DocumentForm::Markdown),
    );
    assert!(
        made.name.ends_with(".md") && summary.starts_with("# 24 tokens"),
        "{summary}"
    );
    let next = distributions(&mut client, &run, Positions::From(23))[0].top[0].id;
    assert!(summary.contains(&format!("| token {next} |")), "{summary}");
    assert_eq!(
        summary
            .lines()
            .filter(|it| it.contains("token ") && it.matches('|').count() == 6)
            .count(),
        1 + 20,
        "{summary}"
    );
    says_its_origin(&summary.replace("\\", ""), &mut client);
    let (svg, made) = text(
        &mut client,
        document(&run, DocumentWhat::Map(MapMetric::Max), DocumentForm::Svg),
    );
    assert_eq!(made.mime, "image/svg+xml");
    assert!(
        svg.starts_with("<svg ")
            && svg.contains("strongest activation")
            && svg.contains(">L3</text>")
    );
    says_its_origin(&svg, &mut client);
}

#[test]
fn a_derived_run_has_what_the_clean_one_had() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let clean = run(&mut client);
    let (derived, ..) = ran(&mut client, steer(&clean, &["2:21:176=off"]));
    let (text, _) = text(
        &mut client,
        document(&derived, DocumentWhat::Features, DocumentForm::Csv),
    );
    let lines: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
    assert!(lines[0].ends_with("activation,clean,label"));
    let rows: usize = all_features(&mut client, &derived)
        .iter()
        .map(|it| it.places.len())
        .sum();
    assert_eq!(lines.len() - 1, rows);
    let changed = lines[1..].iter().filter(|it| {
        let values: Vec<&str> = it.split(',').collect();
        values[5] != values[6]
    });
    assert!(changed.count() > 0);
}

#[test]
fn a_picture_of_a_map_as_it_is_shown() {
    let mut client = Client::start(Default::default()).expect("an engine");
    let map = MapPicture {
        title: "a prompt".into(),
        tokens: vec!["⟨bos⟩".into(), " the".into()],
        n_layers: 2,
        cells: vec![Some(0.0), Some(1.0), None, Some(2.0)],
        legend: "strongest activation".into(),
        caption: vec!["recorded on the demo model, reference".into()],
        ..MapPicture::default()
    };
    let picture = |map: &MapPicture, run| CommandBody::Picture {
        map: map.clone(),
        run,
    };
    let (svg, made) = text(&mut client, picture(&map, None));
    assert_eq!(made.name, "gemscope-map.svg");
    assert!(svg.contains("recorded on the demo model"), "{svg}");
    let short = MapPicture {
        n_layers: 3,
        ..map.clone()
    };
    fails(&mut client, picture(&short, None), "4 cells");
    fails(
        &mut client,
        picture(&map, Some(RunKey("0".into()))),
        "Open a model",
    );
}

#[test]
fn what_can_not_be_made_is_said() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    let fails_as = |client: &mut Client, what, form, word: &str| {
        fails(client, document(&run, what, form), word)
    };
    fails_as(
        &mut client,
        DocumentWhat::Features,
        DocumentForm::Svg,
        "csv, tsv, json, safetensors",
    );
    fails_as(
        &mut client,
        DocumentWhat::Summary,
        DocumentForm::Csv,
        "markdown",
    );
    fails_as(
        &mut client,
        DocumentWhat::Features,
        DocumentForm::Csv,
        "transcoders",
    );
    fails_as(
        &mut client,
        DocumentWhat::Sites(vec![Site::MlpOut(9)]),
        DocumentForm::Safetensors,
        "blocks.9",
    );
    let (summary, _) = text(
        &mut client,
        document(&run, DocumentWhat::Summary, DocumentForm::Markdown),
    );
    assert!(summary.contains("0 are active"), "{summary}");
    let unknown = RunKey("0".into());
    fails(
        &mut client,
        document(&unknown, DocumentWhat::Summary, DocumentForm::Markdown),
        "Run the prompt again",
    );
}
