//! A walk through all that a disk must be able to do, for disks that only a browser has: run there by its tests, natively by ours.

use super::{
    Begin, BlobPlan, Disk, Mark, Open, Reader, Store, StoreConfig, StoreError, Writer, sha256,
};
use crate::spec::{Bytes, Trust};
use std::rc::Rc;

const KEY: &str = "selftest";
const PIECE_BYTES: u64 = 300_000;
const N_PIECES: u32 = 3;

/// Keeps, interrupts, finds again, damages, repairs and removes a small blob in a folder of its own, which is empty afterwards; what
/// was seen, a line each.
///
/// Errors: the first thing that is not as it must be, as [`StoreError::Damaged`]; those of the disk.
pub async fn selftest(disk: Rc<dyn Disk>) -> Result<String, StoreError> {
    let above = disk.folder("selftest").await?;
    let store = Store::open(above.clone(), StoreConfig::default()).await?;
    store.remove(KEY).await?;
    let mut told = vec![format!("disk: {}", disk.name())];
    first_half(&store).await?;
    told.push("reserved, written, marked, synced, busy to others".into());
    second_half(&above).await?;
    told.push("found again, committed, read back".into());
    half_written(&store, &*above).await?;
    told.push("a half-written record does not count, the journal does".into());
    repair(&store).await?;
    told.push("reopened without a piece, written again, committed".into());
    scratch(&store).await?;
    told.push("a scratch comes and goes".into());
    let freed_bytes = store.remove(KEY).await?;
    check(store.list().await?.is_empty(), "what is removed is gone")?;
    told.push(format!("removed, {freed_bytes} bytes freed"));
    told.push(format!(
        "room: {:?} bytes, {:?}",
        store.room_bytes().await,
        store.keep().await
    ));
    Ok(told.join("\n"))
}

/// Keeps a small blob in a folder of its own, copies it out to `to`, has it back from there and from `again`, which is made once the copy
/// is there and sees the same files; both are empty afterwards. What was seen.
///
/// Errors: as [`selftest`].
pub async fn selftest_copies(
    disk: Rc<dyn Disk>,
    to: &dyn Disk,
    again: impl AsyncFnOnce() -> Result<Rc<dyn Disk>, StoreError>,
) -> Result<String, StoreError> {
    let above = disk.folder("selftest").await?;
    let store = Store::open(above, StoreConfig::default()).await?;
    store.remove(KEY).await?;
    let writer = begun(&store).await?;
    for piece in 0..N_PIECES {
        keep(&writer, piece).await?;
    }
    writer.commit().await?;
    let mut copied_bytes = 0;
    store.export(KEY, to, |it| copied_bytes += it).await?;
    check(copied_bytes == plan().size_bytes, "all of it is copied out")?;
    let again = again().await?;
    for from in [to, &*again] {
        store.remove(KEY).await?;
        let copies = store.copies(from).await?;
        let is_ours = copies.len() == 1 && copies[0].key == KEY && copies[0].meta.is_some();
        check(is_ours, "a copy is found with its record")?;
        let came = store.import(KEY, from, Trust::File, |_| ()).await?;
        let whole = came
            .whole
            .ok_or_else(|| wrong("a copy came back in part"))?;
        check(
            whole.damaged(|_| ()).await?.is_empty(),
            "a copy is what was kept",
        )?;
    }
    for (name, _) in to.list().await? {
        to.remove(&name).await?;
    }
    store.remove(KEY).await?;
    Ok(format!(
        "copied out to {} and had back, also from {}",
        to.name(),
        again.name()
    ))
}

async fn first_half(store: &Store) -> Result<(), StoreError> {
    let writer = begun(store).await?;
    check(writer.marks().is_empty(), "a new blob has no piece")?;
    for piece in 0..N_PIECES - 1 {
        keep(&writer, piece).await?;
    }
    writer.sync().await?;
    let again = store.begin(KEY, plan()).await?;
    check(
        matches!(again, Begin::Busy),
        "a blob is written by one alone",
    )?;
    let listed = store.list().await?;
    check(
        listed.len() == 1 && listed[0].busy,
        "what is written is listed as busy",
    )?;
    // Read beside the open writer, as another tab does.
    let reader = read(store).await?;
    check(
        !reader.is_whole() && reader.verify(0).await?,
        "what is synced can be read",
    )?;
    let missing = reader.read(0..plan().size_bytes).await;
    check(
        matches!(missing, Err(StoreError::NotHere { .. })),
        "what is missing is not read",
    )
}

