//! The directory of a zip file, read from its end: where the bytes of each stored entry lie. Leaves reading to `npz`, and what
//! the entries are to `npy`.
//!
//! Every function here is pure: pieces of a file and where they lie in, places out. Offsets are u64 and sizes may come from zip64
//! fields, since numpy writes those for every entry and a file may have more than 4 GiB. Checksums are not compared: they would ask
//! for every byte of a file that is read by ranges. Source: APPNOTE.TXT of PKWARE, 4.3 and 4.5.3.

use super::WeightsError;
use std::ops::Range;

/// What is read of the end of a file: the last record with the longest comment, and the two records of zip64 before it.
pub const TAIL_BYTES: u64 = END_BYTES as u64 + 0xffff + LOCATOR_BYTES as u64 + END64_BYTES;
/// Bytes of the record that zip64 adds to the end.
pub const END64_BYTES: u64 = 56;
/// Bytes of the fixed part of an entry's own header.
pub const LOCAL_BYTES: u64 = 30;

const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;
const CENTRAL_BYTES: usize = 46;
/// The extra field with what does not fit into 32 bits.
const ZIP64_FIELD: u16 = 1;
/// The flags of entries that are encrypted, one way or another.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Where the directory lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its bytes in the file.
    pub range: Range<u64>,
    /// How many entries it lists.
    pub n_entries: u64,
}

/// What the last record of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Where the directory is.
    Directory(Directory),
    /// Where the record is that says it, in a file with zip64 fields.
    Zip64(u64),
}

/// A line of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipEntry {
    /// Its name, with folders.
    pub name: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// Where its own header lies.
    pub header_at: u64,
}

/// Finds the last record in `tail`, the last bytes of a file of `file_bytes`.
///
/// Errors: [`WeightsError::NotZip`]; [`WeightsError::ZipDirectory`] for archives of several disks and places outside the file.
pub fn find_end(file: &str, tail: &[u8], file_bytes: u64) -> Result<End, WeightsError> {
    let not_zip = || WeightsError::NotZip { file: file.into() };
    let tail_at = file_bytes
        .checked_sub(tail.len() as u64)
        .ok_or_else(not_zip)?;
    let last = tail.len().checked_sub(END_BYTES).ok_or_else(not_zip)?;
    let is_end = |at: &usize| {
        let comment_bytes = u16_at(tail, at + 20).map(usize::from);
        tail[*at..].starts_with(b"PK\x05\x06") && comment_bytes == Some(last - at)
    };
    let at = (0..=last).rev().find(is_end).ok_or_else(not_zip)?;
    let record = &tail[at..];
    let short = |field| u16_at(record, field).unwrap_or(0);
    let long = |field| u32_at(record, field).unwrap_or(0);
    let (disk, directory_disk, on_disk, n_entries) = (short(4), short(6), short(8), short(10));
    if [disk, directory_disk, on_disk, n_entries].contains(&u16::MAX)
        || [long(12), long(16)].contains(&u32::MAX)
    {
        let locator = at.checked_sub(LOCATOR_BYTES).map(|it| &tail[it..at]);
        let at = locator.and_then(|it| end64_at(it, tail_at + at as u64));
        return at
            .map(End::Zip64)
            .ok_or_else(|| directory_error(file, "its zip64 record is missing"));
    }
    if (disk, directory_disk, on_disk) != (0, 0, n_entries) {
        return Err(directory_error(file, "it is spread over several files"));
    }
    let start = u64::from(long(16));
    let range = start..start + u64::from(long(12));
    inside(file, range, n_entries.into(), tail_at + at as u64).map(End::Directory)
}

