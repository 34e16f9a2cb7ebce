//! What is kept, copied to another disk and from one: the same files there, each piece checked by its hash on the way in.

use super::{
    Begin, Disk, Mark, Open, Reader, Store, StoreError, Writer, blob, blob::Found, hash, names,
    writer::write_record, written,
};
use crate::spec::Trust;
use serde_json::Value;

/// Bytes copied at a time.
const CHUNK_BYTES: u64 = 8 << 20;

/// What came of copying a blob in.
pub struct Imported {
    /// The blob when it is whole.
    pub whole: Option<Reader>,
    /// Pieces of the copy that are not what its record says; the others are kept.
    pub bad_pieces: Vec<u32>,
}

/// A copy on another disk.
pub struct CopyInfo {
    /// Its key.
    pub key: String,
    /// What it was kept with; none where its record is missing, damaged or another file's.
    pub meta: Option<Value>,
    /// Bytes of it.
    pub size_bytes: u64,
}

impl Store {
    /// The copies that lie on another disk, by key. Their bytes are not read.
    ///
    /// Errors: those of that disk.
    pub async fn copies(&self, from: &dyn Disk) -> Result<Vec<CopyInfo>, StoreError> {
        let mut out = Vec::new();
        for (name, size_bytes) in from.list().await? {
            let key = names::key_of(&name).filter(|it| names::data(it) == name);
            let Some(key) = key.map(str::to_string) else {
                continue;
            };
            let meta = match blob::find(from, &key).await? {
                Found::Whole(plan, _) => Some(plan.meta),
                Found::Partial(_) | Found::Nothing => None,
            };
            out.push(CopyInfo {
                key,
                meta,
                size_bytes,
            });
        }
        Ok(out)
    }

    /// Copies a whole blob to another disk, where it replaces one of the same key; its record is written last. `progress` gets the
    /// bytes of each step.
    ///
    /// Errors: [`StoreError::Missing`], [`StoreError::Unfinished`]; [`StoreError::NoRoom`] there; those of both disks.
    pub async fn export(
        &self,
        key: &str,
        to: &dyn Disk,
        mut progress: impl FnMut(u64),
    ) -> Result<(), StoreError> {
        let reader = self.reader(key).await?.ok_or_else(|| StoreError::Missing {
            file: key.into(),
            place: self.place(),
        })?;
        let unfinished = || StoreError::Unfinished {
            key: key.into(),
            n_missing: reader.plan().n_missing(reader.marks()),
        };
        let record = written::record(reader.plan(), reader.marks()).ok_or_else(unfinished)?;
        blob::clear(to, key).await?;
        let copied = copy_data(&reader, to, &mut progress).await;
        let copied = match copied {
            Ok(()) => write_record(to, key, &record).await,
            it => it,
        };
        if copied.is_err() {
            // The error that is told is the first one.
            let _ = blob::clear(to, key).await;
        }
        copied
    }

    /// Copies a whole blob from another disk. Each piece is compared with the hash in the copy's record, and counts as no more
    /// trustworthy than `trust`: a record proves that a copy is what was kept, not what was published. An import that is interrupted
    /// goes on where it stopped. `progress` gets the bytes of each piece.
    ///
    /// Errors: [`StoreError::Damaged`] when the copy has no valid record, [`StoreError::Busy`]; those of [`Store::begin`] and of the
    /// disks.
    pub async fn import(
        &self,
        key: &str,
        from: &dyn Disk,
        trust: Trust,
        mut progress: impl FnMut(u64),
    ) -> Result<Imported, StoreError> {
        names::check(key)?;
        let Found::Whole(plan, marks) = blob::find(from, key).await? else {
            return Err(StoreError::Damaged {
                key: key.into(),
                place: from.name(),
                detail: "it has no record, or one that is damaged or another file's".into(),
            });
        };
        let writer = match self.begin(key, plan.clone()).await? {
            Begin::Busy => return Err(StoreError::Busy { key: key.into() }),
            Begin::Whole(it) => return Ok(imported(Some(it), Vec::new())),
            Begin::Writer(it) => it,
        };
        let copy = Reader::open(from, key, plan, marks).await?;
        let mut bad_pieces = Vec::new();
        for &piece in copy.marks().keys() {
            if !writer.marks().contains_key(&piece)
                && !copy_piece(&copy, &writer, piece, trust).await?
            {
                bad_pieces.push(piece);
            }
            progress(copy.plan().piece_bytes(piece).unwrap_or_default());
        }
        if bad_pieces.is_empty() {
            return Ok(imported(Some(writer.commit().await?), bad_pieces));
        }
        writer.sync().await?;
        Ok(imported(None, bad_pieces))
    }
}

fn imported(whole: Option<Reader>, bad_pieces: Vec<u32>) -> Imported {
    Imported { whole, bad_pieces }
}

async fn copy_data(
    reader: &Reader,
    to: &dyn Disk,
    progress: &mut impl FnMut(u64),
) -> Result<(), StoreError> {
    let file = to.open(&names::data(reader.key()), Open::Write).await?;
    let size_bytes = reader.size_bytes();
    file.truncate(size_bytes).await?;
    let mut at = 0;
    while at < size_bytes {
        let end = size_bytes.min(at + CHUNK_BYTES);
        file.write(at, &reader.read(at..end).await?).await?;
        progress(end - at);
        at = end;
    }
    file.flush().await
}

/// Copies a piece; whether it is what its mark says.
async fn copy_piece(
    copy: &Reader,
    writer: &Writer,
    piece: u32,
    trust: Trust,
) -> Result<bool, StoreError> {
    let mark = copy.mark(piece)?;
    let parts = copy.piece(piece).await?;
    if hash::sha256_of(&parts).await != mark.packed {
        return Ok(false);
    }
    let spans = copy.plan().pieces.get(piece as usize).into_iter().flatten();
    for (span, part) in spans.zip(&parts) {
        writer.write(span.start, part).await?;
    }
    let trust = mark.trust.min(trust);
    writer.mark(piece, Mark { trust, ..mark }).await?;
    Ok(true)
}
