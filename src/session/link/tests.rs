//! Links there and back, whatever is read: no panic, kind words, and every stored link of this version opens as it always did.

use super::{
    Limits, LinkError, address_of_view, fragment::packed_fragment, read, write,
    write_without_prompt,
};
use crate::spec::*;
use serde::Deserialize;

/// Links of version 1 that have been made, and what they say; nothing here is ever changed.
const STORED: &str = include_str!("../../../tests/golden/links-v1.json");

#[derive(Deserialize)]
pub(super) struct Stored {
    pub link: String,
    view: View,
    notes: usize,
}

pub(super) fn stored() -> Vec<Stored> {
    serde_json::from_str(STORED).expect("stored links")
}

pub(super) fn view_of(text: &str) -> (View, Vec<String>) {
    read(text, None).unwrap_or_else(|it| panic!("{text}: {it}"))
}

fn id(text: &str) -> FeatureId {
    text.parse().expect(text)
}

fn gemma_model() -> Option<LinkModel> {
    Some(LinkModel::gemma(Precision::Precise))
}

/// The Dallas prompt, 22 pins, 3 interventions, 2 labels and a witness.
fn heavy() -> View {
    let pin = |at: usize| Pin {
        feature: FeatureId {
            layer: 3 + at,
            index: (at * 7919 + 4211) % 16384,
        },
        pos: Some(4 + at % 7),
    };
    let intervention = |text: &str| LinkedIntervention {
        intervention: text.parse().expect(text),
        paused: text.ends_with("off"),
    };
    let label = |feature: &str, text: &str| OwnLabel {
        feature: id(feature),
        text: text.into(),
    };
    View {
        prompt: Some(Input::Text(
            "Fact: the capital of the state containing Dallas is".into(),
        )),
        token: Some(9),
        layer: Some(20),
        feature: Some(id("20.15589")),
        pins: (0..22).map(pin).collect(),
        interventions: ["12:*:9377=off", "20:8:15589=x-2", "16:4-6:25=+3.5"]
            .map(intervention)
            .into(),
        labels: vec![
            label("20.15589", "say a capital"),
            label("12.9377", "Texas cities"),
        ],
        map: MapWords {
            metric: Some("max".into()),
            sort: Some("rarity".into()),
            group: Some("token".into()),
        },
        model: gemma_model(),
        witness: Some(Witness {
            token: 22605,
            probability: 104,
            features: (0..8).map(|at| pin(2 * at).feature).collect(),
            adapter: Some("Apple M2".into()),
        }),
        ..View::default()
    }
}

#[test]
fn a_heavy_view_fits_into_450_characters() {
    let link = write(&heavy()).expect("a link");
    assert!(link.starts_with("#/x!1"), "{link}");
    assert!(link.len() <= 450, "{} characters: {link}", link.len());
    assert_eq!(view_of(&link), (heavy(), vec![]));
    assert!(link.is_ascii() && !link.contains(char::is_whitespace));
}

#[test]
fn short_views_are_readable() {
    let mut view = View {
        prompt: Some(Input::Text("The capital, 100 % & more:\nné".into())),
        token: Some(8),
        layer: Some(20),
        pins: vec![
            Pin {
                feature: id("12.9377"),
                pos: Some(6),
            },
            Pin {
                feature: id("20.15589"),
                pos: None,
            },
        ],
        interventions: heavy().interventions,
        model: gemma_model(),
        ..View::default()
    };
    let link = write(&view).expect("a link");
    assert!(link.contains("?p=The%20capital%2C%20100%20%25%20%26%20more%3A%0An%C3%A9&t=8&l=20&pin=12.9377@6,20.15589&i=12:*:9377=off~,"), "{link}");
    assert!(link.ends_with("&m=g2b-precise"), "{link}");
    assert_eq!(view_of(&link).0, view);
    assert_eq!(view_of(&packed_fragment(&view)), (view.clone(), vec![]));
    view.prompt = Some(Input::Text("long ".repeat(80)));
    assert!(write(&view).expect("a link").contains("!1"));
    assert_eq!(write(&View::default()), Ok("#/x".into()));
}

