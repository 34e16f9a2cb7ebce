//! An npz file -> where each of its arrays lies, by a few small reads. Leaves which arrays should be there to `dictionary_file`.

use super::{
    Entry, WeightsError,
    layout::add_field,
    npy::{self, NpyHeader},
    zip::{self, Directory, End, ZipEntry},
};
use crate::{
    hub::{HubError, Source},
    spec::Bytes,
};
use futures_util::future::try_join_all;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, ops::Range};

/// A directory of more bytes, or with more entries, is not one of a transcoder's file, which has five.
const MAX_DIRECTORY_BYTES: u64 = 1 << 20;
const MAX_ENTRIES: usize = 64;
/// What is read of an entry at first: in all files of numpy both headers.
const FIRST_BYTES: u64 = 512;

/// The arrays of an npz file by their names, and adds the file's name, size, directory and headers to `hasher`.
///
/// The directory is read from the end; entries may stand in any order and begin anywhere. An entry's checksum stands in the directory
/// and so counts for the fingerprint, but is not compared with the bytes, most of which are never read together.
///
/// Errors: those of [`zip`] and [`npy`]; [`WeightsError::Duplicate`], [`WeightsError::Size`].
pub(super) async fn read_arrays(
    source: &dyn Source,
    file: &str,
    hasher: &mut Sha256,
) -> Result<BTreeMap<String, Entry>, WeightsError> {
    let file_bytes = source.size(file).await?;
    let reader = Reader { source, file };
    let (directory, bytes) = reader.directory(file_bytes).await?;
    let entries = zip::parse_directory(file, &bytes, &directory)?;
    if entries.len() > MAX_ENTRIES {
        return Err(WeightsError::ZipDirectory {
            file: file.into(),
            detail: format!("it lists {} entries; transcoders have 5", entries.len()),
        });
    }
    let end = directory.range.start;
    let arrays = try_join_all(entries.iter().map(|it| reader.array(it, end))).await?;
    let extents = entries.iter().zip(&arrays);
    let extents =
        extents.map(|(it, array)| (it.name.as_str(), it.header_at..array.entry.range.end));
    zip::check_apart(file, extents.collect())?;
    add_field(hasher, file.as_bytes());
    hasher.update(file_bytes.to_le_bytes());
    add_field(hasher, &bytes);
    let mut out = BTreeMap::new();
    for (entry, array) in entries.iter().zip(arrays) {
        add_field(hasher, &array.header);
        let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name);
        if out.insert(name.to_string(), array.entry).is_some() {
            return Err(WeightsError::Duplicate {
                file: file.into(),
                tensor: name.into(),
            });
        }
    }
    Ok(out)
}

/// Exactly as many bytes as asked.
///
/// Errors: [`HubError::Length`]; what the source says.
pub(super) async fn read_exactly(
    source: &dyn Source,
    file: &str,
    range: Range<u64>,
) -> Result<Bytes, WeightsError> {
    let wanted_bytes = range.end - range.start;
    let bytes = source.read(file, range).await?;
    if bytes.len() as u64 == wanted_bytes {
        return Ok(bytes);
    }
    Err(WeightsError::Hub(HubError::Length {
        file: file.into(),
        wanted_bytes,
        got_bytes: bytes.len() as u64,
    }))
}

struct Reader<'a> {
    source: &'a dyn Source,
    file: &'a str,
}

/// An array, and what its header says in its own words.
struct Array {
    entry: Entry,
    header: Vec<u8>,
}

impl Reader<'_> {
    /// The directory and its bytes.
    async fn directory(&self, file_bytes: u64) -> Result<(Directory, Vec<u8>), WeightsError> {
        let tail_at = file_bytes.saturating_sub(zip::TAIL_BYTES);
        let tail = self.read(tail_at..file_bytes).await?;
        // What lies in the tail is there already.
        let known = |range: &Range<u64>| {
            let start = usize::try_from(range.start.checked_sub(tail_at)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(tail_at)?).ok()?;
            Some(tail.get(start..end)?.to_vec())
        };
        let directory = match zip::find_end(self.file, &tail, file_bytes)? {
            End::Directory(it) => it,
            End::Zip64(at) => {
                let range = at..at + zip::END64_BYTES;
                let record = match known(&range) {
                    Some(it) => it,
                    None => self.read(range).await?,
                };
                zip::parse_end64(self.file, &record, at)?
            }
        };
        let range = directory.range.clone();
        let size_bytes = range.end - range.start;
        if size_bytes > MAX_DIRECTORY_BYTES {
            return Err(WeightsError::ZipDirectory {
                file: self.file.into(),
                detail: format!(
                    "it has {size_bytes} bytes; at most {MAX_DIRECTORY_BYTES} are read"
                ),
            });
        }
        let bytes = match known(&range) {
            Some(it) => it,
            None => self.read(range).await?,
        };
        Ok((directory, bytes))
    }

    /// What an entry holds; entries end at `end`.
    async fn array(&self, entry: &ZipEntry, end: u64) -> Result<Array, WeightsError> {
        let (file, name, at) = (self.file, entry.name.as_str(), entry.header_at);
        let mut head = self.read(at..end.min(at + FIRST_BYTES)).await?;
        let payload = zip::payload(file, entry, &head, end)?;
        // Both headers are short in what numpy writes; where they are not, the rest is fetched.
        let first = payload.end.min(payload.start + npy::FIRST_BYTES as u64) - at;
        self.extend(&mut head, at, first).await?;
        let npy_at = (payload.start - at) as usize;
        let extent = NpyHeader::extent(file, name, &head[npy_at..])?;
        let header_end = payload.end.min(payload.start + extent) - at;
        self.extend(&mut head, at, header_end).await?;
        head.truncate(header_end as usize);
        let header = head.split_off(npy_at);
        let found = NpyHeader::parse(file, name, &header)?;
        let range = payload.start + found.extent..payload.end;
        let size_bytes = (found.shape.iter())
            .try_fold(1u64, |product, it| product.checked_mul(*it))
            .and_then(|it| it.checked_mul(found.dtype.size_bytes() as u64));
        let (dtype, shape) = (found.dtype, found.shape);
        if size_bytes != Some(range.end - range.start) {
            return Err(WeightsError::Size {
                file: file.into(),
                tensor: name.into(),
                dtype,
                shape,
                got_bytes: range.end - range.start,
            });
        }
        let entry = Entry {
            dtype,
            shape,
            range,
        };
        Ok(Array { entry, header })
    }

    /// Makes `head`, the bytes from `at` on, at least `n_bytes` long.
    async fn extend(&self, head: &mut Vec<u8>, at: u64, n_bytes: u64) -> Result<(), WeightsError> {
        let known = head.len() as u64;
        if known < n_bytes {
            head.extend(self.read(at + known..at + n_bytes).await?);
        }
        Ok(())
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, WeightsError> {
        let bytes = read_exactly(self.source, self.file, range).await?;
        Ok(bytes.into_vec())
    }
}
