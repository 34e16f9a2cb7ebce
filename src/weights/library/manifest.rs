//! sha256 of the pieces of published files: what proves a piece as it comes, long before its file is whole. Leaves reading the files
//! to `manifest_make`.
//!
//! Pieces are those of [`PartPlan`](crate::weights::PartPlan) at the usual size, which no packing changes; a file without weights is
//! one piece. Rows of the opening set lie inside pieces of the table of tokens and are none of their own: they stay at
//! [`Trust::Received`](crate::spec::Trust) until they are compared with the table, see [`super::opening_trust`].

use crate::{
    spec::file_name_parts,
    weights::{WeightsError, checkpoint::hex, unique::Unique},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// The version of what is written; another one is not read.
const VERSION: u32 = 1;

/// A sha256.
pub(super) type Hash = [u8; 32];

/// sha256 of pieces of files, by name and range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    files: BTreeMap<String, ManifestFile>,
}

/// What a manifest says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// Bytes of it.
    pub size_bytes: u64,
    /// sha256 of the whole.
    pub sha256: Hash,
    /// Its pieces, which are the file without gaps, each with its sha256.
    pub pieces: Vec<(Range<u64>, Hash)>,
}

#[derive(Deserialize)]
struct VersionText {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestText {
    #[allow(dead_code, reason = "read before; here so that no other field passes")]
    version: u32,
    files: Unique<FileText>,
}

#[derive(Serialize)]
struct ManifestWritten {
    version: u32,
    files: BTreeMap<String, FileText>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    size_bytes: u64,
    sha256: String,
    pieces: Vec<(u64, u64, String)>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// Errors: [`WeightsError::Manifest`] for what is none, naming the file in it that is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, WeightsError> {
        let not_json = |it: serde_json::Error| wrong(it.to_string());
        let VersionText { version } = serde_json::from_slice(text).map_err(not_json)?;
        if version != VERSION {
            let detail = format!("it is of version {version}; version {VERSION} can be read");
            return Err(wrong(detail));
        }
        let read: ManifestText = serde_json::from_slice(text).map_err(not_json)?;
        let mut files = BTreeMap::new();
        for (name, it) in read.files.0 {
            let file = ManifestFile::from_text(&name, it)?;
            files.insert(name, file);
        }
        Ok(Self { files })
    }

    /// As it is read by [`Manifest::parse`].
    pub fn to_json(&self) -> String {
        let files = self.files.iter();
        let written = ManifestWritten {
            version: VERSION,
            files: files.map(|(name, it)| (name.clone(), it.text())).collect(),
        };
        serde_json::to_string(&written).expect("plain data with text as keys")
    }

    /// sha256 of a range of a file: of one of its pieces, or of the whole.
    pub fn of(&self, file: &str, range: &Range<u64>) -> Option<Hash> {
        let it = self.files.get(file)?;
        if *range == (0..it.size_bytes) {
            return Some(it.sha256);
        }
        let at = it
            .pieces
            .binary_search_by_key(&range.start, |it| it.0.start);
        let (found, sha256) = &it.pieces[at.ok()?];
        (found == range).then_some(*sha256)
    }

    /// What it says of a file.
    pub fn file(&self, name: &str) -> Option<&ManifestFile> {
        self.files.get(name)
    }

    /// Its files by name.
    pub fn files(&self) -> &BTreeMap<String, ManifestFile> {
        &self.files
    }

    /// The files of both. Two files of one name that differ, as the `config.json` of a model and of its transcoders do, are left out:
    /// a name would not tell which of them is meant.
    pub fn merged(mut self, other: Self) -> Self {
        for (name, it) in other.files {
            match self.files.get(&name) {
                None => drop(self.files.insert(name, it)),
                Some(ours) if *ours == it => (),
                Some(_) => drop(self.files.remove(&name)),
            }
        }
        self
    }

    /// Takes a file up.
    ///
    /// Errors: [`WeightsError::Manifest`] where its pieces are not the file without gaps, or its name is none.
    pub(super) fn insert(&mut self, name: &str, file: ManifestFile) -> Result<(), WeightsError> {
        file.check(name)?;
        self.files.insert(name.into(), file);
        Ok(())
    }
}

impl ManifestFile {
    fn from_text(name: &str, text: FileText) -> Result<Self, WeightsError> {
        let hash = |it: &str| {
            unhex(it).ok_or_else(|| {
                wrong(format!(
                    "`{name}`: `{it}` is no sha256 in lower-case digits"
                ))
            })
        };
        let mut pieces = Vec::with_capacity(text.pieces.len());
        for (start, end, sha256) in &text.pieces {
            pieces.push((*start..*end, hash(sha256)?));
        }
        let file = Self {
            size_bytes: text.size_bytes,
            sha256: hash(&text.sha256)?,
            pieces,
        };
        file.check(name)?;
        Ok(file)
    }

