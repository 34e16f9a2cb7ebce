//! What a request names -> repositories at commits, and which file of which of them serves each layer. Asks the hub only for what is
//! not pinned yet.

use super::{
    FetchControl, Handed, Library, LibraryError, folder,
    names::{self, Name},
    supply::Supply,
};
use crate::{
    hub::{HubError, Remote, RemoteFile},
    spec::{
        FetchFrom, ModelRef, OpenRequest, RepoRef, TranscoderRef, TranscoderRequest, TranscoderSet,
    },
    weights::{Choice, DictionarySet, WeightsError},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The list of circuit-tracer's sets.
pub(super) const SET_FILE: &str = "config.yaml";
/// A list of more bytes than this is none.
const MAX_SET_BYTES: u64 = 1 << 20;

/// Which commit a repository is pinned to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The repository, at the revision that was asked for.
    pub repo: RepoRef,
    /// 40 hexadecimal digits.
    pub commit: String,
}

/// The files of a repository at a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The repository.
    pub repo: RepoRef,
    /// 40 hexadecimal digits.
    pub commit: String,
    /// By name.
    pub files: BTreeMap<String, RemoteFile>,
}

/// How far resolving may go.
#[derive(Clone, Copy)]
pub(super) enum Reach<'a> {
    /// What is pinned alone.
    Kept,
    /// The network or folders too.
    All {
        from: From<'a>,
        control: &'a FetchControl,
        update: bool,
    },
}

/// Where bytes come from.
#[derive(Clone, Copy)]
pub(super) enum From<'a> {
    /// The hub, or folders of the disk.
    Named(&'a FetchFrom),
    /// Files that were handed over.
    Handed(&'a Handed),
}

/// A copy of a repository.
enum CopyAt<'a> {
    Folder(&'a str),
    Handed(&'a Handed, Kind),
}

/// What a repository holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Transcoders,
}

impl<'a> From<'a> {
    /// Whether the model is taken as it is kept: there is no copy of it where copies are.
    pub fn leaves_out_model(self) -> bool {
        match self {
            Self::Named(FetchFrom::Folders { model, .. }) => model.is_none(),
            Self::Named(_) => false,
            Self::Handed(it) => !it.has_model(),
        }
    }

    /// Whether nothing is brought of transcoders.
    pub fn leaves_out_transcoders(self) -> bool {
        match self {
            Self::Named(FetchFrom::Folders { transcoders, .. }) => transcoders.is_none(),
            Self::Named(_) => false,
            Self::Handed(it) => !it.has_transcoders(),
        }
    }

    fn copy(self, kind: Kind) -> Option<CopyAt<'a>> {
        match (self, kind) {
            (Self::Named(FetchFrom::Folders { model, .. }), Kind::Model) => {
                model.as_deref().map(CopyAt::Folder)
            }
            (Self::Named(FetchFrom::Folders { transcoders, .. }), Kind::Transcoders) => {
                transcoders.as_deref().map(CopyAt::Folder)
            }
            (Self::Named(_), _) => None,
            (Self::Handed(it), kind) => Some(CopyAt::Handed(it, kind)),
        }
    }
}

impl<'a> CopyAt<'a> {
    /// Its files; none where it holds no such thing.
    async fn supply(self, repo: &RepoRef) -> Result<Option<Supply>, WeightsError> {
        match self {
            Self::Folder(path) => folder::supply(path, repo).await.map(Some),
            Self::Handed(it, Kind::Model) => it.model(repo).await,
            Self::Handed(it, Kind::Transcoders) => it.transcoders(repo).await,
        }
    }
}

impl<'a> Reach<'a> {
    fn copy(self, kind: Kind) -> Option<CopyAt<'a>> {
        match self {
            Self::Kept => None,
            Self::All { from, .. } => from.copy(kind),
        }
    }
}

/// A layer's file: where it is, and its name there.
pub(super) struct LayerFile {
    pub supply: usize,
    pub file: String,
}

/// Repositories as they have been resolved so far, in the order of their first use.
#[derive(Default)]
pub(super) struct Repos(pub Vec<Supply>);