/// Reads the record that [`End::Zip64`] points to.
///
/// Shapes: `record` is the [`END64_BYTES`] at `at`.
///
/// Errors: [`WeightsError::ZipDirectory`].
pub fn parse_end64(file: &str, record: &[u8], at: u64) -> Result<Directory, WeightsError> {
    let long = |field| u32_at(record, field);
    let huge = |field| u64_at(record, field);
    let fields = (huge(24), huge(32), huge(40), huge(48));
    let (Some(on_disk), Some(n_entries), Some(size), Some(start)) = fields else {
        return Err(directory_error(file, "its zip64 record is cut short"));
    };
    if !record.starts_with(b"PK\x06\x06") {
        return Err(directory_error(file, "its zip64 record is missing"));
    }
    if (long(16), long(20), on_disk) != (Some(0), Some(0), n_entries) {
        return Err(directory_error(file, "it is spread over several files"));
    }
    inside(file, start..start.saturating_add(size), n_entries, at)
}

/// Reads the lines of the directory.
///
/// Shapes: `bytes` are those of `directory.range`.
///
/// Errors: [`WeightsError::ZipDirectory`] where they are not what it says; what makes an entry unreadable, naming it.
pub fn parse_directory(
    file: &str,
    bytes: &[u8],
    directory: &Directory,
) -> Result<Vec<ZipEntry>, WeightsError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (entry, after) = parse_entry(file, rest)?;
        let header_end = entry.header_at.checked_add(LOCAL_BYTES);
        if header_end.is_none_or(|it| it > directory.range.start) {
            return Err(entry_error(file, &entry.name, "it lies outside the file"));
        }
        entries.push(entry);
        rest = after;
    }
    if entries.len() as u64 == directory.n_entries {
        return Ok(entries);
    }
    let detail = format!(
        "it says {} entries and lists {}",
        directory.n_entries,
        entries.len()
    );
    Err(directory_error(file, &detail))
}

/// Where the bytes of an entry lie, by its own header: name and extra fields there may be of other lengths than in the directory.
///
/// Shapes: `local` begins with the [`LOCAL_BYTES`] at `entry.header_at`; entries end at `end`, where the directory begins.
///
/// Errors: [`WeightsError::ZipEntry`].
pub fn payload(
    file: &str,
    entry: &ZipEntry,
    local: &[u8],
    end: u64,
) -> Result<Range<u64>, WeightsError> {
    let error = |detail| entry_error(file, &entry.name, detail);
    if !local.starts_with(b"PK\x03\x04") {
        return Err(error("its header is not where the directory says"));
    }
    let lengths = u16_at(local, 26).zip(u16_at(local, 28));
    let (name_bytes, extra_bytes) = lengths.ok_or_else(|| error("its header is cut short"))?;
    if u16_at(local, 8) != Some(0) {
        return Err(error("its header and the directory say different methods"));
    }
    let start =
        (entry.header_at).checked_add(LOCAL_BYTES + u64::from(name_bytes) + u64::from(extra_bytes));
    let range = start.and_then(|it| Some(it..it.checked_add(entry.size_bytes)?));
    let range = range.filter(|it| it.end <= end);
    range.ok_or_else(|| error("it goes on beyond the directory, or beyond the end of the file"))
}

/// No byte may belong to two entries, headers included. `ranges` are names and places from the header to the last byte.
///
/// Errors: [`WeightsError::ZipEntry`], naming the second one.
pub fn check_apart(file: &str, mut ranges: Vec<(&str, Range<u64>)>) -> Result<(), WeightsError> {
    ranges.sort_unstable_by_key(|(_, it)| it.start);
    match ranges.windows(2).find(|it| it[0].1.end > it[1].1.start) {
        None => Ok(()),
        Some(pair) => {
            let detail = format!("it lies inside `{}`", pair[0].0);
            Err(entry_error(file, pair[1].0, &detail))
        }
    }
}

