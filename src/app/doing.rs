//! What the visitor does, and what the engine is asked for it. Leaves answers to `answers`.

use super::{
    ask::{Purpose, Question},
    desk::{Atlas, Coming, Desk, Engine, Prompt, Shown, Source},
    gathering::Heap,
    options::Metric,
    record::Record,
};
use crate::session::protocol::{Failure, FeatureId};
use std::sync::Arc;

/// Prompts that are remembered.
const MAX_HISTORY: usize = 50;
/// Runs that are kept, and what may fire in all of them: 64 MB.
const MAX_SESSION: usize = 20;
const MAX_FIRINGS: usize = 4_000_000;
/// A device that is lost again within this time is not tried again by itself.
const RETRY_MILLIS: f64 = 30_000.0;
/// A prompt beyond this is not even given to the tokenizer.
pub const MAX_PROMPT_BYTES: usize = 100_000;

impl Desk {
    /// A page that opens on a recorded run.
    pub fn new(base: String, recorded: Option<(Record, Atlas)>) -> Self {
        let mut it = Self {
            base,
            ..Self::default()
        };
        if let Some((record, atlas)) = recorded {
            it.atlas = Arc::new(atlas);
            it.show_recorded(record);
            it.expected = it.shown.as_ref().map(|it| it.record.clone());
        }
        it
    }

    /// Shows a recorded run.
    pub fn show_recorded(&mut self, record: Record) {
        let prompt = Prompt {
            text: record.prompt.clone(),
            ids: Some(record.tokens.iter().map(|it| it.id).collect()),
        };
        self.meet(&record);
        self.target = record
            .next
            .get(&record.last())
            .and_then(|it| it.top.first())
            .map(|it| it.id);
        let record = Arc::new(record);
        self.keep(record.clone());
        self.shown = Some(Shown {
            prompt,
            record,
            source: Source::Recorded,
            key: None,
        });
    }

    /// Keeps a run for as long as the page is open; the same tokens again take the place of the earlier ones.
    pub(super) fn keep(&mut self, record: Arc<Record>) {
        let ids = |it: &Record| it.tokens.iter().map(|it| it.id).collect::<Vec<_>>();
        let new = ids(&record);
        self.session.retain(|it| ids(it) != new);
        self.session.push(record);
        let n_firings = |all: &[Arc<Record>]| all.iter().map(|it| it.firings.len()).sum::<usize>();
        while self.session.len() > MAX_SESSION || n_firings(&self.session) > MAX_FIRINGS {
            self.session.remove(0);
        }
    }

    /// What the engine is asked first: to open the demo model, and to run what is shown.
    pub fn start(&mut self) -> Vec<Question> {
        vec![
            Question::describe(),
            Question::open(&self.base),
            Question::labels(&self.base),
        ]
    }

    /// Under which id something was posted.
    pub fn posted(&mut self, id: u32, purpose: Purpose) {
        self.asked.insert(id, purpose);
    }

    /// Whether a run or a continuation is under way.
    pub fn is_running(&self) -> bool {
        self.coming.is_some() || self.is_asked(&Purpose::Continue)
    }

    /// Whether this is awaited.
    pub fn is_asked(&self, purpose: &Purpose) -> bool {
        self.asked.values().any(|it| it == purpose)
    }

    /// Commands to cancel when the visitor stops.
    pub fn stop(&mut self) -> Vec<u32> {
        self.stopped = self.is_running();
        self.end_run()
    }

    /// Runs a prompt; what can't be run is refused at once and changes nothing that is shown.
    pub fn run(&mut self, prompt: Prompt, now_millis: f64) -> (Vec<u32>, Vec<Question>) {
        self.failure = None;
        self.stopped = false;
        let runs = match self.engine {
            Engine::NoWebGpu => refuse(NOT_HERE.0, NOT_HERE.1),
            _ => check(&prompt),
        };
        if let Err(it) = runs {
            self.failure = Some(it);
            return (vec![], vec![]);
        }
        let cancel = self.end_run();
        self.remember(&prompt.text);
        self.continued.clear();
        let question = Question::run(&prompt);
        self.coming = Some(Coming {
            record: Record {
                prompt: prompt.text.clone(),
                ..Record::default()
            },
            prompt,
            key: None,
            since_millis: now_millis,
            has_features: false,
            has_next: false,
        });
        (cancel, vec![question])
    }

    /// The draft has changed: its tokens are to be counted.
    pub fn draft(&mut self, text: &str) -> Vec<Question> {
        self.n_drafts += 1;
        if text.len() > MAX_PROMPT_BYTES || self.opened.is_none() {
            return vec![];
        }
        vec![Question::count(self.n_drafts, text)]
    }

    /// A feature is looked at.
    pub fn look(&mut self, feature: FeatureId) -> Vec<Question> {
        let is_there = self.card.as_ref().is_some_and(|it| it.feature == feature);
        if is_there || self.opened.is_none() {
            return vec![];
        }
        self.troubles.remove("card");
        self.card = None;
        vec![Question::card(feature)]
    }

