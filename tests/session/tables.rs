//! Tables and pictures beside those of features and the map: what stands in them is what is asked for, and what they lack is said.

use crate::asking::*;
use crate::documents::*;
use crate::scoped::*;
use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::{FeatureId, Positions};
use serde_json::Value;

/// The lines of a table without those that say where it comes from, value by value.
fn table(client: &mut Client, run: &RunKey, what: DocumentWhat) -> Vec<Vec<String>> {
    let (text, _) = text(client, document(run, what, DocumentForm::Tsv));
    let lines = text.lines().filter(|it| !it.starts_with('#'));
    let lines = lines.map(|it| it.split('\t').map(Into::into).collect());
    lines.collect()
}

/// The numbers of a column.
fn column(table: &[Vec<String>], name: &str) -> Vec<f32> {
    let at = table[0].iter().position(|it| it == name).expect(name);
    let number = |it: &Vec<String>| it[at].parse().expect("a number");
    table[1..].iter().map(number).collect()
}

#[test]
fn tables_of_what_comes_next_and_of_the_lens_are_what_is_asked() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let asked = distributions(&mut client, &run, Positions::All);
    let next = table(&mut client, &run, DocumentWhat::Next);
    assert_eq!(next.len(), 1 + 24 * 10);
    let first = |it: &[f32]| it.iter().step_by(10).copied().collect::<Vec<_>>();
    let ids: Vec<f32> = asked.iter().map(|it| it.top[0].id as f32).collect();
    assert_eq!(first(&column(&next, "next_id")), ids);
    let shares: Vec<f32> = asked.iter().map(|it| it.top[0].probability).collect();
    assert_eq!(first(&column(&next, "probability")), shares);
    let lens = table(&mut client, &run, DocumentWhat::Lens);
    assert_eq!(lens.len(), 1 + 4 * 24 * 5);
    let last: Vec<f32> = column(&lens, "lens_id")[3 * 24 * 5..].to_vec();
    let last: Vec<f32> = last.iter().step_by(5).copied().collect();
    assert_eq!(last, ids, "after the last layer it is what the model says");
    let (svg, made) = text(
        &mut client,
        document(&run, DocumentWhat::Lens, DocumentForm::Svg),
    );
    assert_eq!(made.name, format!("gemscope-lens-{}.svg", run.0));
    assert!(
        svg.contains(">L3</text>") && svg.contains("approximate"),
        "{svg}"
    );
    says_its_origin(&svg, &mut client);
}

#[test]
fn figures_by_layer_are_those_of_the_golden() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let figures = table(&mut client, &run, DocumentWhat::Figures);
    let layers: Vec<&str> = figures[1..].iter().map(|it| it[0].as_str()).collect();
    assert_eq!(layers, ["0", "1", "2", "3", "all"]);
    let golden = std::fs::read("tests/golden/scope.json").expect("the golden");
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let golden = &golden["prompts"][1]["metrics"];
    let spliced = column(&figures, "ce_spliced");
    for (layer, got) in spliced[..4].iter().enumerate() {
        let expected = golden["layers"][layer]["ce_spliced"]
            .as_f64()
            .expect("a number");
        assert!((f64::from(*got) - expected).abs() < 2e-5 * expected.max(1.0));
    }
    assert_eq!(figures[5][1], "", "all together have no L0");
    let body = document(&run, DocumentWhat::Figures, DocumentForm::Svg);
    let (svg, _) = text(&mut client, body);
    for part in ["FVU", "delta loss", ">all</text>"] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
}

#[test]
fn files_of_a_feature_are_what_its_card_says() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let feature = FeatureId {
        layer: 2,
        index: 176,
    };
    let strip = table(&mut client, &run, DocumentWhat::Strip(feature));
    let of = rows_of(&mut client, &run);
    let mut expected = vec![0.0; 24];
    for it in of.iter().filter(|it| (it.0, it.2) == (2, 176)) {
        expected[it.1 as usize] = it.3;
    }
    assert!(expected[21] > 0.0);
    assert_eq!(column(&strip, "activation"), expected);
    let question = FeatureQuestion {
        n_tokens: 50,
        nearest_in: vec![2],
        n_nearest: 20,
        ..FeatureQuestion::default()
    };
    let Outcome::Feature(card) = done(&mut client, CommandBody::Feature { feature, question })
    else {
        panic!("a card")
    };
    let ends = card.logits.expect("logits");
    let promotes = table(&mut client, &run, DocumentWhat::Promotes(feature));
    let values = ends.top.iter().chain(&ends.bottom).map(|it| it.value);
    assert_eq!(column(&promotes, "effect"), values.collect::<Vec<_>>());
    let nearest = table(&mut client, &run, DocumentWhat::Nearest(feature));
    let cosines: Vec<f32> = card.nearest.iter().map(|it| it.cosine).collect();
    assert_eq!(column(&nearest, "cosine"), cosines);
    // What is of the model alone needs no run, and names none.
    let body = CommandBody::Document {
        run: None,
        what: DocumentWhat::Promotes(feature),
        form: DocumentForm::Svg,
        link: None,
    };
    let (svg, made) = text(&mut client, body);
    assert_eq!(made.name, "gemscope-promotes-2.176.svg");
    assert!(svg.contains("Feature 2/176") && svg.contains("suppresses") && !svg.contains("· run"));
    let body = document(&run, DocumentWhat::Strip(feature), DocumentForm::Json);
    let (json, _) = text(&mut client, body);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["feature"], json["strip"].as_array().map(Vec::len)),
        (&"2.176".into(), Some(24))
    );
}

