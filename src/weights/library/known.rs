//! Where what is kept came from, as far as the lists of repositories that are kept beside it say.

use super::{
    Library, LibraryError,
    names::{self, Name},
    resolve::{Pin, SET_FILE, Tree},
};
use crate::{
    spec::{RepoRef, TranscoderSet},
    weights::{WeightsError, checkpoint::TOKENIZER_FILE},
};
use std::collections::{BTreeMap, BTreeSet};

/// A file, or the files of a model, in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The repository.
    pub repo: RepoRef,
    /// The commit.
    pub commit: String,
    /// The file; none for the files of a model, and for what belongs to the whole repository.
    pub file: Option<String>,
}

/// A repository's list, and what follows from it.
struct Listed {
    key: String,
    tree: Tree,
    /// The id of the model that its files would be.
    model: String,
    /// Ids of its files.
    files: BTreeSet<String>,
    /// Ids of other repositories' files that its own list of transcoders names.
    named: BTreeSet<String>,
}

/// All that is known, by the ids that names in the store have.
pub(super) struct Known {
    listed: Vec<Listed>,
    pins: BTreeMap<String, Pin>,
}

impl Known {
    /// Reads every list that is kept; damaged ones say nothing.
    ///
    /// Errors: those of the store.
    pub async fn read(library: &Library, keys: &[String]) -> Result<Self, WeightsError> {
        let (mut listed, mut pins) = (Vec::new(), BTreeMap::new());
        for key in keys {
            match Name::parse(key) {
                Some(Name::Pin(..)) => {
                    let pin = said(library.read_json::<Pin>(key).await)?;
                    pins.extend(pin.map(|it| (key.clone(), it)));
                }
                Some(Name::Tree(..)) => {
                    let tree = said(library.read_json::<Tree>(key).await)?;
                    listed.extend(tree.map(|it| Listed::new(key, it)));
                }
                _ => (),
            }
        }
        let mut this = Self { listed, pins };
        this.add_named(library).await?;
        // A repository may have been listed at several commits; the one that it is pinned to is the one to tell.
        let current = |it: &Listed| {
            let mut pins = this.pins.values();
            pins.any(|pin| (&pin.repo, &pin.commit) == (&it.tree.repo, &it.tree.commit))
        };
        let mut order: Vec<(bool, usize)> =
            this.listed.iter().map(|it| !current(it)).zip(0..).collect();
        order.sort_unstable();
        let mut listed: Vec<Option<Listed>> = this.listed.into_iter().map(Some).collect();
        this.listed = order.iter().filter_map(|it| listed[it.1].take()).collect();
        Ok(this)
    }

    /// Files of other repositories that a list of circuit-tracer's names belong to the repository with the list too.
    async fn add_named(&mut self, library: &Library) -> Result<(), WeightsError> {
        for n in 0..self.listed.len() {
            let tree = &self.listed[n].tree;
            let Some(list) = tree.files.get(SET_FILE) else {
                continue;
            };
            let key = Name::Small(names::file_id(list)).key();
            let text = library.read_bytes(&key).await?.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let set = TranscoderSet::parse(&text, &tree.repo.endpoint).ok();
            let files = set.and_then(|it| it.files).unwrap_or_default();
            let ids = files.iter().flat_map(|file| {
                let of_repo = self.listed.iter().filter(|it| it.tree.repo == file.repo);
                of_repo.filter_map(|it| it.tree.files.get(&file.file).map(names::file_id))
            });
            self.listed[n].named = ids.collect();
        }
        Ok(())
    }

    /// The repositories that hold what a name stands for, the one to tell first.
    pub fn origins(&self, name: &Name) -> Vec<Origin> {
        let id = match name {
            Name::Part(id, ..) | Name::Spill(id, ..) | Name::Head(id) => id,
            Name::Tokenizer(id) | Name::Small(id) | Name::Proof(id, _) => id,
            Name::Pin(..) => {
                let pin = self.pins.get(&name.key());
                return pin.map(Origin::of_pin).into_iter().collect();
            }
            Name::Tree(..) => {
                let key = name.key();
                let of = self.listed.iter().filter(|it| it.key == key);
                return of.map(|it| it.origin(None)).collect();
            }
        };
        let is_whole_repo = matches!(name, Name::Tokenizer(_) | Name::Small(_));
        let own = self.listed.iter().filter_map(|it| {
            let file = it.file(id);
            let is_model = it.model == *id;
            let of_model = is_whole_repo || (matches!(name, Name::Proof(..)) && it.is_model());
            (is_model || file.is_some()).then(|| it.origin(file.filter(|_| !is_model && !of_model)))
        });
        let named = self.listed.iter().filter(|it| it.named.contains(id));
        own.chain(named.map(|it| it.origin(None))).collect()
    }

    /// The names of the documents that parts of these sources can't do without: headers, and of the repositories that hold them the
    /// lists, commits, small files and proofs.
    pub fn needed<'a>(
        &self,
        names: impl IntoIterator<Item = &'a Name>,
        sources: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let holds = |it: &&Listed| {
            let mut ids = it.files.iter().chain(&it.named).chain([&it.model]);
            ids.any(|it| sources.contains(it))
        };
        let repos: Vec<&Listed> = self.listed.iter().filter(holds).collect();
        let of_file = |id: &String| repos.iter().any(|it| it.files.contains(id));
        let is_needed = |name: &&Name| match name {
            Name::Head(id) => sources.contains(id),
            Name::Tokenizer(id) | Name::Small(id) | Name::Proof(id, _) => of_file(id),
            Name::Tree(..) => repos.iter().any(|it| it.key == name.key()),
            Name::Pin(..) => {
                let pin = self.pins.get(&name.key());
                pin.is_some_and(|pin| repos.iter().any(|it| it.tree.repo == pin.repo))
            }
            Name::Part(..) | Name::Spill(..) => false,
        };
        let needed = names.into_iter().filter(is_needed);
        needed.map(Name::key).collect()
    }
}

impl Origin {
    fn of_pin(pin: &Pin) -> Self {
        Self {
            repo: pin.repo.clone(),
            commit: pin.commit.clone(),
            file: None,
        }
    }
}

impl Listed {
    fn new(key: &str, tree: Tree) -> Self {
        Self {
            key: key.into(),
            model: names::model_id(&tree.files),
            files: tree.files.values().map(names::file_id).collect(),
            named: BTreeSet::new(),
            tree,
        }
    }

    fn file(&self, id: &str) -> Option<String> {
        self.files.contains(id).then_some(())?;
        let found = self.tree.files.iter().find(|it| names::file_id(it.1) == id);
        found.map(|it| it.0.clone())
    }

    /// Whether it is of a model, as repositories with a tokenizer are.
    fn is_model(&self) -> bool {
        self.tree.files.contains_key(TOKENIZER_FILE)
    }

    fn origin(&self, file: Option<String>) -> Origin {
        Origin {
            repo: self.tree.repo.clone(),
            commit: self.tree.commit.clone(),
            file,
        }
    }
}

/// What a document says; one that can't be read says nothing.
fn said<T>(read: Result<Option<T>, WeightsError>) -> Result<Option<T>, WeightsError> {
    match read {
        Err(WeightsError::Library(LibraryError::Document { .. })) => Ok(None),
        it => it,
    }
}
