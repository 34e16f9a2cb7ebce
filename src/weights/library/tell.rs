//! What a fetch tells: its plan, how far it is, which parts are there.

use super::work::{State, Work};
use crate::spec::{
    FetchFile, FetchPhase, FetchPlan, FetchProgress, FetchTold, FetchWait, Fetched, PinnedRepo,
    Trust,
};
use std::collections::{BTreeMap, VecDeque};

/// The rate is a mean over so much time.
const RATE_MILLIS: f64 = 5_000.0;

/// Tells one who asked for a fetch.
pub(super) struct Teller<'a> {
    told: &'a mut dyn FnMut(FetchTold),
    start_millis: f64,
    start_bytes: u64,
    /// When, and how many bytes had come by then.
    seen: VecDeque<(f64, u64)>,
    /// Which files of the state are in the plan, and where.
    places: BTreeMap<usize, usize>,
    last: Option<FetchProgress>,
}

impl<'a> Teller<'a> {
    /// From now on.
    pub fn new(work: &Work, told: &'a mut dyn FnMut(FetchTold)) -> Self {
        let net = work.library.net();
        Self {
            told,
            start_millis: net.clock().now_millis(),
            start_bytes: net.counts().n_bytes,
            seen: VecDeque::new(),
            places: BTreeMap::new(),
            last: None,
        }
    }

    /// Tells the plan; sizes of `n_unknown` layers are taken to be those of the first.
    pub fn plan(&mut self, work: &Work, n_unknown: usize, missing_bytes: Option<u64>) {
        let mut plan = FetchPlan {
            repos: repos(work),
            missing_bytes,
            certain: n_unknown == 0,
            ..FetchPlan::default()
        };
        let state = work.state.borrow();
        self.places.clear();
        for (at, it) in state.files.iter().enumerate() {
            let (size_bytes, done_bytes, trust) = of_file(&state, at);
            self.places.insert(at, plan.files.len());
            plan.files.push(FetchFile {
                repo: it.supply,
                file: it.name.clone(),
                size_bytes,
                done_bytes,
                trust,
            });
        }
        for it in &state.parts {
            let (source, done) = (it.plan.source_bytes(), it.done_bytes());
            let same = match it.plan.part.is_of_dictionary() {
                true => 1 + n_unknown as u64,
                false => 1,
            };
            plan.download_bytes += source * same - done;
            plan.disk_bytes += it.plan.size_bytes * same;
            plan.kept_bytes += match it.is_whole {
                true => it.plan.size_bytes,
                false => it.plan.size_bytes * done / source.max(1),
            };
        }
        plan.waiting_bytes = waiting_bytes(&state);
        drop(state);
        (self.told)(FetchTold::Plan(plan));
        self.tell(work);
    }

    /// Tells what has changed.
    pub fn tell(&mut self, work: &Work) {
        self.news(work);
        let progress = self.progress(work);
        if self.last.as_ref() != Some(&progress) {
            self.last = Some(progress.clone());
            (self.told)(FetchTold::Progress(progress));
        }
    }

    /// Tells which parts are there.
    pub fn news(&mut self, work: &Work) {
        let news = std::mem::take(&mut work.state.borrow_mut().news);
        for (part, trust) in news {
            (self.told)(FetchTold::Part { part, trust });
        }
    }

    /// How it ended.
    pub fn fetched(&self, work: &Work) -> Fetched {
        let net = work.library.net();
        let state = work.state.borrow();
        Fetched {
            repos: repos(work),
            received_bytes: net.counts().n_bytes - self.start_bytes,
            disk_bytes: state.parts.iter().map(|it| it.plan.size_bytes).sum(),
            trust: (state.parts.iter().filter_map(|it| it.trust()).min()).unwrap_or(Trust::File),
            seconds: (net.clock().now_millis() - self.start_millis) / 1e3,
        }
    }

