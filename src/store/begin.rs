//! How a blob comes to be written: begun, gone on with, or opened again.

use super::{
    BlobPlan, Disk, LockGuard, Marks, Open, Reader, StoreError, Writer,
    blob::{self, Found},
    journal::{Journal, Logged},
    keeper::Shared,
    names,
    writer::Opened,
    written,
};
use std::rc::Rc;

/// What beginning a blob comes to.
pub enum Begin {
    /// It is there already.
    Whole(Reader),
    /// It may be written; what is there of it is marked.
    Writer(Writer),
    /// Another tab or program writes it.
    Busy,
}

pub(super) async fn begin(
    shared: &Rc<Shared>,
    key: &str,
    plan: BlobPlan,
) -> Result<Begin, StoreError> {
    names::check(key)?;
    plan.spans(key)?;
    let disk = &*shared.disk;
    // What is whole is read by any number of tabs: no lock.
    if let Some(it) = whole(disk, key, &plan).await? {
        return Ok(Begin::Whole(it));
    }
    let Some(lock) = disk.lock(&names::data(key)).await? else {
        return Ok(Begin::Busy);
    };
    // Another tab may have come to its end meanwhile.
    if let Some(it) = whole(disk, key, &plan).await? {
        return Ok(Begin::Whole(it));
    }
    let opened = match blob::find(disk, key).await? {
        Found::Partial(it) if it.plan == plan => resume(disk, key, it, lock).await?,
        _ => fresh(disk, key, plan, lock).await?,
    };
    Writer::new(shared, key, opened).map(Begin::Writer)
}

pub(super) async fn reopen(
    shared: &Rc<Shared>,
    key: &str,
    bad_pieces: &[u32],
) -> Result<Writer, StoreError> {
    names::check(key)?;
    let disk = &*shared.disk;
    let Some(lock) = disk.lock(&names::data(key)).await? else {
        return Err(StoreError::Busy { key: key.into() });
    };
    let opened = match blob::find(disk, key).await? {
        Found::Nothing => {
            return Err(StoreError::Missing {
                file: key.into(),
                place: disk.name(),
            });
        }
        Found::Partial(it) => resume(disk, key, it, lock).await?,
        Found::Whole(plan, marks) => unmade(disk, key, (plan, marks), lock).await?,
    };
    let writer = Writer::new(shared, key, opened)?;
    for &piece in bad_pieces {
        writer.forget(piece).await?;
    }
    Ok(writer)
}

/// A whole blob of the same content; how it is cut into pieces is its own.
async fn whole(disk: &dyn Disk, key: &str, plan: &BlobPlan) -> Result<Option<Reader>, StoreError> {
    match blob::find(disk, key).await? {
        Found::Whole(kept, marks)
            if (&kept.meta, kept.size_bytes) == (&plan.meta, plan.size_bytes) =>
        {
            Reader::open(disk, key, kept, marks).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// A blob from its beginning. Where there is no room, nothing of it is left.
async fn fresh(
    disk: &dyn Disk,
    key: &str,
    plan: BlobPlan,
    lock: LockGuard,
) -> Result<Opened, StoreError> {
    blob::clear(disk, key).await?;
    match made(disk, key, plan, lock).await {
        Err(error) => {
            // The error that is told is the first one; what stays is taken away when the store is opened next.
            let _ = blob::clear(disk, key).await;
            Err(error)
        }
        it => it,
    }
}

async fn made(
    disk: &dyn Disk,
    key: &str,
    plan: BlobPlan,
    lock: LockGuard,
) -> Result<Opened, StoreError> {
    let data = disk.open(&names::data(key), Open::Write).await?;
    data.truncate(plan.size_bytes).await?;
    // The removal of what was there before and the size must last before any journal speaks of them.
    data.flush().await?;
    reserve_record(disk, key, &plan).await?;
    let journal = disk.open(&names::journal(key), Open::Write).await?;
    let marks = Marks::new();
    Ok(Opened {
        journal: Journal::begin(journal, &plan, &marks).await?,
        plan,
        marks,
        data,
        lock,
    })
}

async fn resume(
    disk: &dyn Disk,
    key: &str,
    logged: Logged,
    lock: LockGuard,
) -> Result<Opened, StoreError> {
    let journal = disk.open(&names::journal(key), Open::Write).await?;
    Ok(Opened {
        journal: Journal::resume(journal, &logged).await?,
        data: disk.open(&names::data(key), Open::Write).await?,
        plan: logged.plan,
        marks: logged.marks,
        lock,
    })
}

/// A whole blob made partial: a journal first, then the record goes. In between the record counts, and it is true.
async fn unmade(
    disk: &dyn Disk,
    key: &str,
    (plan, marks): (BlobPlan, Marks),
    lock: LockGuard,
) -> Result<Opened, StoreError> {
    // The record may be one whose writer died before it was flushed; from here on nothing else says what is there.
    let record = disk.open(&names::record(key), Open::Write).await?;
    record.flush().await?;
    drop(record);
    disk.remove(&names::journal(key)).await?;
    let journal = disk.open(&names::journal(key), Open::Write).await?;
    let journal = Journal::begin(journal, &plan, &marks).await?;
    disk.remove(&names::record(key)).await?;
    journal.flush().await?;
    Ok(Opened {
        journal,
        data: disk.open(&names::data(key), Open::Write).await?,
        plan,
        marks,
        lock,
    })
}

/// Takes the room of the record, so that what has arrived can always be made whole.
async fn reserve_record(disk: &dyn Disk, key: &str, plan: &BlobPlan) -> Result<(), StoreError> {
    let file = disk.open(&names::record(key), Open::Write).await?;
    file.truncate(written::record_bytes(plan)).await
}
