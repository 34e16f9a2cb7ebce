//! Files of the run on the page: asked of the engine and gathered, or made here; snapshots, which open again without a model. Leaves saving
//! them to the page's program.

use super::{
    ask::{Destination, Purpose, Question},
    desk::{Atlas, Desk, Prompt, Shown, Source},
    json,
    map::Grid,
    record::Record,
    recorded::Recording,
    strip, words,
};
use crate::session::protocol::{
    BUILD, CommandBody, DocumentForm, DocumentMade, DocumentWhat, EventBody, Failure, MapPicture,
    Outcome, Partial, SnapshotAddress,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The form of a snapshot.
const SNAPSHOT: u32 = 1;
/// Tokens and layers that a snapshot may have.
const MAX_TOKENS: usize = 8_192;
const MAX_LAYERS: usize = 200;

/// Files on their way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files {
    /// Bytes that have come.
    coming: Vec<u8>,
    /// A file to be saved.
    pub made: Option<File>,
}

/// A file that is made.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// A name for it.
    pub name: String,
    /// Its type, as the web has it.
    pub mime: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Where it goes.
    pub to: Destination,
}

/// A run that opens again without a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The form; says too that it is one.
    pub gemscope_snapshot: u32,
    /// Where its numbers come from, in words.
    pub from: String,
    /// The build that wrote it.
    pub build: String,
    /// Opens the same view.
    #[serde(default)]
    pub link: Option<String>,
    /// The run, and labels of what fires in it.
    pub recording: Recording,
}

impl Snapshot {
    /// Reads a file's text.
    ///
    /// Errors: why it can't be shown, in the visitor's words.
    pub fn read(text: &str) -> Result<Self, String> {
        let no = "This file is no snapshot of Gemscope. Nothing on the page has changed.";
        let it: Self = json::read(text).ok_or(no)?;
        if it.gemscope_snapshot != SNAPSHOT {
            return Err(format!(
                "This snapshot has form {}; this page reads form {SNAPSHOT}. Reload the page to have the newest.",
                it.gemscope_snapshot
            ));
        }
        match it.recording.runs.as_slice() {
            [run] if is_sound(run) => Ok(it),
            _ => Err("This snapshot is damaged: its numbers do not fit together.".into()),
        }
    }
}

/// Whether everything in a run lies within it.
fn is_sound(it: &Record) -> bool {
    let (n_pos, n_layers) = (it.n_pos(), it.n_layers);
    let rows = |it: &std::collections::BTreeMap<usize, Vec<f32>>| {
        it.iter()
            .all(|row| *row.0 < n_layers && row.1.len() == n_pos)
    };
    n_pos > 0
        && n_pos <= MAX_TOKENS
        && n_layers <= MAX_LAYERS
        && it.loaded.len() == n_layers
        && it.next.keys().all(|pos| *pos < n_pos)
        && it
            .lens
            .iter()
            .all(|row| *row.0 < n_layers && row.1.len() == n_pos)
        && rows(&it.errors)
        && it
            .effects
            .as_ref()
            .is_none_or(|all| all.1.len() == it.firings.len())
        && it
            .firings
            .is_sorted_by_key(|it| (it.layer, it.pos, it.index))
        && it.firings.iter().all(|at| {
            (at.pos as usize) < n_pos
                && (at.layer as usize) < n_layers
                && (at.index as usize) < it.n_features
        })
}

impl Desk {
    /// Asks for a file of the run on the page.
    pub fn document(
        &mut self,
        what: DocumentWhat,
        form: DocumentForm,
        link: Option<String>,
        to: Destination,
    ) -> Vec<Question> {
        self.troubles.remove("share");
        let run = self.shown.as_ref().and_then(|it| it.key.clone());
        match run {
            Some(_) => vec![Question::new(
                Purpose::Document(to),
                CommandBody::Document {
                    run,
                    what,
                    form,
                    link,
                },
            )],
            None => self
                .refuse_share("What is on the page was not computed here: run the prompt first."),
        }
    }

    /// Asks for a picture of the map as it is shown.
    pub fn picture(
        &mut self,
        grid: Grid,
        legend: &str,
        log: bool,
        link: Option<String>,
        to: Destination,
    ) -> Vec<Question> {
        self.troubles.remove("share");
        let Some(shown) = &self.shown else {
            return vec![];
        };
        let tokens = strip::shown(&shown.record.tokens, false);
        let map = MapPicture {
            title: shown.prompt.text.clone(),
            tokens: tokens.into_iter().map(|it| it.text).collect(),
            n_layers: grid.n_layers,
            cells: grid.cells,
            legend: legend.into(),
            log,
            link,
            ..MapPicture::default()
        };
        let run = shown.key.clone();
        vec![Question::new(
            Purpose::Document(to),
            CommandBody::Picture { map, run },
        )]
    }

