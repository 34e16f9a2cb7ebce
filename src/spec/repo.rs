//! Which repository of which server at which revision: parsed strictly, written back as it was meant.

use super::{Endpoint, gemma};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why a text names no place of a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub detail: String,
}

/// `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RepoName(String);

/// A repository of a server at a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RepoRef {
    /// The server.
    pub endpoint: Endpoint,
    /// The repository.
    pub repo: RepoName,
    /// A branch, tag or commit; [`RepoRef::revision_is_fine`] holds where it was parsed.
    pub revision: String,
}

/// What stands for the revision that a repository shows first.
pub const MAIN: &str = "main";

const NAME_MAX_BYTES: usize = 96;
const REVISION_MAX_BYTES: usize = 200;

impl RepoName {
    /// As it stands in addresses: `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RepoRef {
    /// A repository of a server at its main branch.
    pub fn new(endpoint: Endpoint, repo: RepoName) -> Self {
        let revision = MAIN.into();
        Self {
            endpoint,
            repo,
            revision,
        }
    }

    /// The same at another revision.
    ///
    /// Errors: what is no name of a revision.
    pub fn at(self, revision: &str) -> Result<Self, AddressError> {
        if !Self::revision_is_fine(revision) {
            return Err(AddressError::new(revision, "not a branch, tag or commit"));
        }
        let revision = revision.into();
        Ok(Self { revision, ..self })
    }

    /// Whether a text can name a branch, tag or commit: never a way out of an address.
    pub fn revision_is_fine(it: &str) -> bool {
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"._-/+".contains(&it);
        it.len() <= REVISION_MAX_BYTES
            && it.bytes().all(plain)
            && it
                .split('/')
                .all(|it| !it.is_empty() && !it.starts_with('.'))
            && !it.contains("..")
    }
}

impl AddressError {
    pub(super) fn new(text: &str, detail: &str) -> Self {
        let (text, detail) = (text.into(), detail.into());
        Self { text, detail }
    }

    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        "Write OWNER/NAME, OWNER/NAME@REVISION, or the address of the repository's page."
    }
}

impl FromStr for RepoName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |detail| Err(AddressError::new(text, detail));
        let Some((owner, name)) = text.split_once('/') else {
            return wrong("a repository is named OWNER/NAME");
        };
        match is_name(owner) && is_name(name) {
            true => Ok(Self(text.into())),
            false => {
                wrong("a repository is named OWNER/NAME, in letters, digits, `-`, `_` and `.`")
            }
        }
    }
}

/// One half of a repository's name. Source: huggingface_hub `validate_repo_id`.
fn is_name(it: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"._-".contains(&it);
    let edge = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
    it.len() <= NAME_MAX_BYTES
        && it.bytes().all(plain)
        && edge(it.chars().next())
        && edge(it.chars().next_back())
        && !it.contains("--")
        && !it.contains("..")
        && !it.ends_with(".git")
}

impl FromStr for RepoRef {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let given = text.trim();
        let again = |it: AddressError| AddressError::new(text, &it.detail);
        if let Some((endpoint, path)) = Endpoint::split(given) {
            return from_path(endpoint, path).map_err(again);
        }
        let short = given.strip_prefix("hf://").unwrap_or(given);
        let (repo, revision) = short.split_once('@').unwrap_or((short, MAIN));
        let repo = repo.parse().map_err(again)?;
        Self::new(gemma::hub(), repo).at(revision).map_err(again)
    }
}

/// `/owner/name` or `/owner/name/tree/REVISION` of a server.
fn from_path(endpoint: Endpoint, path: &str) -> Result<RepoRef, AddressError> {
    let path = path.trim_start_matches('/').trim_end_matches('/');
    let mut parts = path.splitn(4, '/');
    let name = [parts.next(), parts.next()].map(Option::unwrap_or_default);
    let repo = RepoRef::new(endpoint, name.join("/").parse()?);
    match (parts.next(), parts.next()) {
        (None, _) => Ok(repo),
        // The server's own pages write a branch of several parts this way.
        (Some("tree"), Some(it)) => repo.at(&it.replace("%2F", "/").replace("%2f", "/")),
        _ => Err(AddressError::new(
            path,
            "after OWNER/NAME only /tree/REVISION may follow",
        )),
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RepoRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            repo,
            revision,
        } = self;
        match (*endpoint == gemma::hub(), revision == MAIN) {
            (true, true) => write!(f, "{repo}"),
            (true, false) => write!(f, "{repo}@{revision}"),
            (false, true) => write!(f, "{endpoint}/{repo}"),
            (false, false) => write!(f, "{endpoint}/{repo}/tree/{revision}"),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address: {}", self.text, self.detail)
    }
}

impl std::error::Error for AddressError {}

impl From<RepoName> for String {
    fn from(it: RepoName) -> String {
        it.0
    }
}

impl TryFrom<String> for RepoName {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<RepoRef> for String {
    fn from(it: RepoRef) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for RepoRef {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for (text, written) in [
            ("unsloth/gemma-2-2b", "unsloth/gemma-2-2b"),
            (" hf://a/b ", "a/b"),
            ("hf://a/b@v1.0", "a/b@v1.0"),
            ("a/b@refs/pr/1", "a/b@refs/pr/1"),
            ("a/b@main", "a/b"),
            ("https://huggingface.co/a/b/", "a/b"),
            ("https://huggingface.co/a/b/tree/dev", "a/b@dev"),
            (
                "https://huggingface.co/a/b/tree/refs%2Fpr%2F1",
                "a/b@refs/pr/1",
            ),
            ("http://127.0.0.1:9/a/b", "http://127.0.0.1:9/a/b"),
            (
                "https://hub.example/a/b/tree/x/y",
                "https://hub.example/a/b/tree/x/y",
            ),
        ] {
            let got: RepoRef = text.parse().unwrap_or_else(|it| panic!("{it}"));
            assert_eq!(got.to_string(), written, "{text}");
            assert_eq!(written.parse(), Ok(got.clone()));
            let json = serde_json::to_string(&got).unwrap();
            assert_eq!(serde_json::from_str::<RepoRef>(&json).unwrap(), got);
        }
    }

    #[test]
    fn malformed_addresses_are_refused_by_name() {
        for text in [
            "",
            "gemma",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "../b",
            "a/..",
            "a/b--c",
            "a/b.git",
            "-a/b",
            "a/b@",
            "a/b@../x",
            "a/b@x/../y",
            "a/b@x y",
            "a/b@x?y",
            "a/b@x%2F..",
            "ftp://h/a/b",
            "https://h",
            "https://h/a",
            "https://h/a/b/blob/main/c",
            "https://h/a/b/tree/",
            "https://h/a/b?x",
            "https://h/datasets/a/b",
            "https://user:pass@h/a/b",
            "hf://https://h/a/b",
        ] {
            let got = text.parse::<RepoRef>();
            let error = got.expect_err(text);
            assert_eq!(error.text, text);
            assert!(error.to_string().contains(text));
            assert!(error.remedy().contains("OWNER/NAME"));
        }
    }
}
