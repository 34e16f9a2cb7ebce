//! The headers of the site, from `www/_headers`, so that the local server and a static host send the same.

use anyhow::{Context, Result, bail};
use axum::http::{HeaderName, HeaderValue};

/// Headers of every file, read from the text of `_headers`.
///
/// Only the pattern `/*` is known here; another one is an error rather than a header that some hosts send and this server does not.
pub fn parse(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let mut out = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if !line.starts_with(char::is_whitespace) {
            if trimmed != "/*" {
                bail!("_headers: only `/*` is known, not `{trimmed}`");
            }
            continue;
        }
        let (name, value) = trimmed
            .split_once(':')
            .with_context(|| format!("_headers: `{trimmed}` is no header"))?;
        out.push((name.trim().parse()?, value.trim().parse()?));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_read() {
        let headers = parse(include_str!("../../www/_headers")).expect("well-formed");
        let csp = headers
            .iter()
            .find(|it| it.0 == "content-security-policy")
            .expect("a policy");
        let csp = csp.1.to_str().expect("ASCII");
        assert!(csp.starts_with("default-src 'none'") && csp.contains("worker-src 'self' blob:"));
    }

    /// Where a host sends no headers, the page's own policy stands; it can't forbid framing, and else says the same.
    #[test]
    fn the_page_s_own_policy_is_the_header_s() {
        let page = include_str!("../../www/index.html");
        let headers = include_str!("../../www/_headers");
        let policy = headers
            .lines()
            .find_map(|it| it.trim().strip_prefix("Content-Security-Policy: "))
            .and_then(|it| it.strip_suffix("; frame-ancestors 'none'"))
            .expect("a policy that forbids framing last");
        assert!(page.contains(&format!("content=\"{policy}\"")), "{policy}");
    }

    #[test]
    fn other_patterns_are_refused() {
        assert!(parse("/demo/*\n  A: b").is_err());
        assert!(parse("/*\n  no header").is_err());
    }
}
