//! A range of a remote file as a stream: one request, made again from the byte reached wherever it breaks.

use super::{
    Headers, HubError, Response, address,
    answer::{self, Asked},
    exchange::{self, Question},
    piece::Piece,
    remote::Pinned,
    retry::{Failure, Retry, Trouble},
};
use crate::spec::{Bytes, Endpoint};
use std::{ops::Range, rc::Rc};

/// A range of a file, read from its start to its end.
pub struct RangeStream {
    from: Rc<Pinned>,
    file: String,
    size_bytes: u64,
    /// Up to here the caller has the bytes.
    given: u64,
    /// Up to here they have come.
    reached: u64,
    end: u64,
    open: Option<Open>,
    /// A chunk that is not used up, and how much of it is.
    rest: Option<(Bytes, usize)>,
    retry: Retry,
    /// Refusals of the storage in a row.
    n_refused: u32,
    /// Set while a call runs: one that was dropped half way leaves it.
    busy: bool,
}

/// A request whose answer is coming in.
struct Open {
    response: Response,
    /// Up to where it promises to go.
    until: u64,
    /// Where it began.
    since: u64,
}

/// Refusals of the storage in a row, of which the first may be an address that has expired.
const MOST_REFUSALS: u32 = 2;
/// After so many failures in a row a kept address is left: perhaps another storage is well.
const FAILURES_OF_AN_ADDRESS: u32 = 2;

impl RangeStream {
    pub(super) fn new(from: Rc<Pinned>, file: &str, range: Range<u64>, size_bytes: u64) -> Self {
        Self {
            retry: Retry::new(from.net.clone(), file, from.net.config.attempts),
            from,
            file: file.into(),
            size_bytes,
            given: range.start,
            reached: range.start,
            end: range.end,
            open: None,
            rest: None,
            n_refused: 0,
            busy: false,
        }
    }

    /// Where in the file the next byte stands.
    pub fn position(&self) -> u64 {
        self.given
    }

    /// Bytes that are still to come.
    pub fn n_left(&self) -> u64 {
        self.end - self.given
    }

    /// Exactly the next `n_bytes`. Where the call is dropped or fails, the next one begins at the same byte.
    ///
    /// Errors: [`HubError::Range`] beyond the end; whatever can't be cured by asking again, with what to do about it.
    pub async fn next(&mut self, n_bytes: usize) -> Result<Bytes, HubError> {
        let until = (self.given.checked_add(n_bytes as u64)).filter(|it| *it <= self.end);
        let until = until.ok_or_else(|| HubError::Range {
            file: self.file.clone(),
            wanted: self.given..self.given.saturating_add(n_bytes as u64),
            size_bytes: self.end,
        })?;
        if self.busy {
            self.start_over();
        }
        self.busy = true;
        let mut piece = Piece::new(n_bytes).ok_or_else(|| HubError::Memory {
            file: self.file.clone(),
            size_bytes: n_bytes,
        })?;
        while piece.n_missing() > 0 {
            let (chunk, from) = match self.rest.take() {
                Some(it) => it,
                None => (self.chunk().await?, 0),
            };
            let used = from + piece.take(&chunk, from);
            self.rest = (used < chunk.len()).then_some((chunk, used));
        }
        self.busy = false;
        self.given = until;
        if self.given == self.end {
            self.open = None;
        }
        Ok(piece.into())
    }

    /// What came for a call that was never answered is lost with it.
    fn start_over(&mut self) {
        self.open = None;
        self.rest = None;
        self.reached = self.given;
    }

    /// The next bytes of the network, at least one; asks again as long as there is hope.
    async fn chunk(&mut self) -> Result<Bytes, HubError> {
        loop {
            if let Err(failure) = self.connected().await {
                self.retry_after(failure).await?;
                continue;
            }
            match self.receive().await {
                Ok(Some(it)) => return Ok(it),
                Ok(None) => (),
                Err(trouble) => self.retry_after(trouble.into()).await?,
            }
        }
    }

    async fn retry_after(&mut self, failure: Failure) -> Result<(), HubError> {
        let brought = self.open.take().map_or(0, |it| self.reached - it.since);
        let broke = matches!(failure, Failure::Again(Trouble::Network { .. }));
        if broke && brought >= self.from.net.config.resume_at_once_bytes {
            self.from.net.count(|it| it.n_retries += 1);
            return Ok(());
        }
        let waited = self.retry.again(failure).await;
        if self.retry.n_failed() >= FAILURES_OF_AN_ADDRESS {
            self.from.signed.borrow_mut().remove(&self.file);
        }
        waited
    }

    /// Bytes of the open answer; none where it has given what it promised, though more is wanted.
    async fn receive(&mut self) -> Result<Option<Bytes>, Trouble> {
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        let n_left = open.until - self.reached;
        if n_left == 0 {
            self.open = None;
            return Ok(None);
        }
        let net = &self.from.net;
        let Some(chunk) = exchange::more(net, &mut open.response).await? else {
            let detail = "the connection broke off".into();
            return Err(Trouble::Network { detail });
        };
        if chunk.is_empty() {
            return Ok(None);
        }
        let n_bytes = n_left.min(chunk.len() as u64);
        net.count(|it| {
            it.n_bytes += n_bytes;
            it.n_lies += u64::from(n_bytes < chunk.len() as u64);
        });
        self.reached += n_bytes;
        self.retry.progress();
        self.n_refused = 0;
        // The cast loses nothing: it is at most the chunk's length.
        Ok(Some(first(chunk, n_bytes as usize)))
    }

