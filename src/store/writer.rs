//! A blob that is being written: bytes at their places, marks for the pieces that are complete, and at last the record.
//!
//! The order is the promise: payload, flush, journal, flush; a mark that outlives a crash speaks of bytes that did too.

use super::{
    BlobPlan, Disk, DiskFile, LockGuard, Mark, Marks, Open, Reader, StoreError,
    disk::check_range,
    journal::{Entry, Journal},
    keeper::Shared,
    names,
    plan::touched,
    written,
};
use crate::spec::{Bytes, Trust};
use futures_util::lock::Mutex;
use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::Rc,
};

/// The one that may write a blob; others wait until it is dropped. What is not synced by then may be lost.
pub struct Writer {
    core: Rc<Core>,
    shared: Rc<Shared>,
}

/// The parts of a writer that the store reaches too, to sync all writers at once.
pub(super) struct Core {
    key: String,
    plan: BlobPlan,
    spans: Vec<(Range<u64>, u32)>,
    data: Rc<dyn DiskFile>,
    journal: Mutex<Option<Journal>>,
    marks: RefCell<Marks>,
    /// What the journal does not hold yet.
    pending: RefCell<Vec<Entry>>,
    pending_bytes: Cell<u64>,
    _lock: LockGuard,
}

/// What a writer begins with.
pub(super) struct Opened {
    pub plan: BlobPlan,
    pub marks: Marks,
    pub data: Rc<dyn DiskFile>,
    pub journal: Journal,
    pub lock: LockGuard,
}

impl Writer {
    pub(super) fn new(shared: &Rc<Shared>, key: &str, it: Opened) -> Result<Self, StoreError> {
        let core = Rc::new(Core {
            key: key.into(),
            spans: it.plan.spans(key)?,
            plan: it.plan,
            data: it.data,
            journal: Mutex::new(Some(it.journal)),
            marks: RefCell::new(it.marks),
            pending: RefCell::default(),
            pending_bytes: Cell::new(0),
            _lock: it.lock,
        });
        shared.add(&core);
        let shared = shared.clone();
        Ok(Self { core, shared })
    }

    /// What it is called.
    pub fn key(&self) -> &str {
        &self.core.key
    }

    /// What it is to consist of.
    pub fn plan(&self) -> &BlobPlan {
        &self.core.plan
    }

    /// The pieces that are there, journalled or not yet.
    pub fn marks(&self) -> Marks {
        self.core.marks.borrow().clone()
    }

    /// Bytes of the pieces that are there.
    pub fn done_bytes(&self) -> u64 {
        self.core.plan.done_bytes(&self.core.marks.borrow())
    }

    /// Writes bytes at their place.
    ///
    /// Errors: [`StoreError::Kept`] over a piece that is marked, [`StoreError::Range`] beyond the end; those of the disk.
    pub async fn write(&self, at: u64, bytes: &Bytes) -> Result<(), StoreError> {
        let range = at..at.saturating_add(bytes.len() as u64);
        check_range(
            &names::data(&self.core.key),
            &range,
            self.core.plan.size_bytes,
        )?;
        let kept =
            touched(&self.core.spans, &range).find(|it| self.core.marks.borrow().contains_key(it));
        match kept {
            Some(piece) => Err(self.core.kept(piece)),
            None => self.core.data.write(at, bytes).await,
        }
    }

