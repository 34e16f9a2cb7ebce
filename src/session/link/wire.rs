//! Version 1 of the packed form, field by field. It never changes: links of it must open for ever, and another version is another file.

use super::notes::{Notes, quoted};
use crate::spec::{
    EmbedFlags, FeatureId, Input, Intervention, LinkedIntervention, MapWords, Operation, OwnLabel,
    Pin, Positions, Route, View, Witness,
};
use serde::{Deserialize, Serialize};

/// A view as it is packed.
#[derive(Serialize, Deserialize)]
pub struct Wire {
    route: WireRoute,
    prompt: Option<WirePrompt>,
    example: Option<String>,
    source: Option<String>,
    token: Option<u32>,
    layer: Option<u32>,
    feature: Option<Feature>,
    pins: Vec<(Feature, Option<u32>)>,
    interventions: Vec<WireIntervention>,
    labels: Vec<(Feature, String)>,
    map: [Option<String>; 3],
    model: Option<String>,
    witness: Option<WireWitness>,
    embed: (bool, bool, bool, Option<String>),
    graph: Option<String>,
    /// What later pages put into links of this version, each under a number of its own; not read here.
    more: Vec<(u32, Vec<u8>)>,
}

/// Layer and index.
type Feature = (u32, u32);

#[derive(Serialize, Deserialize)]
enum WireRoute {
    Explore,
    Feature(Feature),
    Model,
    About,
    EmbedExplore,
    EmbedFeature(Feature),
}

#[derive(Serialize, Deserialize)]
enum WirePrompt {
    Text(String),
    Ids(Vec<u32>),
}

/// Feature, positions, operation, whether it rests.
type WireIntervention = (Feature, WirePositions, WireOperation, bool);

#[derive(Serialize, Deserialize)]
enum WirePositions {
    All,
    One(u32),
    Span(u32, u32),
    From(u32),
}

#[derive(Serialize, Deserialize)]
enum WireOperation {
    Ablate,
    Set(f32),
    Scale(f32),
    Add(f32),
}

/// A witness as it is packed.
#[derive(Serialize, Deserialize)]
pub struct WireWitness {
    token: u32,
    probability: u8,
    features: Vec<Feature>,
    adapter: Option<String>,
}

impl Wire {
    /// Of a view within bounds.
    pub fn of(view: &View) -> Self {
        let map = &view.map;
        let embed = &view.embed;
        Self {
            route: wire_route(view.route),
            prompt: view.prompt.as_ref().map(|it| match it {
                Input::Text(it) => WirePrompt::Text(it.clone()),
                Input::Ids(it) => WirePrompt::Ids(it.clone()),
            }),
            example: view.example.clone(),
            source: view.source.clone(),
            token: view.token.map(small),
            layer: view.layer.map(small),
            feature: view.feature.map(feature),
            pins: view
                .pins
                .iter()
                .map(|it| (feature(it.feature), it.pos.map(small)))
                .collect(),
            interventions: view.interventions.iter().map(wire_intervention).collect(),
            labels: view
                .labels
                .iter()
                .map(|it| (feature(it.feature), it.text.clone()))
                .collect(),
            map: [map.metric.clone(), map.sort.clone(), map.group.clone()],
            model: view.model.as_ref().map(ToString::to_string),
            witness: view.witness.as_ref().map(WireWitness::of),
            embed: (
                embed.no_plots,
                embed.no_examples,
                embed.no_head,
                embed.theme.clone(),
            ),
            graph: view.graph.clone(),
            more: vec![],
        }
    }

    /// The view; a model that is not known is noted.
    pub fn view(self, notes: &mut Notes) -> View {
        let [metric, sort, group] = self.map;
        let (no_plots, no_examples, no_head, theme) = self.embed;
        if !self.more.is_empty() {
            notes.add("A newer version of the page made this link, and parts of it are not known here; they were left out. Reload the page.");
        }
        let model = self.model.and_then(|it| {
            let known = it.parse();
            if known.is_err() {
                notes.add(format!(
                    "{} is no model that is known here; it was left out.",
                    quoted(&it)
                ));
            }
            known.ok()
        });
        View {
            route: route(self.route),
            prompt: self.prompt.map(|it| match it {
                WirePrompt::Text(it) => Input::Text(it),
                WirePrompt::Ids(it) => Input::Ids(it),
            }),
            example: self.example,
            source: self.source,
            token: self.token.map(large),
            layer: self.layer.map(large),
            feature: self.feature.map(id),
            pins: self.pins.into_iter().map(pin).collect(),
            interventions: self.interventions.into_iter().map(intervention).collect(),
            labels: self.labels.into_iter().map(label).collect(),
            map: MapWords {
                metric,
                sort,
                group,
            },
            model,
            witness: self.witness.map(WireWitness::witness),
            embed: EmbedFlags {
                no_plots,
                no_examples,
                no_head,
                theme,
            },
            graph: self.graph,
        }
    }
}

