//! The log of the pieces that are there: append-only entries, each checked together with all before it.
//!
//! A file is `GSCOPEJ1` and then entries: u32 length, 8 bytes of check, payload. The check is the start of the sha256 of the check
//! before and the payload, so that what an earlier log left behind a torn end never counts. The first payload is the plan as JSON.

use super::{
    BlobPlan, DiskFile, Mark, Marks, StoreError,
    written::{PlanText, VERSION},
};
use crate::spec::Trust;
use sha2::{Digest, Sha256};
use std::rc::Rc;

const MAGIC: &[u8; 8] = b"GSCOPEJ1";
const HEAD_BYTES: usize = 12;
/// Bytes of the longest entry but the first.
const ENTRY_BYTES: usize = HEAD_BYTES + 70;

/// What happened to a piece.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Entry {
    Marked(u32, Mark),
    Raised(u32, Trust),
    Forgotten(u32),
}

/// What a log says.
#[derive(Debug)]
pub(super) struct Logged {
    pub plan: BlobPlan,
    pub marks: Marks,
    pub tail: Tail,
}

/// Where a log ends, as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail {
    pub size_bytes: u64,
    check: [u8; 8],
}

/// A log that is written on.
pub(super) struct Journal {
    file: Rc<dyn DiskFile>,
    tail: Tail,
}

impl Journal {
    /// Begins a log in an empty file, with the pieces that are there already. Room for its entries is reserved.
    ///
    /// Errors: those of the file.
    pub async fn begin(
        file: Rc<dyn DiskFile>,
        plan: &BlobPlan,
        marks: &Marks,
    ) -> Result<Self, StoreError> {
        let mut text = MAGIC.to_vec();
        let mut tail = Tail::start();
        tail.push(&mut text, &PlanText::of(plan).to_json());
        for (&piece, &mark) in marks {
            tail.push(&mut text, &Entry::Marked(piece, mark).to_bytes());
        }
        let this = Self { file, tail };
        this.reserve(plan).await?;
        this.file.write(0, &text.into()).await?;
        this.file.flush().await?;
        Ok(this)
    }

    /// Goes on with a log; what lies behind its end is cut off.
    ///
    /// Errors: those of the file.
    pub async fn resume(file: Rc<dyn DiskFile>, logged: &Logged) -> Result<Self, StoreError> {
        file.truncate(logged.tail.size_bytes).await?;
        let tail = logged.tail;
        let this = Self { file, tail };
        // Where there is no room for all entries there may be some for the next ones.
        match this.reserve(&logged.plan).await {
            Err(StoreError::NoRoom { .. }) | Ok(()) => (),
            Err(it) => return Err(it),
        }
        // What is read may have been written by one that died before it was flushed; what follows relies on it.
        this.file.flush().await?;
        Ok(this)
    }

    /// Writes entries and waits until they survive a crash.
    ///
    /// Errors: those of the file; the entries do not count then, and may be given again.
    pub async fn append(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut text = Vec::new();
        let mut tail = self.tail;
        for it in entries {
            tail.push(&mut text, &it.to_bytes());
        }
        self.file.write(self.tail.size_bytes, &text.into()).await?;
        self.file.flush().await?;
        self.tail = tail;
        Ok(())
    }

    /// Once more to the disk, after something else that must last.
    ///
    /// Errors: those of the file.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.file.flush().await
    }

    async fn reserve(&self, plan: &BlobPlan) -> Result<(), StoreError> {
        let entries_bytes = (plan.pieces.len() * ENTRY_BYTES) as u64;
        self.file
            .truncate(self.tail.size_bytes + entries_bytes)
            .await
    }
}

impl Tail {
    fn start() -> Self {
        Self {
            size_bytes: MAGIC.len() as u64,
            check: *MAGIC,
        }
    }

    fn after(self, payload: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(self.check).chain_update(payload);
        let hash: [u8; 32] = hash.finalize().into();
        let mut check = [0; 8];
        check.copy_from_slice(&hash[..8]);
        Self {
            size_bytes: self.size_bytes + (HEAD_BYTES + payload.len()) as u64,
            check,
        }
    }

    fn push(&mut self, text: &mut Vec<u8>, payload: &[u8]) {
        *self = self.after(payload);
        text.extend((payload.len() as u32).to_le_bytes());
        text.extend(self.check);
        text.extend(payload);
    }

    /// The next payload, when it is whole and belongs here.
    fn next<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let rest = text.get(usize::try_from(self.size_bytes).ok()?..)?;
        let n_bytes = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        let payload = rest.get(HEAD_BYTES..HEAD_BYTES.checked_add(n_bytes)?)?;
        let after = self.after(payload);
        (rest[4..HEAD_BYTES] == after.check && n_bytes > 0).then(|| *self = after)?;
        Some(payload)
    }
}

impl Entry {
    /// What it does to the pieces that are there; none when it speaks of a piece that can't be.
    fn apply(self, n_pieces: usize, marks: &mut Marks) -> Option<()> {
        match self {
            Self::Marked(piece, mark) if (piece as usize) < n_pieces => {
                marks.insert(piece, mark);
            }
            Self::Raised(piece, trust) => {
                let mark = marks.get_mut(&piece)?;
                mark.trust = mark.trust.max(trust);
            }
            Self::Forgotten(piece) => {
                marks.remove(&piece)?;
            }
            Self::Marked(..) => return None,
        }
        Some(())
    }

