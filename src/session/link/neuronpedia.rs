//! Neuronpedia's features and graphs, as far as their lens is here: read, and a feature's address made. It is never asked anything here.
//!
//! Source: facts/ui.md a.3 (addresses, ids `layer_feature_pos`), the links of its graph page.

use super::{error::LinkError, features::number, notes::Notes};
use crate::spec::{
    FeatureId, LinkModel, OwnLabel, Pin, Precision, Route, View,
    neuronpedia::{HOSTS, MODEL, SOURCE, name_of},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A feature's address there, of the transcoders of Gemma 2 2B; its last two parts are its id.
pub fn address_of(it: FeatureId) -> Option<String> {
    name_of(it).map(|it| format!("https://{}/{MODEL}/{it}", HOSTS[0]))
}

/// The address there that shows what a view shows: the graph that its pins come from, or its feature. None where it has neither, or
/// looks at another model or other transcoders.
pub fn address_of_view(view: &View) -> Option<String> {
    if view
        .model
        .as_ref()
        .is_some_and(|it| !it.is_gemma() || it.transcoders.is_some())
    {
        return None;
    }
    if let Some(it) = &view.graph {
        return Some(graph_address(it, view));
    }
    let is_known = view.model.is_some();
    let feature = view.route.feature().or(view.feature);
    feature.filter(|_| is_known).and_then(address_of)
}

/// A graph with the view's pins, labels and selection; what has no position is no node there.
fn graph_address(slug: &str, view: &View) -> String {
    let escaped = |it: &str| utf8_percent_encode(it, NON_ALPHANUMERIC).to_string();
    let node = |it: &Pin| {
        let FeatureId { layer, index } = it.feature;
        is_here(it.feature).then_some(())?;
        it.pos.map(|pos| format!("{layer}_{index}_{pos}"))
    };
    let mut pairs = vec![("slug", escaped(slug)), ("sourceSet", SOURCE.into())];
    let pinned: Vec<String> = view.pins.iter().filter_map(node).collect();
    if !pinned.is_empty() {
        pairs.push(("pinnedIds", pinned.join(",")));
    }
    let clicked = view.feature.zip(view.token).and_then(|(feature, pos)| {
        let pos = Some(pos);
        node(&Pin { feature, pos })
    });
    let labelled = view.pins.iter().filter_map(|pin| {
        let own = view.labels.iter().find(|it| it.feature == pin.feature)?;
        Some((node(pin)?, &own.text))
    });
    let labelled: Vec<(String, &String)> = labelled.collect();
    // Plain text can always be written.
    let clerps = serde_json::to_string(&labelled).unwrap_or_default();
    if !labelled.is_empty() {
        pairs.push(("clerps", escaped(&clerps)));
    }
    pairs.extend(clicked.map(|it| ("clickedId", it)));
    let query: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("https://{}/{MODEL}/graph?{}", HOSTS[0], query.join("&"))
}

/// What follows the host, if the text is an address there.
pub fn path(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |it| it.1);
    let host = |host: &&str| rest.strip_prefix(*host)?.strip_prefix('/');
    HOSTS.iter().find_map(host)
}

/// The feature of an id: `12-gemmascope-transcoder-16k/9377`, perhaps after the model.
///
/// Errors: another model's, another source's. None for what is no id.
pub fn id(text: &str) -> Option<Result<FeatureId, LinkError>> {
    let parts: Vec<&str> = text.split('/').filter(|it| !it.is_empty()).collect();
    let (source, index, model) = match parts[..] {
        [source, index] => (source, index, MODEL),
        [model, source, index] => (source, index, model),
        _ => return None,
    };
    let (layer, source) = source.split_once('-')?;
    let (layer, index) = number(layer).zip(number(index))?;
    let feature = FeatureId { layer, index };
    Some(
        match model == MODEL && source == SOURCE && is_here(feature) {
            true => Ok(feature),
            false => Err(LinkError::OtherSource { text: text.into() }),
        },
    )
}

