//! A repository of a hub, pinned to a commit: its files by name, and their bytes by ranges.

use super::{HubError, Net, RangeStream, Source, api, check_range, path};
use crate::spec::{Bytes, RepoRef};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

/// A repository at one commit; clones are the same one.
#[derive(Clone)]
pub struct Remote(Rc<Pinned>);

/// A file of a repository, as its listing says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// Bytes of the whole file.
    pub size_bytes: u64,
    /// The sha256 of the whole file in lower-case hexadecimal; none for small files that git itself keeps.
    pub sha256: Option<String>,
    /// git's name of the file's content, or of the pointer to it.
    pub oid: String,
}

/// What all streams of a repository share.
pub(super) struct Pinned {
    pub net: Rc<Net>,
    pub repo: RepoRef,
    pub commit: String,
    pub files: BTreeMap<String, RemoteFile>,
    /// Signed addresses that worked, by file; in memory alone, since whoever has one has the file.
    pub signed: RefCell<BTreeMap<String, String>>,
    /// The ETag that each origin gave for a file at first.
    pub etags: RefCell<BTreeMap<(String, String), String>>,
}

impl Remote {
    /// A repository as it is now: its revision is resolved to a commit, and all of its files are listed.
    ///
    /// Errors: what the server says, each with its own remedy; [`HubError::OffTable`] where it may not be asked.
    pub async fn open(net: Rc<Net>, repo: &RepoRef) -> Result<Self, HubError> {
        net.check_endpoint(&repo.endpoint)?;
        let commit = api::commit(&net, repo).await?;
        let files = api::files(&net, repo, &commit).await?;
        Ok(Self::pinned(net, repo.clone(), commit, files))
    }

    /// A repository whose listing was kept; nothing is requested.
    pub fn pinned(
        net: Rc<Net>,
        repo: RepoRef,
        commit: String,
        files: BTreeMap<String, RemoteFile>,
    ) -> Self {
        Self(Rc::new(Pinned {
            net,
            repo,
            commit,
            files,
            signed: RefCell::default(),
            etags: RefCell::default(),
        }))
    }

    /// The commit: 40 hexadecimal digits.
    pub fn commit(&self) -> &str {
        &self.0.commit
    }

    /// The repository, at the revision that was asked for.
    pub fn repo(&self) -> &RepoRef {
        &self.0.repo
    }

    /// A file, if there is one of that name.
    pub fn file(&self, name: &str) -> Option<&RemoteFile> {
        self.0.files.get(name)
    }

    /// All files by name.
    pub fn files(&self) -> &BTreeMap<String, RemoteFile> {
        &self.0.files
    }

    /// A range of a file, to be read from its start to its end; nothing is requested before the first bytes are.
    ///
    /// Errors: [`HubError::NotFound`], [`HubError::Range`], [`HubError::Name`].
    pub fn stream(&self, file: &str, range: Range<u64>) -> Result<RangeStream, HubError> {
        path::parts(file)?;
        let size_bytes = self.size_bytes(file)?;
        if range.start > range.end || range.end > size_bytes {
            return Err(HubError::Range {
                file: file.into(),
                wanted: range,
                size_bytes,
            });
        }
        Ok(RangeStream::new(self.0.clone(), file, range, size_bytes))
    }

    fn size_bytes(&self, file: &str) -> Result<u64, HubError> {
        let found = self.file(file).map(|it| it.size_bytes);
        found.ok_or_else(|| HubError::NotFound {
            file: file.into(),
            place: self.name(),
        })
    }

    async fn range(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let n_bytes = check_range(file, &range, self.size_bytes(file)?)?;
        self.stream(file, range)?.next(n_bytes).await
    }
}

impl Source for Remote {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        let checked = path::parts(file).and_then(|_| self.size_bytes(file));
        future::ready(checked).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        let file = file.to_string();
        async move { self.range(&file, range).await }.boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        let hidden = |it: &str| it.split('/').any(|it| it.starts_with('.'));
        let names = self.files().keys().filter(|it| !hidden(it)).cloned();
        future::ready(Ok(names.collect())).boxed_local()
    }

    fn name(&self) -> String {
        self.0.repo.to_string()
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
