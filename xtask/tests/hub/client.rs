//! A Hub with two repositories, and a client that takes answers as they come.

use futures_util::StreamExt;
use std::{collections::BTreeMap, sync::Arc};
use xtask::hub::{Body, Config, Gate, Hub, Repo, Request, Stuck, VirtualClock};

pub const MODEL: &str = "o/model";
pub const GATED: &str = "o/gated";
pub const TOKEN: &str = "hf_right";
/// Of the large file.
pub const LARGE_BYTES: usize = 200_000;

/// The bytes of the large file: no two pages are the same.
pub fn large() -> Arc<[u8]> {
    (0..LARGE_BYTES).map(|i| (i * 7 + i / 251) as u8).collect()
}

pub fn config() -> Config {
    let files: BTreeMap<String, Arc<[u8]>> = [
        ("config.json", Arc::from(*b"{\"n\": 1}")),
        ("empty.npz", Arc::from([])),
        ("layer_0/average l0_76/params.npz", large()),
        ("layer_1/params.npz", Arc::from(*b"npz")),
        ("model.safetensors", large()),
    ]
    .map(|(path, bytes)| (path.to_string(), bytes))
    .into();
    let gate = Gate {
        repo: GATED.into(),
        token: TOKEN.into(),
        open_listing: false,
    };
    let repos = [MODEL, GATED].map(|name| Repo::in_memory(name, files.clone()));
    Config {
        gates: vec![gate],
        ..Config::new(repos.into())
    }
}

/// A Hub in process and the clock that drives it.
pub struct World {
    pub hub: Hub,
    pub clock: VirtualClock,
}

impl World {
    pub fn new() -> Self {
        Self::of(config())
    }

    pub fn of(config: Config) -> Self {
        let clock = VirtualClock::new();
        let hub = Hub::in_process(config, Arc::new(clock.clone())).expect("a sound Hub");
        Self { hub, clock }
    }

    pub fn faulty(rules: &[&str]) -> Self {
        let out = Self::new();
        out.set_faults(rules);
        out
    }

    pub fn set_faults(&self, rules: &[&str]) {
        let rules = rules.iter().map(|it| it.parse().expect("a rule"));
        self.hub.set_faults(rules.collect());
    }

    /// `method address`, or an address or a path of the Hub alone, which is got.
    pub fn ask(&self, what: &str, headers: &[(&str, &str)]) -> Got {
        self.try_ask(what, headers).expect("an answer that ends")
    }

    pub fn try_ask(&self, what: &str, headers: &[(&str, &str)]) -> Result<Got, Stuck> {
        let (method, address) = what.split_once(' ').unwrap_or(("GET", what));
        let address = match address.starts_with('/') {
            true => format!("{}{address}", self.hub.hub_origin()),
            false => address.to_string(),
        };
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        self.clock.run_until(take(&self.hub, request))
    }

    /// With a range of the first `n` bytes or another.
    pub fn range(&self, what: &str, range: &str) -> Got {
        self.ask(what, &[("range", &format!("bytes={range}"))])
    }

    /// A fresh signed address of a file of the model.
    pub fn address(&self, path: &str) -> String {
        let got = self.ask(&format!("/{MODEL}/resolve/main/{path}"), &[]);
        assert_eq!(got.status, 302, "{}", got.text());
        got.header("location").to_string()
    }

    /// The last entry of the log.
    pub fn last(&self) -> xtask::hub::Entry {
        self.hub.log().pop().expect("an entry")
    }
}

async fn take(hub: &Hub, request: Request) -> Got {
    let response = hub.call(request).await.expect("a host that answers");
    let (parts, body) = response.into_parts();
    let mut out = Got {
        status: parts.status.as_u16(),
        headers: parts.headers,
        bytes: Vec::new(),
        largest_chunk: 0,
        broke: false,
    };
    let mut chunks = body.into_data_stream();
    while let Some(it) = chunks.next().await {
        match it {
            Ok(it) => {
                out.bytes.extend_from_slice(&it);
                out.largest_chunk = out.largest_chunk.max(it.len());
            }
            Err(_) => out.broke = true,
        }
    }
    out
}

/// What came.
pub struct Got {
    pub status: u16,
    pub headers: xtask::hub::http::HeaderMap,
    pub bytes: Vec<u8>,
    pub largest_chunk: usize,
    pub broke: bool,
}

impl Got {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |it| it.to_str().expect("text"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// Status and `X-Error-Code`.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.header("x-error-code"))
    }
}