/// The view of an address there, after its host.
///
/// Errors: [`LinkError::OtherSource`].
pub fn read(path: &str, notes: &mut Notes) -> Result<View, LinkError> {
    let (place, query) = path.split_once('?').unwrap_or((path, ""));
    let other = || LinkError::OtherSource { text: path.into() };
    let place = place.trim_matches('/');
    match place.split_once('/') {
        Some((MODEL, "graph")) => graph(query, notes),
        _ => Ok(of_feature(id(place).ok_or_else(other)??)),
    }
}

/// The page of a feature of Gemma 2 2B.
pub fn of_feature(it: FeatureId) -> View {
    View {
        route: Route::Feature(it),
        model: Some(LinkModel::gemma(Precision::default())),
        ..View::default()
    }
}

fn graph(query: &str, notes: &mut Notes) -> Result<View, LinkError> {
    let mut view = View {
        model: Some(LinkModel::gemma(Precision::default())),
        ..View::default()
    };
    let mut knows_source = false;
    for pair in query.split('&') {
        let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(raw).decode_utf8_lossy();
        match key {
            "pinnedIds" => view.pins = pins(&value, notes),
            "clickedId" => click(&mut view, &value, notes),
            "clerps" => view.labels = labels(&value, notes),
            "sourceSet" if value != SOURCE => {
                return Err(LinkError::OtherSource { text: value.into() });
            }
            "sourceSet" => knows_source = true,
            "slug" if !value.is_empty() => view.graph = Some(value.into()),
            "supernodes" | "pruningThreshold" | "densityThreshold" | "logitDiff" | "subgraph" => {
                notes.add(format!(
                    "`{key}` is about circuits, which are not there yet; it was left out."
                ));
            }
            _ => (),
        }
    }
    notes.add("The prompt of a graph is not in its link; type it in.");
    if !knows_source {
        notes.add(format!(
            "The link does not say which transcoders its features are of; {SOURCE} is taken."
        ));
    }
    Ok(view)
}

fn click(view: &mut View, value: &str, notes: &mut Notes) {
    match node(value) {
        Some(it) => {
            view.feature = Some(it.feature);
            view.layer = Some(it.feature.layer);
            view.token = it.pos;
        }
        None if value.is_empty() => (),
        None => notes.add("What is clicked in the graph is no feature; it was left out."),
    }
}

fn pins(value: &str, notes: &mut Notes) -> Vec<Pin> {
    let ids: Vec<&str> = value.split(',').filter(|it| !it.is_empty()).collect();
    let out: Vec<Pin> = ids.iter().filter_map(|it| node(it)).collect();
    if out.len() < ids.len() {
        let n = ids.len() - out.len();
        notes.add(format!("{n} pinned nodes of the graph are no features (tokens, errors or logits); they were left out."));
    }
    out
}

/// `[[id, label], …]`.
fn labels(value: &str, notes: &mut Notes) -> Vec<OwnLabel> {
    let Ok(pairs) = serde_json::from_str::<Vec<(String, String)>>(value) else {
        if !value.is_empty() {
            notes.add("The labels of the graph can't be read; they were left out.");
        }
        return vec![];
    };
    let mut out: Vec<OwnLabel> = Vec::new();
    for (id, text) in pairs {
        let Some(Pin { feature, .. }) = node(&id) else {
            continue;
        };
        if !text.is_empty() && !out.iter().any(|it| it.feature == feature) {
            out.push(OwnLabel { feature, text });
        }
    }
    out
}

/// A node that is a feature: `layer_feature_pos`. Tokens are `E_…`, and logits stand above the last layer.
fn node(id: &str) -> Option<Pin> {
    let parts: Vec<usize> = id.split('_').map(number).collect::<Option<_>>()?;
    let [layer, index, pos] = parts[..] else {
        return None;
    };
    let feature = FeatureId { layer, index };
    is_here(feature).then_some(Pin {
        feature,
        pos: Some(pos),
    })
}

fn is_here(it: FeatureId) -> bool {
    name_of(it).is_some()
}
