//! What stands in the tables: features, next tokens, the lens, figures, what is known of a feature. Plain data; leaves asking for it to
//! `gather`.

use super::super::{
    firings::Firing,
    labels::LabelShelf,
    protocol::{Distribution, FeatureCard, FeatureId, Splice, SpliceMetrics, Token},
};
use super::table::{Cell, Row, label};
use crate::{
    scope::Labels,
    spec::{NearFeature, TokenValue},
};

/// Columns and rows, and what the rows are called in JSON.
#[derive(Default)]
pub struct Content {
    pub name: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
}

/// What stands beside active features where there is some.
#[derive(Clone, Copy)]
pub struct Beside {
    /// What the clean run had.
    pub clean: bool,
    /// The visitor's own labels.
    pub own: bool,
}

/// Columns of active features.
pub fn feature_columns(beside: Beside) -> Vec<&'static str> {
    let mut out = vec!["layer", "pos", "token_id", "token", "feature", "activation"];
    out.extend(beside.clean.then_some("clean"));
    out.push("label");
    out.extend(beside.own.then_some("own_label"));
    out
}

/// An active feature, in those columns.
pub fn feature_row(
    it: &Firing,
    tokens: &[Token],
    (labels, shelf): (&Labels, &LabelShelf),
    beside: Beside,
) -> Row {
    let [id, piece] = of_prompt(tokens, it.pos);
    let mut out = vec![Cell::Count(it.layer), Cell::Count(it.pos), id, piece];
    out.extend([Cell::Count(it.index), Cell::Single(it.activation)]);
    if beside.clean {
        out.push(it.clean.map_or(Cell::Nothing, Cell::Single));
    }
    out.push(Cell::text(label(labels.label(it.feature()))));
    if beside.own {
        out.push(Cell::text(shelf.yours(it.feature()).unwrap_or_default()));
    }
    out
}

/// The most probable tokens after each position.
pub fn next(tokens: &[Token], told: &[Distribution]) -> Content {
    let mut columns = vec!["pos", "token_id", "token"];
    columns.extend(["rank", "next_id", "next", "logit", "probability"]);
    let rows = told
        .iter()
        .flat_map(|it| ranked(tokens, it, vec![Cell::Count(it.pos)]));
    Content {
        name: "next",
        columns,
        rows: rows.collect(),
    }
}

/// The same after each layer.
pub fn lens(tokens: &[Token], told: &[(usize, Vec<Distribution>)]) -> Content {
    let mut columns = vec!["layer", "pos", "token_id", "token"];
    columns.extend(["rank", "lens_id", "lens", "logit", "probability"]);
    let mut rows = Vec::new();
    for (layer, all) in told {
        for it in all {
            let place = vec![Cell::Count(*layer), Cell::Count(it.pos)];
            rows.extend(ranked(tokens, it, place));
        }
    }
    Content {
        name: "lens",
        columns,
        rows,
    }
}

/// How well each layer's transcoder, and all together, explain the prompt; `declared` are the L0 they were published with.
pub fn figures(told: &[SpliceMetrics], declared: &[(usize, usize)]) -> Content {
    let mut columns = vec!["layer", "l0", "declared_l0", "fvu", "delta_loss"];
    columns.extend([
        "ce_clean",
        "ce_spliced",
        "ce_zero_ablated",
        "ce_loss_score",
        "kl",
        "n_pos",
    ]);
    let row = |it: &SpliceMetrics| {
        let l0 = match it.splice {
            Splice::Layer(layer) => declared.iter().find(|it| it.0 == layer),
            Splice::All => None,
        };
        vec![
            Cell::Text(it.splice.to_string()),
            Cell::known(it.l0),
            l0.map_or(Cell::Nothing, |it| Cell::Count(it.1)),
            Cell::known(it.fvu),
            Cell::Double(it.delta_loss),
            Cell::Double(it.ce_clean),
            Cell::Double(it.ce_spliced),
            Cell::known(it.ce_zero_ablated),
            Cell::known(it.ce_loss_score),
            Cell::Double(it.kl),
            Cell::Count(it.n_pos),
        ]
    };
    Content {
        name: "figures",
        columns,
        rows: told.iter().map(row).collect(),
    }
}

/// How strongly a feature fires at each token; `activations` are as many as these.
pub fn strip(tokens: &[Token], activations: &[f32]) -> Content {
    let row = |(pos, it): (usize, &f32)| {
        let [id, piece] = of_prompt(tokens, pos);
        vec![Cell::Count(pos), id, piece, Cell::Single(*it)]
    };
    Content {
        name: "strip",
        columns: vec!["pos", "token_id", "token", "activation"],
        rows: activations.iter().enumerate().map(row).collect(),
    }
}

/// Tokens whose logits a feature raises most, then those that it lowers most.
pub fn promotes(card: &FeatureCard) -> Content {
    let mut rows = Vec::new();
    let mut put = |end: &str, all: &[TokenValue]| {
        rows.extend(all.iter().enumerate().map(|(at, it)| {
            vec![
                Cell::Text(end.into()),
                Cell::Count(at + 1),
                Cell::Count(it.id as usize),
                Cell::text(&*it.piece),
                Cell::Single(it.value),
            ]
        }));
    };
    if let Some(it) = &card.logits {
        put("promotes", &it.top);
        put("suppresses", &it.bottom);
    }
    Content {
        name: "tokens",
        columns: vec!["end", "rank", "token_id", "token", "effect"],
        rows,
    }
}

/// The nearest features, nearest first.
pub fn nearest(card: &FeatureCard, labels: &Labels) -> Content {
    let row = |(at, it): (usize, &NearFeature)| {
        let FeatureId { layer, index } = it.feature;
        vec![
            Cell::Count(at + 1),
            Cell::Count(layer),
            Cell::Count(index),
            Cell::Single(it.cosine),
            Cell::text(label(labels.label(it.feature))),
        ]
    };
    Content {
        name: "nearest",
        columns: vec!["rank", "layer", "feature", "cosine", "label"],
        rows: card.nearest.iter().enumerate().map(row).collect(),
    }
}

/// Sentences in which a feature fires most, the strongest first.
pub fn examples(card: &FeatureCard) -> Content {
    let rows = card.examples.iter().enumerate().map(|(at, it)| {
        vec![
            Cell::Count(at + 1),
            Cell::Single(it.value),
            Cell::Count(it.pos),
            Cell::text(it.tokens.get(it.pos).cloned().unwrap_or_default()),
            Cell::text(it.tokens.concat()),
        ]
    });
    Content {
        name: "examples",
        columns: vec!["rank", "activation", "pos", "token", "text"],
        rows: rows.collect(),
    }
}

/// The tokens of a distribution behind a place, best first.
fn ranked<'a>(
    tokens: &'a [Token],
    it: &'a Distribution,
    place: Row,
) -> impl Iterator<Item = Row> + 'a {
    let of_prompt = of_prompt(tokens, it.pos);
    it.top.iter().enumerate().map(move |(at, it)| {
        let mut out = place.clone();
        out.extend(of_prompt.clone());
        out.extend([
            Cell::Count(at + 1),
            Cell::Count(it.id as usize),
            Cell::text(&*it.piece),
            Cell::Single(it.logit),
            Cell::Single(it.probability),
        ]);
        out
    })
}

/// Id and text of a token of the prompt.
fn of_prompt(tokens: &[Token], pos: usize) -> [Cell; 2] {
    match tokens.get(pos) {
        Some(it) => [Cell::Count(it.id as usize), Cell::text(&*it.piece)],
        None => [Cell::Nothing, Cell::Nothing],
    }
}