impl Library {
    /// The repository of the model.
    pub(super) async fn model_supply(
        &self,
        set: &OpenRequest,
        reach: Reach<'_>,
    ) -> Result<Supply, WeightsError> {
        let ModelRef::Hub { repo } = &set.model else {
            return Err(LibraryError::NotAHub { what: "the model" }.into());
        };
        self.supply(repo, reach.copy(Kind::Model), reach).await
    }

    /// Which file serves each layer; the repositories that this takes are added to `repos`.
    pub(super) async fn layer_files(
        &self,
        asked: &TranscoderRequest,
        n_layers: usize,
        reach: Reach<'_>,
        repos: &mut Repos,
    ) -> Result<BTreeMap<usize, LayerFile>, WeightsError> {
        let TranscoderRef::Hub { repo } = &asked.place else {
            return Err(LibraryError::NotAHub {
                what: "the place of the transcoders",
            }
            .into());
        };
        let copy = reach.copy(Kind::Transcoders);
        let supply = self.supply(repo, copy, reach).await?;
        if let Some(layer) = (asked.layers.iter().flatten()).find(|it| **it >= n_layers) {
            let layer = *layer;
            return Err(LibraryError::LayerOf { layer, n_layers }.into());
        }
        let names = supply.files.keys().map(String::as_str);
        match DictionarySet::from_names(&repo.to_string(), names) {
            Ok(it) => by_names(&it, asked, n_layers, repos.add(supply)),
            Err(_) if supply.files.contains_key(SET_FILE) => {
                let set = self.set_of(&supply, reach).await?;
                self.by_list(&set, asked, n_layers, reach, repos).await
            }
            Err(it) => Err(it),
        }
    }

    async fn set_of(
        &self,
        supply: &Supply,
        reach: Reach<'_>,
    ) -> Result<TranscoderSet, WeightsError> {
        let text = self.small(supply, SET_FILE, MAX_SET_BYTES, reach).await?;
        let text = String::from_utf8_lossy(&text);
        let set = TranscoderSet::parse(&text, &supply.repo.endpoint);
        set.map_err(|source| WeightsError::Set {
            repo: supply.repo.to_string(),
            source,
        })
    }

    async fn by_list(
        &self,
        set: &TranscoderSet,
        asked: &TranscoderRequest,
        n_layers: usize,
        reach: Reach<'_>,
        repos: &mut Repos,
    ) -> Result<BTreeMap<usize, LayerFile>, WeightsError> {
        let place = || asked.place_name();
        let files = set.files.as_ref();
        let files = files.ok_or_else(|| WeightsError::NoDictionaries { place: place() })?;
        let all = || (0..files.len().min(n_layers)).collect();
        let mut out = BTreeMap::new();
        for layer in asked.layers.clone().unwrap_or_else(all) {
            let entry = files.get(layer).ok_or_else(|| WeightsError::NoLayer {
                place: place(),
                layer,
                there: format!("0 to {}", files.len().saturating_sub(1)),
            })?;
            let known = repos.0.iter().position(|it| it.repo == entry.repo);
            let supply = match known {
                Some(it) => it,
                None => repos.add(self.supply(&entry.repo, None, reach).await?),
            };
            let file = entry.file.clone();
            if !repos.0[supply].files.contains_key(&file) {
                let place = entry.repo.to_string();
                return Err(HubError::NotFound { file, place }.into());
            }
            out.insert(layer, LayerFile { supply, file });
        }
        Ok(out)
    }

    /// A repository: where it is pinned as it is kept, else as the hub or a copy has it now, which pins it.
    async fn supply(
        &self,
        repo: &RepoRef,
        copy: Option<CopyAt<'_>>,
        reach: Reach<'_>,
    ) -> Result<Supply, WeightsError> {
        let Reach::All {
            control, update, ..
        } = reach
        else {
            let kept = self.pinned(repo).await?;
            return kept.ok_or_else(|| WeightsError::NotKept {
                what: repo.to_string(),
            });
        };
        if let Some(copy) = copy
            && let Some(supply) = copy.supply(repo).await?
        {
            let _lock = self.lock(&asking(repo), control).await?;
            self.pin(&supply, true).await?;
            return Ok(supply);
        }
        if !update && let Some(it) = self.pinned(repo).await? {
            return Ok(it);
        }
        let _lock = self.lock(&asking(repo), control).await?;
        // Another tab may have asked meanwhile.
        if !update && let Some(it) = self.pinned(repo).await? {
            return Ok(it);
        }
        let opened = Remote::open(self.net().clone(), repo);
        let supply = Supply::hub(control.or_stop(opened).await??);
        self.pin(&supply, false).await?;
        Ok(supply)
    }

