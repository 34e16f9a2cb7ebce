//! What a link may hold at most: the same for writing and for reading. Whether the open model has such layers is not asked here.

use super::{
    notes::{Notes, quoted},
    source,
};
use crate::spec::{
    FeatureId, Input, MAX_LINK_INTERVENTIONS, MAX_LINK_PINS, MAX_LINK_PROMPT, MAX_WITNESS_ADAPTER,
    MapWords, N_WITNESSED, Positions, View, Witness,
};

/// No model has so many layers.
const MAX_LAYER: usize = 1000;
/// No dictionary has so many features, no vocabulary so many tokens.
const MAX_INDEX: usize = 1 << 24;
/// No prompt has so many positions.
const MAX_POS: usize = 1 << 20;
/// Letters of a word that says how something is shown, and of an example's name.
const MAX_WORD: usize = 32;
/// Letters of the name of a graph.
const MAX_NAME: usize = 120;
/// Bytes of a label, and of an address.
const MAX_LABEL: usize = 400;
const MAX_ADDRESS: usize = 2000;

/// The view without what no view holds; each thing left out is noted.
pub fn bounded(mut view: View, notes: &mut Notes) -> View {
    prompt(&mut view, notes);
    if let Some(id) = view.route.feature().filter(|it| !is_feature(*it)) {
        notes.add(format!(
            "There is no feature {id} in any model; Explore is shown in its place."
        ));
        view.route = view.route.without_feature();
    }
    keep(&mut view.token, |it| *it < MAX_POS, "position", notes);
    keep(&mut view.layer, |it| *it < MAX_LAYER, "layer", notes);
    keep(&mut view.feature, |it| is_feature(*it), "feature", notes);
    keep(&mut view.example, |it| is_word(it), "example", notes);
    keep(
        &mut view.source,
        |it| is_address(it),
        "address of a snapshot (only https is opened)",
        notes,
    );
    keep(
        &mut view.graph,
        |it| is_name(it),
        "graph of Neuronpedia",
        notes,
    );
    lists(&mut view, notes);
    words(&mut view.map, notes);
    let is_shade = |it: &String| it == "light" || it == "dark";
    keep(&mut view.embed.theme, is_shade, "theme", notes);
    view.witness = view.witness.map(|it| witness(it, notes));
    view
}

fn prompt(view: &mut View, notes: &mut Notes) {
    let fits = match &view.prompt {
        None => true,
        Some(Input::Text(it)) => it.len() <= MAX_LINK_PROMPT,
        Some(Input::Ids(it)) => {
            it.len() <= MAX_LINK_PROMPT && it.iter().all(|it| (*it as usize) < MAX_INDEX)
        }
    };
    if !fits {
        notes.add("The prompt is longer than a link may hold (8 kB, or 8192 tokens), or names tokens that no model has; it was left out.");
        view.prompt = None;
    }
    let is_empty = match &view.prompt {
        None => false,
        Some(Input::Text(it)) => it.is_empty(),
        Some(Input::Ids(it)) => it.is_empty(),
    };
    if is_empty {
        view.prompt = None;
    }
}

fn lists(view: &mut View, notes: &mut Notes) {
    some(&mut view.pins, (MAX_LINK_PINS, "pins"), notes, |it| {
        is_feature(it.feature) && it.pos.is_none_or(|it| it < MAX_POS)
    });
    let most = (MAX_LINK_INTERVENTIONS, "interventions");
    some(&mut view.interventions, most, notes, |it| {
        let it = &it.intervention;
        is_feature(it.feature) && is_place(it.positions) && it.operation.is_finite()
    });
    some(&mut view.labels, (MAX_LINK_PINS, "labels"), notes, |it| {
        is_feature(it.feature) && !it.text.is_empty() && it.text.len() <= MAX_LABEL
    });
}

fn words(map: &mut MapWords, notes: &mut Notes) {
    for word in [&mut map.metric, &mut map.sort, &mut map.group] {
        keep(
            word,
            |it| is_word(it),
            "word for how things are shown",
            notes,
        );
    }
}

fn witness(mut it: Witness, notes: &mut Notes) -> Witness {
    let most = (N_WITNESSED, "features of the sender's run");
    some(&mut it.features, most, notes, |it| is_feature(*it));
    let fits = |it: &String| !it.is_empty() && it.len() <= MAX_WITNESS_ADAPTER;
    keep(&mut it.adapter, fits, "name of an adapter", notes);
    it
}

/// Keeps a value only if it is one.
fn keep<T: std::fmt::Display>(
    slot: &mut Option<T>,
    is_fine: impl Fn(&T) -> bool,
    what: &str,
    notes: &mut Notes,
) {
    if let Some(it) = slot.take_if(|it| !is_fine(it)) {
        notes.add(format!(
            "{} is no {what}; it was left out.",
            quoted(&it.to_string())
        ));
    }
}

/// Keeps those that are fine, and of them so many.
fn some<T>(
    list: &mut Vec<T>,
    (most, what): (usize, &str),
    notes: &mut Notes,
    is_fine: impl Fn(&T) -> bool,
) {
    let n = list.len();
    list.retain(is_fine);
    if list.len() < n {
        let left = n - list.len();
        notes.add(format!(
            "{left} of the {what} are of no model, or too long; they were left out."
        ));
    }
    if list.len() > most {
        notes.add(format!(
            "There are {} {what}, and a link holds {most}; the rest were left out.",
            list.len()
        ));
        list.truncate(most);
    }
}

fn is_feature(it: FeatureId) -> bool {
    it.layer < MAX_LAYER && it.index < MAX_INDEX
}

fn is_place(it: Positions) -> bool {
    match it {
        Positions::All => true,
        Positions::Span(first, last) => first <= last && last < MAX_POS,
        Positions::From(first) => first < MAX_POS,
    }
}

fn is_word(it: &str) -> bool {
    is_name(it) && it.len() <= MAX_WORD
}

fn is_name(it: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    !it.is_empty() && it.len() <= MAX_NAME && it.bytes().all(plain)
}

fn is_address(it: &str) -> bool {
    it.len() <= MAX_ADDRESS && source::is_address(it)
}
