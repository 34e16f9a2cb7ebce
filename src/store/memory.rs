//! A disk in memory for tests: crashes that lose what was not flushed, tabs that die, a quota, and writes that fail.

use super::{
    Disk, DiskFile, Keeping, LockGuard, Open, StoreError,
    memory_file::{MemoryFile, Platter},
};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    cell::{Ref, RefCell},
    rc::Rc,
};

/// One tab's view of a disk in memory.
#[derive(Clone)]
pub struct MemoryDisk {
    platter: Rc<RefCell<Platter>>,
    tab: u64,
    /// Ends in a slash, or empty.
    prefix: String,
}

/// How a write goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WriteFault {
    /// Nothing is written.
    Error,
    /// A part is written, then the room ends.
    Short,
}

impl MemoryDisk {
    /// An empty disk; what a crash keeps follows from the seed.
    pub fn new(seed: u64) -> Self {
        let platter = Rc::new(RefCell::new(Platter::new(seed)));
        Self {
            platter,
            tab: 0,
            prefix: String::new(),
        }
    }

    /// Another tab at the same disk.
    pub fn tab(&self) -> Self {
        Self {
            tab: self.platter.borrow_mut().new_tab(),
            ..self.clone()
        }
    }

    /// The tab dies: its locks are let go, its open files are dead. What it wrote stays.
    pub fn close_tab(&self) {
        self.platter.borrow_mut().close_tab(self.tab);
    }

    /// Power fails: every tab dies, and of what was not flushed each block is kept or lost at random. The disk itself comes back.
    pub fn crash(&mut self) {
        let mut platter = self.platter.borrow_mut();
        platter.crash();
        self.tab = platter.new_tab();
    }

    /// Bytes that fit from now on, those that are there included.
    pub fn set_quota(&self, quota_bytes: u64) {
        self.platter.borrow_mut().quota_bytes = quota_bytes;
    }

    /// After so many more writes, flushes and changes of size, one goes wrong.
    pub fn fail_write(&self, after: u32, how: WriteFault) {
        self.platter.borrow_mut().fault = Some((after, how));
    }

    /// Changes a byte of a file behind everyone's back, so that it lasts; whether there is such a byte.
    pub fn damage(&self, name: &str, at: u64) -> bool {
        let name = self.full(name);
        self.platter.borrow_mut().damage(&name, at)
    }

    /// The bytes of a file.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.platter().bytes(&self.full(name))
    }

    /// Puts a file there, so that it lasts.
    pub fn insert(&self, name: &str, bytes: &[u8]) {
        let name = self.full(name);
        self.platter.borrow_mut().insert(&name, bytes);
    }

    fn platter(&self) -> Ref<'_, Platter> {
        self.platter.borrow()
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn open_now(&self, name: &str, how: Open) -> Result<Rc<dyn DiskFile>, StoreError> {
        let full = self.full(name);
        let content = self.platter.borrow_mut().open(self.tab, &full, how)?;
        let file = MemoryFile::new(&self.platter, content, self.tab, &full);
        Ok(Rc::new(file))
    }

    fn list_now(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let platter = self.platter();
        platter.check_tab(self.tab, &self.prefix)?;
        let inside = platter.sizes().into_iter().filter_map(|(name, size)| {
            let name = name.strip_prefix(&self.prefix)?;
            (!name.contains('/')).then(|| (name.to_string(), size))
        });
        Ok(inside.collect())
    }

    fn lock_now(&self, name: &str) -> Result<Option<LockGuard>, StoreError> {
        let full = self.full(name);
        let mut platter = self.platter.borrow_mut();
        platter.check_tab(self.tab, &full)?;
        let Some(lock) = platter.lock(self.tab, &full) else {
            return Ok(None);
        };
        let platter = Rc::downgrade(&self.platter);
        Ok(Some(LockGuard::new(move || {
            if let Some(it) = platter.upgrade() {
                it.borrow_mut().unlock(&full, lock);
            }
        })))
    }
}

impl Disk for MemoryDisk {
    fn open(
        &self,
        name: &str,
        how: Open,
    ) -> LocalBoxFuture<'_, Result<Rc<dyn DiskFile>, StoreError>> {
        future::ready(self.open_now(name, how)).boxed_local()
    }

    fn remove(&self, name: &str) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let removed = (self.platter.borrow_mut()).remove(self.tab, &self.full(name));
        future::ready(removed).boxed_local()
    }

    fn discard(&self, name: &str, lock: LockGuard) {
        // As on the web: what stays is taken away when the store is opened next.
        let _ = (self.platter.borrow_mut()).remove(self.tab, &self.full(name));
        drop(lock);
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<(String, u64)>, StoreError>> {
        future::ready(self.list_now()).boxed_local()
    }

    fn lock(&self, name: &str) -> LocalBoxFuture<'_, Result<Option<LockGuard>, StoreError>> {
        future::ready(self.lock_now(name)).boxed_local()
    }

    fn is_locked(&self, name: &str) -> LocalBoxFuture<'_, Result<bool, StoreError>> {
        let platter = self.platter();
        let full = self.full(name);
        let held = platter.check_tab(self.tab, &full);
        future::ready(held.map(|()| platter.is_locked(&full))).boxed_local()
    }

    fn room_bytes(&self) -> LocalBoxFuture<'_, Option<u64>> {
        future::ready(Some(self.platter().free_bytes())).boxed_local()
    }

    fn keep(&self) -> LocalBoxFuture<'_, Keeping> {
        future::ready(Keeping::AtRisk).boxed_local()
    }

    fn folder(&self, name: &str) -> LocalBoxFuture<'_, Result<Rc<dyn Disk>, StoreError>> {
        let inside: Rc<dyn Disk> = Rc::new(self.inside(name));
        future::ready(Ok(inside)).boxed_local()
    }

    fn name(&self) -> String {
        "memory".into()
    }
}

impl MemoryDisk {
    /// A folder of this disk, seen by the same tab.
    pub fn inside(&self, name: &str) -> Self {
        Self {
            prefix: format!("{}{name}/", self.prefix),
            ..self.clone()
        }
    }
}