impl WireWitness {
    /// Of a witness within bounds.
    pub fn of(it: &Witness) -> Self {
        Self {
            token: it.token,
            probability: it.probability,
            features: it.features.iter().map(|it| feature(*it)).collect(),
            adapter: it.adapter.clone(),
        }
    }

    /// The witness.
    pub fn witness(self) -> Witness {
        Witness {
            token: self.token,
            probability: self.probability,
            features: self.features.into_iter().map(id).collect(),
            adapter: self.adapter,
        }
    }
}

fn wire_route(it: Route) -> WireRoute {
    match it {
        Route::Explore => WireRoute::Explore,
        Route::Feature(it) => WireRoute::Feature(feature(it)),
        Route::Model => WireRoute::Model,
        Route::About => WireRoute::About,
        Route::EmbedExplore => WireRoute::EmbedExplore,
        Route::EmbedFeature(it) => WireRoute::EmbedFeature(feature(it)),
    }
}

fn route(it: WireRoute) -> Route {
    match it {
        WireRoute::Explore => Route::Explore,
        WireRoute::Feature(it) => Route::Feature(id(it)),
        WireRoute::Model => Route::Model,
        WireRoute::About => Route::About,
        WireRoute::EmbedExplore => Route::EmbedExplore,
        WireRoute::EmbedFeature(it) => Route::EmbedFeature(id(it)),
    }
}

fn pin((feature, pos): (Feature, Option<u32>)) -> Pin {
    Pin {
        feature: id(feature),
        pos: pos.map(large),
    }
}

fn label((feature, text): (Feature, String)) -> OwnLabel {
    OwnLabel {
        feature: id(feature),
        text,
    }
}

fn wire_intervention(it: &LinkedIntervention) -> WireIntervention {
    let of = &it.intervention;
    let positions = match of.positions {
        Positions::All => WirePositions::All,
        Positions::Span(first, last) if first == last => WirePositions::One(small(first)),
        Positions::Span(first, last) => WirePositions::Span(small(first), small(last)),
        Positions::From(first) => WirePositions::From(small(first)),
    };
    let operation = match of.operation {
        Operation::Ablate => WireOperation::Ablate,
        Operation::Set(it) => WireOperation::Set(it),
        Operation::Scale(it) => WireOperation::Scale(it),
        Operation::Add(it) => WireOperation::Add(it),
    };
    (feature(of.feature), positions, operation, it.paused)
}

fn intervention((feature, positions, operation, paused): WireIntervention) -> LinkedIntervention {
    let positions = match positions {
        WirePositions::All => Positions::All,
        WirePositions::One(it) => Positions::Span(large(it), large(it)),
        WirePositions::Span(first, last) => Positions::Span(large(first), large(last)),
        WirePositions::From(it) => Positions::From(large(it)),
    };
    let operation = match operation {
        WireOperation::Ablate => Operation::Ablate,
        WireOperation::Set(it) => Operation::Set(it),
        WireOperation::Scale(it) => Operation::Scale(it),
        WireOperation::Add(it) => Operation::Add(it),
    };
    LinkedIntervention {
        intervention: Intervention {
            feature: id(feature),
            positions,
            operation,
        },
        paused,
    }
}

fn feature(it: FeatureId) -> Feature {
    (small(it.layer), small(it.index))
}

fn id((layer, index): Feature) -> FeatureId {
    FeatureId {
        layer: large(layer),
        index: large(index),
    }
}

/// Within bounds all numbers are small.
fn small(it: usize) -> u32 {
    u32::try_from(it).unwrap_or(u32::MAX)
}

fn large(it: u32) -> usize {
    it as usize
}
