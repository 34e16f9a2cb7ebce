//! A hub and its storage for tests, without sockets: what it answers to each request is a script of faults.

use super::{
    Body, Headers, Http, HttpError, HubConfig, Net, Reach, Remote, RemoteFile, Request, Response,
};
use crate::{
    spec::{Bytes, HostTable, RepoRef},
    sys::{Clock, VirtualClock},
};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    ops::Range,
    rc::Rc,
};

pub const HUB: &str = "https://hub.example";
pub const STORAGE: &str = "https://cdn.storage.example";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const SECRET: &str = "hf_verysecret";
pub const FILE: &str = "layer_0/params.npz";
const CHUNK: usize = 64;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    // Those that pass.
    Cut(usize),
    ShortEnd(usize),
    Stall(usize),
    SilentHead,
    NoConnection,
    Offline,
    Wait(Option<u32>),
    RateLimitHeader(u32),
    Busy(u16),
    HubBusy(u16),
    Expired(u16),
    MoreBytes,
    ShortRange,
    NoContentRange,
    EmptyChunks,
    // Those that don't.
    Forbidden,
    NoRanges,
    OtherTotal,
    OtherStart,
    PageInstead(u16),
    OtherEtag,
    OtherCommit,
    LinkedSize,
    LinkedSha,
    OffTable,
    RedirectLoop,
    NoLocation,
    HubSays(u16, &'static str),
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Logged {
    pub url: String,
    pub range: Option<Range<u64>>,
    pub has_token: bool,
    pub authorization: Option<String>,
    pub at_millis: f64,
}

/// The beginning of an address, and the status, headers and text that answer it.
type Said = (String, u16, Headers, String);

/// The double; clones are the same one.
#[derive(Clone)]
pub struct Double {
    pub clock: VirtualClock,
    pub data: Rc<Vec<u8>>,
    /// As a browser does: redirects are followed inside, their headers never seen.
    pub follows: bool,
    pub faults: Rc<RefCell<Vec<Fault>>>,
    pub log: Rc<RefCell<Vec<Logged>>>,
    /// Answers of the API by the address's beginning behind the hub's origin, used up one by one.
    api: Rc<RefCell<Vec<Said>>>,
    signature: Rc<Cell<u32>>,
    forbidden: Rc<Cell<bool>>,
    offline_until: Rc<Cell<f64>>,
}

impl Double {
    pub fn new(faults: &[Fault], follows: bool) -> Self {
        let data = (0..1000u32).map(|it| (it * 7 + it / 251) as u8).collect();
        Self {
            clock: VirtualClock::default(),
            data: Rc::new(data),
            follows,
            faults: Rc::new(RefCell::new(faults.to_vec())),
            log: Rc::default(),
            api: Rc::default(),
            signature: Rc::default(),
            forbidden: Rc::default(),
            offline_until: Rc::default(),
        }
    }

    pub fn net(&self) -> Rc<Net> {
        let table = format!(r#"[{{"endpoint":"{HUB}","also":["https://*.storage.example"]}}]"#);
        let hosts: HostTable = serde_json::from_str(&table).expect("a table");
        let config = HubConfig {
            resume_at_once_bytes: 128,
            ..HubConfig::default()
        };
        let clock = Rc::new(self.clock.clone());
        Net::with_reach(Rc::new(self.clone()), clock, config, hosts, Reach::Table)
    }

    pub fn repo() -> RepoRef {
        format!("{HUB}/owner/name").parse().expect("an address")
    }

    pub fn remote(&self, net: &Rc<Net>) -> Remote {
        let file = RemoteFile {
            size_bytes: self.data.len() as u64,
            sha256: Some("ab".repeat(32)),
            oid: "cd".repeat(20),
        };
        let files = BTreeMap::from([(FILE.to_string(), file)]);
        Remote::pinned(net.clone(), Self::repo(), COMMIT.into(), files)
    }

    /// Adds an answer of the API.
    pub fn say(&self, path: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().copied().collect();
        let answer = (format!("{HUB}{path}"), status, headers, body.to_string());
        self.api.borrow_mut().push(answer);
    }

    /// Uses up the first fault of those that `here` is meant for.
    fn fault(&self, here: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.faults.borrow_mut();
        let at = faults.iter().position(here)?;
        Some(faults.remove(at))
    }

    async fn answer(self, request: Request) -> Result<Response, HttpError> {
        let bearer = request.bearer.as_ref();
        let authorization = bearer.and_then(|it| it.header_for(&request.url));
        self.log.borrow_mut().push(Logged {
            url: request.url.clone(),
            range: request.range.clone(),
            has_token: bearer.is_some(),
            authorization,
            at_millis: self.clock.now_millis(),
        });
        if self.clock.now_millis() < self.offline_until.get() {
            return Err(broken("no network"));
        }
        if request.url.starts_with(STORAGE) {
            return self.storage(request).await;
        }
        if request.url.contains("/resolve/") {
            return self.resolve(request).await;
        }
        let mut api = self.api.borrow_mut();
        let at = api.iter().position(|it| request.url.starts_with(&it.0));
        let (_, status, headers, body) =
            api.remove(at.expect("the test says what the API answers"));
        Ok(response(
            &request.url,
            status,
            headers,
            [Step::Bytes(body.into())],
        ))
    }

    async fn resolve(self, request: Request) -> Result<Response, HttpError> {
        let url = request.url.as_str();
        let commit = match self.fault(|it| *it == Fault::OtherCommit) {
            Some(_) => "f".repeat(40),
            None => COMMIT.into(),
        };
        self.signature.set(self.signature.get() + 1);
        let location = format!("{STORAGE}/blob?X-Sig=s{}", self.signature.get());
        let mut location = Some(location);
        let (mut size, mut sha) = (self.data.len().to_string(), "ab".repeat(32));
        match self.fault(at_hub) {
            Some(Fault::HubBusy(status)) => return Ok(plain(url, status, &[], "try later")),
            Some(Fault::HubSays(status, code)) => {
                return Ok(plain(url, status, &[("X-Error-Code", code)], SECRET));
            }
            Some(Fault::LinkedSize) => size = "999".into(),
            Some(Fault::LinkedSha) => sha = "ef".repeat(32),
            Some(Fault::OffTable) => location = Some("https://evil.example/x".into()),
            Some(Fault::RedirectLoop) if !self.follows => {
                self.faults.borrow_mut().push(Fault::RedirectLoop);
                location = Some(request.url.clone());
            }
            Some(Fault::RedirectLoop) => return Err(broken("too many redirects")),
            Some(Fault::NoLocation) => location = None,
            _ => (),
        }
        if self.follows {
            let url = location.ok_or_else(|| broken("no location"))?;
            return match url.starts_with(STORAGE) {
                true => self.storage(Request { url, ..request }).await,
                false => Ok(plain(&url, 206, &[], &"stolen".repeat(200))),
            };
        }
        let mut headers = Headers::default();
        headers.insert("X-Repo-Commit", &commit);
        headers.insert("X-Linked-Size", &size);
        headers.insert("X-Linked-ETag", &format!("\"{sha}\""));
        if let Some(it) = location {
            headers.insert("Location", &it);
        }
        Ok(response(url, 302, headers, []))
    }

    async fn storage(self, request: Request) -> Result<Response, HttpError> {
        let url = request.url.as_str();
        let signed = format!("X-Sig=s{}", self.signature.get());
        let denied = "<Error><Code>AccessDenied</Code>\n<M>no</M></Error>";
        let fault = self.fault(|it| !at_hub(it) && *it != Fault::OtherCommit);
        match fault {
            Some(Fault::Forbidden) => self.forbidden.set(true),
            Some(Fault::Expired(status)) => return Ok(plain(url, status, &[], denied)),
            Some(Fault::Busy(status)) => return Ok(plain(url, status, &[], "")),
            Some(Fault::Wait(seconds)) => {
                let seconds = seconds.map(|it| it.to_string()).unwrap_or_default();
                return Ok(plain(url, 429, &[("Retry-After", &seconds)], ""));
            }
            Some(Fault::RateLimitHeader(seconds)) => {
                let value = format!("\"resolver\";r=0;t={seconds}");
                return Ok(plain(url, 429, &[("RateLimit", &value)], ""));
            }
            Some(Fault::NoConnection) => return Err(broken("connection refused")),
            Some(Fault::Offline) => {
                let until = self.clock.now_millis() + 3_600_000.0;
                self.offline_until.set(until);
                return Err(broken("no network"));
            }
            Some(Fault::SilentHead) => return future::pending().await,
            _ => (),
        }
        if self.forbidden.get() || !url.ends_with(&signed) {
            return Ok(plain(url, 403, &[], denied));
        }
        Ok(self.data_of(&request, fault))
    }

    fn data_of(&self, request: &Request, fault: Option<Fault>) -> Response {
        let asked = request.range.clone().expect("data is asked for by ranges");
        let size = self.data.len() as u64;
        let (mut total, mut range, mut status) = (size, asked.clone(), 206);
        let mut headers = Headers::default();
        let mut etag = "\"first\"";
        match fault {
            Some(Fault::OtherTotal) => total += 1,
            Some(Fault::OtherStart) => range = asked.start + 1..asked.end,
            Some(Fault::ShortRange) => {
                range.end = range.start + (range.end - range.start).div_ceil(2)
            }
            Some(Fault::NoRanges) => (range, status) = (0..size, 200),
            Some(Fault::PageInstead(it)) => {
                status = it;
                headers.insert("Content-Type", "text/html; charset=utf-8");
            }
            Some(Fault::OtherEtag) => etag = "\"second\"",
            _ => (),
        }
        if status == 206 && fault != Some(Fault::NoContentRange) {
            let value = format!("bytes {}-{}/{total}", range.start, range.end - 1);
            headers.insert("Content-Range", &value);
        }
        headers.insert("Content-Length", &(range.end - range.start).to_string());
        headers.insert("ETag", etag);
        let mut bytes = self.data[range.start as usize..range.end as usize].to_vec();
        if fault == Some(Fault::MoreBytes) {
            bytes.extend([0xee; 100]);
        }
        response(&request.url, status, headers, steps(bytes, fault))
    }
}

impl Http for Double {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        self.clone().answer(request).boxed_local()
    }

    fn online(&self) -> LocalBoxFuture<'_, ()> {
        let wait_millis = self.offline_until.get() - self.clock.now_millis();
        match wait_millis > 0.0 {
            true => self.clock.sleep(wait_millis),
            false => future::ready(()).boxed_local(),
        }
    }
}

