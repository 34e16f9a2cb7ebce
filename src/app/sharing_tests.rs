//! Snapshots: they come back, and what is none is refused with nothing lost.

use super::*;
use crate::app::record::Firing;
use crate::session::protocol::{FeatureId, Token};
use crate::spec::Label;

fn record() -> Record {
    let token = |id: u32, piece: &str| Token {
        id,
        piece: piece.into(),
        bytes: None,
        special: id == 2,
    };
    Record {
        prompt: "a b".into(),
        tokens: vec![token(2, "<bos>"), token(7, "a b")],
        n_layers: 2,
        n_features: 10,
        loaded: vec![true, false],
        firings: vec![Firing {
            layer: 0,
            pos: 1,
            index: 9,
            activation: 2.5,
        }],
        ..Record::default()
    }
}

fn desk() -> Desk {
    let mut desk = Desk::default();
    desk.show_recorded(record());
    desk
}

fn saved() -> String {
    let mut desk = desk();
    desk.snapshot(Some("https://here/#/x".into()));
    let file = desk.files.made.expect("a file");
    assert_eq!(file.to, Destination::Disk);
    String::from_utf8(file.bytes).expect("text")
}

#[test]
fn a_snapshot_opens_and_says_where_it_is_from() {
    let mut desk = Desk::default();
    assert!(desk.open_snapshot(&saved(), None));
    let shown = desk.shown.as_ref().expect("a run");
    assert_eq!(shown.record.firings, record().firings);
    assert_eq!(shown.prompt.text, "a b");
    assert!(shown.key.is_none());
    assert!(
        desk.source_words()
            .starts_with("From a file, which says: Recorded")
    );
}

#[test]
fn what_a_file_says_of_features_goes_with_it() {
    let mut desk = desk();
    let feature = FeatureId { layer: 0, index: 9 };
    let say = |desk: &mut Desk, text: &str| {
        let label = Label {
            label: Some(text.into()),
            ..Label::new(feature.index)
        };
        desk.live_atlas().label(feature.layer, vec![label]);
    };
    say(&mut desk, "theirs");
    let file = {
        desk.snapshot(None);
        let file = desk.files.made.take().expect("a file");
        String::from_utf8(file.bytes).expect("text")
    };
    say(&mut desk, "ours");
    assert!(desk.open_snapshot(&file, None) && desk.open_snapshot(&file, None));
    assert_eq!(desk.atlas.words(feature), Some("theirs"));
    assert!(desk.edit_label(feature, "mine").is_empty() && desk.try_text(feature, "a").is_empty());
    assert!(desk.troubles.contains_key("labels") && desk.troubles.contains_key("try"));
    say(&mut desk, "ours, told meanwhile");
    assert_eq!(desk.atlas.words(feature), Some("theirs"));
    desk.show_recorded(record());
    assert_eq!(desk.atlas.words(feature), Some("ours, told meanwhile"));
}

#[test]
fn what_is_no_snapshot_is_refused_and_nothing_is_lost() {
    let text = saved();
    let before = desk().shown;
    let change = |from: &str, to: &str| {
        let out = text.replace(from, to);
        assert_ne!(out, text, "{from}");
        out
    };
    for (wrong, said) in [
        (String::new(), "no snapshot"),
        ("{}".into(), "no snapshot"),
        ("<script>alert(1)</script>".into(), "no snapshot"),
        (text[..text.len() / 2].into(), "no snapshot"),
        (
            change("\"gemscope_snapshot\":1", "\"gemscope_snapshot\":2"),
            "form 2",
        ),
        (change("[0,1,9,2.5]", "[0,2,9,2.5]"), "damaged"),
        (change("[0,1,9,2.5]", "[2,1,9,2.5]"), "damaged"),
        (change("[0,1,9,2.5]", "[0,1,10,2.5]"), "damaged"),
        (change("[true,false]", "[true]"), "damaged"),
        (
            change("\"n_layers\":2", "\"n_layers\":4000000000"),
            "damaged",
        ),
    ] {
        let mut desk = desk();
        assert!(!desk.open_snapshot(&wrong, None));
        let it = desk.failure.as_ref().expect("a failure");
        assert!(it.what.contains(said), "{}", it.what);
        assert_eq!(desk.shown, before);
    }
}

#[test]
fn a_file_needs_a_run_of_this_engine() {
    let mut desk = desk();
    let asked = desk.document(
        DocumentWhat::Features,
        DocumentForm::Csv,
        None,
        Destination::Disk,
    );
    assert!(asked.is_empty());
    assert!(desk.troubles["share"].what.contains("run the prompt"));
}

#[test]
fn pieces_of_a_file_are_put_together() {
    let mut desk = Desk::default();
    let purpose = Purpose::Document(Destination::Disk);
    for (first, piece) in [(0, b"ab".to_vec()), (2, b"c".to_vec())] {
        let it = EventBody::Partial(Partial::Document { first });
        assert!(desk.document_event(&purpose, &it, &[piece]));
    }
    let made = DocumentMade {
        name: "a.csv".into(),
        mime: "text/csv".into(),
        size_bytes: 3,
    };
    let done = EventBody::Done(Outcome::Document(made));
    assert!(desk.document_event(&purpose, &done, &[]));
    assert_eq!(desk.files.made.expect("a file").bytes, b"abc");
}
