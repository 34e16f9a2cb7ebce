//! An access token: kept in memory, never shown, sent to one origin alone.

use super::HubError;
use crate::spec::Endpoint;
use std::{fmt, rc::Rc};

/// A visitor's access token for one server. It is written nowhere: neither `Debug` nor an error nor an address shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    endpoint: Endpoint,
    secret: Rc<str>,
}

/// Characters of a token at most.
const MAX_BYTES: usize = 4096;

impl Token {
    /// A token for a server.
    ///
    /// Errors: [`HubError::Token`] for what can't be one, or would travel unencrypted to another machine.
    pub fn new(endpoint: Endpoint, secret: &str) -> Result<Self, HubError> {
        let secret = secret.trim();
        let visible = |it: u8| it.is_ascii_graphic();
        if secret.is_empty() || secret.len() > MAX_BYTES || !secret.bytes().all(visible) {
            return Err(HubError::Token {
                detail: "it holds characters that no token has, or none at all",
            });
        }
        if !endpoint.is_secure() && !endpoint.is_loopback() {
            return Err(HubError::Token {
                detail: "the server's address starts with http://, so anybody on the way could read it",
            });
        }
        let secret = secret.into();
        Ok(Self { endpoint, secret })
    }

    /// The value of the Authorization header for a request to `address`; none where that is another origin than its own.
    pub fn header_for(&self, address: &str) -> Option<String> {
        let own = Endpoint::of(address).as_ref() == Some(&self.endpoint);
        own.then(|| format!("Bearer {}", self.secret))
    }

    /// A text of a server without the token, should it hold it.
    pub(super) fn strike_out(&self, text: &str) -> String {
        text.replace(&*self.secret, "[token]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(for {})", self.endpoint)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a token for {}", self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn it_goes_to_its_own_origin_alone() {
        let token = Token::new(endpoint("https://huggingface.co"), " hf_secret\n").unwrap();
        let own = "https://huggingface.co/a/b/resolve/main/c";
        assert_eq!(token.header_for(own).as_deref(), Some("Bearer hf_secret"));
        for other in [
            "https://cdn-lfs.huggingface.co/x",
            "http://huggingface.co/x",
            "https://huggingface.co:8443/x",
            "https://huggingface.co@evil.example/x",
            "https://huggingface.co.evil.example/x",
            "/relative",
        ] {
            assert_eq!(token.header_for(other), None, "{other}");
        }
    }

    #[test]
    fn it_is_never_shown() {
        let token = Token::new(endpoint("https://a.b"), "hf_secret").unwrap();
        assert!(!format!("{token:?} {token:#?} {token}").contains("secret"));
        assert_eq!(token.strike_out("bad hf_secret!"), "bad [token]!");
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        for text in ["", "  ", "a b", "a\r\nX-Evil: 1", "ä", &"a".repeat(5000)] {
            let error = Token::new(endpoint("https://a.b"), text).unwrap_err();
            assert!(matches!(error, HubError::Token { .. }));
            assert!(text.trim().is_empty() || !error.to_string().contains(text));
            assert!(error.remedy().contains("token"));
        }
        assert!(Token::new(endpoint("http://a.b"), "x").is_err());
        assert!(Token::new(endpoint("http://127.0.0.1:1"), "x").is_ok());
    }
}
