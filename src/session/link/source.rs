//! The address of a snapshot as a link has it: what will really be asked, and of which host. Leaves asking to `snapshot`.

use crate::spec::{Endpoint, SnapshotAddress, gemma, visible};

/// Letters of a file's name that are told.
const MOST_NAME: usize = 60;

/// Whether a snapshot may be asked for there: over https, or of this very machine.
pub fn is_address(text: &str) -> bool {
    let split = Endpoint::split(text);
    let fits = |(at, path): &(Endpoint, &str)| {
        (at.is_secure() || at.is_loopback()) && !path.is_empty() && *path != "/"
    };
    split.as_ref().is_some_and(fits) && text.bytes().all(|it| it.is_ascii_graphic())
}

/// What an address means: those of pages about a file, on GitHub, its gists and the Hub, are brought to that of the file itself, as
/// Netron does it.
pub fn address(text: &str) -> Option<SnapshotAddress> {
    let (at, path) = Endpoint::split(text).filter(|_| is_address(text))?;
    let path = path.split('#').next().unwrap_or_default();
    let address = file_of_page(&at, path).unwrap_or_else(|| format!("{at}{path}"));
    let (at, path) = Endpoint::split(&address)?;
    let file = path.split('?').next().unwrap_or_default();
    let name = file.rsplit('/').find(|it| !it.is_empty());
    let name: String = name.unwrap_or_default().chars().take(MOST_NAME).collect();
    let host = match at.port() {
        Some(port) => format!("{}:{port}", at.host()),
        None => at.host().into(),
    };
    Some(SnapshotAddress {
        name: visible(&format!("{host}/{name}")),
        host,
        address,
    })
}

fn file_of_page(at: &Endpoint, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let is = |host: &str| at.is_secure() && at.port().is_none() && at.host() == host;
    match parts[..] {
        [owner, repo, "blob" | "raw", ref rest @ ..] if is("github.com") && rest.len() > 1 => {
            let rest = rest.join("/");
            let raw = format!("https://raw.githubusercontent.com/{owner}/{repo}/{rest}");
            Some(raw)
        }
        [owner, id, ref rest @ ..] if is("gist.github.com") && rest.first() != Some(&"raw") => {
            let rest: String = rest.iter().map(|it| format!("/{it}")).collect();
            let raw = format!("https://gist.githubusercontent.com/{owner}/{id}/raw{rest}");
            Some(raw)
        }
        _ if *at == gemma::hub() => {
            let blob = parts.iter().position(|it| *it == "blob")?;
            // OWNER/NAME, or datasets/OWNER/NAME.
            let is_page = matches!(blob, 2 | 3) && parts.len() > blob + 2;
            let (before, after) = (parts[..blob].join("/"), parts[blob + 1..].join("/"));
            is_page.then(|| format!("{at}/{before}/resolve/{after}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_about_a_file_become_the_file() {
        for (text, address_of, host) in [
            (
                "https://github.com/a/b/blob/main/c/d.json?raw=true#L1",
                "https://raw.githubusercontent.com/a/b/main/c/d.json",
                "raw.githubusercontent.com",
            ),
            (
                "https://gist.github.com/me/0123abcd",
                "https://gist.githubusercontent.com/me/0123abcd/raw",
                "gist.githubusercontent.com",
            ),
            (
                "https://huggingface.co/a/b/blob/main/d.json",
                "https://huggingface.co/a/b/resolve/main/d.json",
                "huggingface.co",
            ),
            (
                "https://huggingface.co/datasets/a/b/blob/main/d.json",
                "https://huggingface.co/datasets/a/b/resolve/main/d.json",
                "huggingface.co",
            ),
            (
                "https://huggingface.co/a/blob",
                "https://huggingface.co/a/blob",
                "huggingface.co",
            ),
            (
                "https://EXAMPLE.org:8443/x/y.json?z=1#w",
                "https://example.org:8443/x/y.json?z=1",
                "example.org:8443",
            ),
            (
                "http://127.0.0.1:9/y.json",
                "http://127.0.0.1:9/y.json",
                "127.0.0.1:9",
            ),
        ] {
            let got = address(text).expect(text);
            assert_eq!(
                (got.address.as_str(), got.host.as_str()),
                (address_of, host)
            );
            assert!(got.name.starts_with(&format!("{host}/")), "{got:?}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_file_is_none() {
        for text in [
            "",
            "https://",
            "https://a",
            "https://a/",
            "http://example.org/x",
            "javascript:alert(1)",
            "https://user@a/x",
            "https://a/ x",
            "/x",
            "data:text/html,x",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
