//! What the engine answers, folded into the desk; each answer says what is asked next. Leaves what the visitor does to `desk`.

use super::{
    ask::{Purpose, Question},
    desk::{Coming, Desk, Engine, Prompt, Shown, Source, Tried, Wait},
    parts::Parts,
    record::Record,
};
use crate::session::protocol::{
    EngineState, Event, EventBody, Failure, FeatureId, Outcome, RunKey, Token,
};
use std::sync::Arc;

impl Desk {
    /// Takes an event and the arrays beside it; what to ask next.
    pub fn fold(&mut self, event: Event, parts: &Parts, now_millis: f64) -> Vec<Question> {
        let purpose = self.asked.get(&event.id).cloned();
        if let Some(purpose) = &purpose
            && let Some(questions) = self.told_elsewhere(purpose, &event.body, parts, now_millis)
        {
            let ends = matches!(
                event.body,
                EventBody::Done(_) | EventBody::Failed(_) | EventBody::Cancelled
            );
            if ends {
                self.ended(event.id);
            }
            return questions;
        }
        match (event.body, purpose) {
            (EventBody::State(it), _) => self.engine_says(it, now_millis),
            (EventBody::Ready(it), _) => self.arrived_of_model(it, now_millis),
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
                self.failed(&purpose, it)
            }
            (EventBody::Cancelled, Some(_)) => {
                self.ended(event.id);
                vec![]
            }
            // Nobody asked: the engine says that it could not go on with the open model.
            (EventBody::Failed(it), None) if event.id == 0 => {
                self.failure = Some(it);
                vec![]
            }
            _ => vec![],
        }
    }

    /// What is about models, files, labels or links rather than about a run; none for the rest.
    fn told_elsewhere(
        &mut self,
        purpose: &Purpose,
        it: &EventBody,
        parts: &Parts,
        now_millis: f64,
    ) -> Option<Vec<Question>> {
        if let Some(questions) = self.library_event(purpose, it) {
            return Some(questions);
        }
        let is_of_file = self.document_event(purpose, it, &parts.0)
            || self.snapshot_event(purpose, it, &parts.0);
        if is_of_file || self.hosted_event(purpose, it) {
            return Some(vec![]);
        }
        let questions = self.label_event(purpose, it);
        questions.or_else(|| self.link_event(purpose, it, now_millis))
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
        if let Engine::Said(EngineState::Dead { .. }) = self.engine {
            // The visitor has started it again.
            self.retried_millis = None;
        }
        // There is WebGPU and no adapter: what follows is the same.
        self.no_webgpu |= it == EngineState::NoAdapter;
        self.engine = Engine::Said(it);
        if !restarts && !is_back {
            return vec![];
        }
        let mut out = Vec::new();
        if restarts {
            out.extend(self.open_again());
        }
        if let Some(prompt) = self.retry(now_millis) {
            out.extend(self.run(prompt, now_millis).1);
        }
        out
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
                return self.model_opened((config, plan), declared_l0, now_millis);
            }
            (Purpose::Count(n), Outcome::Tokens(it)) => {
                // BOS is put before every prompt.
                self.n_draft = Some((n, it.len()));
            }
            (
                Purpose::Run,
                Outcome::Ran {
                    run,
                    tokens,
                    reached,
                    ..
                },
            ) => return self.ran(run, tokens, reached.whole, now_millis),
            (Purpose::More | Purpose::MoreNext, _) => return self.more_done(now_millis),
            (Purpose::Try(feature), Outcome::Ran { run, tokens, .. }) => {
                return self.try_ran(feature, run, tokens);
            }
            (Purpose::TryFeatures(_), _) => self.try_done(),
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
            (Purpose::Card(_), Outcome::Feature(it)) => {
                self.label_of_card(&it);
                self.card = Some(it);
            }
            (Purpose::Continue, Outcome::Generated { tokens, text, .. }) => {
                return self.continue_with(&tokens, &text, now_millis);
            }
            _ => (),
        }
        vec![]
    }

    /// What waits for a model that can run it is run, otherwise what is on the page, unless a visitor has asked for something else meanwhile.
    pub(super) fn opening_run(&mut self, now_millis: f64) -> Vec<Question> {
        if self.coming.is_some() {
            return vec![];
        }
        if self.has_waiting()
            && let Some(it) = self.linking.prompt.take()
        {
            return self.run_linked(it, now_millis);
        }
        let shown = self.shown.as_ref().map(|it| it.prompt.clone());
        let shown = shown.filter(|it| self.can_run(&it.text) && !self.shows_snapshot());
        shown.map_or_else(Vec::new, |it| {
            let history = self.history.clone();
            let questions = self.run(it, now_millis).1;
            self.history = history;
            questions
        })
    }

    fn ran(
        &mut self,
        run: RunKey,
        tokens: Vec<Token>,
        whole: bool,
        now_millis: f64,
    ) -> Vec<Question> {
        let (n_layers, n_features) = self
            .opened
            .as_ref()
            .map_or((0, 0), |it| (it.0.n_layers, it.1.d_transcoder));
        let has_arrived =
            (self.library.readiness.as_ref()).is_none_or(|it| !it.encoders.is_empty());
        let is_chosen = (self.library.open.as_ref()).is_none_or(|it| it.transcoders.is_some());
        let has_encoders = has_arrived && is_chosen;
        let Some(coming) = &mut self.coming else {
            return vec![];
        };
        coming.key = Some(run.clone());
        coming.record.tokens = tokens;
        coming.record.n_layers = n_layers;
        coming.record.n_features = n_features;
        coming.record.loaded = vec![false; n_layers];
        coming.has_next = !whole;
        coming.has_features = !has_encoders;
        let features = has_encoders.then(|| Question::features(run.clone()));
        let next = whole.then(|| Question::next(run));
        let questions: Vec<Question> = features.into_iter().chain(next).collect();
        match questions.is_empty() {
            true => self.arrived(|_| (), now_millis),
            false => questions,
        }
    }

    fn try_done(&mut self) {
        if let Some(it) = &mut self.tried {
            it.done = true;
            let record = it.record.clone();
            self.meet(&record);
        }
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
        if let Some(it) = self.aside.take() {
            self.atlas = it;
        }
        self.meet(&coming.record);
        self.compare(&coming.record);
        let mut coming = coming;
        if coming.prompt.text.is_empty() {
            coming.prompt.text = coming.record.text();
            coming.record.prompt = coming.prompt.text.clone();
        }
        let last = coming.record.next.get(&coming.record.last());
        self.target = last.and_then(|it| it.top.first()).map(|it| it.id);
        let effects = coming.key.clone().zip(self.target);
        let record = Arc::new(coming.record);
        self.keep(record.clone());
        self.shown = Some(Shown {
            prompt: coming.prompt,
            record,
            source: Source::Live {
                model: self.model_name(),
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
        self.bear_witness();
        let mut out: Vec<Question> = self.hold_against().into_iter().collect();
        if let Some((run, token)) = effects {
            out.push(Question::effects(run, token));
            out.extend(self.labels_of_run());
        }
        out
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

    fn failed(&mut self, purpose: &Purpose, failure: Failure) -> Vec<Question> {
        let panel = match purpose {
            Purpose::MlpOut | Purpose::Rebuilt => "errors",
            Purpose::Lens => "lens",
            Purpose::Metrics => "metrics",
            Purpose::Effects(_) => "effects",
            Purpose::Card(_) => "card",
            Purpose::Try(_) | Purpose::TryFeatures(_) => "try",
            Purpose::Labels
            | Purpose::LabelsFile
            | Purpose::OwnLabels
            | Purpose::FindLabels
            | Purpose::LabelsOf => "labels",
            Purpose::Count(_) => return vec![],
            Purpose::More | Purpose::MoreNext => "map",
            Purpose::Document(_) => "share",
            Purpose::Hosted(_) => "hosted",
            Purpose::Link | Purpose::ReadLink | Purpose::Begin | Purpose::Witness => return vec![],
            Purpose::Describe
            | Purpose::Snapshot
            | Purpose::Fetch
            | Purpose::Stored
            | Purpose::Verify
            | Purpose::Remove
            | Purpose::Variants
            | Purpose::Token
            | Purpose::Library
            | Purpose::Price
            | Purpose::Trial
            | Purpose::Check
            | Purpose::Measure
            | Purpose::Copy
            | Purpose::Open
            | Purpose::Run
            | Purpose::Features
            | Purpose::Next
            | Purpose::Continue => {
                self.lost_run = self.coming.take().map(|it| it.prompt);
                self.wait = None;
                self.failure = Some(failure.clone());
                return match purpose {
                    Purpose::Open => self.open_failed(&failure),
                    _ => vec![],
                };
            }
        };
        self.troubles.insert(panel, failure);
        vec![]
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
