//! What is kept on this device, on the desk: by rows of which each can be verified and removed, what a verification found, and what becomes
//! of an open model that loses parts. Leaves drawing to `store_view`, fetching and opening to `library`.

use super::{
    amounts::bytes,
    ask::{Purpose, Question},
    choice::{Choice, layer_words},
    desk::Desk,
    library::Library,
    words,
};
use crate::{
    session::protocol::{
        CommandBody, ModelRef, OpenRequest, StoredSelection, TranscoderRef, Verified,
    },
    spec::{Damage, Packing, Part, StoredPart, StoredSource},
};

const MODEL_FILES: &str = "the model";
const UNKNOWN_SOURCE: &str = "from nowhere that is known";

/// A row of what is kept: of one file of a repository, or of the files of a model, in one packing; or all of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptRow {
    /// What it is.
    pub words: String,
    /// The names of its parts in the store.
    pub keys: Vec<String>,
}

/// A verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Of what.
    selection: StoredSelection,
    /// What it found; none before it has ended.
    damaged: Option<Vec<Damage>>,
}

/// What is kept of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptSet {
    /// All of it.
    pub all: KeptRow,
    /// Its files, in the order of layers.
    pub rows: Vec<KeptRow>,
}

impl KeptRow {
    /// What is meant by it.
    pub fn selection(&self) -> StoredSelection {
        StoredSelection {
            keys: Some(self.keys.clone()),
            ..StoredSelection::default()
        }
    }
}

impl Library {
    /// What is kept, by repository.
    pub fn kept_sets(&self) -> Vec<KeptSet> {
        let sources = self.stored.iter().flat_map(|it| &it.sources);
        let mut out: Vec<(Option<&_>, Vec<&StoredSource>)> = Vec::new();
        for it in sources {
            match out.last_mut() {
                Some(last) if last.0 == it.repo.as_ref() => last.1.push(it),
                _ => out.push((it.repo.as_ref(), vec![it])),
            }
        }
        out.iter().map(|it| self.kept_set(&it.1)).collect()
    }

    fn kept_set(&self, sources: &[&StoredSource]) -> KeptSet {
        let parts = || sources.iter().flat_map(|it| &it.parts);
        let name = sources.first().and_then(|it| it.repo.as_ref());
        let name = name.map_or_else(|| UNKNOWN_SOURCE.into(), ToString::to_string);
        let mut rows: Vec<(usize, KeptRow)> = Vec::new();
        for it in sources {
            let mut packings: Vec<Packing> = Vec::new();
            for packing in it.parts.iter().filter_map(|it| it.packing) {
                if !packings.contains(&packing) {
                    packings.push(packing);
                }
            }
            for packing in packings {
                let parts = it.parts.iter().filter(|it| it.packing == Some(packing));
                let parts: Vec<&StoredPart> = parts.collect();
                let what = format!(
                    "{}, {}",
                    it.file.as_deref().unwrap_or(MODEL_FILES),
                    packed_words(packing)
                );
                let layers = parts.iter().filter_map(|it| it.part.and_then(Part::layer));
                rows.push((layers.min().unwrap_or_default(), self.row(&what, &parts)));
            }
        }
        rows.sort_by_key(|it| it.0);
        KeptSet {
            all: self.row(&name, &parts().collect::<Vec<_>>()),
            rows: rows.into_iter().map(|it| it.1).collect(),
        }
    }

    fn row(&self, what: &str, parts: &[&StoredPart]) -> KeptRow {
        let keys: Vec<String> = parts.iter().map(|it| it.key.clone()).collect();
        let size = parts.iter().map(|it| it.done_bytes).sum();
        let whole = parts.iter().filter(|it| it.whole).count();
        let layers = parts.iter().filter_map(|it| it.part.and_then(Part::layer));
        let mut layers: Vec<usize> = layers.collect();
        layers.sort_unstable();
        layers.dedup();
        let trust = parts.iter().filter_map(|it| it.trust).min();
        let trust = trust.map_or_else(String::new, |it| format!(", {}", words::trust(it)));
        let n = parts.len();
        KeptRow {
            words: format!(
                "{what}: {}, {whole} of {n} parts whole, layers {}{trust}{}",
                bytes(size),
                layer_words(&layers),
                self.found_words(&keys)
            ),
            keys,
        }
    }

    /// What the last verification found of these.
    fn found_words(&self, keys: &[String]) -> String {
        let last = self.verification.as_ref();
        let Some((of, damaged)) = last.and_then(|it| Some((&it.selection, it.damaged.as_ref()?)))
        else {
            return String::new();
        };
        let here: Vec<&Damage> = damaged.iter().filter(|it| keys.contains(&it.key)).collect();
        let read = (of.keys.as_ref()).is_none_or(|of| keys.iter().all(|it| of.contains(it)));
        match (here.is_empty(), read) {
            (true, true) => ", undamaged".into(),
            (true, false) => String::new(),
            (false, _) => format!("; damaged: {}", damage_words(&here)),
        }
    }

