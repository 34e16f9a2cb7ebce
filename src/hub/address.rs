//! Addresses of the Hub: made from names, and where a redirect leads.

use super::{HubError, path};
use crate::spec::{Endpoint, RepoRef};

/// Where a repository's revision is resolved to a commit.
pub(super) fn revision(repo: &RepoRef) -> String {
    let (endpoint, name) = (&repo.endpoint, &repo.repo);
    let revision = escape(&repo.revision);
    format!("{endpoint}/api/models/{name}/revision/{revision}")
}

/// The first page of a repository's files at a commit.
pub(super) fn tree(repo: &RepoRef, commit: &str) -> String {
    let (endpoint, name) = (&repo.endpoint, &repo.repo);
    let commit = escape(commit);
    format!("{endpoint}/api/models/{name}/tree/{commit}?recursive=true&expand=true")
}

/// Where a file's bytes are asked for.
///
/// Errors: [`HubError::Name`] for a name that leaves the repository.
pub(super) fn file(repo: &RepoRef, commit: &str, file: &str) -> Result<String, HubError> {
    let (endpoint, name) = (&repo.endpoint, &repo.repo);
    let parts: Vec<String> = path::parts(file)?.into_iter().map(escape).collect();
    let (commit, path) = (escape(commit), parts.join("/"));
    Ok(format!("{endpoint}/{name}/resolve/{commit}/{path}"))
}

/// Where a redirect of `from` leads: an absolute address, or one from the root of the same server.
pub(super) fn redirect(from: &str, location: &str) -> Option<String> {
    let location = location.trim();
    let hidden = |it: char| it.is_control() || it.is_whitespace() || it == '\\';
    if location.contains(hidden) {
        return None;
    }
    let (origin, _) = Endpoint::split(from)?;
    let absolute = match location.strip_prefix("//") {
        Some(it) if origin.is_secure() => format!("https://{it}"),
        Some(it) => format!("http://{it}"),
        None if location.starts_with('/') => format!("{origin}{location}"),
        None => location.to_string(),
    };
    // A fragment is never sent.
    let absolute = absolute.split('#').next().unwrap_or_default();
    Endpoint::of(absolute).map(|_| absolute.to_string())
}

/// The address of the next page, out of a Link header; only of the same server.
pub(super) fn next_page(from: &str, link: &str) -> Option<String> {
    let next = link.split(',').find(|it| {
        let marks = it.split(';').skip(1);
        marks
            .map(str::trim)
            .any(|it| it == "rel=\"next\"" || it == "rel=next")
    })?;
    let address = next.trim().strip_prefix('<')?.split_once('>')?.0;
    redirect(from, address).filter(|it| Endpoint::of(it) == Endpoint::of(from))
}

/// Everything but the plainest characters as `%XX`.
fn escape(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for it in text.bytes() {
        if it.is_ascii_alphanumeric() || b"-._~".contains(&it) {
            out.push(it.into());
        } else {
            // Writing to a string can't fail.
            let _ = write!(out, "%{it:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_of_escaped_names() {
        let repo: RepoRef = "a/b@refs/pr/1".parse().unwrap();
        assert_eq!(
            revision(&repo),
            "https://huggingface.co/api/models/a/b/revision/refs%2Fpr%2F1"
        );
        assert_eq!(
            file(&repo, "c0", "x y/ä?#.npz").unwrap(),
            "https://huggingface.co/a/b/resolve/c0/x%20y/%C3%A4%3F%23.npz"
        );
        assert!(file(&repo, "c0", "../x").is_err());
    }

    #[test]
    fn redirects_lead_to_absolute_addresses_alone() {
        let from = "https://h.example/a/b";
        for (location, expected) in [
            ("/c?d", Some("https://h.example/c?d")),
            ("//e.example/f", Some("https://e.example/f")),
            ("http://e.example/f#g", Some("http://e.example/f")),
            ("c", None),
            ("", None),
            ("javascript:alert(1)", None),
            ("/a\r\nb", None),
            ("https://u@e.example/", None),
            ("/\\e.example", None),
        ] {
            assert_eq!(redirect(from, location).as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn the_next_page_is_one_of_the_same_server() {
        let from = "https://h.example/api";
        let link = r#"<https://h.example/api?x=1>; rel="first", <https://h.example/api?cursor=a>; rel="next""#;
        let expected = "https://h.example/api?cursor=a";
        assert_eq!(next_page(from, link).as_deref(), Some(expected));
        let elsewhere = r#"<https://evil.example/api>; rel="next""#;
        assert_eq!(next_page(from, elsewhere), None);
        assert_eq!(next_page(from, "nonsense"), None);
    }
}