    async fn pinned(&self, repo: &RepoRef) -> Result<Option<Supply>, WeightsError> {
        let id = names::repo_id(repo);
        let keys = pins(&id);
        let Some(Pin { repo, commit }) = self.read_newest(keys).await? else {
            return Ok(None);
        };
        let key = Name::Tree(id, names::commit_id(&commit)).key();
        let tree: Option<Tree> = self.read_json(&key).await?;
        let supply = tree.map(|it| {
            let remote = Remote::pinned(self.net().clone(), repo, commit, it.files);
            Supply::hub(remote)
        });
        Ok(supply)
    }

    /// Notes the files first, then the commit. A folder may hold a part of them: what a hub said is not replaced by it.
    async fn pin(&self, supply: &Supply, is_copy: bool) -> Result<(), WeightsError> {
        let (repo, commit) = (supply.repo.clone(), supply.commit.clone());
        let id = names::repo_id(&repo);
        let key = Name::Tree(id.clone(), names::commit_id(&commit)).key();
        let before: Option<Tree> = self.read_json(&key).await?;
        let has = |tree: &Tree| {
            let mut files = supply.files.iter();
            // A folder does not say by which name git knows a large file.
            let id = |it: Option<&RemoteFile>| it.map(names::file_id);
            files.all(|(name, file)| id(tree.files.get(name)) == id(Some(file)))
        };
        let is_known = match is_copy {
            true => before.as_ref().is_some_and(has),
            false => before.as_ref().is_some_and(|it| it.files == *supply.files),
        };
        if !is_known {
            let files = (*supply.files).clone();
            let tree = Tree {
                repo: repo.clone(),
                commit: commit.clone(),
                files,
            };
            self.write_json(&key, &tree, 0).await?;
        }
        let pin = Pin { repo, commit };
        if self.read_newest::<Pin>(pins(&id)).await?.as_ref() != Some(&pin) {
            self.write_newest(pins(&id), &pin).await?;
        }
        Ok(())
    }
}

impl Repos {
    /// Its place among them.
    pub fn add(&mut self, supply: Supply) -> usize {
        let known = self.0.iter().position(|it| it.repo == supply.repo);
        known.unwrap_or_else(|| {
            self.0.push(supply);
            self.0.len() - 1
        })
    }
}

impl TranscoderRequest {
    /// What to call the place in messages.
    pub(super) fn place_name(&self) -> String {
        match &self.place {
            TranscoderRef::Hub { repo } => repo.to_string(),
            TranscoderRef::Folder { path } => path.clone(),
            TranscoderRef::Synth { preset } => preset.clone(),
        }
    }
}

fn by_names(
    set: &DictionarySet,
    asked: &TranscoderRequest,
    n_layers: usize,
    supply: usize,
) -> Result<BTreeMap<usize, LayerFile>, WeightsError> {
    let all = || set.layers().filter(|it| *it < n_layers).collect();
    let mut out = BTreeMap::new();
    for layer in asked.layers.clone().unwrap_or_else(all) {
        let l0 = asked.average_l0.iter().find(|it| it.0 == layer);
        let choice = Choice {
            width: None,
            average_l0: l0.map(|it| it.1),
        };
        let file = set.choose(layer, choice)?.file.clone();
        out.insert(layer, LayerFile { supply, file });
    }
    Ok(out)
}

fn asking(repo: &RepoRef) -> String {
    format!("asking-{}", names::repo_id(repo))
}

fn pins(id: &str) -> [String; 2] {
    [0, 1].map(|n| Name::Pin(id.into(), n).key())
}
