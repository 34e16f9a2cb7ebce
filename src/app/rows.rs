//! The list of features that fire where one looks: which, in what order, how many are hidden. Leaves drawing rows to `list_view`.

use super::{
    options::{Group, Options, Sort},
    record::Record,
    selection::Kept,
};
use crate::session::protocol::FeatureId;
use crate::spec::Label;
use std::{cmp::Ordering, collections::BTreeMap, ops::Range};

/// What fires on a larger share of the reference data is hidden at first.
pub const COMMON_DENSITY: f32 = 0.01;
/// Rows beyond those in view, on either side; and the most in all.
const OVERSCAN: usize = 8;
const MOST_ROWS: usize = 60;

/// A feature in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which.
    pub feature: FeatureId,
    /// Where it is strongest.
    pub pos: usize,
    /// How strong.
    pub activation: f32,
    /// As a share of its largest.
    pub share: f32,
    /// The largest activation known.
    pub largest: f32,
    /// Whether that was met in this session, for want of a reference.
    pub is_session_largest: bool,
    /// Share of the reference data's tokens on which it fires.
    pub density: Option<f32>,
    /// Its direct effect on the chosen token, over all places.
    pub effect: Option<f32>,
    /// Places at which it fires.
    pub n_pos: usize,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A group's name.
    Head(String),
    /// A feature.
    Row(Row),
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// Its lines.
    pub items: Vec<Item>,
    /// Features among them.
    pub n_rows: usize,
    /// Features hidden because they fire on much of the text.
    pub n_hidden_common: usize,
    /// Features that do not match the filter.
    pub n_filtered: usize,
}

/// What is known of features.
pub trait Known {
    /// From data.
    fn label(&self, feature: FeatureId) -> Option<&Label>;
    /// The largest activation met in this session.
    fn met(&self, feature: FeatureId) -> f32;
}

impl List {
    /// The features, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.items.iter().filter_map(|it| match it {
            Item::Row(it) => Some(it),
            Item::Head(_) => None,
        })
    }
}

/// Layers and positions that are looked at, ends included; without a choice every layer, and every token but the first.
pub fn chosen(kept: &Kept, n_layers: usize, n_pos: usize) -> ((usize, usize), (usize, usize)) {
    if let Some(it) = kept.region {
        return (it.layers, it.positions);
    }
    let one = |it: Option<usize>, all: (usize, usize)| it.map_or(all, |it| (it, it));
    let layers = one(kept.lock.layer, (0, n_layers.saturating_sub(1)));
    let positions = one(
        kept.lock.pos,
        (1.min(n_pos.saturating_sub(1)), n_pos.saturating_sub(1)),
    );
    (layers, positions)
}

/// The features that fire where one looks.
pub fn list(record: &Record, kept: &Kept, options: &Options, known: &impl Known) -> List {
    let mut out = List::default();
    let needle = options.filter.trim().to_lowercase();
    let mut rows = Vec::new();
    for row in gathered(record, kept, known) {
        let is_common = row.density.is_some_and(|it| it > COMMON_DENSITY);
        let is_chosen = kept.pins.contains(&row.feature) || kept.lock.feature == Some(row.feature);
        if is_common && !options.show_common && !is_chosen {
            out.n_hidden_common += 1;
        } else if !matches(record, &row, known, &needle) {
            out.n_filtered += 1;
        } else {
            rows.push(row);
        }
    }
    rows.sort_unstable_by(|a, b| {
        group(options.group, a)
            .cmp(&group(options.group, b))
            .then_with(|| order(options.sort, a, b, known))
            .then_with(|| a.feature.cmp(&b.feature))
    });
    out.n_rows = rows.len();
    out.items = with_heads(record, options.group, rows);
    out
}

