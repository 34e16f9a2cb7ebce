//! The hosts that an installation may ask: the closed list from which the page's policy, its service worker and its About page are made.

use super::{AddressError, Endpoint, gemma};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `hosts.json`: the servers of an installation, and the hosts that they send on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostTable {
    /// Each server.
    pub hosts: Vec<Host>,
}

/// A server and where its files may come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The server that is asked.
    pub endpoint: Endpoint,
    /// Where it sends on to.
    #[serde(default)]
    pub also: Vec<OriginPattern>,
}

/// An origin, or all origins below a domain: `https://*.hf.co`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OriginPattern {
    /// Without the star.
    origin: Endpoint,
    /// Whether a star stood before it.
    below: bool,
}

impl HostTable {
    /// Whether a server may be asked.
    pub fn has_endpoint(&self, endpoint: &Endpoint) -> bool {
        self.hosts.iter().any(|it| it.endpoint == *endpoint)
    }

    /// Whether a server may send on to an origin: to itself, or to one of its list.
    pub fn may_send_on(&self, endpoint: &Endpoint, to: &Endpoint) -> bool {
        let mut hosts = self.hosts.iter().filter(|it| it.endpoint == *endpoint);
        hosts.any(|it| to == endpoint || it.also.iter().any(|it| it.matches(to)))
    }

    /// Every origin as a `connect-src` writes it, in order and once.
    pub fn origins(&self) -> Vec<String> {
        let mut out = Vec::new();
        for host in &self.hosts {
            let also = host.also.iter().map(ToString::to_string);
            for it in std::iter::once(host.endpoint.to_string()).chain(also) {
                if !out.contains(&it) {
                    out.push(it);
                }
            }
        }
        out
    }
}

impl Default for HostTable {
    fn default() -> Self {
        gemma::host_table()
    }
}

impl OriginPattern {
    /// Whether an origin is meant. A star stands for at least one label and never for a dot alone.
    pub fn matches(&self, it: &Endpoint) -> bool {
        if !self.below {
            return *it == self.origin;
        }
        let same = it.is_secure() == self.origin.is_secure() && it.port() == self.origin.port();
        let before = it.host().strip_suffix(self.origin.host());
        same && before.is_some_and(|it| it.len() > 1 && it.ends_with('.'))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.to_string();
        match self.below {
            true => f.write_str(&origin.replacen("://", "://*.", 1)),
            false => f.write_str(&origin),
        }
    }
}

impl FromStr for OriginPattern {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let below = text.contains("://*.");
        let origin: Endpoint = text.replacen("://*.", "://", 1).parse()?;
        let is_domain = origin.host().contains('.') && !origin.host().starts_with('[');
        match below && !is_domain {
            true => Err(AddressError::new(text, "a star stands before a domain")),
            false => Ok(Self { origin, below }),
        }
    }
}

impl From<OriginPattern> for String {
    fn from(it: OriginPattern) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for OriginPattern {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_table_knows_the_hub_and_its_storage() {
        let table = HostTable::default();
        let hub = origin("https://huggingface.co");
        assert!(table.has_endpoint(&hub) && !table.has_endpoint(&origin("http://huggingface.co")));
        for good in [
            "https://huggingface.co",
            "https://cdn-lfs.huggingface.co",
            "https://us.aws.cdn.hf.co",
            "https://cas-bridge.xethub.hf.co",
        ] {
            assert!(table.may_send_on(&hub, &origin(good)), "{good}");
        }
        for bad in [
            "http://cdn-lfs.hf.co",
            "https://hf.co",
            "https://evilhf.co",
            "https://a.hf.co:8443",
            "https://a.hf.co.evil.example",
            "https://example.com",
        ] {
            assert!(!table.may_send_on(&hub, &origin(bad)), "{bad}");
        }
        let other = origin("https://hub.example");
        assert!(!table.may_send_on(&other, &other));
    }

    #[test]
    fn its_file_comes_back_and_a_malformed_one_is_refused() {
        let text = r#"[{"endpoint":"http://localhost:1","also":["http://localhost:2","https://*.x.org"]}]"#;
        let table: HostTable = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&table).unwrap(), text);
        assert_eq!(
            table.origins(),
            [
                "http://localhost:1",
                "http://localhost:2",
                "https://*.x.org"
            ]
        );
        for text in [
            r#"{}"#,
            r#"[{"endpoint":"https://a/b"}]"#,
            r#"[{"endpoint":"https://a","also":["*"]}]"#,
            r#"[{"endpoint":"https://a","also":["https://*.org.*"]}]"#,
            r#"[{"endpoint":"https://a","also":["https://*.org"]}]"#,
            r#"[{"endpoint":"https://a","also":["https://a.*.org"]}]"#,
            r#"[{"endpoint":"https://a","more":[]}]"#,
        ] {
            assert!(serde_json::from_str::<HostTable>(text).is_err(), "{text}");
        }
    }
}
