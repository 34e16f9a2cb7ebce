//! A folder of the disk.

use super::{HubError, Source, check_range, path, walk};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
};

/// A folder of the disk whose files are read by ranges.
///
/// Links are followed, since caches of model hubs consist of them; names that leave the folder are refused.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    open: RefCell<BTreeMap<String, Rc<File>>>,
}

impl Folder {
    /// The folder at `path`; whether it is there shows at the first question.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            open: RefCell::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, file: &str) -> Result<Rc<File>, HubError> {
        let parts = path::parts(file)?;
        if let Some(it) = self.open.borrow().get(file) {
            return Ok(it.clone());
        }
        let path: PathBuf = std::iter::once(self.path.as_path())
            .chain(parts.iter().map(Path::new))
            .collect();
        let opened = File::open(&path).and_then(|it| match it.metadata()?.is_dir() {
            true => Err(ErrorKind::NotFound.into()),
            false => Ok(it),
        });
        let opened = Rc::new(opened.map_err(|it| self.error(file, it))?);
        self.open.borrow_mut().insert(file.into(), opened.clone());
        Ok(opened)
    }

    fn size_bytes(&self, file: &str) -> Result<u64, HubError> {
        let metadata = self.file(file)?.metadata();
        metadata
            .map(|it| it.len())
            .map_err(|it| self.error(file, it))
    }

    pub(super) fn range(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let n_bytes = check_range(file, &range, self.size_bytes(file)?)?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(n_bytes)
            .map_err(|_| HubError::Memory {
                file: file.into(),
                size_bytes: n_bytes,
            })?;
        // One handle and one reader at a time: futures of a source are polled on one thread and never stop half way.
        let mut handle = &*self.file(file)?;
        handle
            .seek(SeekFrom::Start(range.start))
            .and_then(|_| handle.take(n_bytes as u64).read_to_end(&mut bytes))
            .map_err(|it| self.error(file, it))?;
        if bytes.len() == n_bytes {
            return Ok(bytes.into());
        }
        Err(HubError::Length {
            file: file.into(),
            wanted_bytes: n_bytes as u64,
            got_bytes: bytes.len() as u64,
        })
    }

    fn error(&self, file: &str, source: std::io::Error) -> HubError {
        let file = file.into();
        match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => HubError::NotFound {
                file,
                place: self.name(),
            },
            _ => HubError::Io { file, source },
        }
    }
}

impl Source for Folder {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        future::ready(self.size_bytes(file)).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        future::ready(self.range(file, range)).boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        future::ready(walk::files(&self.path, &self.name())).boxed_local()
    }

    fn name(&self) -> String {
        format!("the folder {}", self.path.display())
    }
}
