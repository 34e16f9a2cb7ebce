//! Labels on the desk: a file that is read, a search as one types, and what the visitor calls features. Leaves reading, searching and
//! keeping them to the engine.

use super::{
    amounts::bytes,
    ask::{Destination, Purpose, Question},
    desk::Desk,
    hosting::is_published,
    looking::OF_FILE,
    record::Record,
    sharing::File,
    words,
};
use crate::session::protocol::{
    CommandBody, EventBody, Failure, FeatureCard, FeatureId, HostedLabel, LabelHit, LabelsAbout,
    LabelsFrom, LabelsKept, LabelsOwn, Outcome, TranscoderRef,
};
use crate::spec::{Label, neuronpedia};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Names of sets: own labels are kept by them.
const DEMO_SET: &str = "demo";
/// Labels that a search tells, and those that are asked for after a run.
const N_FOUND: usize = 40;
const MAX_ASKED: usize = 20_000;
/// Of one question: the engine tells no more at once.
const N_ASKED: usize = 1_000;

/// Labels, as the page knows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelling {
    /// What the file says of itself.
    pub about: Option<LabelsAbout>,
    /// What was found for what is typed in the palette.
    pub found: Vec<(FeatureId, String)>,
    /// What Neuronpedia says of single features, as far as it was fetched.
    pub hosted: BTreeMap<FeatureId, HostedLabel>,
    /// How many of one's own there are.
    pub n_own: usize,
    /// What was done, and what could not be.
    pub told: String,
    /// How far the reading of a file is; empty where none is read.
    pub coming: String,
    /// The labels file, if it is one that is kept over visits.
    pub kept: Option<LabelsKept>,
}

const NO_ADDRESS: (&str, &str) = (
    "That is no address of a labels file.",
    "It begins with https:// and names a server that this page may ask (see About).",
);

impl Desk {
    /// The labels of the model that is opened: the file that is kept for it, otherwise the demo's, or one's own alone until a file is
    /// chosen.
    pub(super) fn load_labels(&self) -> Question {
        let is_demo = self.is_demo();
        let otherwise = is_demo.then(|| format!("{}/demo/labels.json", self.base));
        let from = LabelsFrom::Kept { otherwise };
        Question::new(Purpose::Labels, self.load(from, is_demo))
    }

    /// A file that the visitor chose is kept.
    fn load(&self, from: LabelsFrom, tell: bool) -> CommandBody {
        CommandBody::LabelsLoad {
            set: self.set(),
            keep: !matches!(from, LabelsFrom::Kept { .. }),
            from,
            tell,
        }
    }

    fn set(&self) -> String {
        let open = self.library.open.as_ref();
        let transcoders = open.and_then(|it| it.transcoders.as_ref());
        let variants = transcoders.map_or(&[][..], |it| &it.average_l0);
        match transcoders.map(|it| &it.place) {
            Some(it) if is_published(it) && variants.is_empty() => neuronpedia::SET.into(),
            Some(TranscoderRef::Hub { repo }) => {
                variants.iter().fold(repo.to_string(), |name, it| {
                    format!("{name} {}:{}", it.0, it.1)
                })
            }
            _ => DEMO_SET.into(),
        }
    }

    /// Reads a labels file, which is handed over beside the command.
    pub fn read_labels(&mut self, name: String) -> Vec<Question> {
        self.choose_labels(LabelsFrom::Beside { part: 0, name })
    }

    /// Reads the labels file at an address.
    pub fn fetch_labels(&mut self, address: &str) -> Vec<Question> {
        let address = address.trim();
        if !address.contains("://") {
            self.refuse_labels(NO_ADDRESS.0, NO_ADDRESS.1);
            return vec![];
        }
        self.choose_labels(LabelsFrom::Place(address.into()))
    }

    fn choose_labels(&mut self, from: LabelsFrom) -> Vec<Question> {
        self.labelling.told.clear();
        self.troubles.remove("labels");
        vec![Question::new(Purpose::LabelsFile, self.load(from, false))]
    }

    /// Takes away the file that is kept; the labels are those without it.
    pub fn drop_labels(&mut self) -> Vec<Question> {
        self.troubles.remove("labels");
        self.live_atlas().labels.clear();
        vec![Question::new(Purpose::LabelsFile, CommandBody::LabelsDrop)]
    }

