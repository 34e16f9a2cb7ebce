//! What a disk in memory consists of: contents with what a crash would keep of them, names, locks, tabs.

use super::{DiskFile, Open, StoreError, WriteFault, disk::check_range};
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Range,
    rc::{Rc, Weak},
};

/// What survives a crash does so in blocks of this size.
const BLOCK_BYTES: usize = 4096;

/// The disk behind all tabs.
pub(super) struct Platter {
    pub quota_bytes: u64,
    pub fault: Option<(u32, WriteFault)>,
    files: BTreeMap<String, Shared>,
    /// Removals that a crash may still undo: the last ones first.
    removed: Vec<(String, Shared)>,
    locks: BTreeMap<String, (u64, u64)>,
    live_tabs: BTreeSet<u64>,
    next: u64,
    random: u64,
}

type Shared = Rc<RefCell<Content>>;

/// A file's bytes now, and those that were flushed; none where not even the name was.
#[derive(Default)]
pub(super) struct Content {
    now: Vec<u8>,
    flushed: Option<Vec<u8>>,
    /// The tab that writes it, as long as its handle lives.
    writer: Option<(u64, Weak<()>)>,
}

/// An open file.
pub(super) struct MemoryFile {
    platter: Rc<RefCell<Platter>>,
    content: Shared,
    /// What makes this handle the one that writes; none for readers.
    _writes: Option<Rc<()>>,
    tab: u64,
    name: String,
}

impl Platter {
    pub fn new(seed: u64) -> Self {
        Self {
            quota_bytes: u64::MAX,
            fault: None,
            files: BTreeMap::new(),
            removed: Vec::new(),
            locks: BTreeMap::new(),
            live_tabs: BTreeSet::from([0]),
            next: 1,
            random: seed | 1,
        }
    }

    pub fn new_tab(&mut self) -> u64 {
        let tab = self.number();
        self.live_tabs.insert(tab);
        tab
    }

    pub fn close_tab(&mut self, tab: u64) {
        self.live_tabs.remove(&tab);
        self.locks.retain(|_, (holder, _)| *holder != tab);
    }

    pub fn check_tab(&self, tab: u64, name: &str) -> Result<(), StoreError> {
        let alive = self.live_tabs.contains(&tab);
        alive
            .then_some(())
            .ok_or_else(|| error(name, "the tab is closed"))
    }

    pub fn crash(&mut self) {
        self.live_tabs.clear();
        self.locks.clear();
        self.fault = None;
        let n_kept = self.below(self.removed.len() as u64 + 1) as usize;
        for (name, content) in self.removed.split_off(n_kept).into_iter().rev() {
            self.files.insert(name, content);
        }
        self.removed.clear();
        for (name, content) in std::mem::take(&mut self.files) {
            if let Some(bytes) = self.after_crash(&content.borrow()) {
                self.insert(&name, &bytes);
            }
        }
    }

    pub fn insert(&mut self, name: &str, bytes: &[u8]) {
        let content = Content {
            now: bytes.to_vec(),
            flushed: Some(bytes.to_vec()),
            writer: None,
        };
        self.files
            .insert(name.into(), Rc::new(RefCell::new(content)));
    }

    pub fn open(
        &mut self,
        tab: u64,
        name: &str,
        how: Open,
    ) -> Result<(Shared, Option<Rc<()>>), StoreError> {
        self.check_tab(tab, name)?;
        if how == Open::Write {
            let content = self.files.entry(name.into()).or_default().clone();
            let writes = Rc::new(());
            self.check_unwritten(&content, name)?;
            content.borrow_mut().writer = Some((tab, Rc::downgrade(&writes)));
            return Ok((content, Some(writes)));
        }
        let content = self.files.get(name).cloned();
        let content = content.ok_or_else(|| StoreError::Missing {
            file: name.into(),
            place: "memory".into(),
        })?;
        Ok((content, None))
    }

    pub fn remove(&mut self, tab: u64, name: &str) -> Result<(), StoreError> {
        self.check_tab(tab, name)?;
        let Some(content) = self.files.get(name) else {
            return Ok(());
        };
        self.check_unwritten(content, name)?;
        if let Some(content) = self.files.remove(name) {
            self.removed.push((name.into(), content));
        }
        Ok(())
    }

