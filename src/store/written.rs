//! A plan and its marks as they are written: JSON, with hashes in hexadecimal, and the record that carries its own hash.

use super::{BlobPlan, Mark, Marks};
use crate::spec::Trust;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The version of what is written; another one is never read.
pub(super) const VERSION: u32 = 1;
/// How a record begins; its hash and the rest follow. The hash is of the same JSON without this field.
const OPENING: &str = "{\"sha256\":\"";

/// A plan as the first entry of a journal.
#[derive(Deserialize, Serialize)]
pub(super) struct PlanText {
    pub version: u32,
    meta: Value,
    size_bytes: u64,
    pieces: Vec<Vec<[u64; 2]>>,
}

/// A plan with all of its marks.
#[derive(Deserialize, Serialize)]
struct RecordText {
    version: u32,
    meta: Value,
    size_bytes: u64,
    pieces: Vec<PieceText>,
}

#[derive(Deserialize, Serialize)]
struct PieceText {
    spans: Vec<[u64; 2]>,
    source: String,
    packed: String,
    trust: Trust,
}

impl PlanText {
    /// The plan, to be written.
    pub fn of(plan: &BlobPlan) -> Self {
        Self {
            version: VERSION,
            meta: plan.meta.clone(),
            size_bytes: plan.size_bytes,
            pieces: plan.pieces.iter().map(|it| pairs(it)).collect(),
        }
    }

    /// As bytes.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data with text as keys")
    }

    /// From bytes, when they are one.
    pub fn from_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The plan that was written.
    pub fn into_plan(self) -> BlobPlan {
        BlobPlan {
            meta: self.meta,
            size_bytes: self.size_bytes,
            pieces: self.pieces.iter().map(|it| ranges(it)).collect(),
        }
    }
}

/// The record of a blob whose pieces are all marked; a piece without a mark makes none.
pub(super) fn record(plan: &BlobPlan, marks: &Marks) -> Option<String> {
    let pieces: Option<Vec<PieceText>> = (plan.pieces.iter().zip(0..))
        .map(|(spans, piece)| {
            let mark = marks.get(&piece)?;
            Some(PieceText {
                spans: pairs(spans),
                source: hex(&mark.source),
                packed: hex(&mark.packed),
                trust: mark.trust,
            })
        })
        .collect();
    let record = RecordText {
        version: VERSION,
        meta: plan.meta.clone(),
        size_bytes: plan.size_bytes,
        pieces: pieces?,
    };
    let body = serde_json::to_string(&record).expect("plain data with text as keys");
    Some(format!("{OPENING}{}\",{}", hex_sha256(&body), &body[1..]))
}

/// Bytes of the longest record that a plan can have, whatever its marks.
pub(super) fn record_bytes(plan: &BlobPlan) -> u64 {
    let mark = Mark {
        source: [0; 32],
        packed: [0; 32],
        trust: Trust::Received,
    };
    let marks = (0..plan.pieces.len() as u32).map(|it| (it, mark)).collect();
    record(plan, &marks).map_or(0, |it| it.len() as u64)
}

/// What a record says; none when it is half-written, damaged or of another version.
pub(super) fn parse_record(text: &[u8]) -> Option<(BlobPlan, Marks)> {
    let rest = std::str::from_utf8(text).ok()?.strip_prefix(OPENING)?;
    let (sha256, rest) = rest.split_once("\",")?;
    let body = format!("{{{rest}");
    (sha256 == hex_sha256(&body)).then_some(())?;
    let record: RecordText = serde_json::from_str(&body).ok()?;
    (record.version == VERSION).then_some(())?;
    let mut marks = Marks::new();
    for (it, piece) in record.pieces.iter().zip(0..) {
        let mark = Mark {
            source: unhex(&it.source)?,
            packed: unhex(&it.packed)?,
            trust: it.trust,
        };
        marks.insert(piece, mark);
    }
    let plan = BlobPlan {
        meta: record.meta,
        size_bytes: record.size_bytes,
        pieces: record.pieces.iter().map(|it| ranges(&it.spans)).collect(),
    };
    Some((plan, marks))
}

fn pairs(spans: &[std::ops::Range<u64>]) -> Vec<[u64; 2]> {
    spans.iter().map(|it| [it.start, it.end]).collect()
}

fn ranges(spans: &[[u64; 2]]) -> Vec<std::ops::Range<u64>> {
    spans.iter().map(|it| it[0]..it[1]).collect()
}

fn hex_sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()).into())
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut out, it| {
        let _ = write!(out, "{it:02x}"); // a String takes everything
        out
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    (text.len() == 64 && text.is_ascii()).then_some(())?;
    for (n, it) in out.iter_mut().enumerate() {
        *it = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(out)
}
