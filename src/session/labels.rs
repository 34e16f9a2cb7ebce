//! Labels searched, written by the visitor and kept, beside the commands in their turn. Leaves reading files to `label_reading`, asking
//! servers to `hosted`, ranking to `scope`, keeping to `weights::Library`.

use super::{
    fetching::Desk,
    inbox::Job,
    protocol::{CommandBody, Outcome},
    trouble::Trouble,
};
use crate::{
    scope::{LabelQuery, LabelSearch, Labels, OwnLabels, feature_id},
    spec::{Example, FeatureId, HostedLabel, Label, LabelHit, LabelsFound, LabelsFrom, LabelsOwn},
    store::sha256,
    sys::{Stop, Stopwatch, yield_now},
};
use futures_util::FutureExt;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

/// How long is searched or read before others have their turn.
pub(super) const SLICE_MILLIS: f64 = 20.0;
/// Labels that are looked at between two looks at the clock.
const LABELS_PER_LOOK: usize = 4096;
/// Labels that are told at most, whatever is asked.
const MOST_TOLD: usize = 1000;
/// How names of notes begin that hold own labels, and labels files.
const OWN: &str = "labels-";
pub(super) const FILE: &str = "file-";

/// The labels that are read, the visitor's own, and what servers said.
#[derive(Default)]
pub(super) struct LabelShelf {
    set: RefCell<String>,
    labels: RefCell<Rc<Labels>>,
    own: RefCell<OwnLabels>,
    /// By feature; only of those that were looked at.
    hosted: RefCell<BTreeMap<FeatureId, HostedLabel>>,
    searching: RefCell<Option<Stop>>,
    n_loads: Cell<u64>,
}

impl LabelShelf {
    /// Notes that others are to be read; the number of the turn.
    pub fn load(&self) -> u64 {
        self.n_loads.set(self.n_loads.get() + 1);
        self.n_loads.get()
    }

    /// Whether nothing else is to be read since that turn.
    pub fn is_newest(&self, turn: u64) -> bool {
        self.n_loads.get() == turn
    }

    /// Takes others in place of those that are there.
    pub fn show(&self, set: &str, labels: Labels, own: OwnLabels) {
        self.set.replace(set.into());
        self.labels.replace(Rc::new(labels));
        self.own.replace(own);
    }

    /// What the visitor wrote, if it is of this set.
    pub fn own_of(&self, set: &str) -> OwnLabels {
        match self.shows(set) {
            true => self.own.borrow().clone(),
            false => OwnLabels::default(),
        }
    }

    /// All that the file says.
    pub fn all(&self) -> Rc<Labels> {
        self.labels.borrow().clone()
    }

    /// What a file says of a feature.
    pub fn label(&self, feature: FeatureId) -> Option<Label> {
        self.labels.borrow().label(feature)
    }

    /// What the visitor calls it.
    pub fn yours(&self, feature: FeatureId) -> Option<String> {
        self.own.borrow().get(feature).map(Into::into)
    }

    /// Whether the visitor calls any feature anything.
    pub fn has_own(&self) -> bool {
        !self.own.borrow().is_empty()
    }

    /// What a feature is called: by the visitor, otherwise by the file; empty where nobody calls it anything.
    pub fn called(&self, feature: FeatureId) -> String {
        let known = || self.label(feature)?.label;
        self.yours(feature).or_else(known).unwrap_or_default()
    }

    /// Where it fires most, at most `n` sentences.
    pub fn examples(&self, feature: FeatureId, n: usize) -> Vec<Example> {
        self.labels.borrow().examples(feature, n)
    }

    /// What a server said of a feature in this visit, or before.
    pub fn hosted(&self, feature: FeatureId) -> Option<HostedLabel> {
        self.hosted.borrow().get(&feature).cloned()
    }

    /// Notes it for this visit.
    pub fn take_hosted(&self, it: HostedLabel) {
        self.hosted.borrow_mut().insert(it.feature, it);
    }

    /// Forgets what was noted.
    pub fn forget_hosted(&self) {
        self.hosted.take();
    }