    /// Whether some of what is meant is of a set.
    fn is_of(&self, set: &OpenRequest, selection: &StoredSelection) -> bool {
        let place = set.transcoders.as_ref().map(|it| &it.place);
        let repos = match (&set.model, place) {
            (ModelRef::Hub { repo }, Some(TranscoderRef::Hub { repo: other })) => {
                [Some(repo), Some(other)]
            }
            (ModelRef::Hub { repo }, _) => [Some(repo), None],
            _ => return false,
        };
        let mut sources = self.stored.iter().flat_map(|it| &it.sources);
        sources.any(|source| {
            let of = |it: &Option<&_>| it.is_some_and(|it| source.repo.as_ref() == Some(it));
            repos.iter().any(of) && source.parts.iter().any(|it| selection.takes(source, it))
        })
    }

    /// Whether anything of a set's model would be left.
    fn leaves(&self, set: &OpenRequest, selection: &StoredSelection) -> bool {
        let ModelRef::Hub { repo } = &set.model else {
            return false;
        };
        let mut sources = self.stored.iter().flat_map(|it| &it.sources);
        sources.any(|source| {
            let is_left = |it: &StoredPart| it.part.is_some() && !selection.takes(source, it);
            source.repo.as_ref() == Some(repo) && source.parts.iter().any(is_left)
        })
    }
}

impl Desk {
    /// What is kept.
    pub fn look_at_store(&mut self) -> Vec<Question> {
        vec![Question::new(Purpose::Stored, CommandBody::Stored)]
    }

    /// Compares what is kept with its hashes; what is damaged is fetched again after a repair.
    pub fn verify(&mut self, selection: StoredSelection, repair: bool) -> Vec<Question> {
        self.library.failure = None;
        self.library.verification = Some(Verification {
            selection: selection.clone(),
            damaged: None,
        });
        let body = CommandBody::Verify { selection, repair };
        vec![Question::new(Purpose::Verify, body)]
    }

    /// Takes away all that is kept; what is being fetched is stopped before, since nothing can be taken away that is being written.
    pub fn remove_all(&mut self) -> Vec<Question> {
        let Some(it) = &self.library.fetching else {
            return self.remove(StoredSelection::default());
        };
        let body = CommandBody::Cancel { id: it.id };
        self.library.removing = true;
        vec![Question::new(Purpose::Library, body)]
    }

    /// Takes away what is meant. What is open can't be taken away: it is closed, and what is left of it opens again, or the demo.
    pub fn remove(&mut self, selection: StoredSelection) -> Vec<Question> {
        self.library.failure = None;
        self.library.verification = None;
        let all = selection == StoredSelection::default();
        let open = self.library.open.clone().filter(|it| {
            matches!(it.model, ModelRef::Hub { .. }) && (all || self.library.is_of(it, &selection))
        });
        let left = (open.as_ref()).is_some_and(|it| self.library.leaves(it, &selection));
        let body = CommandBody::Remove {
            selection,
            set_aside: false,
        };
        let remove = Question::new(Purpose::Remove, body);
        let Some(open) = open else {
            return vec![remove];
        };
        let close = Question::new(Purpose::Library, CommandBody::Close);
        let mut out = vec![close, remove];
        if left {
            out.extend(self.open(open));
        } else {
            self.library.choice = Choice::default();
            out.extend(self.open_chosen());
            // That one is gone.
            self.library.former = None;
        }
        out
    }

    /// The fetch has ended: what was to be taken away then is taken away.
    pub(super) fn fetch_ended(&mut self) -> Vec<Question> {
        match std::mem::take(&mut self.library.removing) {
            true => self.remove(StoredSelection::default()),
            false => vec![],
        }
    }

    /// What a verification found.
    pub(super) fn verified(&mut self, it: &Verified) -> Vec<Question> {
        let damaged: Vec<&Damage> = it.damaged.iter().collect();
        let size = bytes(damaged.iter().map(|it| it.size_bytes).sum());
        let forgotten = damaged.iter().any(|it| it.forgotten);
        let names = damage_words(&damaged);
        self.tell(&match (damaged.is_empty(), forgotten) {
            (true, _) => format!("{} read: nothing is damaged.", bytes(it.read_bytes)),
            (_, false) => format!("Damaged: {names}. Repair has {size} fetched again."),
            (_, true) => format!("Was damaged: {names}. Get it again, which brings {size}."),
        });
        if let Some(last) = &mut self.library.verification {
            last.damaged = Some(it.damaged.clone());
        }
        self.look_at_store()
    }
}

fn packed_words(it: Packing) -> &'static str {
    match it {
        Packing::F32 => "f32",
        Packing::Bf16 => "bf16",
        Packing::F16 => "f16",
        Packing::Q8 => "8 bit",
    }
}

/// What is damaged: `encoder.3 (2 pieces, 16 MB), ..`.
fn damage_words(all: &[&Damage]) -> String {
    let one = |it: &&Damage| {
        let name = it.part.map_or_else(|| it.key.clone(), |it| it.to_string());
        let n = words::count(it.n_pieces, "piece");
        format!("{name} ({n}, {})", bytes(it.size_bytes))
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "storing_tests.rs"]
mod tests;
