//! The commits of a repository: which files it has under which revision, and how it changes.
//!
//! How they are listed is left to `api`, how they are sent to `data`.

use super::{
    content::{Altered, Content, blob_id, sha256, sha256_of},
    repo::Repo,
};
use anyhow::{Context, Result, ensure};
use std::{collections::BTreeMap, sync::Arc};

/// From this size on a file is kept as large ones are, whatever its name.
const LARGE_BYTES: u64 = 10_000_000;
/// Endings of files that are kept as large ones whatever their size.
const LARGE_NAMES: &[&str] = &[
    ".safetensors",
    ".npz",
    ".bin",
    ".gguf",
    ".pt",
    ".model",
    "tokenizer.json",
];

/// A file of a commit.
pub struct File {
    /// Its bytes.
    pub content: Arc<dyn Content>,
    /// Of those.
    pub sha256: String,
    /// Id of what git keeps: the file, or the pointer to it.
    pub oid: String,
    /// The size of the pointer, for a file that is kept apart and answered by a redirect.
    pub pointer_bytes: Option<u64>,
}

impl File {
    fn new(path: &str, content: Arc<dyn Content>) -> Result<Self> {
        let failed = || format!("hashing {path}");
        let sha256 = sha256(&*content).with_context(failed)?;
        let size_bytes = content.size_bytes();
        let large = size_bytes >= LARGE_BYTES || LARGE_NAMES.iter().any(|it| path.ends_with(it));
        if !large {
            return Ok(Self {
                oid: blob_id(&*content).with_context(failed)?,
                content,
                sha256,
                pointer_bytes: None,
            });
        }
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size_bytes}\n"
        );
        let held: Arc<[u8]> = pointer.as_bytes().into();
        Ok(Self {
            oid: blob_id(&held)?,
            content,
            sha256,
            pointer_bytes: Some(pointer.len() as u64),
        })
    }

    /// What `ETag` says, with its quotes: the sha256 of a large file, git's id of a small one.
    pub fn etag(&self) -> String {
        match self.pointer_bytes {
            Some(_) => format!("\"{}\"", self.sha256),
            None => format!("\"{}\"", self.oid),
        }
    }
}

/// A commit.
pub struct Commit {
    /// 40 hexadecimal digits, the same for the same names, sizes and bytes.
    pub id: String,
    /// By path.
    pub files: BTreeMap<String, Arc<File>>,
}

impl Commit {
    fn new(name: &str, files: BTreeMap<String, Arc<File>>) -> Self {
        let mut listing = format!("{name}\n");
        for (path, it) in &files {
            listing += &format!("{path}\0{}\0{}\n", it.content.size_bytes(), it.sha256);
        }
        let mut id = sha256_of(&listing);
        id.truncate(40);
        Self { id, files }
    }
}

/// A repository with all its commits, oldest first.
pub struct History {
    /// `owner/name`.
    pub name: String,
    commits: Vec<Arc<Commit>>,
    /// Commits before this one answer as this one does.
    rewritten: usize,
}

impl History {
    /// With one commit, `main`.
    ///
    /// Errors: a name that is not `owner/name`, a path that could not be asked for, a file that can't be read.
    pub fn new(repo: &Repo) -> Result<Self> {
        let name = &repo.name;
        let (owner, rest) = name.split_once('/').unwrap_or_default();
        let fine = !owner.is_empty() && !rest.is_empty() && !rest.contains('/');
        ensure!(fine, "`{name}` is no name of a repository: OWNER/NAME");
        let mut files = BTreeMap::new();
        for (path, content) in &repo.files {
            let plain = !path.split('/').any(str::is_empty);
            ensure!(plain, "`{path}` in {name} is no path of a file");
            files.insert(
                path.clone(),
                Arc::new(File::new(path, Arc::clone(content))?),
            );
        }
        Ok(Self {
            name: name.clone(),
            commits: vec![Arc::new(Commit::new(name, files))],
            rewritten: 0,
        })
    }

    /// The commit of `main`.
    pub fn newest(&self) -> &Arc<Commit> {
        self.commits.last().expect("there is one from the start on")
    }

