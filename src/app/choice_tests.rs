//! The form on the host: what it asks for, and what it says to what can't be read.

use super::*;

#[test]
fn a_request_makes_the_form_that_made_it() {
    let base = "https://here";
    let gemma = Choice::default().from(Origin::Mirror);
    let other = Choice {
        layers: "0-12, 20".into(),
        decoders: false,
        variants: "12:80".into(),
        budget: "6000".into(),
        ..Choice::default().from(Origin::Gated)
    };
    for it in [Choice::default(), gemma, other] {
        let request = it.request(base).unwrap();
        assert_eq!(Choice::of(&request), it);
        assert_eq!(Choice::of_text(&it.text()), it);
    }
}

#[test]
fn layers_are_lists_of_ranges_and_what_is_none_is_said() {
    assert_eq!(layers(" all "), Ok(None));
    assert_eq!(layers("3, 0-1,1"), Ok(Some(vec![0, 1, 3])));
    assert_eq!(layer_words(&[0, 1, 3]), "0-1, 3");
    for text in ["x", "3-1", "0-", "-1", "0-4000", "1;2"] {
        assert!(layers(text).is_err(), "{text}");
    }
    let none = Choice {
        layers: "none".into(),
        ..Choice::default()
    };
    assert!(none.request("").unwrap().transcoders.is_none());
}

#[test]
fn what_can_t_be_read_is_said() {
    let of = |change: fn(&mut Choice)| {
        let mut it = Choice::default().from(Origin::Other);
        change(&mut it);
        it.request("").unwrap_err()
    };
    assert!(of(|it| it.model = "gemma".into()).contains("OWNER/NAME"));
    assert!(of(|it| it.budget = "-3".into()).contains("MB"));
    assert!(of(|it| it.variants = "80".into()).contains("12:80"));
}

#[test]
fn a_link_says_which_transcoders() {
    let other = Choice {
        transcoders: "nobody/others".into(),
        variants: "3:80".into(),
        ..Choice::default().from(Origin::Mirror)
    };
    let model = LinkModel::of(&other.request("").unwrap());
    assert_eq!(model.to_string(), "g2b-precise~nobody/others~3:80");
    assert_eq!(Choice::of_link(&model, &Choice::default()), other);
    let usual = Choice {
        layers: "0-12".into(),
        ..Choice::default().from(Origin::Mirror)
    };
    let model = LinkModel::of(&usual.request("").unwrap());
    assert_eq!(model.to_string(), "g2b-precise");
    assert_eq!(
        Choice::of_link(&model, &other).transcoders,
        gemma::TRANSCODER_REPO,
        "numbers of the usual ones would mean others there"
    );
    assert_eq!(Choice::of_link(&model, &usual).layers, "0-12");
}