#[test]
fn labels_say_whose_they_are_wherever_they_stand() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let run = run(&mut client);
    let feature = FeatureId {
        layer: 2,
        index: 176,
    };
    let file = std::env::temp_dir().join(format!("gemscope-labels-{}.json", std::process::id()));
    let labels = r#"{"version":1,"made":"by a machine","source":"somewhere","date":"2026-08-20","licence":"CC-BY 4.0",
        "sentences":[["a"," capital"]],
        "layers":[{"layer":2,"features":[{"index":176,"label":"capitals, \"all\"","top":[[0,1,2.5]]}]}]}"#;
    std::fs::write(&file, labels).expect("a file");
    let from = file.display().to_string();
    done(&mut client, CommandBody::Labels { from });
    std::fs::remove_file(&file).expect("it is there");
    for (what, form) in [
        (DocumentWhat::Features, DocumentForm::Csv),
        (DocumentWhat::Features, DocumentForm::Json),
        (DocumentWhat::Nearest(feature), DocumentForm::Tsv),
        (DocumentWhat::Examples(feature), DocumentForm::Json),
        (DocumentWhat::Summary, DocumentForm::Markdown),
        (DocumentWhat::Strip(feature), DocumentForm::Svg),
        (DocumentWhat::Promotes(feature), DocumentForm::Svg),
    ] {
        let (text, _) = text(&mut client, document(&run, what.clone(), form));
        let text = text.replace('\\', "");
        for part in ["by a machine", "somewhere", "2026-08-20"] {
            assert!(text.contains(part), "{what:?} as {form}: {part}: {text}");
        }
    }
    let examples = table(&mut client, &run, DocumentWhat::Examples(feature));
    assert_eq!(examples[1], ["1", "2.5", "1", "\" capital\"", "a capital"]);
    let (text, _) = text(
        &mut client,
        document(&run, DocumentWhat::Next, DocumentForm::Csv),
    );
    assert!(!text.contains("by a machine"), "no labels stand there");
    let other = FeatureId { layer: 2, index: 0 };
    let body = document(&run, DocumentWhat::Examples(other), DocumentForm::Csv);
    fails(&mut client, body, "labels file");
}

#[test]
fn what_a_feature_or_a_run_lacks_is_said() {
    let Some(mut client) = scoped_client(Default::default()) else {
        return;
    };
    let clean = run(&mut client);
    let nowhere = FeatureId {
        layer: 2,
        index: 1 << 20,
    };
    for what in [DocumentWhat::Strip(nowhere), DocumentWhat::Nearest(nowhere)] {
        fails(
            &mut client,
            document(&clean, what, DocumentForm::Csv),
            "feature",
        );
    }
    let (derived, ..) = ran(&mut client, steer(&clean, &["2:21:176=off"]));
    for what in [DocumentWhat::Lens, DocumentWhat::Figures] {
        let body = document(&derived, what, DocumentForm::Csv);
        fails(&mut client, body, "without writes");
    }
    let body = CommandBody::Document {
        run: None,
        what: DocumentWhat::Next,
        form: DocumentForm::Csv,
        link: None,
    };
    fails(&mut client, body, "Run the prompt first");
    // Without decoders there is nothing that a feature promotes.
    let mut request = scoped();
    if let Some(it) = &mut request.transcoders {
        it.halves = vec![Half::Encoder];
    }
    done(&mut client, open(request));
    let clean = run(&mut client);
    let feature = FeatureId { layer: 2, index: 3 };
    for what in [DocumentWhat::Promotes(feature), DocumentWhat::Figures] {
        let it = failed(&mut client, document(&clean, what, DocumentForm::Csv));
        assert!(
            it.what.contains("decoder") || it.remedy.contains("decoder"),
            "{it:?}"
        );
    }
}