    pub fn sizes(&self) -> Vec<(String, u64)> {
        let size = |(name, it): (&String, &Shared)| (name.clone(), it.borrow().now.len() as u64);
        self.files.iter().map(size).collect()
    }

    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.files.get(name)?.borrow().now.clone())
    }

    pub fn damage(&mut self, name: &str, at: u64) -> bool {
        let Some(content) = self.files.get(name) else {
            return false;
        };
        let content = &mut *content.borrow_mut();
        let flushed = content.flushed.iter_mut();
        for it in flushed.chain([&mut content.now]) {
            match it.get_mut(at as usize) {
                Some(byte) => *byte ^= 0x40,
                None => return false,
            }
        }
        true
    }

    pub fn free_bytes(&self) -> u64 {
        let used = self.sizes().iter().map(|it| it.1).sum();
        self.quota_bytes.saturating_sub(used)
    }

    pub fn lock(&mut self, tab: u64, name: &str) -> Option<u64> {
        let lock = self.number();
        let free = !self.locks.contains_key(name);
        free.then(|| {
            self.locks.insert(name.into(), (tab, lock));
            lock
        })
    }

    /// A guard of a dead tab must not open a lock that another one has taken since.
    pub fn unlock(&mut self, name: &str, lock: u64) {
        if self.locks.get(name).is_some_and(|it| it.1 == lock) {
            self.locks.remove(name);
        }
    }

    pub fn is_locked(&self, name: &str) -> bool {
        self.locks.contains_key(name)
    }

    /// As in a browser, a file that is open to be written is opened no second time, nor removed.
    fn check_unwritten(&self, content: &Shared, name: &str) -> Result<(), StoreError> {
        let busy = content
            .borrow()
            .writer
            .as_ref()
            .is_some_and(|(tab, it)| it.strong_count() > 0 && self.live_tabs.contains(tab));
        match busy {
            true => Err(StoreError::Busy { key: name.into() }),
            false => Ok(()),
        }
    }

    /// What a crash leaves of a file: a size between the flushed one and the last, and of each block the flushed bytes or the last.
    fn after_crash(&mut self, content: &Content) -> Option<Vec<u8>> {
        let none = Vec::new();
        let flushed = content.flushed.as_ref();
        if flushed.is_none() && self.below(2) == 0 {
            return None;
        }
        let (old, new) = (flushed.unwrap_or(&none), &content.now);
        let (least, most) = (old.len().min(new.len()), old.len().max(new.len()));
        let size = match self.below(3) {
            0 => old.len(),
            1 => new.len(),
            _ => least + self.below((most - least) as u64 + 1) as usize,
        };
        let mut out = vec![0; size];
        for at in (0..size).step_by(BLOCK_BYTES) {
            let from = if self.below(2) == 0 { old } else { new };
            let end = from.len().min(size).min(at + BLOCK_BYTES);
            if at < end {
                out[at..end].copy_from_slice(&from[at..end]);
            }
        }
        Some(out)
    }

    /// What the next write has to suffer.
    fn next_fault(&mut self) -> Option<WriteFault> {
        match self.fault.take()? {
            (0, how) => Some(how),
            (n, how) => {
                self.fault = Some((n - 1, how));
                None
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// xorshift64*: enough to tell crashes apart.
    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

impl MemoryFile {
    pub fn new(
        platter: &Rc<RefCell<Platter>>,
        (content, writes): (Shared, Option<Rc<()>>),
        tab: u64,
        name: &str,
    ) -> Self {
        Self {
            platter: platter.clone(),
            content,
            _writes: writes,
            tab,
            name: name.into(),
        }
    }

    fn check_tab(&self) -> Result<(), StoreError> {
        self.platter.borrow().check_tab(self.tab, &self.name)
    }

    fn truncate_now(&self, size_bytes: u64) -> Result<(), StoreError> {
        self.check_tab()?;
        self.check_fault()?;
        let before_bytes = self.content.borrow().now.len() as u64;
        self.room(size_bytes.saturating_sub(before_bytes))?;
        self.content.borrow_mut().now.resize(size_bytes as usize, 0);
        Ok(())
    }

    fn write_now(&self, at: u64, bytes: &Bytes) -> Result<(), StoreError> {
        self.check_tab()?;
        let bytes = bytes.clone().into_vec();
        self.check_fault().or_else(|it| match it {
            StoreError::NoRoom { .. } => self.put(at, &bytes[..bytes.len() / 2]).and(Err(it)),
            it => Err(it),
        })?;
        self.put(at, &bytes)
    }

    /// Suffers what the next write has to.
    fn check_fault(&self) -> Result<(), StoreError> {
        match self.platter.borrow_mut().next_fault() {
            Some(WriteFault::Error) => Err(error(&self.name, "the disk failed")),
            Some(WriteFault::Short) => Err(self.no_room(1)),
            None => Ok(()),
        }
    }

    fn put(&self, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let end = at as usize + bytes.len();
        let before = self.content.borrow().now.len();
        self.room(end.saturating_sub(before) as u64)?;
        let now = &mut self.content.borrow_mut().now;
        now.resize(before.max(end), 0);
        now[at as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_now(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.check_tab()?;
        let now = &self.content.borrow().now;
        let n_bytes = check_range(&self.name, &range, now.len() as u64)?;
        let start = range.start as usize;
        Ok(now[start..start + n_bytes].to_vec().into())
    }

    fn flush_now(&self) -> Result<(), StoreError> {
        self.check_tab()?;
        self.check_fault()?;
        // Names are kept in one log, as journalling file systems do: what was removed before this is gone for good.
        self.platter.borrow_mut().removed.clear();
        let content = &mut *self.content.borrow_mut();
        content.flushed = Some(content.now.clone());
        Ok(())
    }

    fn room(&self, more_bytes: u64) -> Result<(), StoreError> {
        let free_bytes = self.platter.borrow().free_bytes();
        match more_bytes <= free_bytes {
            true => Ok(()),
            false => Err(self.no_room(more_bytes - free_bytes)),
        }
    }

    fn no_room(&self, missing_bytes: u64) -> StoreError {
        StoreError::NoRoom {
            file: self.name.clone(),
            place: "memory".into(),
            missing_bytes,
        }
    }
}

impl DiskFile for MemoryFile {
    fn size(&self) -> LocalBoxFuture<'_, Result<u64, StoreError>> {
        let size_bytes = self.content.borrow().now.len() as u64;
        future::ready(self.check_tab().map(|()| size_bytes)).boxed_local()
    }

    fn truncate(&self, size_bytes: u64) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.truncate_now(size_bytes)).boxed_local()
    }

    fn write<'a>(
        &'a self,
        at: u64,
        bytes: &'a Bytes,
    ) -> LocalBoxFuture<'a, Result<(), StoreError>> {
        future::ready(self.write_now(at, bytes)).boxed_local()
    }

    fn read(&self, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, StoreError>> {
        future::ready(self.read_now(range)).boxed_local()
    }

    fn flush(&self) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        future::ready(self.flush_now()).boxed_local()
    }
}

fn error(file: &str, what: &str) -> StoreError {
    StoreError::Io {
        file: file.into(),
        source: io::Error::other(what.to_string()),
    }
}
