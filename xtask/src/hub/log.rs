//! The log of requests: what was asked, what was answered, how much of it was taken.
//!
//! Preflights are in it; requests to the log itself and to the other controls are not.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Which of the two origins was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// Listings, small files, redirects.
    Hub,
    /// The bytes of large files, at addresses that expire.
    Signed,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up, over clearings of the log too.
    pub seq: u64,
    /// Since the Hub began.
    pub at_millis: f64,
    /// Who was asked.
    pub origin: Door,
    /// `GET`, `HEAD`, `OPTIONS`.
    pub method: String,
    /// As sent, without the query.
    pub path: String,
    /// As sent; empty without one.
    pub query: String,
    /// The header `Range`, as sent.
    pub range: Option<String>,
    /// What was answered; 0 before that.
    pub status: u16,
    /// Where in the file the body begins.
    pub first_byte: u64,
    /// Bytes of the body as far as the client took them; over sockets, as far as they went into the connection.
    pub bytes_sent: u64,
    /// Whether the body was taken to its end.
    pub finished: bool,
    /// Whether the request carried `Authorization`.
    pub has_authorization: bool,
    /// Whether it said from which page it came, or carried a cookie.
    pub tells_of_page: bool,
    /// Whether a token went where none belongs: to the signed origin, or into an address or another header.
    pub leak: bool,
    /// The faults that struck, joined by ` + `.
    pub fault: Option<String>,
}

impl Entry {
    /// What was asked, in a line, without what differs from run to run: no times, no signatures.
    pub fn request_line(&self) -> String {
        let (origin, query) = match self.origin {
            Door::Hub if self.query.is_empty() => ("hub", String::new()),
            Door::Hub => ("hub", format!("?{}", self.query)),
            Door::Signed => ("signed", String::new()),
        };
        let range = self.range.as_deref().unwrap_or("whole");
        format!("{origin} {} {}{query} {range}", self.method, self.path)
    }

    /// The bytes of the file that were sent.
    pub fn span(&self) -> Range<u64> {
        self.first_byte..self.first_byte + self.bytes_sent
    }
}

/// How many bytes of data were sent a second time, or a third, over all files.
pub fn bytes_served_twice(entries: &[Entry]) -> u64 {
    let mut by_path: BTreeMap<&str, Vec<Range<u64>>> = BTreeMap::new();
    for it in entries.iter().filter(|it| matches!(it.status, 200 | 206)) {
        by_path.entry(&it.path).or_default().push(it.span());
    }
    by_path.into_values().map(overlap_bytes).sum()
}

fn overlap_bytes(mut spans: Vec<Range<u64>>) -> u64 {
    spans.sort_by_key(|it| it.start);
    let (mut reached, mut twice) = (0, 0);
    for it in spans {
        twice += it.end.min(reached).saturating_sub(it.start);
        reached = reached.max(it.end);
    }
    twice
}

/// All entries since the last clearing, and a file to which finished ones are written.
#[derive(Default)]
pub struct Log {
    entries: Mutex<Entries>,
    file: Option<Mutex<File>>,
}

#[derive(Default)]
struct Entries {
    next_seq: u64,
    kept: Vec<Entry>,
}

impl Log {
    /// Writes each entry as a line of JSON into the file, once its answer has ended.
    pub fn into_file(file: File) -> Self {
        Self {
            file: Some(Mutex::new(file)),
            ..Self::default()
        }
    }

    /// A copy of what is there.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().kept.clone()
    }

    /// Forgets what is there; answers under way are not entered any more.
    pub fn clear(&self) {
        self.lock().kept.clear();
    }

    /// Begins an entry; its number is given here.
    pub fn open(self: &Arc<Self>, mut entry: Entry) -> Record {
        let mut entries = self.lock();
        entry.seq = entries.next_seq;
        entries.next_seq += 1;
        let seq = entry.seq;
        entries.kept.push(entry);
        drop(entries);
        Record {
            log: Arc::clone(self),
            seq,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, seq: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        if let Ok(at) = entries.kept.binary_search_by_key(&seq, |it| it.seq) {
            change(&mut entries.kept[at]);
        }
    }

    fn write(&self, seq: u64) {
        let Some(file) = &self.file else { return };
        let mut line = None;
        self.update(seq, |it| line = serde_json::to_string(it).ok());
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk under the log is no reason to stop the Hub.
        line.map(|it| writeln!(file, "{it}").ok());
    }
}

/// The entry of an answer that is under way; dropping it ends it.
pub struct Record {
    log: Arc<Log>,
    seq: u64,
}

impl Record {
    /// The number of the entry.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Changes the entry, if the log still has it.
    pub fn update(&self, change: impl FnOnce(&mut Entry)) {
        self.log.update(self.seq, change);
    }

    /// Enters a fault that struck.
    pub fn struck(&self, fault: impl ToString) {
        self.update(|it| {
            it.fault = Some(match it.fault.take() {
                Some(before) => format!("{before} + {}", fault.to_string()),
                None => fault.to_string(),
            });
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.log.write(self.seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, span: Range<u64>) -> Entry {
        Entry {
            seq: 0,
            at_millis: 1.5,
            origin: Door::Signed,
            method: "GET".into(),
            path: path.into(),
            query: "Expires=1".into(),
            range: None,
            status: 206,
            first_byte: span.start,
            bytes_sent: span.end - span.start,
            finished: true,
            has_authorization: false,
            tells_of_page: false,
            leak: false,
            fault: None,
        }
    }

    #[test]
    fn bytes_sent_again_are_counted_once_per_time() {
        let of = |spans: &[Range<u64>]| {
            let entries: Vec<Entry> = spans.iter().map(|it| entry("/a", it.clone())).collect();
            bytes_served_twice(&entries)
        };
        assert_eq!(of(&[0..10, 10..20]), 0);
        assert_eq!(of(&[5..20, 0..10]), 5);
        assert_eq!(of(&[0..10, 0..10, 0..10]), 20);
        assert_eq!(of(&[0..100, 10..20, 90..110]), 20);
        assert_eq!(
            bytes_served_twice(&[entry("/a", 0..9), entry("/b", 0..9)]),
            0
        );
        let mut refused = entry("/a", 0..9);
        refused.status = 403;
        assert_eq!(bytes_served_twice(&[refused, entry("/a", 0..9)]), 0);
    }

    #[test]
    fn a_record_outlives_the_clearing_of_the_log() {
        let log = Arc::new(Log::default());
        let old = log.open(entry("/a", 0..0));
        log.clear();
        let new = log.open(entry("/b", 0..0));
        old.update(|it| it.status = 1);
        new.update(|it| it.status = 2);
        new.struck("cut:1");
        new.struck("flip:2");
        let entries = log.entries();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].seq, entries[0].status), (1, 2));
        assert_eq!(entries[0].fault.as_deref(), Some("cut:1 + flip:2"));
    }

    #[test]
    fn the_line_of_a_request_has_nothing_that_differs_from_run_to_run() {
        let mut it = entry("/signed/a", 0..9);
        assert_eq!(it.request_line(), "signed GET /signed/a whole");
        it.origin = Door::Hub;
        it.range = Some("bytes=0-1".into());
        assert_eq!(it.request_line(), "hub GET /signed/a?Expires=1 bytes=0-1");
    }
}