    fn refuse_labels(&mut self, what: &str, remedy: &str) {
        let it = Failure {
            what: what.into(),
            remedy: remedy.into(),
            detail: String::new(),
        };
        self.troubles.insert("labels", it);
    }

    /// Takes somebody's labels among one's own; the file is handed over beside the command.
    pub fn merge_labels(&mut self, name: String) -> Vec<Question> {
        self.troubles.remove("labels");
        let from = LabelsFrom::Beside { part: 0, name };
        vec![Question::new(
            Purpose::OwnLabels,
            CommandBody::LabelsMerge { from },
        )]
    }

    /// One's own labels as a file.
    pub fn save_labels(&mut self) -> Vec<Question> {
        self.troubles.remove("labels");
        vec![Question::new(Purpose::OwnLabels, CommandBody::LabelsExport)]
    }

    /// Calls a feature something; nothing takes that away.
    pub fn edit_label(&mut self, feature: FeatureId, text: &str) -> Vec<Question> {
        self.troubles.remove("labels");
        if self.shows_snapshot() {
            self.refuse_labels(OF_FILE.0, OF_FILE.1);
            return vec![];
        }
        let text: String = text.trim().into();
        let atlas = self.live_atlas();
        match text.is_empty() {
            true => atlas.own.remove(&feature),
            false => atlas.own.insert(feature, text.clone()),
        };
        vec![Question::new(
            Purpose::OwnLabels,
            CommandBody::LabelEdit { feature, text },
        )]
    }

    /// Takes all own labels and kept files away; once they are, the labels are those without them.
    pub fn forget_labels(&mut self) -> Vec<Question> {
        self.live_atlas().own.clear();
        self.live_atlas().labels.clear();
        self.labelling.hosted.clear();
        vec![Question::new(Purpose::OwnLabels, CommandBody::LabelsForget)]
    }

    /// Looks through all labels of all layers.
    pub fn search_labels(&mut self, text: &str) -> Vec<Question> {
        self.labelling.found.clear();
        let text = text.trim();
        if text.is_empty() || self.labelling.about.is_none() {
            return vec![];
        }
        let text = text.into();
        let limit = N_FOUND;
        vec![Question::new(
            Purpose::FindLabels,
            CommandBody::LabelsSearch { text, limit },
        )]
    }

    /// Labels of what fires in the run on the page, from the last layer down.
    pub(super) fn labels_of_run(&self) -> Vec<Question> {
        let record = self.shown.as_ref().map(|it| &it.record);
        let of = |it: &Arc<Record>| it.firings.iter().map(|it| it.feature()).collect();
        let features: BTreeSet<FeatureId> = record.map(of).unwrap_or_default();
        if self.labelling.about.is_none() {
            return vec![];
        }
        let features: Vec<FeatureId> = features.into_iter().rev().take(MAX_ASKED).collect();
        let ask = |features: &[FeatureId]| {
            let features = features.to_vec();
            Question::new(Purpose::LabelsOf, CommandBody::LabelsOf { features })
        };
        features.chunks(N_ASKED).map(ask).collect()
    }

    /// What a card says of its feature's labels.
    pub(super) fn label_of_card(&mut self, it: &FeatureCard) {
        let atlas = self.live_atlas();
        if let Some(label) = &it.label {
            atlas.labels.insert(it.feature, label.clone());
        }
        if let Some(own) = &it.yours {
            atlas.own.insert(it.feature, own.clone());
        }
    }

    /// What the engine tells of labels; none for what is not about them.
    pub(super) fn label_event(
        &mut self,
        purpose: &Purpose,
        it: &EventBody,
    ) -> Option<Vec<Question>> {
        match (purpose, it) {
            (Purpose::Labels | Purpose::LabelsFile, it) => return self.file_event(purpose, it),
            (Purpose::OwnLabels, EventBody::Done(it)) => return Some(self.own_done(it)),
            (Purpose::FindLabels, EventBody::Done(Outcome::LabelsFound(it))) => {
                let named = |it: &LabelHit| (it.feature, it.label.clone());
                self.labelling.found = it.hits.iter().map(named).collect();
            }
            (Purpose::LabelsOf, EventBody::Done(Outcome::LabelsFound(it))) => {
                self.labels_told(&it.hits)
            }
            (Purpose::OwnLabels, EventBody::Failed(it)) => {
                self.troubles.insert("labels", it.clone());
            }
            (Purpose::FindLabels | Purpose::LabelsOf, EventBody::Failed(_)) => (),
            _ => return None,
        }
        Some(vec![])
    }

