//! What `huggingface-cli download` leaves on a disk: which repository and commit it is of, and what its files must hash to. Leaves
//! comparing them to who reads them.
//!
//! Source: huggingface_hub, "Understand caching" and `_local_folder.py`. In the cache a repository is `models--OWNER--NAME` with
//! `refs/REVISION` (the commit), `snapshots/COMMIT/FILE`, each a link to `blobs/ETAG`. In a folder of one's own
//! (`--local-dir`) each file has `.cache/huggingface/download/FILE.metadata`: commit, ETag, time. An ETag is the sha256 of a large
//! file, and git's name of a small one.

use super::{
    Folder, HubError, RemoteFile, Source,
    noted::{MAX_NOTE_BYTES, Note, is_hex, made_up, of_etag, sampled, samples},
};
use crate::spec::{RepoName, RepoRef};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

/// What stands before a repository in a cache, and between the parts of its name.
const OF_MODELS: &str = "models--";

/// A folder with files of a repository.
pub struct Downloaded {
    /// The folder, in which files are named as in the repository.
    pub folder: Rc<Folder>,
    /// The repository, where the folder says it.
    pub repo: Option<RepoName>,
    /// 40 hexadecimal digits, where something tells the commit.
    pub commit: Option<String>,
    /// The files by name, with the sha256 of those of which it is known. Of others `oid` is a hash of name, size, time and ends,
    /// which is no name that git gave.
    pub files: BTreeMap<String, RemoteFile>,
}

impl Downloaded {
    /// Looks at a folder: one of one's own, a repository in a cache, one of its snapshots, or a whole cache, in which `repo` is looked
    /// for at its revision. Of files nothing is read but the two ends of those of which nothing else is known.
    ///
    /// Errors: [`HubError::NoFolder`], [`HubError::RevisionNotFound`] for a cache without it; [`HubError::Io`].
    pub fn find(path: &Path, repo: &RepoRef) -> Result<Self, HubError> {
        let inside = path.join(cache_name(&repo.repo));
        let path = if inside.is_dir() { inside } else { path.into() };
        let (path, named) = match path.join("snapshots").is_dir() {
            true => snapshot(&path, repo)?,
            false => (path, None),
        };
        let commit = snapshot_commit(&path);
        let of_cache = commit
            .as_ref()
            .and_then(|_| repo_of(path.parent()?.parent()?));
        let folder = Folder::new(path);
        let (mut files, mut notes) = (BTreeMap::new(), Vec::new());
        for name in super::walk::files(folder.path(), &folder.name())? {
            let (file, note) = known(&folder, &name)?;
            files.insert(name, file);
            notes.extend(note);
        }
        let commit = commit.or_else(|| Note::newest(notes));
        Ok(Self {
            folder: Rc::new(folder),
            repo: named.or(of_cache),
            commit,
            files,
        })
    }

    /// The commit, or where nothing tells it as many digits of a hash of the files as far as they are known.
    pub fn commit_or_hash(&self) -> String {
        let known = self.commit.clone();
        known.unwrap_or_else(|| made_up(&self.files))
    }
}

/// The snapshot of a repository in a cache, and its name.
fn snapshot(path: &Path, repo: &RepoRef) -> Result<(PathBuf, Option<RepoName>), HubError> {
    let revision = &repo.revision;
    let noted = note_text(&path.join("refs").join(revision));
    let commit = noted.as_deref().map_or(revision.as_str(), str::trim);
    let snapshot = path.join("snapshots").join(commit);
    match is_hex(commit, 40) && snapshot.is_dir() {
        true => Ok((snapshot, repo_of(path))),
        false => Err(HubError::RevisionNotFound {
            repo: format!("the folder {}", path.display()),
            revision: revision.clone(),
        }),
    }
}

/// The commit of a folder that is a snapshot of a cache.
fn snapshot_commit(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let above = path.parent()?.file_name()?;
    (above == "snapshots" && is_hex(name, 40)).then(|| name.into())
}

/// What is known of a file without reading it.
fn known(folder: &Folder, name: &str) -> Result<(RemoteFile, Option<Note>), HubError> {
    let path = folder.path().join(name);
    let error = |source| HubError::Io {
        file: name.into(),
        source,
    };
    let metadata = fs::metadata(&path).map_err(error)?;
    let note = note_text(&folder.path().join(Note::place(name)));
    let note = note.and_then(|it| Note::parse(&it));
    let etag = match &note {
        Some(it) => Some(it.etag.clone()),
        None => blob_name(&path),
    };
    let mut file = of_etag(metadata.len(), etag.as_deref());
    if file.sha256.is_none() && file.oid.is_empty() {
        file.oid = told_apart(folder, name, &metadata)?;
    }
    Ok((file, note))
}

/// The name of the blob that a file of a snapshot is a link to.
fn blob_name(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    let is_blob = target.parent()?.file_name()? == "blobs";
    is_blob.then(|| Some(target.file_name()?.to_str()?.into()))?
}

/// What tells a file from others of which nothing is noted.
fn told_apart(folder: &Folder, name: &str, metadata: &fs::Metadata) -> Result<String, HubError> {
    let size_bytes = metadata.len();
    let modified = metadata.modified().ok();
    let since = modified.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |it| it.as_nanos());
    let mut read = Vec::new();
    for range in samples(size_bytes) {
        read.push(folder.range(name, range)?.into_vec());
    }
    Ok(sampled(name, size_bytes, nanos, &read))
}

/// A small text, if it is there.
fn note_text(path: &Path) -> Option<String> {
    let size_bytes = fs::metadata(path).ok()?.len();
    (size_bytes <= MAX_NOTE_BYTES).then(|| fs::read_to_string(path).ok())?
}

/// What a repository is called in a cache.
fn cache_name(repo: &RepoName) -> String {
    format!("{OF_MODELS}{}", repo.as_str().replace('/', "--"))
}

/// The repository that a folder of a cache is named after.
fn repo_of(path: &Path) -> Option<RepoName> {
    let name = path.file_name()?.to_str()?.strip_prefix(OF_MODELS)?;
    name.replacen("--", "/", 1).parse().ok()
}

#[cfg(test)]
#[path = "downloaded_tests.rs"]
mod tests;
