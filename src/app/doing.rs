//! What the visitor does, and what the engine is asked for it. Leaves answers to `answers`.

use super::{
    ask::{Purpose, Question},
    desk::{Atlas, Coming, Desk, Prompt, Shown, Source},
    gathering::Heap,
    options::Metric,
    record::Record,
    words,
};
use crate::session::protocol::Failure;
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
            it.opening = it
                .expected
                .as_ref()
                .map_or_else(String::new, |it| it.prompt.clone());
        }
        it
    }

    /// Shows a recorded run.
    pub fn show_recorded(&mut self, record: Record) {
        let prompt = Prompt {
            text: record.prompt.clone(),
            ids: Some(record.ids()),
        };
        if let Some(it) = self.aside.take() {
            self.atlas = it;
        }
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

    /// It came after all.
    pub fn later_came(&mut self) {
        self.failure.take_if(|it| it.what == words::PART_FAILED);
    }

    /// The part of the page that hears the engine could not be fetched.
    pub fn fail_later(&mut self) {
        self.failure = Some(Failure {
            what: words::PART_FAILED.into(),
            remedy: words::PART_REMEDY.into(),
            detail: String::new(),
        });
    }

    /// Keeps a run for as long as the page is open; the same tokens again take the place of the earlier ones.
    pub(super) fn keep(&mut self, record: Arc<Record>) {
        let ids = record.ids();
        self.session.retain(|it| it.ids() != ids);
        self.session.push(record);
        let n_firings = |all: &[Arc<Record>]| all.iter().map(|it| it.firings.len()).sum::<usize>();
        while self.session.len() > MAX_SESSION || n_firings(&self.session) > MAX_FIRINGS {
            self.session.remove(0);
        }
    }

    /// What the engine is asked first: to open the demo model, and to run what is shown. Without WebGPU, what it can do without a model.
    pub fn start(&mut self) -> Vec<Question> {
        let first = match self.no_webgpu {
            true => self.load_labels(),
            false => Question::describe(),
        };
        let mut out = vec![first];
        out.extend(match self.linking.opened.take() {
            Some(it) => self.read_link(&it),
            None if self.no_webgpu => vec![],
            None => self.begin(None),
        });
        out
    }

    /// What belongs to the model that was open: its labels, its runs, and the name of the run on the page. A file that is shown keeps
    /// what came with it.
    pub(super) fn forget_model(&mut self) {
        self.opened = None;
        self.card = None;
        self.tried = None;
        self.declared_l0.clear();
        self.library.fitting.checked = None;
        self.linking.witness = None;
        for it in ["card", "hosted", "try", "map"] {
            self.troubles.remove(it);
        }
        let key = self.shown.as_mut().and_then(|it| it.key.take());
        // What the page carries of the demo says nothing of another model.
        if key.is_none() && self.aside.is_none() && self.is_demo() {
            return;
        }
        if let Some(shown) = self.shown.as_mut().filter(|it| !it.prompt.text.is_empty()) {
            // Other tokenizers have other ids.
            shown.prompt.ids = None;
        }
        self.session.clear();
        *self.live_atlas() = Atlas::default();
    }

    /// What is known of the open model's features, also while a file is shown.
    pub(super) fn live_atlas(&mut self) -> &mut Atlas {
        Arc::make_mut(self.aside.as_mut().unwrap_or(&mut self.atlas))
    }

    /// Under which id something was posted.
    pub fn posted(&mut self, id: u32, purpose: Purpose) {
        if let Some(it) = (self.library.fetching.as_mut()).filter(|_| purpose == Purpose::Fetch) {
            it.id = id;
        }
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
        let runs = match self.no_webgpu {
            true => refuse(NOT_HERE.0, NOT_HERE.1),
            false => check(&prompt),
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
        let is_whole = self.library.readiness.as_ref().is_none_or(|it| it.whole);
        match (metric, &shown.key) {
            (Metric::Error, Some(key)) if !is_there && is_whole => {
                self.troubles.remove("errors");
                self.heap.mlp_out.clear();
                self.heap.rebuilt.clear();
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
        self.heap.lens.clear();
        self.heap.metrics.clear();
        self.troubles.remove("lens");
        self.troubles.remove("metrics");
        vec![
            Question::lens(key.clone()),
            Question::metrics(key, n_layers),
        ]
    }

    /// What follows from a run being over: nothing of it is awaited any more.
    pub(super) fn end_run(&mut self) -> Vec<u32> {
        self.coming = None;
        self.wait = None;
        self.heap = Heap::default();
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
                    | Purpose::Witness
                    | Purpose::More
                    | Purpose::MoreNext
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
        // What was asked meanwhile goes before what was on the page.
        let coming = self.coming.as_ref().map(|it| it.prompt.clone());
        let prompt = prompt.or(coming);
        let prompt = prompt.or_else(|| shown.map(|it| it.prompt.clone()))?;
        self.retried_millis = Some(now_millis);
        Some(prompt)
    }

    fn remember(&mut self, text: &str) {
        // Ids of a link have no text before they have run.
        if text.is_empty() {
            return;
        }
        self.history.retain(|it| it != text);
        self.history.insert(0, text.into());
        self.history.truncate(MAX_HISTORY);
    }
}

pub(super) const NOT_HERE: (&str, &str) = (
    "This browser can't run a prompt: it has no WebGPU.",
    "Explore the recorded examples, or open the page in a browser that has it.",
);

pub(super) fn refuse(what: &str, remedy: &str) -> Result<(), Failure> {
    Err(Failure {
        what: what.into(),
        remedy: remedy.into(),
        detail: String::new(),
    })
}

pub(super) fn check(prompt: &Prompt) -> Result<(), Failure> {
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