    /// What is told of a labels file.
    fn file_event(&mut self, purpose: &Purpose, it: &EventBody) -> Option<Vec<Question>> {
        let coming = match it {
            EventBody::Progress {
                phase,
                done,
                total,
                unit,
            } => words::progress(phase, (*done, *total), unit),
            _ => String::new(),
        };
        self.labelling.coming = coming;
        match it {
            EventBody::Progress { .. } => (),
            EventBody::Done(Outcome::LabelsLoaded {
                about,
                own,
                kept,
                not_kept,
            }) => {
                let atlas = self.live_atlas();
                atlas.made.clone_from(&about.made);
                if *purpose == Purpose::LabelsFile || kept.is_some() {
                    // Those of another file: of this one none were told.
                    atlas.labels.clear();
                }
                self.labelling.told = words::labels(about);
                self.labelling.about = Some(about.clone());
                self.labelling.kept.clone_from(kept);
                self.own_labels(own);
                if let Some(it) = not_kept {
                    self.troubles.insert("labels", it.clone());
                }
                return Some(self.labels_of_run());
            }
            EventBody::Done(Outcome::Freed { size_bytes }) => {
                self.labelling.told = format!("{} freed.", bytes(*size_bytes));
                return Some(vec![self.load_labels()]);
            }
            _ => return None,
        }
        Some(vec![])
    }

    fn own_done(&mut self, it: &Outcome) -> Vec<Question> {
        match it {
            Outcome::LabelsOwn(it) => {
                self.own_labels(it);
                if it.n_added + it.n_same + it.conflicts.len() > 0 {
                    self.labelling.told = words::merged(it);
                }
            }
            Outcome::LabelsFile { json } => {
                self.files.made = Some(File {
                    name: "gemscope-labels.json".into(),
                    mime: "application/json".into(),
                    bytes: json.clone().into_bytes(),
                    to: Destination::Disk,
                });
            }
            Outcome::Freed { size_bytes } => {
                self.labelling.n_own = 0;
                self.labelling.told = format!("{} freed.", bytes(*size_bytes));
                return vec![self.load_labels()];
            }
            _ => (),
        }
        vec![]
    }

    fn own_labels(&mut self, it: &LabelsOwn) {
        self.labelling.n_own = it.n_own;
        if let Some(Failure { what, remedy, .. }) = &it.not_kept {
            self.labelling.told =
                format!("Your labels are not kept beyond this visit: {what} {remedy}");
        }
    }

    fn labels_told(&mut self, hits: &[LabelHit]) {
        let atlas = self.live_atlas();
        for it in hits {
            if it.yours {
                atlas.own.insert(it.feature, it.label.clone());
            } else {
                let label = Label {
                    index: it.feature.index,
                    label: Some(it.label.clone()).filter(|it| !it.is_empty()),
                    density: it.density,
                    max: it.max,
                };
                atlas.labels.insert(it.feature, label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(feature: FeatureId, label: &str, yours: bool) -> LabelHit {
        LabelHit {
            feature,
            label: label.into(),
            yours,
            density: None,
            max: Some(3.0),
        }
    }

    #[test]
    fn own_labels_come_first_and_can_be_taken_away() {
        let mut desk = Desk::default();
        let feature = FeatureId { layer: 1, index: 2 };
        desk.labels_told(&[hit(feature, "theirs", false), hit(feature, "mine", true)]);
        assert_eq!(desk.atlas.words(feature), Some("mine"));
        let asked = desk.edit_label(feature, "  ");
        assert!(matches!(&asked[0].body, CommandBody::LabelEdit { text, .. } if text.is_empty()));
        assert_eq!(desk.atlas.words(feature), Some("theirs"));
        desk.edit_label(feature, " new <b>");
        assert_eq!(desk.atlas.words(feature), Some("new <b>"));
    }

    #[test]
    fn nothing_is_searched_before_there_are_labels() {
        let mut desk = Desk::default();
        assert!(desk.search_labels("texas").is_empty());
        desk.labelling.about = Some(LabelsAbout::default());
        assert!(desk.search_labels(" ").is_empty());
        assert_eq!(desk.search_labels("texas").len(), 1);
    }
}
