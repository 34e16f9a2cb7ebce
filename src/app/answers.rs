//! What the engine answers, folded into the desk; each answer says what is asked next. Leaves what the visitor does to `desk`.

use super::{
    ask::{Purpose, Question},
    desk::{Coming, Desk, Engine, Prompt, Shown, Source, Tried, Wait},
    gathering::{self, Piece},
    parts::Parts,
    record::Record,
};
use crate::session::protocol::{
    EngineState, Event, EventBody, Failure, FeatureId, Outcome, Partial, RunKey, Token,
};
use crate::spec::Site;
use std::{mem::take, sync::Arc};

impl Desk {
    /// Takes an event and the arrays beside it; what to ask next.
    pub fn fold(&mut self, event: Event, parts: &Parts, now_millis: f64) -> Vec<Question> {
        let purpose = self.asked.get(&event.id).cloned();
        match (event.body, purpose) {
            (EventBody::State(it), _) => self.engine_says(it, now_millis),
            (
                EventBody::Progress {
                    phase,
                    done,
                    total,
                    unit,
                },
                Some(it),
            ) if it.is_awaited() => {
                self.wait = Some(Wait {
                    phase,
                    done,
                    total,
                    unit,
                });
                vec![]
            }
            (EventBody::Partial(it), Some(purpose)) => {
                self.piece(it, &purpose, parts);
                vec![]
            }
            (EventBody::Done(it), Some(purpose)) => {
                self.ended(event.id);
                self.done(purpose, it, now_millis)
            }
            (EventBody::Failed(it), Some(purpose)) => {
                self.ended(event.id);
                self.failed(&purpose, it);
                vec![]
            }
            (EventBody::Cancelled, Some(_)) => {
                self.ended(event.id);
                vec![]
            }
            _ => vec![],
        }
    }

    /// A command has come to its end, and with it what was told of its progress.
    fn ended(&mut self, id: u32) {
        self.asked.remove(&id);
        if !self.asked.values().any(Purpose::is_awaited) {
            self.wait = None;
        }
    }

    fn engine_says(&mut self, it: EngineState, now_millis: f64) -> Vec<Question> {
        let (restarts, is_back) = match &it {
            EngineState::Restarting { .. } => (true, false),
            EngineState::Recovered => (false, true),
            _ => (false, false),
        };
        self.engine = Engine::Said(it);
        if !restarts && !is_back {
            return vec![];
        }
        let mut out = Vec::new();
        if restarts {
            // The new engine is told of the model by whoever restarts it; the labels are ours to tell.
            out.push(Question::labels(&self.base));
        }
        if let Some(prompt) = self.retry(now_millis) {
            out.extend(self.run(prompt, now_millis).1);
        }
        out
    }

    fn piece(&mut self, it: Partial, purpose: &Purpose, parts: &Parts) {
        match (it, purpose) {
            (
                Partial::Features {
                    layer,
                    places,
                    activations,
                    ..
                },
                Purpose::Features,
            ) => {
                if let Some(it) = &mut self.coming {
                    let (places, activations) = (parts.u32s(&places), parts.f32s(&activations));
                    it.record.set_layer(layer, &places, &activations);
                }
            }
            (
                Partial::Features {
                    layer,
                    places,
                    activations,
                    ..
                },
                Purpose::TryFeatures(_),
            ) => {
                if let Some(it) = &mut self.tried {
                    let record = Arc::make_mut(&mut it.record);
                    record.set_layer(layer, &parts.u32s(&places), &parts.f32s(&activations));
                }
            }
            (Partial::Probs(it), Purpose::Next) => {
                if let Some(coming) = &mut self.coming {
                    coming.record.next.insert(it.pos, it);
                }
            }
            (Partial::Labels { layer, labels }, _) => {
                Arc::make_mut(&mut self.atlas).label(layer, labels)
            }
            (Partial::Token(it), Purpose::Continue) => self.continued.push(it),
            (Partial::Speed(it), _) => self.speeds.push(it),
            (it, purpose) => self.piece_of_shown(it, purpose, parts),
        }
    }