#[test]
fn without_the_prompt_nothing_of_it_is_told() {
    let link = write_without_prompt(&heavy()).expect("a link");
    let view = view_of(&link).0;
    assert_eq!((view.prompt, view.witness), (None, None));
    assert_eq!(view.pins, heavy().pins);
}

#[test]
fn stored_links_of_version_1_open_for_ever() {
    let stored = stored();
    assert!(stored.len() >= 12);
    for it in stored {
        let (view, notes) = view_of(&it.link);
        assert_eq!(view, it.view, "{}", it.link);
        assert_eq!(notes.len(), it.notes, "{}: {notes:?}", it.link);
    }
}

#[test]
fn whole_addresses_and_bare_fragments_are_understood() {
    let link = write(&heavy()).expect("a link");
    for text in [
        format!("https://example.org/gemscope/{link}"),
        format!("  http://127.0.0.1:8080/?adapter=x{link}\n"),
        link[1..].to_string(),
        format!("{link}."),
        format!("{link})"),
    ] {
        assert_eq!(view_of(&text), (heavy(), vec![]), "{text}");
    }
}

#[test]
fn features_as_people_write_them() {
    for text in ["12/9377", "12.9377", "L12 9377", "l12/9377", " 12:9377 "] {
        let (view, notes) = view_of(text);
        assert_eq!(view.route, Route::Feature(id("12.9377")), "{text}");
        assert_eq!((view.model, notes), (None, vec![]));
    }
}

#[test]
fn neuronpedia_is_understood_and_produced() {
    let address = "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-transcoder-16k/9377";
    for text in [
        address,
        "neuronpedia.org/gemma-2-2b/12-gemmascope-transcoder-16k/9377?embed=true#x",
        "gemma-2-2b/12-gemmascope-transcoder-16k/9377",
        "12-gemmascope-transcoder-16k/9377",
    ] {
        let view = view_of(text).0;
        assert_eq!(view.route, Route::Feature(id("12.9377")), "{text}");
        assert_eq!(address_of_view(&view).as_deref(), Some(address));
    }
    for text in [
        "https://www.neuronpedia.org/gpt2-small/3-res-jb/12",
        "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/9377",
        "https://www.neuronpedia.org/gemma-2-2b/26-gemmascope-transcoder-16k/1",
        "https://www.neuronpedia.org/gemma-2-2b/2-gemmascope-transcoder-16k/16384",
        "https://www.neuronpedia.org/",
        "https://www.neuronpedia.org/gemma-2-2b/graph?sourceSet=clt-hp",
    ] {
        let error = read(text, None).expect_err(text);
        assert!(
            matches!(error, LinkError::OtherSource { .. }),
            "{text}: {error}"
        );
    }
    let demo = View {
        feature: Some(id("1.2")),
        ..View::default()
    };
    assert_eq!(
        address_of_view(&demo),
        None,
        "whose feature it is, is not said"
    );
}

#[test]
fn graphs_of_neuronpedia_come_back() {
    let text = "https://www.neuronpedia.org/gemma-2-2b/graph?slug=gemma-fact-dallas-austin&sourceSet=gemmascope-transcoder-16k\
                &pinnedIds=27_22605_10,20_15589_10,E_26865_9,21_5943_10&supernodes=%5B%5D&clickedId=20_15589_10\
                &clerps=%5B%5B%2220_15589_10%22%2C%22say%20a%20capital%22%5D%5D&pruningThreshold=0.6";
    let (view, notes) = view_of(text);
    assert_eq!(view.graph.as_deref(), Some("gemma-fact-dallas-austin"));
    assert_eq!(view.pins.len(), 2);
    assert_eq!(
        (view.feature, view.token, view.layer),
        (Some(id("20.15589")), Some(10), Some(20))
    );
    assert_eq!(view.labels[0].text, "say a capital");
    let all = notes.join(" ");
    for word in ["2 pinned nodes", "prompt", "supernodes", "pruningThreshold"] {
        assert!(all.contains(word), "{word}: {all}");
    }
    let address = address_of_view(&view).expect("an address");
    assert_eq!(view_of(&address).0, view, "{address}");
    assert_eq!(view_of(&write(&view).expect("a link")).0, view);
}

