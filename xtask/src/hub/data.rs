//! Files: the redirect of a large one, the bytes of a small one, and the bytes behind a signed address.

use super::{
    address::Refused,
    answer::{Answer, bending},
    api,
    ask::{Ask, encoded},
    fault::{Due, Fault},
    flow::Bent,
    history::{Commit, File, History},
    range::{self, Asked},
    shared::Shared,
};
use axum::http::{HeaderMap, StatusCode};
use std::{ops::Range, sync::Arc};

/// `/{repo}/resolve/{revision}/{path}`; the names are those three.
pub fn resolve(shared: &Shared, ask: &Ask, names: [&str; 3]) -> Answer {
    let [repo, revision, path] = names;
    let find = || api::commit(shared, ask, [repo, revision], true);
    let mut commit = match find() {
        Ok(it) => it,
        Err(it) => return *it,
    };
    if changes(shared, ask, repo, path) {
        commit = find().unwrap_or(commit);
    }
    let Some(file) = commit.files.get(path) else {
        return Answer::error(404, "EntryNotFound", "Entry not found")
            .with("x-repo-commit", &commit.id);
    };
    if file.pointer_bytes.is_none() {
        let answer = bytes(shared, ask, file, "text/plain; charset=utf-8");
        return answer.with("x-repo-commit", &commit.id);
    }
    redirect(shared, &commit, repo, path, file)
}

fn redirect(shared: &Shared, commit: &Commit, repo: &str, path: &str, file: &File) -> Answer {
    let at = shared.repos().iter().position(|it| it.name == repo);
    let signed = format!("/signed/{}-{}/{path}", at.unwrap_or_default(), commit.id);
    let query = shared
        .addresses
        .sign(&signed, now_seconds(shared) + shared.expiry_seconds);
    let address = format!("{}{}?{query}", shared.signed_origin, encoded(&signed));
    Answer::text(
        StatusCode::FOUND,
        "text/plain; charset=utf-8",
        format!("Found. Redirecting to {address}"),
    )
    .with("location", address)
    .with("accept-ranges", "bytes")
    .with("x-repo-commit", &commit.id)
    .with("x-linked-size", file.content.size_bytes().to_string())
    .with("x-linked-etag", file.etag())
    .with("x-xet-hash", &file.sha256)
}

/// `/signed/{id}/{path}`.
pub fn signed(shared: &Shared, ask: &Ask, id: &str, path: &str) -> Answer {
    if let Some(refusal) = refused(shared, ask) {
        return refusal;
    }
    let Some((repo, commit)) = behind(&shared.repos(), id) else {
        return nothing();
    };
    let mut file = commit.files.get(path).cloned();
    if changes(shared, ask, &repo, path)
        && let Some((_, commit)) = behind(&shared.repos(), id)
    {
        file = commit.files.get(path).cloned();
    }
    match file {
        Some(it) => bytes(shared, ask, &it, "binary/octet-stream"),
        None => nothing(),
    }
}

/// The number of the address that was asked for.
///
/// Errors: why it is not valid.
pub fn address(shared: &Shared, ask: &Ask) -> Result<u64, Refused> {
    let now = now_seconds(shared);
    shared.addresses.check(&ask.path, &ask.query, now)
}

/// The answer to an address that is no longer valid.
pub fn expired() -> Answer {
    Answer::xml_error(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired")
}

fn refused(shared: &Shared, ask: &Ask) -> Option<Answer> {
    if ask.has_authorization {
        let message = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified";
        return Some(Answer::xml_error(
            StatusCode::BAD_REQUEST,
            "InvalidArgument",
            message,
        ));
    }
    match address(shared, ask).err()? {
        Refused::Expired => Some(expired()),
        Refused::Unsigned => {
            let message =
                "The request signature we calculated does not match the signature you provided.";
            Some(Answer::xml_error(
                StatusCode::FORBIDDEN,
                "SignatureDoesNotMatch",
                message,
            ))
        }
    }
}

fn nothing() -> Answer {
    Answer::xml_error(
        StatusCode::NOT_FOUND,
        "NoSuchKey",
        "The specified key does not exist.",
    )
}

fn behind(repos: &[History], id: &str) -> Option<(String, Arc<Commit>)> {
    let (at, commit) = id.split_once('-')?;
    let history = repos.get(at.parse::<usize>().ok()?)?;
    Some((history.name.clone(), Arc::clone(history.find(commit)?)))
}

/// Rewrites the file if a fault says so; true if it did.
fn changes(shared: &Shared, ask: &Ask, repo: &str, path: &str) -> bool {
    let fault = shared
        .rules()
        .take_one(&ask.path, |it| *it == Fault::Changed);
    let Some(fault) = fault else { return false };
    let done = shared.change(repo, |it| it.rewrite(path)).is_ok();
    if done {
        ask.record.struck(fault);
    }
    done
}

/// What is said about the bytes, before and after faults have bent it.
struct Said {
    span: Range<u64>,
    ranged: bool,
    size_bytes: u64,
}

impl Said {
    fn bend(&mut self, fault: &Fault) {
        let size_bytes = self.size_bytes;
        match *fault {
            Fault::NoRange => {
                self.ranged = false;
                self.span = 0..size_bytes;
            }
            Fault::Shifted { by_bytes } => {
                self.span.start = self.span.start.saturating_add(by_bytes);
                self.span.end = self.span.end.saturating_add(by_bytes);
            }
            Fault::Long { by_bytes } => self.span.end = self.span.end.saturating_add(by_bytes),
            Fault::WrongLength { by_bytes } => {
                self.size_bytes = self.size_bytes.saturating_add(by_bytes);
                if !self.ranged {
                    self.span.end = self.span.end.saturating_add(by_bytes);
                }
            }
            _ => (),
        }
    }

    fn status(&self) -> StatusCode {
        if self.ranged {
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        }
    }

    fn content_range(&self) -> Option<String> {
        let Range { start, end } = &self.span;
        let last = end.saturating_sub(1);
        self.ranged
            .then(|| format!("bytes {start}-{last}/{}", self.size_bytes))
    }
}

fn bytes(shared: &Shared, ask: &Ask, file: &File, content_type: &'static str) -> Answer {
    let size_bytes = file.content.size_bytes();
    let (span, ranged) = match range::parse(ask.range.as_deref(), size_bytes) {
        Asked::Whole => (0..size_bytes, false),
        Asked::Part(it) => (it, true),
        Asked::Beyond => return beyond(size_bytes),
    };
    let due = Due {
        span: span.clone(),
        ranged,
        file: true,
    };
    let mut said = Said {
        span,
        ranged,
        size_bytes,
    };
    let faults = bending(shared, ask, &due);
    faults.iter().for_each(|it| said.bend(it));
    let answer = Answer {
        status: said.status(),
        headers: HeaderMap::new(),
        content: Arc::clone(&file.content),
        span: said.span.clone(),
        bent: Bent::by(&faults),
    };
    let answer = answer
        .with("content-type", content_type)
        .with("accept-ranges", "bytes")
        .with("etag", file.etag());
    match said.content_range() {
        Some(it) => answer.with("content-range", it),
        None => answer,
    }
}

fn beyond(size_bytes: u64) -> Answer {
    let message = "The requested range is not satisfiable";
    Answer::xml_error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
        .with("content-range", format!("bytes */{size_bytes}"))
}

fn now_seconds(shared: &Shared) -> u64 {
    (shared.clock.now_millis() / 1000.0) as u64
}