    /// Kept apart until all of it is there, so that the run on the page changes once.
    fn piece_of_shown(&mut self, it: Partial, purpose: &Purpose, parts: &Parts) {
        match (it, purpose) {
            (
                Partial::Site {
                    site: Site::MlpOut(layer),
                    first,
                    array,
                },
                Purpose::MlpOut,
            ) => {
                self.heap
                    .mlp_out
                    .push(Piece::new(layer, first, &array, parts));
            }
            (
                Partial::Dense {
                    layer,
                    first,
                    array,
                    ..
                },
                Purpose::Rebuilt,
            ) => {
                self.heap
                    .rebuilt
                    .push(Piece::new(layer, first, &array, parts));
            }
            (Partial::Lens { layer, told }, Purpose::Lens) => {
                self.heap.lens.entry(layer).or_default().push(told);
            }
            (Partial::Metrics(it), Purpose::Metrics) => self.heap.metrics.push(it),
            (
                Partial::Effects {
                    layer,
                    places,
                    effects,
                },
                Purpose::Effects(_),
            ) => {
                let told = (parts.u32s(&places), parts.f32s(&effects));
                self.heap.effects.insert(layer, told);
            }
            _ => (),
        }
    }

    /// Puts what has been gathered for the run on the page into it.
    fn gathered(&mut self, purpose: &Purpose) {
        let Some(shown) = &mut self.shown else {
            return;
        };
        let record = Arc::make_mut(&mut shown.record);
        match purpose {
            Purpose::Rebuilt => {
                let (mlp_out, rebuilt) =
                    (take(&mut self.heap.mlp_out), take(&mut self.heap.rebuilt));
                record.errors = gathering::errors(&mlp_out, &rebuilt, record.n_pos());
            }
            Purpose::Lens => record.lens = take(&mut self.heap.lens),
            Purpose::Metrics => record.metrics = take(&mut self.heap.metrics),
            Purpose::Effects(token) => {
                let told = take(&mut self.heap.effects);
                record.effects = Some((*token, gathering::effects(record, &told)));
            }
            _ => (),
        }
    }

    fn done(&mut self, purpose: Purpose, outcome: Outcome, now_millis: f64) -> Vec<Question> {
        match (purpose, outcome) {
            (_, Outcome::Described(it)) => self.about = Some(it),
            (
                _,
                Outcome::Opened {
                    config,
                    plan,
                    declared_l0,
                    ..
                },
            ) => {
                self.declared_l0 = declared_l0.into_iter().collect();
                self.opened = Some((config, plan));
                self.wait = None;
                return self.opening_run(now_millis);
            }
            (_, Outcome::Labels { made, .. }) => Arc::make_mut(&mut self.atlas).made = made,
            (Purpose::Count(n), Outcome::Tokens(it)) => {
                // BOS is put before every prompt.
                self.n_draft = Some((n, it.len()));
            }
            (Purpose::Run, Outcome::Ran { run, tokens, .. }) => return self.ran(run, tokens),
            (Purpose::Try(feature), Outcome::Ran { run, tokens, .. }) => {
                return self.try_ran(feature, run, tokens);
            }
            (Purpose::TryFeatures(_), _) => {
                if let Some(it) = &mut self.tried {
                    it.done = true;
                    let record = it.record.clone();
                    self.meet(&record);
                }
            }
            (Purpose::Features, _) => return self.arrived(|it| it.has_features = true, now_millis),
            (Purpose::Next, _) => return self.arrived(|it| it.has_next = true, now_millis),
            (
                purpose @ (Purpose::Rebuilt
                | Purpose::Lens
                | Purpose::Metrics
                | Purpose::Effects(_)),
                _,
            ) => {
                self.gathered(&purpose);
            }
            (Purpose::Card(_), Outcome::Feature(it)) => self.card = Some(it),
            (Purpose::Continue, Outcome::Generated { tokens, text, .. }) => {
                return self.continue_with(&tokens, &text, now_millis);
            }
            _ => (),
        }
        vec![]
    }