    /// A text of the visitor's own, for one feature.
    pub fn try_text(&mut self, feature: FeatureId, text: &str) -> Vec<Question> {
        self.troubles.remove("try");
        let prompt = Prompt {
            text: text.into(),
            ids: None,
        };
        if let Err(it) = check(&prompt) {
            self.troubles.insert("try", it);
            return vec![];
        }
        vec![Question::try_text(feature, text)]
    }

    /// The next token whose effects are looked at.
    pub fn aim(&mut self, token: u32) -> Vec<Question> {
        self.target = Some(token);
        let key = self.shown.as_ref().and_then(|it| it.key.clone());
        key.map(|it| Question::effects(it, token))
            .into_iter()
            .collect()
    }

    /// More tokens after the run on the page.
    pub fn go_on(&mut self) -> Vec<Question> {
        self.continued.clear();
        let key = self.shown.as_ref().and_then(|it| it.key.clone());
        key.map(Question::go_on).into_iter().collect()
    }

    /// The run on the page with a token added.
    pub fn with_token(&self, id: u32, piece: &str) -> Option<Prompt> {
        let shown = self.shown.as_ref()?;
        let ids = shown.record.tokens.iter().map(|it| it.id);
        Some(Prompt {
            text: format!("{}{piece}", shown.prompt.text),
            ids: Some(ids.chain([id]).collect()),
        })
    }

    /// What a metric needs that is not there yet.
    pub fn need(&mut self, metric: Metric) -> Vec<Question> {
        let Some(shown) = &self.shown else {
            return vec![];
        };
        let is_there = !shown.record.errors.is_empty() || self.is_asked(&Purpose::MlpOut);
        match (metric, &shown.key) {
            (Metric::Error, Some(key)) if !is_there => {
                self.troubles.remove("errors");
                self.heap = Heap::default();
                let n_layers = shown.record.n_layers;
                vec![
                    Question::mlp_out(key.clone(), n_layers),
                    Question::rebuilt(key.clone()),
                ]
            }
            _ => vec![],
        }
    }

    /// Lens and figures of the run on the page.
    pub fn explain(&mut self) -> Vec<Question> {
        let Some(shown) = &self.shown else {
            return vec![];
        };
        let is_there = !shown.record.metrics.is_empty() || self.is_asked(&Purpose::Lens);
        let Some(key) = shown.key.clone().filter(|_| !is_there) else {
            return vec![];
        };
        let n_layers = shown.record.n_layers;
        vec![
            Question::lens(key.clone()),
            Question::metrics(key, n_layers),
        ]
    }

    /// What follows from a run being over: nothing of it is awaited any more.
    pub(super) fn end_run(&mut self) -> Vec<u32> {
        self.coming = None;
        self.wait = None;
        let of_run = |it: &Purpose| {
            matches!(
                it,
                Purpose::Run
                    | Purpose::Features
                    | Purpose::Next
                    | Purpose::MlpOut
                    | Purpose::Rebuilt
                    | Purpose::Lens
                    | Purpose::Metrics
                    | Purpose::Effects(_)
                    | Purpose::Continue
            )
        };
        let ids = self.asked.iter().filter(|it| of_run(it.1));
        let ids: Vec<u32> = ids.map(|it| *it.0).collect();
        for it in &ids {
            self.asked.remove(it);
        }
        ids
    }

    /// Notes the largest activations of a run.
    pub(super) fn meet(&mut self, record: &Record) {
        let atlas = Arc::make_mut(&mut self.atlas);
        for it in record.firings.iter().filter(|it| it.pos > 0) {
            let most = atlas.met.entry(it.feature()).or_insert(0.0);
            *most = most.max(it.activation);
        }
    }

    /// One guarded retry after the engine or the device went: not twice within half a minute.
    pub(super) fn retry(&mut self, now_millis: f64) -> Option<Prompt> {
        let recent = (self.retried_millis).is_some_and(|it| now_millis - it < RETRY_MILLIS);
        if recent {
            return None;
        }
        let shown = self.shown.as_ref().filter(|it| it.key.is_some());
        let prompt = self.lost_run.take();
        let prompt = prompt.or_else(|| shown.map(|it| it.prompt.clone()))?;
        self.retried_millis = Some(now_millis);
        Some(prompt)
    }

    fn remember(&mut self, text: &str) {
        self.history.retain(|it| it != text);
        self.history.insert(0, text.into());
        self.history.truncate(MAX_HISTORY);
    }
}

const NOT_HERE: (&str, &str) = (
    "This browser can't run a prompt: it has no WebGPU.",
    "Explore the recorded examples, or open the page in a browser that has it.",
);

fn refuse(what: &str, remedy: &str) -> Result<(), Failure> {
    Err(Failure {
        what: what.into(),
        remedy: remedy.into(),
        detail: String::new(),
    })
}

fn check(prompt: &Prompt) -> Result<(), Failure> {
    if prompt.ids.is_none() && prompt.text.is_empty() {
        return refuse(
            "There is no prompt yet.",
            "Type a sentence, or choose an example.",
        );
    }
    if prompt.text.len() > MAX_PROMPT_BYTES {
        let what = format!(
            "That is {} kB of text; a prompt holds at most {} kB.",
            prompt.text.len() / 1000,
            MAX_PROMPT_BYTES / 1000
        );
        return refuse(
            &what,
            "Shorten it: a few hundred tokens are what the page shows best.",
        );
    }
    Ok(())
}