    /// What a revision is answered with: `main`, or the id of a commit.
    pub fn find(&self, revision: &str) -> Option<&Arc<Commit>> {
        if revision == "main" {
            return Some(self.newest());
        }
        let at = self.commits.iter().rposition(|it| it.id == revision)?;
        self.commits.get(at.max(self.rewritten))
    }

    /// A new commit, in which the file has other content of the same size. Older commits stay as they are.
    ///
    /// Errors: no such file, one without bytes, one that can't be read.
    pub fn touch(&mut self, path: &str) -> Result<()> {
        let name = &self.name;
        let mut files = self.newest().files.clone();
        let old = files
            .get(path)
            .with_context(|| format!("{name} has no file {path}"))?;
        let bytes = old.content.size_bytes();
        ensure!(bytes > 0, "{path} of {name} is empty; it can't change");
        let new = File::new(path, Arc::new(Altered(Arc::clone(&old.content))))?;
        files.insert(path.into(), Arc::new(new));
        self.commits.push(Arc::new(Commit::new(name, files)));
        Ok(())
    }

    /// As [`touch`](Self::touch), but older commits answer with the new content too, which no honest server does.
    ///
    /// Errors: as there.
    pub fn rewrite(&mut self, path: &str) -> Result<()> {
        self.touch(path)?;
        self.rewritten = self.commits.len() - 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(files: &[(&str, &[u8])]) -> Result<History> {
        let files = files.iter().map(|it| (it.0.to_string(), it.1.into()));
        History::new(&Repo::in_memory("o/n", files.collect()))
    }

    #[test]
    fn a_commit_is_named_by_what_is_in_it() {
        let id = |files: &[(&str, &[u8])]| history(files).unwrap().newest().id.clone();
        assert_eq!(id(&[("a", b"1")]), id(&[("a", b"1")]));
        assert_ne!(id(&[("a", b"1")]), id(&[("a", b"2")]));
        assert_ne!(id(&[("a", b"1")]), id(&[("b", b"1")]));
        assert_eq!(id(&[]).len(), 40);
    }

    #[test]
    fn large_files_are_told_by_name_or_size() {
        let files = history(&[
            ("a.npz", b""),
            ("x/tokenizer.json", b"{}"),
            ("config.json", b"{}"),
        ]);
        let files = files.unwrap().newest().files.clone();
        assert_eq!(files["a.npz"].etag().len(), 66);
        assert!(files["x/tokenizer.json"].pointer_bytes.is_some());
        assert_eq!(files["config.json"].etag().len(), 42);
        let zeros: Arc<[u8]> = vec![0; LARGE_BYTES as usize].into();
        let large = File::new("notes.txt", Arc::new(zeros)).unwrap();
        assert_eq!(large.pointer_bytes, Some(133));
    }

    #[test]
    fn an_honest_change_leaves_the_old_commit_and_a_rewrite_does_not() {
        let mut history = history(&[("a", b"1"), ("b", b"2")]).unwrap();
        let old = history.newest().id.clone();
        let hash =
            |it: &History, revision: &str| it.find(revision).unwrap().files["a"].sha256.clone();
        let before = hash(&history, &old);
        history.touch("a").unwrap();
        assert_eq!(hash(&history, &old), before);
        assert_ne!(hash(&history, "main"), before);
        assert_ne!(history.newest().id, old);
        history.rewrite("a").unwrap();
        assert_eq!(hash(&history, &old), hash(&history, "main"));
        assert_eq!(hash(&history, &history.newest().id), hash(&history, "main"));
        assert!(history.find("0123").is_none());
    }

    #[test]
    fn what_cannot_be_served_or_changed_is_refused() {
        for path in ["", "/a", "a//b", "a/"] {
            assert!(history(&[(path, b"1")]).is_err(), "{path}");
        }
        for name in ["n", "/n", "o/", "o/n/m"] {
            let repo = Repo::new(name, BTreeMap::new());
            assert!(History::new(&repo).is_err(), "{name}");
        }
        let mut empty = history(&[("a", b"")]).unwrap();
        assert!(empty.touch("a").is_err());
        assert!(empty.touch("b").is_err());
    }
}