    /// Makes sure that an answer is coming in.
    async fn connected(&mut self) -> Result<(), Failure> {
        while self.open.is_none() {
            let kept = self.from.signed.borrow().get(&self.file).cloned();
            let url = match &kept {
                Some(it) => it.clone(),
                None => address::file(&self.from.repo, &self.from.commit, &self.file)?,
            };
            let mut response = self.ask(&url).await?;
            if let Some(trouble) = answer::trouble(&response) {
                return Err(trouble.into());
            }
            let origin = Endpoint::of(&response.url);
            let at_storage = origin.as_ref() != Some(&self.from.repo.endpoint);
            match response.status {
                400 | 401 | 403 | 404 | 410 if at_storage => self.refused(&mut response).await?,
                400..=415 | 417..=499 => return Err(self.refusal(&response).into()),
                _ => self.accept(response, at_storage)?,
            }
        }
        Ok(())
    }

    async fn ask(&self, url: &str) -> Result<Response, Failure> {
        let question = Question {
            endpoint: &self.from.repo.endpoint,
            url,
            range: Some(self.reached..self.end),
            accept: None,
            what: &self.file,
            alone: false,
        };
        exchange::ask(&self.from.net, &question, |it| self.check_marks(it)).await
    }

    /// The storage refuses: the address is forgotten, and asked for again once.
    async fn refused(&mut self, response: &mut Response) -> Result<(), HubError> {
        {
            // Another stream may have got a fresh one meanwhile.
            let mut signed = self.from.signed.borrow_mut();
            if signed.get(&self.file) == Some(&response.url) {
                signed.remove(&self.file);
            }
        }
        self.n_refused += 1;
        if self.n_refused < MOST_REFUSALS {
            self.from.net.count(|it| it.n_retries += 1);
            return Ok(());
        }
        Err(HubError::Refused {
            file: self.file.clone(),
            status: response.status,
            said: exchange::said(&self.from.net, response).await,
        })
    }

    fn refusal(&self, response: &Response) -> HubError {
        let asked = Asked {
            repo: self.from.repo.repo.as_str(),
            revision: &self.from.commit,
            what: &self.file,
            with_token: self.from.net.has_token(&self.from.repo.endpoint),
        };
        answer::refusal(&asked, response.status, &response.headers)
    }

    /// Takes an answer for good if it is the range that was asked for, of the file that is meant.
    fn accept(&mut self, response: Response, at_storage: bool) -> Result<(), HubError> {
        let wanted = self.reached..self.end;
        let until = answer::promised(&self.file, &response, &wanted, self.size_bytes)?;
        if !at_storage {
            self.check_marks(&response.headers)?;
        }
        self.check_etag(&response)?;
        if at_storage {
            let mut signed = self.from.signed.borrow_mut();
            signed.insert(self.file.clone(), response.url.clone());
        }
        let since = self.reached;
        self.open = Some(Open {
            response,
            until,
            since,
        });
        Ok(())
    }

    /// Compares what the server itself says of the file with the listing.
    fn check_marks(&self, headers: &Headers) -> Result<(), HubError> {
        if let Some(is) = headers.get("x-repo-commit") {
            self.same("commit", &self.from.commit, is)?;
        }
        let Some(listed) = self.from.files.get(&self.file) else {
            return Ok(());
        };
        let linked_size = headers.get("x-linked-size").and_then(|it| it.parse().ok());
        if let Some(is_bytes) = linked_size.filter(|it| *it != self.size_bytes) {
            return Err(HubError::Changed {
                file: self.file.clone(),
                was_bytes: self.size_bytes,
                is_bytes,
            });
        }
        let linked_etag = headers.get("x-linked-etag").map(answer::etag);
        match (&listed.sha256, linked_etag) {
            (Some(was), Some(is)) if is.len() == was.len() => self.same("sha256", was, is),
            _ => Ok(()),
        }
    }

    /// Compares an answer's ETag with the first one of the same origin: storages behind one server may differ in theirs.
    fn check_etag(&self, response: &Response) -> Result<(), HubError> {
        let is = response.headers.get("etag").map(answer::etag);
        let (Some(is), Some(origin)) = (is, Endpoint::of(&response.url)) else {
            return Ok(());
        };
        let mut etags = self.from.etags.borrow_mut();
        let key = (self.file.clone(), origin.to_string());
        let was = etags.entry(key).or_insert_with(|| is.into());
        self.same("ETag", was, is)
    }

    fn same(&self, what: &'static str, was: &str, is: &str) -> Result<(), HubError> {
        if was == is {
            return Ok(());
        }
        Err(HubError::Replaced {
            file: self.file.clone(),
            what,
            was: self.from.net.cleaned(was),
            is: self.from.net.cleaned(is),
        })
    }
}

/// The first bytes of a chunk.
fn first(chunk: Bytes, n_bytes: usize) -> Bytes {
    match chunk {
        whole if whole.len() == n_bytes => whole,
        Bytes::Vec(mut it) => {
            it.truncate(n_bytes);
            Bytes::Vec(it)
        }
        #[cfg(target_arch = "wasm32")]
        Bytes::Js(it) => Bytes::Js(it.subarray(0, n_bytes as u32)),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