    fn hit(&self, feature: FeatureId) -> LabelHit {
        let known = self.label(feature);
        let yours = self.yours(feature);
        LabelHit {
            feature,
            yours: yours.is_some(),
            density: known.as_ref().and_then(|it| it.density),
            max: known.as_ref().and_then(|it| it.max),
            label: yours.or(known.and_then(|it| it.label)).unwrap_or_default(),
        }
    }

    fn is_known(&self, feature: FeatureId) -> bool {
        self.label(feature).is_some() || self.yours(feature).is_some()
    }

    /// The visitor's own that fit, the best first.
    fn own_hits(&self, query: &LabelQuery) -> Vec<FeatureId> {
        let own = self.own.borrow();
        let fits = own.iter().filter_map(|(feature, text)| {
            let rank = query.rank(&text.to_lowercase())?;
            Some((rank, text.len(), feature))
        });
        let mut out: Vec<_> = fits.collect();
        out.sort();
        out.into_iter().map(|it| it.2).collect()
    }

    /// The set whose own labels are shown.
    ///
    /// Errors: [`Trouble::NoLabelSet`].
    pub fn set(&self) -> Result<String, Trouble> {
        let set = self.set.borrow().clone();
        match set.is_empty() {
            true => Err(Trouble::NoLabelSet),
            false => Ok(set),
        }
    }

    fn shows(&self, set: &str) -> bool {
        *self.set.borrow() == set
    }
}

/// Whether a command belongs here; all of these wait for no turn.
pub(super) fn is_about(body: &CommandBody) -> bool {
    matches!(
        body,
        CommandBody::LabelsLoad { .. }
            | CommandBody::LabelsSearch { .. }
            | CommandBody::LabelsOf { .. }
            | CommandBody::LabelEdit { .. }
            | CommandBody::LabelsExport
            | CommandBody::LabelsMerge { .. }
            | CommandBody::LabelsImport { .. }
            | CommandBody::LabelsForget
            | CommandBody::LabelsDrop
            | CommandBody::HostedLabel { .. }
    )
}

impl Desk {
    /// Begins a command that [`is_about`] labels.
    pub(super) fn begin_labels(&self, job: Job) {
        let (desk, job) = (self.clone(), Rc::new(job));
        let doing = {
            let job = job.clone();
            async move { desk.about_labels(&job).await }.boxed_local()
        };
        self.background.begin(&job, doing);
    }

    async fn about_labels(&self, job: &Job) -> Result<Outcome, Trouble> {
        match &job.body {
            CommandBody::LabelsLoad { .. } => self.load(job).await,
            CommandBody::LabelsDrop => self.drop_file().await,
            CommandBody::LabelsSearch { text, limit } => {
                let found = self.search(job, text, (*limit).min(MOST_TOLD)).await?;
                Ok(Outcome::LabelsFound(found))
            }
            CommandBody::LabelsOf { features } => Ok(Outcome::LabelsFound(self.known(features))),
            CommandBody::LabelEdit { feature, text } => {
                let edit = |own: &mut OwnLabels| own.edit(*feature, text);
                self.change(job, edit).await.map(Outcome::LabelsOwn)
            }
            CommandBody::LabelsExport => {
                let set = self.labels.set()?;
                let json = self.labels.own.borrow().to_file(&set);
                Ok(Outcome::LabelsFile { json })
            }
            CommandBody::LabelsMerge { from } => self.merge(job, from).await,
            CommandBody::LabelsImport { from, about } => self.import_labels(job, from, about).await,
            CommandBody::LabelsForget => {
                self.labels.own.take();
                let mut size_bytes = self.forget_hosted().await?;
                let notes = self.librarian.notes().await?;
                for it in [OWN, FILE] {
                    size_bytes += notes.forget_notes(it).await?;
                }
                Ok(Outcome::Freed { size_bytes })
            }
            CommandBody::HostedLabel { feature, ask } => self.hosted(job, *feature, *ask).await,
            _ => Err(Trouble::NotInTurn),
        }
    }

