//! The hosts that an installation may ask: the closed list from which the page's policy, its service worker and its About page are made.

use super::{AddressError, Endpoint, gemma, neuronpedia};
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
    /// What it is asked for.
    #[serde(default, rename = "for", skip_serializing_if = "Serves::is_files")]
    pub serves: Serves,
}

/// What a server is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Serves {
    /// Repositories and files.
    #[default]
    Files,
    /// What somebody found out about single features, below [`neuronpedia::FEATURES`] and nowhere else. It sends on to nobody.
    Features,
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
    /// Whether a server may be asked for files.
    pub fn has_endpoint(&self, endpoint: &Endpoint) -> bool {
        self.files().any(|it| it.endpoint == *endpoint)
    }

    /// Whether a server may send on to an origin: to itself, or to one of its list.
    pub fn may_send_on(&self, endpoint: &Endpoint, to: &Endpoint) -> bool {
        let mut hosts = self.files().filter(|it| it.endpoint == *endpoint);
        hosts.any(|it| to == endpoint || it.also.iter().any(|it| it.matches(to)))
    }

    /// The server that is asked about single features, if this installation asks one.
    pub fn of_features(&self) -> Option<&Endpoint> {
        let mut hosts = self.hosts.iter().filter(|it| !it.serves.is_files());
        hosts.next().map(|it| &it.endpoint)
    }

    fn files(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|it| it.serves.is_files())
    }

    /// Everything that may be asked as a `connect-src` writes it, in order and once: origins, and below which path where that is all.
    pub fn sources(&self) -> Vec<String> {
        let mut out = Vec::new();
        for host in &self.hosts {
            let also = match host.serves {
                Serves::Files => &host.also[..],
                Serves::Features => &[],
            };
            let also = also.iter().map(ToString::to_string);
            for it in std::iter::once(host.source()).chain(also) {
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
        let mut it = gemma::host_table();
        it.hosts.push(neuronpedia::host());
        it
    }
}

impl Host {
    /// The server itself as a `connect-src` writes it.
    pub fn source(&self) -> String {
        match self.serves {
            Serves::Files => self.endpoint.to_string(),
            Serves::Features => format!("{}{}", self.endpoint, neuronpedia::FEATURES),
        }
    }
}

impl Serves {
    /// Whether it is asked for files.
    pub fn is_files(&self) -> bool {
        *self == Self::Files
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
    fn who_tells_of_features_is_asked_for_nothing_else() {
        let table = HostTable::default();
        let teller = origin("https://www.neuronpedia.org");
        assert_eq!(table.of_features(), Some(&teller));
        assert!(!table.has_endpoint(&teller) && !table.may_send_on(&teller, &teller));
        let sources = table.sources();
        let source = "https://www.neuronpedia.org/api/feature/gemma-2-2b/";
        assert_eq!(sources.last().map(String::as_str), Some(source));
        assert!(sources.iter().all(|it| *it != teller.to_string()));
        let text = r#"[{"endpoint":"http://a.org","also":["http://b.org"],"for":"features"}]"#;
        let other: HostTable = serde_json::from_str(text).expect("a table");
        assert_eq!(other.sources(), ["http://a.org/api/feature/gemma-2-2b/"]);
        assert_eq!(serde_json::to_string(&other).expect("plain data"), text);
        assert_eq!(gemma::host_table().of_features(), None);
    }

    #[test]
    fn its_file_comes_back_and_a_malformed_one_is_refused() {
        let text = r#"[{"endpoint":"http://localhost:1","also":["http://localhost:2","https://*.x.org"]}]"#;
        let table: HostTable = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&table).unwrap(), text);
        assert_eq!(
            table.sources(),
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
            r#"[{"endpoint":"https://a","for":"all"}]"#,
        ] {
            assert!(serde_json::from_str::<HostTable>(text).is_err(), "{text}");
        }
    }
}
