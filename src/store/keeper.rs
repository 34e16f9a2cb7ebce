//! The store: what is kept, under which key, and who may write it.

use super::{
    BlobPlan, Disk, Keeping, Marks, Reader, Scratch, StoreError, Writer,
    begin::{self, Begin},
    blob::{self, Found},
    names,
    version::{self, SetAside},
    writer::Core,
};
use crate::spec::Trust;
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeSet,
    rc::{Rc, Weak},
};

/// Blobs that are kept on a disk, in a folder of their own. Clones are the same store.
#[derive(Clone)]
pub struct Store {
    pub(super) shared: Rc<Shared>,
    set_aside: Rc<RefCell<Vec<SetAside>>>,
    above: Rc<dyn Disk>,
}

/// Sizes of a store's habits.
#[derive(Clone, Copy, Debug)]
pub struct StoreConfig {
    /// Marked bytes, in all writers together, after which all of them are synced: what a crash may cost.
    pub journal_every_bytes: u64,
}

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobInfo {
    /// Its key.
    pub key: String,
    /// What it was kept with.
    pub meta: Value,
    /// Bytes of the whole.
    pub size_bytes: u64,
    /// How much of it is there.
    pub state: BlobState,
    /// The lowest trust of its pieces; none as long as there is no piece.
    pub trust: Option<Trust>,
    /// Whether a tab or program writes it now.
    pub busy: bool,
}

/// How much of a blob is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BlobState {
    /// All of it.
    Whole,
    /// A part.
    Partial {
        /// Bytes of the pieces that would survive a crash.
        done_bytes: u64,
    },
}

/// What the store's files take.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Bytes of all files, reserved ones included.
    pub total_bytes: u64,
    /// Bytes that are reserved for pieces that are not there yet.
    pub reserved_bytes: u64,
    /// Bytes of what only waits.
    pub scratch_bytes: u64,
}

/// What all writers of a store share.
pub(super) struct Shared {
    pub disk: Rc<dyn Disk>,
    pub config: StoreConfig,
    writers: RefCell<Vec<Weak<Core>>>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            journal_every_bytes: 64 << 20,
        }
    }
}

impl Store {
    /// Opens the store of a disk, or makes one there. What dead owners left half-made is taken away; what another version wrote is
    /// set aside untouched, see [`Store::set_aside`].
    ///
    /// Errors: [`StoreError::Version`] when there is no place left for this version's store; those of the disk.
    pub async fn open(disk: Rc<dyn Disk>, config: StoreConfig) -> Result<Self, StoreError> {
        let (inside, set_aside) = version::settle(&*disk).await?;
        let shared = Shared {
            disk: inside,
            config,
            writers: RefCell::default(),
        };
        let this = Self {
            shared: Rc::new(shared),
            set_aside: Rc::new(RefCell::new(set_aside)),
            above: disk,
        };
        this.sweep().await?;
        Ok(this)
    }

    /// What is kept, by key: whole blobs and partial ones, also those that another tab is writing.
    ///
    /// Errors: those of the disk.
    pub async fn list(&self) -> Result<Vec<BlobInfo>, StoreError> {
        let mut out = Vec::new();
        for key in self.keys().await? {
            let (plan, marks, whole) = match blob::find(self.disk(), &key).await? {
                Found::Nothing => continue,
                Found::Partial(it) => (it.plan, it.marks, false),
                Found::Whole(plan, marks) => (plan, marks, true),
            };
            let done_bytes = plan.done_bytes(&marks);
            out.push(BlobInfo {
                busy: self.disk().is_locked(&names::data(&key)).await?,
                state: match whole {
                    true => BlobState::Whole,
                    false => BlobState::Partial { done_bytes },
                },
                trust: marks.values().map(|it| it.trust).min(),
                size_bytes: plan.size_bytes,
                meta: plan.meta,
                key,
            });
        }
        Ok(out)
    }

    /// Begins a blob or goes on with it. What is kept under the key with another plan is taken away first.
    ///
    /// Errors: [`StoreError::Key`], [`StoreError::Plan`]; [`StoreError::NoRoom`] with what is missing, in which case nothing of the
    /// new blob is left; those of the disk.
    pub async fn begin(&self, key: &str, plan: BlobPlan) -> Result<Begin, StoreError> {
        begin::begin(&self.shared, key, plan).await
    }

    /// What is there of a blob: all of it, or the pieces that would survive a crash; none when there is nothing.
    ///
    /// Errors: [`StoreError::Key`]; those of the disk.
    pub async fn reader(&self, key: &str) -> Result<Option<Reader>, StoreError> {
        names::check(key)?;
        let (plan, marks): (BlobPlan, Marks) = match blob::find(self.disk(), key).await? {
            Found::Nothing => return Ok(None),
            Found::Partial(it) => (it.plan, it.marks),
            Found::Whole(plan, marks) => (plan, marks),
        };
        Reader::open(self.disk(), key, plan, marks).await.map(Some)
    }

