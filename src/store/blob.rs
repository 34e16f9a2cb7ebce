//! What is there of a blob: its record where that is whole and fits the data, otherwise its journal.

use super::{
    BlobPlan, Disk, Marks, Open, StoreError,
    journal::{self, Logged},
    names, written,
};

/// A record or a journal beyond this is none of ours.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// What is there of a blob.
pub(super) enum Found {
    /// Nothing that could be used.
    Nothing,
    /// Some pieces, or all of them without a record.
    Partial(Logged),
    /// All of it.
    Whole(BlobPlan, Marks),
}

/// Looks at a blob's files.
///
/// Errors: those of the disk. Damaged or half-written files are none: they don't count.
pub(super) async fn find(disk: &dyn Disk, key: &str) -> Result<Found, StoreError> {
    let Some(data_bytes) = size(disk, &names::data(key)).await? else {
        return Ok(Found::Nothing);
    };
    let record = read(disk, &names::record(key)).await?;
    if let Some((plan, marks)) = record.and_then(|it| written::parse_record(&it)) {
        // A record whose data is another's says nothing about the data, and no journal does either.
        return Ok(match plan.size_bytes == data_bytes {
            true => Found::Whole(plan, marks),
            false => Found::Nothing,
        });
    }
    let log = read(disk, &names::journal(key)).await?;
    let log = log.and_then(|it| journal::parse(&it));
    let log = log.filter(|it| it.plan.size_bytes == data_bytes && it.plan.spans(key).is_ok());
    Ok(log.map_or(Found::Nothing, Found::Partial))
}

/// Takes a blob's files away, in the order that never leaves a record or a journal without its data.
///
/// Errors: those of the disk.
pub(super) async fn clear(disk: &dyn Disk, key: &str) -> Result<(), StoreError> {
    for it in [names::record(key), names::journal(key), names::data(key)] {
        disk.remove(&it).await?;
    }
    Ok(())
}

/// A small file's bytes; none when it is not there, too large, or changes while it is read.
///
/// Errors: those of the disk.
pub(super) async fn read(disk: &dyn Disk, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let read = async {
        let file = disk.open(name, Open::Read).await?;
        let size_bytes = file.size().await?;
        match size_bytes <= MAX_TEXT_BYTES {
            true => file.read(0..size_bytes).await.map(Some),
            false => Ok(None),
        }
    };
    match read.await {
        Ok(it) => Ok(it.map(|it| it.into_vec())),
        Err(StoreError::Missing { .. } | StoreError::Range { .. } | StoreError::Length { .. }) => {
            Ok(None)
        }
        Err(it) => Err(it),
    }
}

/// Bytes of a file; none when it is not there.
async fn size(disk: &dyn Disk, name: &str) -> Result<Option<u64>, StoreError> {
    let size = async { disk.open(name, Open::Read).await?.size().await };
    match size.await {
        Err(StoreError::Missing { .. }) => Ok(None),
        it => it.map(Some),
    }
}