    async fn search(&self, job: &Job, text: &str, limit: usize) -> Result<LabelsFound, Trouble> {
        let shelf = &self.labels;
        if let Some(older) = shelf.searching.replace(Some(job.stop.clone())) {
            older.set();
        }
        let labels = shelf.labels.borrow().clone();
        let n_searched = labels.about().n_labels + shelf.own.borrow().len();
        let Some(query) = LabelQuery::new(text) else {
            return Ok(LabelsFound {
                n_searched,
                ..LabelsFound::default()
            });
        };
        let mut hits: Vec<FeatureId> = feature_id(text).into_iter().collect();
        for it in shelf.own_hits(&query) {
            if !hits.contains(&it) {
                hits.push(it);
            }
        }
        let n_first = hits.len();
        // Those that stand there already may come again.
        let mut search = LabelSearch::new(query, limit.saturating_add(n_first));
        let mut slice = Stopwatch::start();
        while search.step(&labels, LABELS_PER_LOOK) {
            if slice.millis() > SLICE_MILLIS {
                breathe(&job.stop).await?;
                slice = Stopwatch::start();
            }
        }
        if job.stop.is_set() {
            return Err(Trouble::Stopped);
        }
        let (found, n_found) = search.finish();
        let n_again = hits.iter().filter(|it| found.contains(it)).count();
        let more: Vec<FeatureId> = found.into_iter().filter(|it| !hits.contains(it)).collect();
        hits.extend(more);
        hits.truncate(limit);
        Ok(LabelsFound {
            hits: hits.into_iter().map(|it| shelf.hit(it)).collect(),
            n_found: n_found + n_first - n_again,
            n_searched,
        })
    }

    fn known(&self, features: &[FeatureId]) -> LabelsFound {
        let shelf = &self.labels;
        let known = features.iter().filter(|it| shelf.is_known(**it));
        let hits: Vec<LabelHit> = known.map(|it| shelf.hit(*it)).collect();
        LabelsFound {
            n_found: hits.len(),
            n_searched: features.len(),
            hits,
        }
    }

    async fn merge(&self, job: &Job, from: &LabelsFrom) -> Result<Outcome, Trouble> {
        let set = self.labels.set()?;
        let (theirs, _) = self.read(job, &set, from).await?;
        let mut told = LabelsOwn::default();
        let merge = |own: &mut OwnLabels| told = own.merge(&theirs);
        let kept = self.change(job, merge).await?;
        Ok(Outcome::LabelsOwn(LabelsOwn {
            n_own: kept.n_own,
            not_kept: kept.not_kept,
            ..told
        }))
    }

    /// Changes own labels where they are kept, or in memory where nothing can be.
    async fn change(
        &self,
        job: &Job,
        mut change: impl FnMut(&mut OwnLabels),
    ) -> Result<LabelsOwn, Trouble> {
        let set = self.labels.set()?;
        let kept = match self.librarian.notes().await {
            Ok(notes) => {
                let name = note(OWN, &set).await;
                let changed = notes.change_note(&name, &job.stop, &mut change).await;
                changed.map_err(Trouble::from)
            }
            Err(it) => Err(it),
        };
        let (own, not_kept) = match kept {
            Ok(it) => (it, None),
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(it) => {
                let mut own = self.labels.own.borrow().clone();
                change(&mut own);
                (own, Some(it.failure()))
            }
        };
        let n_own = own.len();
        // Another set may have been opened while this one was written.
        if self.labels.shows(&set) {
            self.labels.own.replace(own);
        }
        Ok(LabelsOwn {
            n_own,
            not_kept,
            ..LabelsOwn::default()
        })
    }

    /// The visitor's own labels of a set, as they are kept.
    pub(super) async fn kept(&self, set: &str) -> Result<OwnLabels, Trouble> {
        if set.is_empty() {
            return Ok(OwnLabels::default());
        }
        let notes = self.librarian.notes().await?;
        let name = note(OWN, set).await;
        Ok(notes.note(&name).await?.unwrap_or_default())
    }
}

/// The name under which something of a set is kept.
pub(super) async fn note(what: &str, set: &str) -> String {
    let hash = sha256(&set.as_bytes().to_vec().into()).await;
    let digits: String = hash[..8].iter().map(|it| format!("{it:02x}")).collect();
    format!("{what}{digits}")
}

/// Lets others have their turn.
///
/// Errors: [`Trouble::Stopped`] where this is no longer wanted.
pub(super) async fn breathe(stop: &Stop) -> Result<(), Trouble> {
    yield_now().await;
    match stop.is_set() {
        true => Err(Trouble::Stopped),
        false => Ok(()),
    }
}