    /// Makes a blob partial again, without its bad pieces, so that they can be written anew. Without bad ones, a way to
    /// [`Writer::raise`] those of a whole blob and commit it again.
    ///
    /// Errors: [`StoreError::Missing`] when nothing is kept under the key, [`StoreError::Busy`] while another one writes it,
    /// [`StoreError::Piece`] for one that is not there; those of the disk.
    pub async fn reopen(&self, key: &str, bad_pieces: &[u32]) -> Result<Writer, StoreError> {
        begin::reopen(&self.shared, key, bad_pieces).await
    }

    /// Takes a blob away; the bytes that this frees.
    ///
    /// Errors: [`StoreError::Busy`] while it is written; those of the disk.
    pub async fn remove(&self, key: &str) -> Result<u64, StoreError> {
        names::check(key)?;
        let Some(_lock) = self.disk().lock(&names::data(key)).await? else {
            return Err(StoreError::Busy { key: key.into() });
        };
        let files = self.disk().list().await?;
        let freed = files.iter().filter(|it| names::key_of(&it.0) == Some(key));
        let freed_bytes = freed.map(|it| it.1).sum();
        blob::clear(self.disk(), key).await?;
        Ok(freed_bytes)
    }

    /// Room for bytes that wait, with the name of what they wait for; it is gone when the scratch drops, and what a dead owner left
    /// when the store is opened next.
    ///
    /// Errors: [`StoreError::Busy`] while another one has it, [`StoreError::NoRoom`]; those of the disk.
    pub async fn scratch(&self, name: &str, size_bytes: u64) -> Result<Scratch, StoreError> {
        Scratch::open(&self.shared.disk, name, size_bytes).await
    }

    /// What the files take.
    ///
    /// Errors: those of the disk.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        let files = self.disk().list().await?;
        let scratch = files.iter().filter(|it| names::is_scratch(&it.0));
        let mut out = Usage {
            total_bytes: files.iter().map(|it| it.1).sum(),
            scratch_bytes: scratch.map(|it| it.1).sum(),
            reserved_bytes: 0,
        };
        for it in self.list().await? {
            if let BlobState::Partial { done_bytes } = it.state {
                out.reserved_bytes += it.size_bytes - done_bytes;
            }
        }
        Ok(out)
    }

    /// Bytes that may still fit: a hint to show, never to decide by.
    pub async fn room_bytes(&self) -> Option<u64> {
        self.disk().room_bytes().await
    }

    /// Asks that what is kept may stay when the system wants room; never waits for a person's answer.
    pub async fn keep(&self) -> Keeping {
        self.disk().keep().await
    }

    /// What other versions wrote here, which this one leaves alone.
    pub fn set_aside(&self) -> Vec<SetAside> {
        self.set_aside.borrow().clone()
    }

    /// Takes away what other versions wrote; the bytes that this frees. What may be someone else's files stays.
    ///
    /// Errors: those of the disk.
    pub async fn remove_set_aside(&self) -> Result<u64, StoreError> {
        let (freed_bytes, left) = version::remove(&*self.above, &self.set_aside()).await?;
        self.set_aside.replace(left);
        Ok(freed_bytes)
    }

    /// Sizes of its habits.
    pub fn config(&self) -> StoreConfig {
        self.shared.config
    }

    /// What to call the place in messages.
    pub fn place(&self) -> String {
        self.disk().name()
    }

    fn disk(&self) -> &dyn Disk {
        &*self.shared.disk
    }

    async fn keys(&self) -> Result<BTreeSet<String>, StoreError> {
        let files = self.disk().list().await?;
        let keys = files.iter().filter_map(|it| names::key_of(&it.0));
        Ok(keys.map(str::to_string).collect())
    }

    /// Takes away scratches of dead owners, and files that are no blob: what a crash in the middle of beginning or removing leaves.
    async fn sweep(&self) -> Result<(), StoreError> {
        for (name, _) in self.disk().list().await? {
            if names::is_scratch(&name)
                && let Some(_lock) = self.disk().lock(&name).await?
            {
                self.disk().remove(&name).await?;
            }
        }
        for key in self.keys().await? {
            let useless = matches!(blob::find(self.disk(), &key).await?, Found::Nothing);
            if !useless {
                continue;
            }
            // Looked at again under the lock: another tab may have been beginning it.
            if let Some(_lock) = self.disk().lock(&names::data(&key)).await?
                && let Found::Nothing = blob::find(self.disk(), &key).await?
            {
                blob::clear(self.disk(), &key).await?;
            }
        }
        Ok(())
    }
}

impl Shared {
    pub fn add(&self, core: &Rc<Core>) {
        let mut writers = self.writers.borrow_mut();
        writers.retain(|it| it.strong_count() > 0);
        writers.push(Rc::downgrade(core));
    }

    /// Syncs every writer once that much is marked and not journalled.
    pub async fn sync_if_due(&self) -> Result<(), StoreError> {
        let writers = self.live_writers();
        let pending_bytes: u64 = writers.iter().map(|it| it.pending_bytes()).sum();
        if pending_bytes < self.config.journal_every_bytes {
            return Ok(());
        }
        for it in writers {
            it.sync().await?;
        }
        Ok(())
    }

    fn live_writers(&self) -> Vec<Rc<Core>> {
        self.writers
            .borrow()
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }
}