#[test]
fn what_the_model_does_not_have_is_said() {
    let open = |n_layers, n_features| Limits {
        model: "demo".parse().expect("a model"),
        n_layers,
        n_features: Some(n_features),
    };
    let (view, notes) = read(
        "#/f/7/3?l=9&t=1&pin=2.5,2.600,6.1&m=demo",
        Some(&open(6, 512)),
    )
    .expect("a view");
    assert_eq!(
        (view.route, view.layer, view.token),
        (Route::Explore, None, Some(1))
    );
    assert_eq!(view.pins.len(), 1);
    assert!(
        notes[0].contains("no feature 7.3")
            && notes[0].contains("the demo model has layers 0 to 5 and features 0 to 511"),
        "{notes:?}"
    );
    assert_eq!(notes.len(), 4);
    let (view, notes) = read("#/f/26/3?m=g2b-compact", Some(&open(6, 512))).expect("a view");
    assert_eq!(view.route, Route::Explore);
    assert!(
        notes[0].contains("Gemma 2 2B has layers 0 to 25"),
        "{notes:?}"
    );
    let (view, notes) = read("#/f/12/9377?m=g2b-compact", Some(&open(6, 512))).expect("a view");
    assert_eq!(
        (view.route, notes.len()),
        (Route::Feature(id("12.9377")), 0),
        "of another model than the open one"
    );
}

#[test]
fn what_can_not_be_read_is_said_kindly() {
    for (text, word) in [
        ("#/x?m=llama-7b-q4", "llama-7b-q4"),
        ("#/x?t=-1", "`t`"),
        ("#/x?f=twelve", "twelve"),
        ("#/x?p=%FF", "`p`"),
        ("#/x?keep=80", "circuits"),
        ("#/x?colour=blue", "colour"),
        ("#/zzz?t=1", "no screen"),
        ("#/x!2AAAA", "newer version"),
        ("#/x?t=4!9abc", "newer version"),
        ("#/x?src=http://example.org/a", "https"),
        ("#/x?src=javascript%3Aalert(1)", "https"),
        ("#/x?theme=%3Cscript%3E", "theme"),
        ("#/f/5000/1", "no feature"),
        ("#/x?l=5000", "no layer"),
    ] {
        let (_, notes) = view_of(text);
        assert!(
            notes.iter().any(|it| it.contains(word)),
            "{text}: {notes:?}"
        );
    }
    let (view, _) = view_of("#/x?t=4!9abc");
    assert_eq!(
        view.token,
        Some(4),
        "of a newer version whatever is readable is open"
    );
    let link = write(&heavy()).expect("a link");
    for text in [
        &link[..link.len() - 7],
        &link.to_lowercase(),
        &link.replacen("!1", "!1A", 1),
    ] {
        assert_eq!(read(text, None), Err(LinkError::Damaged), "{text}");
    }
    for (text, word) in [
        ("", "nothing"),
        ("   ", "nothing"),
        ("#section", "neither"),
        ("hello", "neither"),
        ("12/x", "neither"),
    ] {
        let error = read(text, None).expect_err(text);
        assert!(
            error.to_string().contains(word) && !error.remedy().is_empty(),
            "{text}: {error}"
        );
    }
    let long = "a".repeat(3 << 20);
    assert!(matches!(read(&long, None), Err(LinkError::TooLong { .. })));
}

#[test]
fn what_inflates_beyond_all_bounds_is_too_large() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![0; 8 << 20], 10);
    let sum = Sha256::digest(&bomb);
    let text = format!(
        "#/x!1{}",
        URL_SAFE_NO_PAD.encode([&sum[..2], &bomb].concat())
    );
    assert_eq!(read(&text, None), Err(LinkError::TooLarge));
}

#[test]
fn views_beyond_the_bounds_are_no_links() {
    let many = View {
        pins: vec![
            Pin {
                feature: id("1.2"),
                pos: None
            };
            201
        ],
        ..View::default()
    };
    let long = View {
        prompt: Some(Input::Text("a".repeat((8 << 10) + 1))),
        ..View::default()
    };
    let source = View {
        source: Some("http://example.org".into()),
        ..View::default()
    };
    for view in [many, long, source] {
        assert!(matches!(write(&view), Err(LinkError::Unfit { .. })));
    }
}
