//! The list on the host.

use super::super::{record::Record, selection::Selection};
use super::*;
use crate::session::protocol::Token;

struct Data(Vec<(FeatureId, Label)>);

impl Known for Data {
    fn label(&self, feature: FeatureId) -> Option<&Label> {
        self.0.iter().find(|it| it.0 == feature).map(|it| &it.1)
    }

    fn met(&self, _: FeatureId) -> f32 {
        8.0
    }
}

fn id(layer: usize, index: usize) -> FeatureId {
    FeatureId { layer, index }
}

fn label(index: usize, text: &str, density: f32, max: f32) -> Label {
    Label {
        index,
        label: Some(text.into()),
        density: Some(density),
        max: Some(max),
    }
}

fn record() -> Record {
    let token = |piece: &str| Token {
        id: 1,
        piece: piece.into(),
        bytes: None,
        special: false,
    };
    let mut it = Record {
        n_layers: 2,
        loaded: vec![false; 2],
        tokens: ["<bos>", " Dallas", " is"].map(token).into(),
        ..Record::default()
    };
    it.set_layer(0, &[0, 1, 1, 1, 1, 2, 2, 1], &[50.0, 4.0, 1.0, 2.0]);
    it.set_layer(1, &[2, 5], &[3.0]);
    it.effects = Some((9, vec![0.0, 0.5, -3.0, 0.25, 1.0]));
    it
}

fn data() -> Data {
    Data(vec![
        (id(0, 1), label(1, "Texas", 0.001, 8.0)),
        (id(0, 2), label(2, "everything", 0.5, 1.0)),
    ])
}

fn listed(options: &Options, kept: &Kept) -> List {
    list(&record(), kept, options, &data())
}

fn names(list: &List) -> Vec<FeatureId> {
    list.rows().map(|it| it.feature).collect()
}

#[test]
fn the_first_token_is_left_out_and_common_features_are_counted() {
    let list = listed(&Options::default(), &Kept::default());
    assert_eq!(names(&list), [id(0, 1), id(1, 5)]);
    assert_eq!((list.n_rows, list.n_hidden_common), (2, 1));
    let row = list.rows().next().expect("a row");
    assert_eq!((row.activation, row.pos, row.n_pos), (4.0, 1, 2));
    assert_eq!((row.share, row.effect), (0.5, Some(0.75)));
    assert!(!row.is_session_largest);
    assert!(list.rows().nth(1).is_some_and(|it| it.is_session_largest));
}

#[test]
fn everything_can_be_shown_and_what_is_pinned_is_never_hidden() {
    let options = Options {
        show_common: true,
        sort: Sort::Effect,
        ..Options::default()
    };
    assert_eq!(
        names(&listed(&options, &Kept::default())),
        [id(0, 2), id(1, 5), id(0, 1)]
    );
    let mut selection = Selection::default();
    selection.pin(id(0, 2));
    assert_eq!(
        listed(&Options::default(), selection.kept()).n_hidden_common,
        0
    );
}

#[test]
fn a_cell_a_row_and_a_column_narrow_it() {
    let mut selection = Selection::default();
    selection.lock_place(Some(0), Some(0));
    assert_eq!(
        names(&listed(&Options::default(), selection.kept())),
        [id(0, 1)]
    );
    selection.lock_place(Some(1), None);
    assert_eq!(
        names(&listed(&Options::default(), selection.kept())),
        [id(1, 5)]
    );
    selection.lock_place(None, Some(2));
    assert_eq!(
        names(&listed(&Options::default(), selection.kept())).len(),
        2
    );
}

#[test]
fn the_filter_reads_labels_numbers_and_tokens() {
    for (filter, n) in [
        ("texas", 1),
        ("0/1", 1),
        ("1.5", 1),
        ("dallas", 1),
        ("nothing", 0),
        ("  ", 2),
    ] {
        let options = Options {
            filter: filter.into(),
            ..Options::default()
        };
        let list = listed(&options, &Kept::default());
        assert_eq!((list.n_rows, list.n_filtered), (n, 2 - n), "{filter}");
    }
}

#[test]
fn groups_have_heads() {
    let options = Options {
        group: Group::Token,
        ..Options::default()
    };
    let list = listed(&options, &Kept::default());
    assert_eq!(list.items[0], Item::Head("“Dallas” at 1".into()));
    assert_eq!(list.items[2], Item::Head("“is” at 2".into()));
    assert_eq!(list.n_rows, 2);
}

#[test]
fn never_more_than_sixty_rows_are_drawn() {
    for scroll in [0.0, 10_000.0, 524_288.0, 1e9] {
        for height in [0.0, 520.0, 5000.0] {
            let it = window(scroll, height, 32.0, 16_384);
            assert!(it.len() <= 60 && it.end <= 16_384, "{it:?}");
        }
    }
    let it = window(3200.0, 640.0, 32.0, 16_384);
    assert!(it.start <= 100 && it.end >= 120);
}