    /// What is on the page is computed here, unless a visitor has asked for something else meanwhile.
    fn opening_run(&mut self, now_millis: f64) -> Vec<Question> {
        if self.coming.is_some() {
            return vec![];
        }
        let shown = self.shown.as_ref().map(|it| it.prompt.clone());
        shown.map_or_else(Vec::new, |it| {
            let history = self.history.clone();
            let questions = self.run(it, now_millis).1;
            self.history = history;
            questions
        })
    }

    fn ran(&mut self, run: RunKey, tokens: Vec<Token>) -> Vec<Question> {
        let (n_layers, n_features) = self
            .opened
            .as_ref()
            .map_or((0, 0), |it| (it.0.n_layers, it.1.d_transcoder));
        let Some(coming) = &mut self.coming else {
            return vec![];
        };
        coming.key = Some(run.clone());
        coming.record.tokens = tokens;
        coming.record.n_layers = n_layers;
        coming.record.n_features = n_features;
        coming.record.loaded = vec![false; n_layers];
        vec![Question::features(run.clone()), Question::next(run)]
    }

    fn try_ran(&mut self, feature: FeatureId, run: RunKey, tokens: Vec<Token>) -> Vec<Question> {
        let n_layers = self.opened.as_ref().map_or(0, |it| it.0.n_layers);
        let record = Record {
            tokens,
            n_layers,
            loaded: vec![false; n_layers],
            ..Record::default()
        };
        self.tried = Some(Tried {
            feature,
            record: Arc::new(record),
            done: false,
        });
        vec![Question::try_features(feature, run)]
    }

    /// A part of the coming run is there; once all is, it takes its place on the page.
    fn arrived(&mut self, note: impl FnOnce(&mut Coming), now_millis: f64) -> Vec<Question> {
        let Some(coming) = &mut self.coming else {
            return vec![];
        };
        note(coming);
        if !(coming.has_features && coming.has_next) {
            return vec![];
        }
        let Some(coming) = self.coming.take() else {
            return vec![];
        };
        self.wait = None;
        self.lost_run = None;
        self.meet(&coming.record);
        self.compare(&coming.record);
        let last = coming.record.next.get(&coming.record.last());
        self.target = last.and_then(|it| it.top.first()).map(|it| it.id);
        let effects = coming.key.clone().zip(self.target);
        let record = Arc::new(coming.record);
        self.keep(record.clone());
        self.shown = Some(Shown {
            prompt: coming.prompt,
            record,
            source: Source::Live {
                precision: self
                    .opened
                    .as_ref()
                    .map(|it| it.1.precision)
                    .unwrap_or_default(),
                adapter: self
                    .about
                    .as_ref()
                    .map(|it| it.adapter.clone())
                    .unwrap_or_default(),
                millis: now_millis - coming.since_millis,
            },
            key: coming.key,
        });
        effects
            .map(|(run, token)| Question::effects(run, token))
            .into_iter()
            .collect()
    }

    fn continue_with(&mut self, tokens: &[Token], text: &str, now_millis: f64) -> Vec<Question> {
        let Some(shown) = &self.shown else {
            return vec![];
        };
        let ids = shown.record.tokens.iter().chain(tokens).map(|it| it.id);
        let prompt = Prompt {
            ids: Some(ids.collect()),
            text: format!("{}{text}", shown.prompt.text),
        };
        match tokens.is_empty() {
            true => vec![],
            false => self.run(prompt, now_millis).1,
        }
    }

    fn failed(&mut self, purpose: &Purpose, failure: Failure) {
        let panel = match purpose {
            Purpose::MlpOut | Purpose::Rebuilt => "errors",
            Purpose::Lens => "lens",
            Purpose::Metrics => "metrics",
            Purpose::Effects(_) => "effects",
            Purpose::Card(_) => "card",
            Purpose::Try(_) | Purpose::TryFeatures(_) => "try",
            Purpose::Labels => "labels",
            Purpose::Describe | Purpose::Count(_) => return,
            Purpose::Open
            | Purpose::Run
            | Purpose::Features
            | Purpose::Next
            | Purpose::Continue => {
                self.lost_run = self.coming.take().map(|it| it.prompt);
                self.wait = None;
                self.failure = Some(failure);
                return;
            }
        };
        self.troubles.insert(panel, failure);
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