    fn progress(&mut self, work: &Work) -> FetchProgress {
        let net = work.library.net();
        let now_millis = net.clock().now_millis();
        let received_bytes = net.counts().n_bytes - self.start_bytes;
        self.seen.push_back((now_millis, received_bytes));
        while (self.seen.get(1)).is_some_and(|it| now_millis - it.0 >= RATE_MILLIS) {
            self.seen.pop_front();
        }
        let state = work.state.borrow();
        let total_bytes: u64 = state.parts.iter().map(|it| it.plan.source_bytes()).sum();
        let done_bytes: u64 = state.parts.iter().map(|it| it.done_bytes()).sum();
        let since = self
            .seen
            .front()
            .copied()
            .unwrap_or((now_millis, received_bytes));
        let millis = now_millis - since.0;
        let came_bytes = (received_bytes - since.1) as f64;
        let bytes_per_second = if millis > 0.0 {
            came_bytes / millis * 1e3
        } else {
            0.0
        };
        let left_bytes = (total_bytes - done_bytes) as f64;
        let busy = state.parts.iter().filter(|it| !it.in_flight.is_empty());
        let mut files: Vec<usize> = busy
            .flat_map(|it| it.in_flight.iter().map(|piece| it.files[*piece as usize]))
            .collect();
        files.sort_unstable();
        files.dedup();
        let places = files.iter().filter_map(|it| {
            let place = self.places.get(it)?;
            Some((*place, of_file(&state, *it).1))
        });
        FetchProgress {
            done_bytes,
            total_bytes,
            received_bytes,
            bytes_per_second,
            eta_seconds: (bytes_per_second > 0.0).then(|| left_bytes / bytes_per_second),
            phase: phase(&state),
            files: places.collect(),
            waiting: waiting(work, now_millis),
        }
    }
}

fn repos(work: &Work) -> Vec<PinnedRepo> {
    let supplies = work.supplies.borrow();
    let repo = |it: &super::supply::Supply| PinnedRepo {
        repo: it.repo.clone(),
        commit: it.commit.clone(),
    };
    supplies.iter().map(repo).collect()
}

/// Bytes of a file that are needed, those that are there, and the least that is known of these.
fn of_file(state: &State, file: usize) -> (u64, u64, Option<Trust>) {
    let (mut size_bytes, mut done_bytes, mut trust) = (0, 0, None);
    for part in &state.parts {
        for (piece, _) in (0..).zip(&part.files).filter(|it| *it.1 == file) {
            let piece_bytes = part.piece_bytes(piece);
            size_bytes += piece_bytes;
            if part.is_opaque {
                done_bytes += piece_bytes;
            } else if let Some(mark) = part.marks.get(&piece) {
                done_bytes += piece_bytes;
                trust = Some(trust.map_or(mark.trust, |it: Trust| it.min(mark.trust)));
            }
        }
    }
    (size_bytes, done_bytes, trust)
}

/// What may wait at most: all pieces of a file that can't be had back, until the file's first byte has come.
fn waiting_bytes(state: &State) -> u64 {
    let files = state.files.iter().filter(|it| it.is_to_be_proven());
    let mut out = 0;
    for it in files {
        let needed = it
            .cover
            .iter()
            .filter(|it| state.parts[it.0].spill.is_needed(it.1));
        let bytes = needed.map(|it| state.parts[it.0].piece_bytes(it.1));
        out += bytes.sum::<u64>();
    }
    out
}

fn phase(state: &State) -> FetchPhase {
    let busy = |it: &&super::work::PartWork| !it.in_flight.is_empty();
    let mut parts = state.parts.iter().filter(busy);
    match parts.clone().next() {
        Some(_) if parts.all(|it| it.donor.is_some()) => FetchPhase::Converting,
        Some(_) => FetchPhase::Downloading,
        None if state.files.iter().any(|it| it.is_busy) => FetchPhase::Verifying,
        None if state.parts.iter().any(|it| !it.is_settled()) => FetchPhase::Downloading,
        None => FetchPhase::Asking,
    }
}

/// Why nothing comes: what the network waits for, or another tab.
fn waiting(work: &Work, now_millis: f64) -> Option<FetchWait> {
    if let Some(it) = work.library.net().waits().first() {
        return Some(FetchWait {
            why: it.reason.to_string(),
            seconds: it.until_millis.map(|it| (it - now_millis).max(0.0) / 1e3),
        });
    }
    let state = work.state.borrow();
    let is_elsewhere = |it: &super::work::Group| matches!(it.hold, super::work::Hold::Elsewhere);
    let all = state.groups.iter().all(is_elsewhere);
    (all && !state.groups.is_empty()).then(|| FetchWait {
        why: "another tab or program fetches it".into(),
        seconds: None,
    })
}
