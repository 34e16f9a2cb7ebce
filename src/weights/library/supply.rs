//! Where the bytes of a repository's files come from: the hub, or a folder that holds a copy. Leaves what they are to who reads them.

use crate::{
    hub::{HubError, RangeStream, Remote, RemoteFile, Source},
    spec::{Bytes, RepoRef},
};
use std::{collections::BTreeMap, ops::Range, rc::Rc};

/// A repository at one commit, with its files; clones are the same one.
#[derive(Clone)]
pub(super) struct Supply {
    pub repo: RepoRef,
    /// 40 hexadecimal digits.
    pub commit: String,
    /// By name, with sizes and what they must hash to.
    pub files: Rc<BTreeMap<String, RemoteFile>>,
    from: From,
}

#[derive(Clone)]
enum From {
    Hub(Remote),
    Copy(Rc<dyn Source>),
}

/// A range of a file, read from its start to its end.
pub(super) enum PieceStream {
    Hub(RangeStream),
    Copy {
        source: Rc<dyn Source>,
        file: String,
        at: u64,
    },
}

impl Supply {
    /// A repository of a hub.
    pub fn hub(remote: Remote) -> Self {
        Self {
            repo: remote.repo().clone(),
            commit: remote.commit().into(),
            files: Rc::new(remote.files().clone()),
            from: From::Hub(remote),
        }
    }

    /// A copy of a repository at a commit; `source` names files as the repository does.
    pub fn copy(
        source: Rc<dyn Source>,
        repo: RepoRef,
        commit: String,
        files: BTreeMap<String, RemoteFile>,
    ) -> Self {
        Self {
            repo,
            commit,
            files: Rc::new(files),
            from: From::Copy(source),
        }
    }

    /// The place as one of files that are read by ranges.
    pub fn source(&self) -> &dyn Source {
        match &self.from {
            From::Hub(it) => it,
            From::Copy(it) => &**it,
        }
    }

    /// A range of a file; nothing is requested before the first bytes are.
    ///
    /// Errors: no such file, or no such range of it.
    pub fn stream(&self, file: &str, range: Range<u64>) -> Result<PieceStream, HubError> {
        match &self.from {
            From::Hub(it) => it.stream(file, range).map(PieceStream::Hub),
            From::Copy(it) => Ok(PieceStream::Copy {
                source: it.clone(),
                file: file.into(),
                at: range.start,
            }),
        }
    }
}

impl PieceStream {
    /// Exactly the next `n_bytes`.
    ///
    /// Errors: those of the place.
    pub async fn next(&mut self, n_bytes: usize) -> Result<Bytes, HubError> {
        match self {
            Self::Hub(it) => it.next(n_bytes).await,
            Self::Copy { source, file, at } => {
                let range = *at..*at + n_bytes as u64;
                let bytes = source.read(file, range.clone()).await?;
                *at = range.end;
                Ok(bytes)
            }
        }
    }
}