    /// Makes a file that opens again without a model.
    pub fn snapshot(&mut self, link: Option<String>) {
        let Some(shown) = &self.shown else {
            return;
        };
        let mut record = (*shown.record).clone();
        record.prompt = shown.prompt.text.clone();
        let fires = record.firings.iter().map(|it| it.feature());
        let label = |it| Some((it, self.atlas.named(it)?));
        let mut labels: Vec<_> = fires.filter_map(label).collect();
        labels.sort_unstable_by_key(|it| it.0);
        labels.dedup_by_key(|it| it.0);
        let it = Snapshot {
            gemscope_snapshot: SNAPSHOT,
            from: self.source_words(),
            build: BUILD.into(),
            link,
            recording: Recording {
                runs: vec![record],
                made: self
                    .labelling
                    .about
                    .as_ref()
                    .map_or_else(|| self.atlas.made.clone(), words::made),
                labels,
                examples: vec![],
            },
        };
        self.files.made = json::text(&it).map(|text| File {
            name: "gemscope-snapshot.json".into(),
            mime: "application/json".into(),
            bytes: text.into_bytes(),
            to: Destination::Disk,
        });
    }

    /// Shows a snapshot in place of the run on the page, and says whether it could; `at` is where a link found it.
    pub fn open_snapshot(&mut self, text: &str, at: Option<SnapshotAddress>) -> bool {
        self.failure = None;
        match Snapshot::read(text) {
            Ok(it) => self.show_snapshot(it, at),
            Err(what) => {
                self.refuse_snapshot(what);
                return false;
            }
        }
        true
    }

    /// Whether what is on the page came from a file.
    pub fn shows_snapshot(&self) -> bool {
        let source = self.shown.as_ref().map(|it| &it.source);
        matches!(source, Some(Source::Snapshot { .. }))
    }

    /// A file that can't be shown is said; nothing on the page changes.
    pub fn refuse_snapshot(&mut self, what: String) {
        self.failure = Some(Failure {
            what,
            remedy: String::new(),
            detail: String::new(),
        });
    }

    fn show_snapshot(&mut self, mut it: Snapshot, at: Option<SnapshotAddress>) {
        let Some(record) = it.recording.runs.pop() else {
            return;
        };
        let mut atlas = Atlas {
            made: it.recording.made,
            ..Atlas::default()
        };
        atlas.labels.extend(it.recording.labels);
        let live = std::mem::replace(&mut self.atlas, Arc::new(atlas));
        if !self.shows_snapshot() {
            self.aside = Some(live);
        }
        self.meet(&record);
        let last = record.next.get(&record.last());
        self.target = last.and_then(|it| it.top.first()).map(|it| it.id);
        self.card = None;
        // A run that is under way would take its place, and what is still told of another would be written into it.
        self.end_run();
        let prompt = Prompt {
            text: record.prompt.clone(),
            ids: Some(record.ids()),
        };
        self.shown = Some(Shown {
            prompt,
            record: Arc::new(record),
            source: Source::Snapshot { said: it.from, at },
            key: None,
        });
        self.bear_witness();
    }

    /// Where the numbers on the page come from.
    pub fn source_words(&self) -> String {
        match self.shown.as_ref().map(|it| &it.source) {
            None => "No run yet.".into(),
            Some(Source::Recorded) => words::RECORDED.into(),
            Some(Source::Snapshot { said, at }) => {
                let name = at
                    .as_ref()
                    .map_or_else(String::new, |it| format!(": {}", it.name));
                format!("From a file{name}, which says: {said}")
            }
            Some(Source::Live {
                model,
                precision,
                adapter,
                millis,
            }) => format!("Live: {model}, {precision} precision, {adapter}, {millis:.0} ms."),
        }
    }

    fn refuse_share(&mut self, what: &str) -> Vec<Question> {
        let it = Failure {
            what: what.into(),
            remedy: String::new(),
            detail: String::new(),
        };
        self.troubles.insert("share", it);
        vec![]
    }

    /// What the engine tells of a file; whether it was about one.
    pub(super) fn document_event(
        &mut self,
        purpose: &Purpose,
        it: &EventBody,
        parts: &[Vec<u8>],
    ) -> bool {
        let Purpose::Document(to) = purpose else {
            return false;
        };
        match it {
            EventBody::Partial(Partial::Document { first, .. }) => {
                // Files come one after another; another may have been asked for meanwhile.
                if *first == 0 {
                    self.files.coming.clear();
                }
                self.files.coming.extend(parts.iter().flatten());
                true
            }
            EventBody::Done(Outcome::Document(DocumentMade { name, mime, .. })) => {
                self.files.made = Some(File {
                    name: name.clone(),
                    mime: mime.clone(),
                    bytes: std::mem::take(&mut self.files.coming),
                    to: *to,
                });
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