    fn check(&self, name: &str) -> Result<(), WeightsError> {
        if file_name_parts(name).is_none() {
            return Err(wrong(format!("`{name}` is no name of a file")));
        }
        let mut at = 0;
        for (it, _) in &self.pieces {
            if it.start != at || it.end <= at {
                let detail = format!(
                    "`{name}`: a piece is bytes {} to {}, but the one before ends at {at}",
                    it.start, it.end
                );
                return Err(wrong(detail));
            }
            at = it.end;
        }
        match at == self.size_bytes {
            true => Ok(()),
            false => Err(wrong(format!(
                "`{name}`: its pieces end at {at}, the file at {}",
                self.size_bytes
            ))),
        }
    }

    fn text(&self) -> FileText {
        let pieces = self.pieces.iter();
        FileText {
            size_bytes: self.size_bytes,
            sha256: hex(&self.sha256),
            pieces: pieces
                .map(|it| (it.0.start, it.0.end, hex(&it.1)))
                .collect(),
        }
    }
}

fn wrong(detail: String) -> WeightsError {
    WeightsError::Manifest { detail }
}

/// A sha256 from 64 lower-case digits.
pub(super) fn unhex(text: &str) -> Option<Hash> {
    let digit = |it: &u8| it.is_ascii_digit() || (b'a'..=b'f').contains(it);
    (text.len() == 64 && text.as_bytes().iter().all(digit)).then_some(())?;
    let mut out = [0; 32];
    for (n, it) in out.iter_mut().enumerate() {
        *it = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ends: &[u64], sha256: u8) -> ManifestFile {
        let starts = std::iter::once(&0).chain(ends);
        let pieces = starts.zip(ends).zip(1..);
        ManifestFile {
            size_bytes: ends.last().copied().unwrap_or(0),
            sha256: [sha256; 32],
            pieces: pieces
                .map(|((start, end), n)| (*start..*end, [n; 32]))
                .collect(),
        }
    }

    fn manifest() -> Manifest {
        let mut out = Manifest::default();
        out.insert("a/b", file(&[10, 30, 31], 9)).unwrap();
        out.insert("empty", file(&[], 7)).unwrap();
        out
    }

    #[test]
    fn pieces_are_found_by_their_very_range_and_the_whole_by_its() {
        let it = Manifest::parse(manifest().to_json().as_bytes()).unwrap();
        assert_eq!(it, manifest());
        for (range, n) in [(0..10, 1), (10..30, 2), (30..31, 3), (0..31, 9)] {
            assert_eq!(it.of("a/b", &range), Some([n; 32]));
        }
        for range in [0..9, 1..10, 10..31, 31..31, 40..50] {
            assert_eq!(it.of("a/b", &range), None, "{range:?}");
        }
        assert_eq!(it.of("empty", &(0..0)), Some([7; 32]));
        assert_eq!(it.of("a", &(0..10)), None);
        assert_eq!(it.file("a/b").unwrap().size_bytes, 31);
    }

    #[test]
    fn of_two_manifests_only_what_they_agree_on_counts() {
        let mut other = Manifest::default();
        other.insert("a/b", file(&[10, 30, 31], 8)).unwrap();
        other.insert("c", file(&[1], 1)).unwrap();
        let both = manifest().merged(other).merged(manifest());
        assert_eq!(both.of("a/b", &(0..31)), Some([9; 32]));
        let mut other = Manifest::default();
        other.insert("a/b", file(&[31], 9)).unwrap();
        let both = manifest().merged(other);
        assert!(both.file("a/b").is_none() && both.file("empty").is_some());
    }

    #[test]
    fn what_is_no_manifest_is_an_error_that_says_where() {
        let good = manifest().to_json();
        let sha = "9".repeat(2);
        for (from, to, said) in [
            ("{", "", "expected"),
            ("\"version\":1", "\"version\":2", "version 2"),
            ("\"version\":1", "\"v\":1", "version"),
            ("\"version\":1", "\"version\":1,\"x\":1", "x"),
            ("\"files\"", "\"file\"", "file"),
            ("a/b", "a/../b", "a/../b"),
            ("a/b", "empty", "twice"),
            ("[10,30", "[11,30", "10"),
            ("[10,30", "[9,30", "9 to 30"),
            ("[30,31", "[30,30", "30 to 30"),
            ("[30,31", "[30,32", "32"),
            ("\"size_bytes\":0", "\"size_bytes\":5", "ends at 0"),
            (sha.as_str(), "9Z", "sha256"),
            ("0909", "090", "sha256"),
            ("\"size_bytes\":31", "\"size_bytes\":-1", "-1"),
        ] {
            let text = good.replacen(from, to, 1);
            let text = match said {
                "ends at 0" | "sha256" if text == good => good.replacen("0707", "0G07", 1),
                _ => text,
            };
            let got = Manifest::parse(text.as_bytes()).unwrap_err();
            assert!(matches!(got, WeightsError::Manifest { .. }), "{got}");
            assert!(!got.remedy().is_empty());
            assert!(text != good, "{from}");
        }
    }
}