/// Faults of the hub itself, as opposed to its storage.
fn at_hub(it: &Fault) -> bool {
    use Fault::*;
    matches!(
        it,
        HubBusy(_) | HubSays(..) | LinkedSize | LinkedSha | OffTable | RedirectLoop | NoLocation
    )
}

enum Step {
    Bytes(Vec<u8>),
    Silence,
    Break,
}

fn steps(bytes: Vec<u8>, fault: Option<Fault>) -> Vec<Step> {
    let (n_bytes, last) = match fault {
        Some(Fault::Cut(it)) => (it, Some(Step::Break)),
        Some(Fault::Stall(it)) => (it, Some(Step::Silence)),
        Some(Fault::ShortEnd(it)) => (it, None),
        _ => (bytes.len(), None),
    };
    let bytes = &bytes[..n_bytes.min(bytes.len())];
    let chunks = bytes.chunks(CHUNK).map(|it| Step::Bytes(it.to_vec()));
    let empty = (fault == Some(Fault::EmptyChunks)).then(|| Step::Bytes(Vec::new()));
    empty.into_iter().chain(chunks).chain(last).collect()
}

fn broken(detail: &str) -> HttpError {
    let detail = detail.into();
    HttpError::Network { detail }
}

fn plain(url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().copied().collect();
    response(url, status, headers, [Step::Bytes(body.into())])
}

fn response(url: &str, status: u16, headers: Headers, steps: impl Into<Vec<Step>>) -> Response {
    let steps: Vec<Step> = steps.into();
    Response {
        status,
        headers,
        url: url.into(),
        body: Box::new(Script(steps.into())),
    }
}

struct Script(VecDeque<Step>);

impl Body for Script {
    fn next(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, HttpError>> {
        match self.0.pop_front() {
            Some(Step::Bytes(it)) => future::ready(Ok(Some(it.into()))).boxed_local(),
            Some(Step::Break) => future::ready(Err(broken("connection reset"))).boxed_local(),
            Some(Step::Silence) => future::pending().boxed_local(),
            None => future::ready(Ok(None)).boxed_local(),
        }
    }
}
