//! What this room needs of HTTP: one request for one address, its answer as it comes. Leaves redirects and retries to who asks.

use super::Token;
use crate::spec::Bytes;
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use std::{collections::BTreeMap, fmt, ops::Range};

/// Something that can ask for an address; natively reqwest, on the web `fetch`, in tests a script.
pub trait Http {
    /// Asks. Natively a redirect comes back as it is; on the web the browser has followed it, and [`Response::url`] says whereto.
    ///
    /// Errors: no answer came. An answer that says no is an answer. Dropping the future aborts the request.
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>>;

    /// Waits until the machine has a network, as far as it knows.
    fn online(&self) -> LocalBoxFuture<'_, ()> {
        future::ready(()).boxed_local()
    }
}

/// A GET.
#[derive(Clone)]
pub struct Request {
    /// The absolute address.
    pub url: String,
    /// Which bytes, or all; never empty.
    pub range: Option<Range<u64>>,
    /// Sent only where it belongs: a back end asks [`Token::header_for`].
    pub bearer: Option<Token>,
    /// What kinds of content are welcome.
    pub accept: Option<&'static str>,
}

/// The answer's head, and its body to come.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers that may be read.
    pub headers: Headers,
    /// The address that answered: another than asked where a browser followed a redirect.
    pub url: String,
    /// What follows.
    pub body: Box<dyn Body>,
}

/// Bytes as they come. Dropping it aborts the request.
pub trait Body {
    /// The next bytes; none at the end. After a dropped call the body is of no use any more.
    ///
    /// Errors: the connection broke.
    fn next(&mut self) -> LocalBoxFuture<'_, Result<Option<Bytes>, HttpError>>;
}

/// Headers of an answer, found by names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Headers(BTreeMap<String, String>);

/// Why no answer came, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request could not even be made; asking again is of no use.
    #[error("{detail}")]
    Request {
        /// Why.
        detail: String,
    },
    /// The network failed: no name, no connection, no answer, or it broke off.
    #[error("{detail}")]
    Network {
        /// What the system or the browser says, without the address.
        detail: String,
    },
}

impl Headers {
    /// A header's value, by its name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds one; several of a name become one with commas between, as HTTP says.
    pub fn insert(&mut self, name: &str, value: &str) {
        let place = self.0.entry(name.to_ascii_lowercase()).or_default();
        if !place.is_empty() {
            place.push_str(", ");
        }
        place.push_str(value);
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut out = Self::default();
        for (name, value) in pairs {
            out.insert(name, value);
        }
        out
    }
}

impl Request {
    /// The value of the Range header.
    pub fn range_header(&self) -> Option<String> {
        let range = self.range.as_ref()?;
        Some(format!("bytes={}-{}", range.start, range.end - 1))
    }
}

impl fmt::Debug for Request {
    // The address may be signed: it opens the file to whoever reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split('?').next();
        write!(f, "Request({address:?}, {:?})", self.range)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({})", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_and_joined() {
        let headers: Headers = [("ETag", "\"a\""), ("Vary", "Origin"), ("vary", "Range")]
            .into_iter()
            .collect();
        assert_eq!(headers.get("etag"), Some("\"a\""));
        assert_eq!(headers.get("vary"), Some("Origin, Range"));
        assert_eq!(headers.get("link"), None);
    }

    #[test]
    fn ranges_are_written_with_their_last_byte() {
        let request = Request {
            url: "https://a.b/c?X-Sig=1".into(),
            range: Some(5_000_000_000..5_000_000_001),
            bearer: None,
            accept: None,
        };
        let expected = "bytes=5000000000-5000000000";
        assert_eq!(request.range_header().as_deref(), Some(expected));
        assert!(!format!("{request:?}").contains("X-Sig"));
    }
}
