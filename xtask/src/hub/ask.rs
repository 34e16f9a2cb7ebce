//! A request, read once: its path in pieces, its token, its range.

use super::{
    log::{Door, Entry, Record},
    shared::Shared,
};
use axum::http::{HeaderMap, Method, Uri, header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands as it is in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A request.
pub struct Ask {
    /// Which origin.
    pub door: Door,
    /// `GET`, `HEAD` or another.
    pub method: Method,
    /// Decoded, piece by piece; a piece may have a slash in it.
    pub pieces: Vec<String>,
    /// The pieces with slashes between.
    pub path: String,
    /// As sent.
    pub query: String,
    /// As sent.
    pub range: Option<String>,
    /// What stands after `Bearer`.
    pub token: Option<String>,
    /// Whether there is any `Authorization`.
    pub has_authorization: bool,
    /// Its entry in the log.
    pub record: Record,
}

impl Ask {
    /// Reads it and enters it into the log. None for a path that is no text.
    pub fn read(shared: &Shared, door: Door, parts: &Parts) -> (Option<Vec<String>>, Record) {
        let record = shared.log.open(entry(shared, door, parts));
        (pieces(&parts.uri), record)
    }

    /// With what was read.
    pub fn new(door: Door, parts: &Parts, pieces: Vec<String>, record: Record) -> Self {
        let bearer = text(&parts.headers, header::AUTHORIZATION.as_str());
        Self {
            door,
            method: parts.method.clone(),
            path: format!("/{}", pieces.join("/")),
            pieces,
            query: parts.uri.query().unwrap_or_default().into(),
            range: text(&parts.headers, header::RANGE.as_str()),
            has_authorization: parts.headers.contains_key(header::AUTHORIZATION),
            token: bearer.and_then(|it| it.strip_prefix("Bearer ").map(str::to_string)),
            record,
        }
    }

    /// Whether only the headers are wanted.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

/// A path with percent signs where they are needed.
pub fn encoded(path: &str) -> String {
    let pieces = path
        .split('/')
        .map(|it| utf8_percent_encode(it, PLAIN).to_string());
    pieces.collect::<Vec<_>>().join("/")
}

fn pieces(uri: &Uri) -> Option<Vec<String>> {
    let path = uri.path().strip_prefix('/').unwrap_or(uri.path());
    let decoded = |it| percent_decode_str(it).decode_utf8().ok();
    path.split('/')
        .map(|it| decoded(it).map(|it| it.into_owned()))
        .collect()
}

fn entry(shared: &Shared, door: Door, parts: &Parts) -> Entry {
    let has_authorization = parts.headers.contains_key(header::AUTHORIZATION);
    Entry {
        seq: 0,
        at_millis: shared.clock.now_millis() - shared.started_millis,
        origin: door,
        method: parts.method.to_string(),
        path: parts.uri.path().into(),
        query: parts.uri.query().unwrap_or_default().into(),
        range: text(&parts.headers, header::RANGE.as_str()),
        status: 0,
        first_byte: 0,
        bytes_sent: 0,
        finished: false,
        has_authorization,
        tells_of_page: [header::REFERER, header::COOKIE]
            .iter()
            .any(|it| parts.headers.contains_key(it)),
        leak: door == Door::Signed && has_authorization || is_elsewhere(shared, parts),
        fault: None,
    }
}

/// Whether a token stands in the address or in a header where none belongs.
fn is_elsewhere(shared: &Shared, parts: &Parts) -> bool {
    let address = parts.uri.to_string();
    shared.gates.iter().any(|gate| {
        let has = |it: &[u8]| {
            it.windows(gate.token.len().max(1))
                .any(|it| it == gate.token.as_bytes())
        };
        let others = parts
            .headers
            .iter()
            .filter(|it| it.0 != header::AUTHORIZATION);
        has(address.as_bytes()) || others.into_iter().any(|it| has(it.1.as_bytes()))
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_string())
}
