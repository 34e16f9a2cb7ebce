//! What of a view the model has that it is about: layers and features that are not there are left out, and said.

use super::notes::Notes;
use crate::spec::{FeatureId, LinkModel, Precision, View, gemma};

/// What a model has.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Which one.
    pub model: LinkModel,
    /// Its layers.
    pub n_layers: usize,
    /// Features of a layer's transcoder; none where none are open.
    pub n_features: Option<usize>,
}

impl Limits {
    /// Gemma 2 2B, which everyone knows.
    fn gemma() -> Self {
        Self {
            model: LinkModel::gemma(Precision::default()),
            n_layers: gemma::N_LAYERS,
            n_features: Some(gemma::D_TRANSCODER),
        }
    }

    fn has(&self, it: FeatureId) -> bool {
        it.layer < self.n_layers && self.n_features.is_none_or(|n| it.index < n)
    }

    /// As a sentence's end: what there is.
    fn told(&self) -> String {
        let last = |n: usize| n.saturating_sub(1);
        let features = self
            .n_features
            .map_or_else(String::new, |it| format!(" and features 0 to {}", last(it)));
        format!(
            "{} has layers 0 to {}{features}",
            self.model.name(),
            last(self.n_layers)
        )
    }
}

/// The view without what its model does not have. Of a model that is neither open nor well known nothing is left out.
pub fn fitted(mut view: View, open: Option<&Limits>, notes: &mut Notes) -> View {
    let is_open = |it: &&Limits| {
        view.model
            .as_ref()
            .is_none_or(|of| of.is_same_set(&it.model))
    };
    let known = view
        .model
        .as_ref()
        .is_some_and(|it| it.is_gemma() && it.transcoders.is_none())
        .then(Limits::gemma);
    let Some(limits) = open.filter(is_open).or(known.as_ref()) else {
        return view;
    };
    let mut has = |it: FeatureId| {
        let has = limits.has(it);
        if !has {
            notes.add(format!(
                "There is no feature {it}: {}. It was left out.",
                limits.told()
            ));
        }
        has
    };
    if view.route.feature().is_some_and(|it| !has(it)) {
        view.route = view.route.without_feature();
    }
    view.feature.take_if(|it| !has(*it));
    view.pins.retain(|it| has(it.feature));
    view.interventions.retain(|it| has(it.intervention.feature));
    view.labels.retain(|it| has(it.feature));
    if let Some(it) = view.layer.take_if(|it| *it >= limits.n_layers) {
        notes.add(format!(
            "There is no layer {it}: {}. It was left out.",
            limits.told()
        ));
    }
    view
}