async fn second_half(above: &Rc<dyn Disk>) -> Result<(), StoreError> {
    let store = Store::open(above.clone(), StoreConfig::default()).await?;
    let writer = begun(&store).await?;
    check(
        writer.marks().len() as u32 == N_PIECES - 1,
        "what was synced is found again",
    )?;
    keep(&writer, N_PIECES - 1).await?;
    let reader = writer.commit().await?;
    check(reader.is_whole(), "what is committed is whole")?;
    check(
        reader.damaged(|_| ()).await?.is_empty(),
        "what is whole is undamaged",
    )?;
    let bytes = reader
        .read(PIECE_BYTES - 1..PIECE_BYTES + 1)
        .await?
        .into_vec();
    check(
        bytes == [byte(0, PIECE_BYTES - 1), byte(1, 0)],
        "ranges are where they were written",
    )
}

async fn half_written(store: &Store, above: &dyn Disk) -> Result<(), StoreError> {
    let inside = above.folder("gemscope").await?;
    let file = inside.open(&format!("{KEY}.record"), Open::Write).await?;
    file.truncate(file.size().await? / 2).await?;
    file.flush().await?;
    drop(file);
    let writer = begun(store).await?;
    check(
        writer.marks().len() as u32 == N_PIECES,
        "the journal knows all pieces",
    )?;
    writer.commit().await.map(drop)
}

async fn repair(store: &Store) -> Result<(), StoreError> {
    let writer = store.reopen(KEY, &[1]).await?;
    check(!writer.marks().contains_key(&1), "a bad piece is missing")?;
    let kept = writer.write(0, &piece_bytes(0)).await;
    check(
        matches!(kept, Err(StoreError::Kept { .. })),
        "a kept piece is not written over",
    )?;
    keep(&writer, 1).await?;
    let reader = writer.commit().await?;
    check(reader.verify(1).await?, "a repaired piece is whole")
}

async fn scratch(store: &Store) -> Result<(), StoreError> {
    let scratch = store.scratch(KEY, 1000).await?;
    scratch.write(500, &vec![7; 500].into()).await?;
    let bytes = scratch.read(499..501).await?.into_vec();
    check(bytes == [0, 7], "a scratch is read back")?;
    check(
        store.usage().await?.scratch_bytes == 1000,
        "a scratch takes its room",
    )
}

async fn begun(store: &Store) -> Result<Writer, StoreError> {
    match store.begin(KEY, plan()).await? {
        Begin::Writer(it) => Ok(it),
        Begin::Whole(_) => Err(wrong("it is whole and should not be")),
        Begin::Busy => Err(wrong("it is busy and should not be")),
    }
}

async fn read(store: &Store) -> Result<Reader, StoreError> {
    let reader = store.reader(KEY).await?;
    reader.ok_or_else(|| wrong("nothing can be read"))
}

async fn keep(writer: &Writer, piece: u32) -> Result<(), StoreError> {
    let bytes = piece_bytes(piece);
    writer.write(u64::from(piece) * PIECE_BYTES, &bytes).await?;
    let packed = sha256(&bytes).await;
    let mark = Mark {
        source: packed,
        packed,
        trust: Trust::Received,
    };
    writer.mark(piece, mark).await
}

fn plan() -> BlobPlan {
    BlobPlan {
        meta: serde_json::Value::String("selftest".into()),
        size_bytes: u64::from(N_PIECES) * PIECE_BYTES,
        pieces: (0..u64::from(N_PIECES))
            .map(|it| std::iter::once(it * PIECE_BYTES..(it + 1) * PIECE_BYTES).collect())
            .collect(),
    }
}

fn piece_bytes(piece: u32) -> Bytes {
    let bytes: Vec<u8> = (0..PIECE_BYTES).map(|at| byte(piece, at)).collect();
    bytes.into()
}

fn byte(piece: u32, at: u64) -> u8 {
    (at % 251) as u8 ^ (piece as u8 + 1)
}

fn check(holds: bool, what: &str) -> Result<(), StoreError> {
    holds.then_some(()).ok_or_else(|| wrong(what))
}

fn wrong(what: &str) -> StoreError {
    StoreError::Damaged {
        key: KEY.into(),
        place: "the self-test".into(),
        detail: format!("it does not hold that {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::MemoryDisk, *};
    use crate::sys::block_on;

    #[test]
    fn copies_come_back_and_leave_nothing() {
        let (disk, to) = (MemoryDisk::new(1), MemoryDisk::new(2));
        let again = async || Ok(Rc::new(to.clone()) as Rc<dyn Disk>);
        let told = block_on(selftest_copies(Rc::new(disk), &to, again)).expect("it holds");
        assert!(told.contains("memory"), "{told}");
        assert!(block_on(to.list()).expect("a list").is_empty());
    }

    #[test]
    fn a_copy_that_is_damaged_is_noticed() {
        let (disk, to) = (MemoryDisk::new(1), MemoryDisk::new(2));
        let again = async || {
            assert!(to.damage(&format!("{KEY}.data"), 9));
            Ok(Rc::new(to.clone()) as Rc<dyn Disk>)
        };
        let told = block_on(selftest_copies(Rc::new(disk), &to, again));
        assert!(told.is_err(), "{told:?}");
    }
}