    /// Reads back what was written, marked or not.
    ///
    /// Errors: [`StoreError::Range`] beyond the end; those of the disk.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.core.data.read(range).await
    }

    /// Says that all bytes of a piece are written. It lasts from the next sync, which comes by itself when enough is marked.
    ///
    /// Errors: [`StoreError::Piece`] for one that the plan has not, [`StoreError::Kept`] for one marked otherwise; those of
    /// [`Writer::sync`], after which the mark stands but does not last yet.
    pub async fn mark(&self, piece: u32, mark: Mark) -> Result<(), StoreError> {
        let core = &self.core;
        let Some(piece_bytes) = core.plan.piece_bytes(piece) else {
            return Err(core.no_piece(piece));
        };
        let before = core.marks.borrow().get(&piece).copied();
        match before {
            Some(it) if it == mark => return Ok(()),
            Some(_) => return Err(core.kept(piece)),
            None => (),
        }
        core.marks.borrow_mut().insert(piece, mark);
        core.push(Entry::Marked(piece, mark), piece_bytes);
        self.shared.sync_if_due().await
    }

    /// Says that a piece is known to be more trustworthy; less is not heard. It lasts from the next sync.
    ///
    /// Errors: [`StoreError::Piece`] for one that is not there.
    pub async fn raise(&self, piece: u32, trust: Trust) -> Result<(), StoreError> {
        let core = &self.core;
        let mut marks = core.marks.borrow_mut();
        let mark = marks.get_mut(&piece).ok_or_else(|| core.no_piece(piece))?;
        if mark.trust < trust {
            mark.trust = trust;
            core.push(Entry::Raised(piece, trust), 0);
        }
        Ok(())
    }

    /// Says that a piece is bad and will be written again. It lasts at once, since the bytes may be gone with the next write.
    ///
    /// Errors: [`StoreError::Piece`] for one that is not there; those of the disk, after which it is still marked.
    pub async fn forget(&self, piece: u32) -> Result<(), StoreError> {
        let core = &self.core;
        let mark = core.marks.borrow_mut().remove(&piece);
        let Some(mark) = mark else {
            return Err(core.no_piece(piece));
        };
        core.push(Entry::Forgotten(piece), 0);
        core.sync().await.inspect_err(|_| {
            // The journal may say either by now; its last word on the piece is to be that it is there.
            core.marks.borrow_mut().insert(piece, mark);
            core.push(Entry::Marked(piece, mark), 0);
        })
    }

    /// Waits until all that was marked survives a crash.
    ///
    /// Errors: those of the disk; what was marked stays to be synced.
    pub async fn sync(&self) -> Result<(), StoreError> {
        self.core.sync().await
    }

    /// Makes the blob whole: its record is written last.
    ///
    /// Errors: [`StoreError::Unfinished`] while pieces are missing; those of the disk. The blob stays partial, and may be begun again.
    pub async fn commit(self) -> Result<Reader, StoreError> {
        let core = &self.core;
        core.sync().await?;
        let marks = self.marks();
        let Some(record) = written::record(&core.plan, &marks) else {
            return Err(StoreError::Unfinished {
                key: core.key.clone(),
                n_missing: core.plan.n_missing(&marks),
            });
        };
        // Also what belongs to no piece, and a blob without pieces, must be on the disk before the record says so.
        core.data.flush().await?;
        let disk = &*self.shared.disk;
        write_record(disk, &core.key, &record).await?;
        Reader::open(disk, &core.key, core.plan.clone(), marks).await
    }
}

impl Core {
    /// Bytes of the pieces that are marked and would be lost in a crash.
    pub fn pending_bytes(&self) -> u64 {
        self.pending_bytes.get()
    }

    pub async fn sync(&self) -> Result<(), StoreError> {
        let mut journal = self.journal.lock().await;
        let Some(journal) = journal.as_mut() else {
            return Ok(());
        };
        let entries = self.pending.take();
        let entries_bytes = self.pending_bytes.take();
        if entries.is_empty() {
            return Ok(());
        }
        let appended = match self.data.flush().await {
            Ok(()) => journal.append(&entries).await,
            it => it,
        };
        appended.inspect_err(|_| {
            let later = self.pending.replace(entries);
            self.pending.borrow_mut().extend(later);
            self.pending_bytes.update(|it| it + entries_bytes);
        })
    }

    fn push(&self, entry: Entry, bytes: u64) {
        self.pending.borrow_mut().push(entry);
        self.pending_bytes.update(|it| it + bytes);
    }

    fn kept(&self, piece: u32) -> StoreError {
        StoreError::Kept {
            key: self.key.clone(),
            piece,
        }
    }

    fn no_piece(&self, piece: u32) -> StoreError {
        StoreError::Piece {
            key: self.key.clone(),
            piece,
            n_pieces: self.plan.pieces.len(),
        }
    }
}

/// Writes the record over the room that was kept for it.
pub(super) async fn write_record(
    disk: &dyn Disk,
    key: &str,
    record: &str,
) -> Result<(), StoreError> {
    let file = disk.open(&names::record(key), Open::Write).await?;
    file.write(0, &record.as_bytes().to_vec().into()).await?;
    file.truncate(record.len() as u64).await?;
    file.flush().await
}
