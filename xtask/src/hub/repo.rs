//! Repositories as they are given to the Hub: a name and files, in memory or in a folder.
//!
//! Their commits are left to `history`.

use super::content::{Content, DiskFile, sha256};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

/// A repository: its files under revision `main`.
#[derive(Clone)]
pub struct Repo {
    /// `owner/name`.
    pub name: String,
    /// By path within the repository, with slashes.
    pub files: BTreeMap<String, Arc<dyn Content>>,
}

impl Repo {
    /// Any content.
    pub fn new(name: &str, files: BTreeMap<String, Arc<dyn Content>>) -> Self {
        Self {
            name: name.into(),
            files,
        }
    }

    /// Files held in memory.
    pub fn in_memory(name: &str, files: BTreeMap<String, Arc<[u8]>>) -> Self {
        let shared = |(path, bytes)| (path, Arc::new(bytes) as Arc<dyn Content>);
        Self::new(name, files.into_iter().map(shared).collect())
    }

    /// Every `root/OWNER/NAME` of a folder.
    ///
    /// The sha256 of each file is computed once and kept beside the root, in `ROOT.sha256.json`, with the size and the time of the file; where
    /// that can't be written, it is computed each time.
    ///
    /// Errors: a folder or file that can't be read; no repository at all.
    pub fn all_in(root: &Path) -> Result<Vec<Self>> {
        let mut hashes = Hashes::open(root);
        let mut out = Vec::new();
        for (owner, owner_folder) in entries(root)? {
            for (name, folder) in folders(&owner_folder)? {
                let mut files = BTreeMap::new();
                walk(&folder, "", &mut hashes, &mut files)?;
                out.push(Self::new(&format!("{owner}/{name}"), files));
            }
        }
        hashes.save();
        let shown = root.display();
        ensure!(!out.is_empty(), "{shown} has no folder OWNER/NAME in it");
        Ok(out)
    }
}

type Files = BTreeMap<String, Arc<dyn Content>>;

fn walk(folder: &Path, prefix: &str, hashes: &mut Hashes, out: &mut Files) -> Result<()> {
    for (name, path) in entries(folder)? {
        let inside = format!("{prefix}{name}");
        if path.is_dir() {
            walk(&path, &format!("{inside}/"), hashes, out)?;
        } else {
            out.insert(inside, Arc::new(hashes.file(&path)?));
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let is_folder = |it: &(String, PathBuf)| it.1.is_dir();
    Ok(entries(folder)?.into_iter().filter(is_folder).collect())
}

/// What is in a folder, in order; hidden files are left out. A file in place of a folder has nothing in it.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    if folder.is_file() {
        return Ok(Vec::new());
    }
    let failed = || format!("reading the folder {}", folder.display());
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("{} has a name that is not text", entry.path().display()))?;
        if !name.starts_with('.') {
            out.push((name.to_string(), entry.path()));
        }
    }
    out.sort();
    Ok(out)
}

/// Hashes of an earlier start, kept for files whose size and time are still the same.
struct Hashes {
    root: PathBuf,
    kept: BTreeMap<String, Kept>,
    used: BTreeMap<String, Kept>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    size_bytes: u64,
    modified_nanos: u64,
    sha256: String,
}

impl Hashes {
    fn open(root: &Path) -> Self {
        let text = fs::read(Self::place(root)).unwrap_or_default();
        Self {
            root: root.into(),
            // Missing, half written or of another form: the files are hashed again.
            kept: serde_json::from_slice(&text).unwrap_or_default(),
            used: BTreeMap::new(),
        }
    }

    fn place(root: &Path) -> PathBuf {
        let mut name = root.file_name().unwrap_or_default().to_os_string();
        name.push(".sha256.json");
        root.with_file_name(name)
    }

    fn file(&mut self, path: &Path) -> Result<DiskFile> {
        let shown = || format!("reading {}", path.display());
        let about = fs::metadata(path).with_context(shown)?;
        let modified = about.modified().ok();
        let since_epoch = modified.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        let modified_nanos = since_epoch.map_or(0, |it| it.as_nanos() as u64);
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let inside = inside.to_string_lossy().into_owned();
        let mut file = DiskFile {
            path: path.into(),
            size_bytes: about.len(),
            sha256: None,
        };
        let same = |it: &&Kept| (it.size_bytes, it.modified_nanos) == (about.len(), modified_nanos);
        let hash = match self.kept.get(&inside).filter(same) {
            Some(it) => it.sha256.clone(),
            None => sha256(&file).with_context(shown)?,
        };
        file.sha256 = Some(hash.clone());
        let kept = Kept {
            size_bytes: about.len(),
            modified_nanos,
            sha256: hash,
        };
        self.used.insert(inside, kept);
        Ok(file)
    }

    fn save(&self) {
        if self.used == self.kept {
            return;
        }
        if let Ok(text) = serde_json::to_vec_pretty(&self.used) {
            // It only saves time; a folder that can't be written to is served all the same.
            fs::write(Self::place(&self.root), text).ok();
        }
    }
}