/// One line of the directory, and what follows it.
fn parse_entry<'a>(file: &str, bytes: &'a [u8]) -> Result<(ZipEntry, &'a [u8]), WeightsError> {
    let cut = || directory_error(file, "an entry is cut short");
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(directory_error(file, "something else stands in it"));
    }
    let (head, rest) = bytes.split_at_checked(CENTRAL_BYTES).ok_or_else(cut)?;
    let short = |field| u16_at(head, field).unwrap_or(0);
    let long = |field| u32_at(head, field).unwrap_or(0);
    let (name, rest) = rest.split_at_checked(short(28).into()).ok_or_else(cut)?;
    let (extra, rest) = rest.split_at_checked(short(30).into()).ok_or_else(cut)?;
    let (_comment, rest) = rest.split_at_checked(short(32).into()).ok_or_else(cut)?;
    let name = str::from_utf8(name)
        .map_err(|_| directory_error(file, "a name is not in UTF-8"))?
        .to_string();
    if short(8) & ENCRYPTED != 0 {
        return Err(WeightsError::Encrypted {
            file: file.into(),
            entry: name,
        });
    }
    if short(10) != 0 {
        return Err(WeightsError::Compressed {
            file: file.into(),
            entry: name,
            method: short(10),
        });
    }
    let wide = Zip64::read(extra, [long(24), long(20), long(42)], short(34));
    let Some(wide) = wide else {
        return Err(entry_error(file, &name, "its zip64 field is missing"));
    };
    if wide.size_bytes != wide.stored_bytes || wide.disk != 0 {
        let detail = "it is stored with two sizes, or in another file";
        return Err(entry_error(file, &name, detail));
    }
    let (size_bytes, header_at) = (wide.size_bytes, wide.header_at);
    let entry = ZipEntry {
        name,
        size_bytes,
        header_at,
    };
    Ok((entry, rest))
}

/// The four numbers that may stand in a zip64 field.
struct Zip64 {
    size_bytes: u64,
    stored_bytes: u64,
    header_at: u64,
    disk: u32,
}

impl Zip64 {
    /// Takes from the extra fields what the fixed ones (size, stored size, place of the header, disk) leave to them; only that stands
    /// there, in this order.
    fn read(extra: &[u8], fixed: [u32; 3], disk: u16) -> Option<Self> {
        let mut field = zip64_field(extra).unwrap_or_default();
        let mut take = |n_bytes: usize| {
            let (head, rest) = field.split_at_checked(n_bytes)?;
            field = rest;
            Some(head)
        };
        let mut wide = |it: u32| match it {
            u32::MAX => u64_at(take(8)?, 0),
            it => Some(u64::from(it)),
        };
        Some(Self {
            size_bytes: wide(fixed[0])?,
            stored_bytes: wide(fixed[1])?,
            header_at: wide(fixed[2])?,
            disk: match disk {
                u16::MAX => u32_at(take(4)?, 0)?,
                it => it.into(),
            },
        })
    }
}

/// The first zip64 field among the extra ones.
fn zip64_field(mut extra: &[u8]) -> Option<&[u8]> {
    while let (Some(id), Some(n_bytes)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let (field, rest) = extra[4..].split_at_checked(n_bytes.into())?;
        if id == ZIP64_FIELD {
            return Some(field);
        }
        extra = rest;
    }
    None
}

/// Where the locator says that the last record of zip64 lies: before itself, in the same file.
fn end64_at(locator: &[u8], end_at: u64) -> Option<u64> {
    let plain = locator.starts_with(b"PK\x06\x07")
        && u32_at(locator, 4) == Some(0)
        && u32_at(locator, 16)? <= 1;
    let at = u64_at(locator, 8)?;
    let record_end = at.checked_add(END64_BYTES)?;
    (plain && record_end <= end_at.checked_sub(LOCATOR_BYTES as u64)?).then_some(at)
}

/// A directory must end where the records behind it begin, or before.
fn inside(
    file: &str,
    range: Range<u64>,
    n_entries: u64,
    end: u64,
) -> Result<Directory, WeightsError> {
    match range.end <= end {
        true => Ok(Directory { range, n_entries }),
        false => Err(directory_error(file, "it lies outside the file")),
    }
}

fn directory_error(file: &str, detail: &str) -> WeightsError {
    WeightsError::ZipDirectory {
        file: file.into(),
        detail: detail.into(),
    }
}

fn entry_error(file: &str, entry: &str, detail: &str) -> WeightsError {
    WeightsError::ZipEntry {
        file: file.into(),
        entry: entry.into(),
        detail: detail.into(),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
