//! What `huggingface-cli download` notes of a file beside it, and what tells files apart of which nothing is noted. Leaves finding the
//! notes to `downloaded` and `copied`.
//!
//! Source: huggingface_hub, `_local_folder.py`. In a folder of one's own (`--local-dir`) each file has
//! `.cache/huggingface/download/FILE.metadata`: commit, ETag, time. An ETag is the sha256 of a large file, and git's name of a small one.

use super::RemoteFile;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, ops::Range};

/// A note of more bytes than this is none.
pub(super) const MAX_NOTE_BYTES: u64 = 4096;
/// Where a folder of one's own has what is known of its files.
const METADATA: &str = ".cache/huggingface/download/";
/// Bytes of a file's start and end by which one is told from another where nothing else is known.
const SAMPLE_BYTES: u64 = 64 << 10;

/// What is noted of a file.
pub(super) struct Note {
    pub commit: String,
    pub etag: String,
    pub seconds: f64,
}

impl Note {
    /// Where the note of a file would be.
    pub fn place(file: &str) -> String {
        format!("{METADATA}{file}.metadata")
    }

    /// The note of a text, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let (commit, etag) = (lines.next()?, lines.next()?);
        let seconds = lines.next().and_then(|it| it.parse().ok());
        is_hex(commit, 40).then(|| Self {
            commit: commit.into(),
            etag: etag.into(),
            seconds: seconds.unwrap_or(0.0),
        })
    }

    /// The commit that the newest of some notes names.
    pub fn newest(notes: Vec<Self>) -> Option<String> {
        let newest = notes
            .into_iter()
            .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
        newest.map(|it| it.commit)
    }
}

/// A file whose ETag is known, or of which nothing is: then it has neither hash.
pub(super) fn of_etag(size_bytes: u64, etag: Option<&str>) -> RemoteFile {
    let (mut sha256, mut oid) = (None, String::new());
    match etag {
        Some(it) if is_hex(it, 64) => sha256 = Some(it.into()),
        Some(it) if is_hex(it, 40) => oid = it.into(),
        _ => (),
    }
    RemoteFile {
        size_bytes,
        sha256,
        oid,
    }
}

/// The parts of a file that are looked at to tell it from others.
pub(super) fn samples(size_bytes: u64) -> [Range<u64>; 2] {
    let end = size_bytes.saturating_sub(SAMPLE_BYTES);
    [0..SAMPLE_BYTES.min(size_bytes), end..size_bytes]
}

/// What tells a file from others where nobody says what it must hash to: a file that is changed is another one.
pub(super) fn sampled(name: &str, size_bytes: u64, nanos: u128, samples: &[Vec<u8>]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{name}\n{size_bytes}\n{nanos}\n"));
    samples.iter().for_each(|it| hasher.update(it));
    digits_40(hasher)
}

/// What stands for the commit where nothing tells it.
pub(super) fn made_up(files: &BTreeMap<String, RemoteFile>) -> String {
    let mut hasher = Sha256::new();
    for (name, it) in files {
        let hash = it.sha256.as_ref().unwrap_or(&it.oid);
        hasher.update(format!("{name}\n{}\n{hash}\n", it.size_bytes));
    }
    digits_40(hasher)
}

pub(super) fn is_hex(text: &str, n_digits: usize) -> bool {
    let digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    text.len() == n_digits && text.bytes().all(digit)
}

fn digits_40(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes[..20].iter().map(|it| format!("{it:02x}")).collect()
}