/// A row for each feature that fires there.
fn gathered(record: &Record, kept: &Kept, known: &impl Known) -> Vec<Row> {
    let (layers, positions) = chosen(kept, record.n_layers, record.n_pos());
    let effects = record.effects.as_ref().map(|it| &it.1);
    let mut rows: BTreeMap<FeatureId, Row> = BTreeMap::new();
    let first = record.layer(layers.0).start;
    let last = record.layer(layers.1).end;
    for at in first..last {
        let it = record.firings[at];
        let pos = it.pos as usize;
        if pos < positions.0 || pos > positions.1 {
            continue;
        }
        let row = rows
            .entry(it.feature())
            .or_insert_with(|| empty(it.feature(), known));
        row.n_pos += 1;
        if it.activation > row.activation {
            (row.activation, row.pos) = (it.activation, pos);
        }
        if let Some(effect) = effects.and_then(|all| all.get(at)) {
            *row.effect.get_or_insert(0.0) += effect;
        }
    }
    let finished = |mut row: Row| {
        row.largest = row.largest.max(row.activation);
        row.share = row.activation / row.largest.max(f32::MIN_POSITIVE);
        row
    };
    rows.into_values().map(finished).collect()
}

fn empty(feature: FeatureId, known: &impl Known) -> Row {
    let label = known.label(feature);
    let reference = label.and_then(|it| it.max);
    Row {
        feature,
        pos: 0,
        activation: 0.0,
        share: 0.0,
        largest: reference.unwrap_or_else(|| known.met(feature)),
        is_session_largest: reference.is_none(),
        density: label.and_then(|it| it.density),
        effect: None,
        n_pos: 0,
    }
}

/// Whether label, number or token hold what is typed.
fn matches(record: &Record, row: &Row, known: &impl Known, needle: &str) -> bool {
    let feature = row.feature;
    let label = known.label(feature).and_then(|it| it.label.as_deref());
    let piece = record.tokens.get(row.pos).map(|it| it.piece.as_str());
    let holds = |it: &str| it.to_lowercase().contains(needle);
    needle.is_empty()
        || label.is_some_and(holds)
        || piece.is_some_and(holds)
        || holds(&format!("{}/{}", feature.layer, feature.index))
        || holds(&feature.to_string())
}

fn group(group: Group, row: &Row) -> usize {
    match group {
        Group::None => 0,
        Group::Token => row.pos,
        Group::Layer => row.feature.layer,
    }
}

fn order(sort: Sort, a: &Row, b: &Row, known: &impl Known) -> Ordering {
    let size = |it: &Row| it.effect.map_or(-1.0, f32::abs);
    let rarity = |it: &Row| it.density.unwrap_or(f32::INFINITY);
    let label = |it: &Row| {
        let label = known.label(it.feature).and_then(|it| it.label.clone());
        (label.is_none(), label.unwrap_or_default().to_lowercase())
    };
    match sort {
        Sort::Share => b
            .share
            .total_cmp(&a.share)
            .then(b.activation.total_cmp(&a.activation)),
        Sort::Activation => b.activation.total_cmp(&a.activation),
        Sort::Effect => size(b).total_cmp(&size(a)),
        Sort::Rarity => rarity(a).total_cmp(&rarity(b)),
        Sort::Layer => Ordering::Equal,
        Sort::Label => label(a).cmp(&label(b)),
    }
}

fn with_heads(record: &Record, by: Group, rows: Vec<Row>) -> Vec<Item> {
    let mut out = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows {
        let name = match by {
            Group::None => None,
            Group::Layer => Some(format!("Layer {}", row.feature.layer)),
            Group::Token => {
                let piece = record.tokens.get(row.pos).map_or("", |it| it.piece.trim());
                Some(format!("“{piece}” at {}", row.pos))
            }
        };
        if name != last {
            out.extend(name.clone().map(Item::Head));
            last = name;
        }
        out.push(Item::Row(row));
    }
    out
}

/// Which lines are in view, and a few around them.
pub fn window(scroll_px: f32, height_px: f32, row_px: f32, n_items: usize) -> Range<usize> {
    let first = (scroll_px.max(0.0) / row_px) as usize;
    let n = (height_px.max(0.0) / row_px).ceil() as usize + 1;
    let start = first.saturating_sub(OVERSCAN).min(n_items);
    let end = (first + n + OVERSCAN).min(start + MOST_ROWS).min(n_items);
    start..end.max(start)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
