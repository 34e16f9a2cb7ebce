//! The origin of a server, as in `https://huggingface.co`: what tokens belong to and what the host table lists.

use super::AddressError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A scheme, a host and a port, without a path; the default port of the scheme is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Endpoint {
    /// `https` rather than `http`.
    secure: bool,
    /// In lower case; an IPv6 address keeps its brackets.
    host: String,
    /// None for the scheme's own.
    port: Option<u16>,
}

impl Endpoint {
    /// The origin of an absolute address, whatever follows it; none where it is not one of http or https.
    pub fn of(address: &str) -> Option<Self> {
        Self::split(address).map(|it| it.0)
    }

    /// The origin of an absolute address and what follows it, which is empty or starts with `/`, `?` or `#`.
    pub fn split(address: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = address.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = split_port(authority)?;
        let standard = if secure { 443 } else { 80 };
        let origin = Self {
            secure,
            host: checked_host(host)?,
            port: port.filter(|it| *it != standard),
        };
        (!rest.starts_with('\\')).then_some((origin, rest))
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether what goes there is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is this very machine.
    pub fn is_loopback(&self) -> bool {
        let is_four = |it: &str| {
            let mut parts = it.split('.');
            let is_byte = |it: &str| it.parse::<u8>().is_ok();
            parts.next() == Some("127") && parts.clone().count() == 3 && parts.all(is_byte)
        };
        matches!(self.host.as_str(), "localhost" | "[::1]")
            || self.host.ends_with(".localhost")
            || is_four(&self.host)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        self.port.map_or(Ok(()), |it| write!(f, ":{it}"))
    }
}

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match Self::split(text.trim()) {
            Some((it, "" | "/")) => Ok(it),
            Some(_) => Err(AddressError::new(text, "only an origin, without a path")),
            None => Err(AddressError::new(
                text,
                "not an origin such as https://huggingface.co",
            )),
        }
    }
}

impl From<Endpoint> for String {
    fn from(it: Endpoint) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // The colons of an IPv6 address stand in brackets.
    let after_host = authority.rfind(']').map_or(0, |it| it + 1);
    match authority[after_host..].find(':') {
        None => Some((authority, None)),
        Some(at) => {
            let (host, port) = authority.split_at(after_host + at);
            let digits = port[1..].bytes().all(|it| it.is_ascii_digit());
            let port = digits.then(|| port[1..].parse().ok()).flatten()?;
            Some((host, Some(port)))
        }
    }
}

/// The host in lower case, or none where it holds what no host does: a user's name, a blank, an escape.
fn checked_host(host: &str) -> Option<String> {
    let inside = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let fine = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    fine.then(|| host.to_ascii_lowercase())
}

fn is_label(it: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    (1..=63).contains(&it.len()) && it.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_come_back_in_one_form() {
        for (text, expected) in [
            ("https://huggingface.co", "https://huggingface.co"),
            ("HTTPS://HuggingFace.co:443/", "https://huggingface.co"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://a:80", "https://a:80"),
        ] {
            let got: Endpoint = text.parse().unwrap();
            assert_eq!(got.to_string(), expected);
            assert_eq!(expected.parse(), Ok(got));
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "huggingface.co",
            "ftp://a",
            "https://",
            "https://user@a",
            "https://a:b",
            "https://a:99999",
            "https://a:+1",
            "https://a b",
            "https://a/b",
            "https://a?b",
            "https://a..b",
            "https://a\\b",
            "https://%61",
            "https://[a]",
            "javascript://a",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_split_behind_the_origin() {
        let (origin, rest) = Endpoint::split("https://a.b:1/c?d#e").unwrap();
        assert_eq!(
            (origin.to_string().as_str(), rest),
            ("https://a.b:1", "/c?d#e")
        );
        assert!(Endpoint::of("https://huggingface.co@evil.example/").is_none());
        assert!(Endpoint::of("/relative").is_none());
    }

    #[test]
    fn this_machine_is_known() {
        let is = |it: &str| Endpoint::of(it).unwrap().is_loopback();
        assert!(is("http://127.0.0.1") && is("http://localhost:1") && is("http://[::1]"));
        assert!(is("http://127.3.4.5") && !is("http://127.evil.example"));
        assert!(!is("http://127.0.0.1.evil.example") && !is("http://10.0.0.1"));
    }
}
