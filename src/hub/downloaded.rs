//! What `huggingface-cli download` leaves on a disk: which repository and commit it is of, and what its files must hash to. Leaves
//! comparing them to who reads them.
//!
//! Source: huggingface_hub, "Understand caching" and `_local_folder.py`. In the cache a repository is `models--OWNER--NAME` with
//! `refs/REVISION` (the commit), `snapshots/COMMIT/FILE`, each a link to `blobs/ETAG`. In a folder of one's own
//! (`--local-dir`) each file has `.cache/huggingface/download/FILE.metadata`: commit, ETag, time. An ETag is the sha256 of a large
//! file, and git's name of a small one.

use super::{Folder, HubError, RemoteFile, Source};
use crate::spec::{RepoName, RepoRef};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

/// What stands before a repository in a cache, and between the parts of its name.
const OF_MODELS: &str = "models--";
/// Where a folder of one's own has what is known of its files.
const METADATA: &str = ".cache/huggingface/download/";
/// A note of more bytes than this is none.
const MAX_NOTE_BYTES: u64 = 4096;
/// Bytes of a file's start and end by which one is told from another where nothing else is known.
const SAMPLE_BYTES: u64 = 64 << 10;

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

/// What is noted of a file that was downloaded into a folder of one's own.
struct Note {
    commit: String,
    etag: String,
    seconds: f64,
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
        let newest = notes
            .into_iter()
            .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let commit = commit.or(newest.map(|it| it.commit));
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
    let note = note_text(&folder.path().join(format!("{METADATA}{name}.metadata")));
    let note = note.and_then(|it| Note::parse(&it));
    let etag = match &note {
        Some(it) => Some(it.etag.clone()),
        None => blob_name(&path),
    };
    let mut file = RemoteFile {
        size_bytes: metadata.len(),
        sha256: None,
        oid: String::new(),
    };
    match etag {
        Some(it) if is_hex(&it, 64) => file.sha256 = Some(it),
        Some(it) if is_hex(&it, 40) => file.oid = it,
        _ => file.oid = sampled(folder, name, &metadata)?,
    }
    Ok((file, note))
}

/// The name of the blob that a file of a snapshot is a link to.
fn blob_name(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    let is_blob = target.parent()?.file_name()? == "blobs";
    is_blob.then(|| Some(target.file_name()?.to_str()?.into()))?
}

/// What tells a file from others where nobody says what it must hash to: a file that is changed is another one.
fn sampled(folder: &Folder, name: &str, metadata: &fs::Metadata) -> Result<String, HubError> {
    let size_bytes = metadata.len();
    let modified = metadata.modified().ok();
    let since = modified.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    let nanos = since.map_or(0, |it| it.as_nanos());
    let mut hasher = Sha256::new();
    hasher.update(format!("{name}\n{size_bytes}\n{nanos}\n"));
    let end = size_bytes.saturating_sub(SAMPLE_BYTES);
    for range in [0..SAMPLE_BYTES.min(size_bytes), end..size_bytes] {
        hasher.update(folder.range(name, range)?.into_vec());
    }
    Ok(digits_40(hasher))
}

/// What stands for the commit where nothing tells it.
fn made_up(files: &BTreeMap<String, RemoteFile>) -> String {
    let mut hasher = Sha256::new();
    for (name, it) in files {
        let hash = it.sha256.as_ref().unwrap_or(&it.oid);
        hasher.update(format!("{name}\n{}\n{hash}\n", it.size_bytes));
    }
    digits_40(hasher)
}

fn digits_40(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes[..20].iter().map(|it| format!("{it:02x}")).collect()
}

impl Note {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let (commit, etag) = (lines.next()?, lines.next()?);
        let seconds = lines.next().and_then(|it| it.parse().ok());
        is_hex(commit, 40).then(|| Self {
            commit: commit.into(),
            etag: etag.into(),
            seconds: seconds.unwrap_or(0.0),
        })
    }
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

fn is_hex(text: &str, n_digits: usize) -> bool {
    let digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    text.len() == n_digits && text.bytes().all(digit)
}

#[cfg(test)]
#[path = "downloaded_tests.rs"]
mod tests;
