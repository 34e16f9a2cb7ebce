//! A link that names a snapshot: nobody is asked before the visitor agrees, and what comes is shown or refused with nothing lost.

use super::*;
use crate::{
    app::{desk::Source, record::Record},
    session::protocol::{DocumentForm, DocumentMade, Failure, LinkRead, Outcome, Partial, Token},
    spec::FeatureId,
};

fn at() -> SnapshotAddress {
    SnapshotAddress {
        address: "https://files.example/a.json".into(),
        host: "files.example".into(),
        name: "files.example/a.json".into(),
    }
}

fn record() -> Record {
    let token = |id: u32, piece: &str| Token {
        id,
        piece: piece.into(),
        bytes: None,
        special: id == 2,
    };
    Record {
        prompt: "theirs".into(),
        tokens: vec![token(2, "<bos>"), token(7, "theirs")],
        n_layers: 1,
        n_features: 10,
        loaded: vec![true],
        ..Record::default()
    }
}

fn snapshot() -> Vec<u8> {
    let mut desk = Desk::default();
    desk.show_recorded(record());
    desk.snapshot(None);
    desk.files.made.expect("a file").bytes
}

/// A desk that has read a link with a snapshot in it.
fn offered() -> Desk {
    let mut desk = Desk::new("https://here".into(), None);
    let read = LinkRead {
        view: View {
            source: Some("https://files.example/a.json".into()),
            feature: Some(FeatureId { layer: 0, index: 3 }),
            ..View::default()
        },
        notes: vec![],
        neuronpedia: None,
        snapshot: Some(at()),
    };
    let asked = desk.link_read(read, 1.0);
    let is_snapshot = |it: &Question| matches!(it.body, CommandBody::Snapshot { .. });
    assert!(!asked.iter().any(is_snapshot), "nothing starts by itself");
    desk
}

fn made() -> EventBody {
    EventBody::Done(Outcome::Document(DocumentMade {
        name: at().name,
        mime: DocumentForm::Json.ending().1.into(),
        size_bytes: 3,
    }))
}

#[test]
fn it_is_asked_for_once_the_visitor_agrees_and_then_shown() {
    let mut desk = offered();
    let asked = desk.take_offer();
    let address = at().address;
    assert_eq!(asked[0].body, CommandBody::Snapshot { address });
    let bytes = snapshot();
    let (first, rest) = bytes.split_at(10);
    for part in [first, rest] {
        let piece = EventBody::Partial(Partial::Document { first: 0 });
        assert!(desk.snapshot_event(&Purpose::Snapshot, &piece, &[part.to_vec()]));
    }
    assert!(desk.snapshot_event(&Purpose::Snapshot, &made(), &[]));
    let words = desk.source_words();
    assert!(
        words.starts_with("From a file: files.example/a.json, which says: "),
        "{words}"
    );
    assert_eq!(desk.view([].into_iter()).source, Some(at().address));
    assert!(desk.linking.offer.is_none() && desk.linking.opened.is_none());
    let landed = desk.linking.landed.as_ref().and_then(|it| it.feature);
    assert_eq!(
        landed,
        Some(FeatureId { layer: 0, index: 3 }),
        "as the sender saw it"
    );
    assert!(
        desk.opening_run(1.0).is_empty(),
        "a model that opens leaves it there"
    );
}

#[test]
fn what_is_none_or_can_not_be_had_is_said_and_nothing_is_lost() {
    let before = {
        let mut desk = Desk::default();
        desk.show_recorded(record());
        desk.shown
    };
    let html = (b"<!doctype html>".to_vec(), made());
    let failure = Failure {
        what: "files.example is not among the hosts".into(),
        remedy: String::new(),
        detail: String::new(),
    };
    let failed = (vec![], EventBody::Failed(failure));
    for (bytes, end) in [html, failed] {
        let mut desk = offered();
        desk.show_recorded(record());
        desk.take_offer();
        let piece = EventBody::Partial(Partial::Document { first: 0 });
        assert!(desk.snapshot_event(&Purpose::Snapshot, &piece, &[bytes]));
        assert!(desk.snapshot_event(&Purpose::Snapshot, &end, &[]));
        assert_eq!(desk.shown, before);
        assert!(desk.failure.is_some() && desk.linking.offer.is_none());
        assert!(desk.linking.landed.is_none());
    }
}

#[test]
fn leaving_it_stops_nothing_else() {
    let mut desk = offered();
    desk.posted(21, Purpose::Verify);
    assert!(desk.leave_offer().is_empty(), "nothing of it is under way");
    assert!(desk.linking.offer.is_none());
    let mut desk = offered();
    desk.posted(21, Purpose::Verify);
    desk.posted(22, Purpose::Snapshot);
    assert_eq!(desk.leave_offer(), [22]);
}

#[test]
fn it_is_offered_once_and_may_be_left_alone() {
    let mut desk = offered();
    desk.linking.offer = None;
    desk.offer(at(), &View::default());
    assert!(desk.linking.offer.is_none() && desk.take_offer().is_empty());
    desk.read_link("#/x");
    desk.offer(at(), &View::default());
    assert!(desk.linking.offer.is_some());
    assert!(!matches!(
        desk.shown.as_ref().map(|it| &it.source),
        Some(Source::Snapshot { .. })
    ));
}