    fn to_bytes(self) -> Vec<u8> {
        let (kind, piece) = match self {
            Self::Marked(piece, _) => (b'M', piece),
            Self::Raised(piece, _) => (b'R', piece),
            Self::Forgotten(piece) => (b'F', piece),
        };
        let mut out = vec![kind];
        out.extend(piece.to_le_bytes());
        match self {
            Self::Marked(_, mark) => {
                out.push(mark.trust as u8);
                out.extend(mark.source);
                out.extend(mark.packed);
            }
            Self::Raised(_, trust) => out.push(trust as u8),
            Self::Forgotten(_) => (),
        }
        out
    }

    fn from_bytes(payload: &[u8]) -> Option<Self> {
        let (&kind, rest) = payload.split_first()?;
        let (piece, rest) = rest.split_first_chunk()?;
        let piece = u32::from_le_bytes(*piece);
        let trust = |it: &u8| Trust::ALL.get(usize::from(*it)).copied();
        match (kind, rest) {
            (b'M', [level, hashes @ ..]) if hashes.len() == 64 => {
                let mark = Mark {
                    source: hashes[..32].try_into().ok()?,
                    packed: hashes[32..].try_into().ok()?,
                    trust: trust(level)?,
                };
                Some(Self::Marked(piece, mark))
            }
            (b'R', [level]) => Some(Self::Raised(piece, trust(level)?)),
            (b'F', []) => Some(Self::Forgotten(piece)),
            _ => None,
        }
    }
}

/// What a log says up to its first entry that is torn or damaged; none when not even the plan can be read.
pub(super) fn parse(text: &[u8]) -> Option<Logged> {
    text.starts_with(MAGIC).then_some(())?;
    let mut tail = Tail::start();
    let plan = PlanText::from_json(tail.next(text)?)?;
    let plan = (plan.version == VERSION).then(|| plan.into_plan())?;
    let mut marks = Marks::new();
    let mut next = tail;
    while let Some(payload) = next.next(text) {
        let entry = Entry::from_bytes(payload);
        match entry.and_then(|it| it.apply(plan.pieces.len(), &mut marks)) {
            Some(()) => tail = next,
            None => break,
        }
    }
    Some(Logged { plan, marks, tail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(n: u8) -> Mark {
        Mark {
            source: [n; 32],
            packed: [n; 32],
            trust: Trust::Received,
        }
    }

    /// A log of entries, and where each begins.
    fn log(entries: &[Entry]) -> (Vec<u8>, Vec<usize>) {
        let plan = BlobPlan {
            meta: "x".into(),
            size_bytes: 10,
            pieces: vec![Vec::new(); 3],
        };
        let (mut text, mut tail, mut starts) = (MAGIC.to_vec(), Tail::start(), Vec::new());
        tail.push(&mut text, &PlanText::of(&plan).to_json());
        for it in entries {
            starts.push(text.len());
            tail.push(&mut text, &it.to_bytes());
        }
        (text, starts)
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let entries = [
            Entry::Marked(0, mark(1)),
            Entry::Marked(2, mark(2)),
            Entry::Raised(2, Trust::File),
            Entry::Raised(2, Trust::Manifest),
            Entry::Forgotten(0),
        ];
        let (text, _) = log(&entries);
        let got = parse(&text).unwrap();
        assert_eq!(got.tail.size_bytes, text.len() as u64);
        let trust = Trust::File;
        assert_eq!(got.marks, Marks::from([(2, Mark { trust, ..mark(2) })]));
        assert!(parse(b"").is_none() && parse(MAGIC).is_none() && parse(&text[1..]).is_none());
    }

    /// What a crash may leave: an entry written anew over an old one, and the old one's successor still behind it.
    #[test]
    fn entries_of_an_earlier_log_do_not_count() {
        let old = [0, 1, 2].map(|it| Entry::Marked(it, mark(it as u8)));
        let (old, starts) = log(&old);
        let (new, _) = log(&[Entry::Marked(0, mark(0)), Entry::Marked(1, mark(9))]);
        assert_eq!(new.len(), starts[2]);
        let both = [&new[..], &old[starts[2]..]].concat();
        let got = parse(&both).unwrap();
        assert_eq!(got.marks, Marks::from([(0, mark(0)), (1, mark(9))]));
        assert_eq!(got.tail.size_bytes, new.len() as u64);
    }

    #[test]
    fn a_log_ends_where_it_speaks_of_what_can_not_be() {
        for wrong in [
            Entry::Marked(3, mark(0)),
            Entry::Raised(1, Trust::File),
            Entry::Forgotten(1),
        ] {
            let (text, starts) =
                log(&[Entry::Marked(0, mark(0)), wrong, Entry::Marked(1, mark(1))]);
            let got = parse(&text).unwrap();
            assert_eq!(got.marks.len(), 1, "{wrong:?}");
            assert_eq!(got.tail.size_bytes, starts[1] as u64);
        }
    }
}
