//! What the head of an answer means: trouble that passes, a refusal, a range of the file.

use super::{Headers, HubError, Response, retry::Trouble};
use std::ops::Range;

/// Trouble that may pass, by an answer's status.
pub(super) fn trouble(response: &Response) -> Option<Trouble> {
    match response.status {
        429 => Some(Trouble::Asked {
            millis: asked_millis(&response.headers),
        }),
        // Besides the usual ones those by which proxies say that what is behind them does not answer.
        status @ (408 | 500 | 502..=504 | 520..=529) => Some(Trouble::Busy { status }),
        _ => None,
    }
}

/// How long the server asks to wait: `Retry-After` in seconds, or `t` of the `RateLimit` header. A date is not read.
pub(super) fn asked_millis(headers: &Headers) -> Option<f64> {
    let seconds = |it: &str| it.trim().parse::<u32>().ok().map(f64::from);
    let rate_limit = || {
        let mut fields = headers.get("ratelimit")?.split([';', ',']);
        fields.find_map(|it| seconds(it.trim().strip_prefix("t=")?))
    };
    let asked = headers.get("retry-after").and_then(seconds);
    asked.or_else(rate_limit).map(|it| it * 1e3)
}

/// Who was asked, for errors.
pub(super) struct Asked<'a> {
    /// `owner/name`.
    pub repo: &'a str,
    /// The revision.
    pub revision: &'a str,
    /// The file, or the repository where the question was about it.
    pub what: &'a str,
    /// Whether a token went along.
    pub with_token: bool,
}

/// What a refusal of the server itself means. Source: huggingface_hub `hf_raise_for_status`.
pub(super) fn refusal(asked: &Asked<'_>, status: u16, headers: &Headers) -> HubError {
    let repo = asked.repo.to_string();
    let file = asked.what.to_string();
    let code = headers.get("x-error-code").unwrap_or_default();
    match (code, status, asked.with_token) {
        ("RevisionNotFound", ..) => HubError::RevisionNotFound {
            repo,
            revision: asked.revision.into(),
        },
        ("EntryNotFound", ..) => HubError::NotFound { file, place: repo },
        ("GatedRepo", 401, true) | ("", 401, true) => HubError::WrongToken { repo },
        ("GatedRepo", _, true) => HubError::NotAccepted { repo },
        ("GatedRepo", _, false) => HubError::Gated { repo },
        ("", 404, _) if file != repo => HubError::NotFound { file, place: repo },
        ("RepoNotFound", ..) | ("", 401 | 404, _) => HubError::RepoNotFound { repo },
        _ => HubError::Status { file, status },
    }
}

/// Whether a web page came.
pub(super) fn is_page(headers: &Headers) -> bool {
    let kind = headers.get("content-type").unwrap_or_default();
    let kind = kind.trim_start().to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

/// Up to which byte of the file an answer to a question for `wanted` promises to go.
///
/// Errors: [`HubError::NotData`], [`HubError::NoRanges`], [`HubError::Changed`], [`HubError::OtherRange`], [`HubError::Length`];
/// [`HubError::Status`] for what is no success.
pub(super) fn promised(
    file: &str,
    response: &Response,
    wanted: &Range<u64>,
    size_bytes: u64,
) -> Result<u64, HubError> {
    let headers = &response.headers;
    let file = file.to_string();
    let length = headers.get("content-length").and_then(|it| it.parse().ok());
    let changed = |file, is_bytes| HubError::Changed {
        file,
        was_bytes: size_bytes,
        is_bytes,
    };
    let content_range = headers.get("content-range").and_then(parse_content_range);
    match (response.status, content_range) {
        (200 | 206, _) if is_page(headers) => Err(HubError::NotData { file }),
        (206, Some((_, is_bytes))) if is_bytes != size_bytes => Err(changed(file, is_bytes)),
        (206, Some((Some(got), _))) if got.start != wanted.start || got.is_empty() => {
            let wanted = wanted.clone();
            Err(HubError::OtherRange { file, wanted, got })
        }
        (206, Some((Some(got), _))) => Ok(got.end.min(wanted.end)),
        // Not every storage lets a page read Content-Range; the length it always may.
        (206, _) if length.is_none_or(|it: u64| it == wanted.end - wanted.start) => Ok(wanted.end),
        (206, _) => Err(HubError::Length {
            file,
            wanted_bytes: wanted.end - wanted.start,
            got_bytes: length.unwrap_or_default(),
        }),
        (200, _) if *wanted == (0..size_bytes) => match length {
            Some(is_bytes) if is_bytes != size_bytes => Err(changed(file, is_bytes)),
            _ => Ok(wanted.end),
        },
        (200, _) => Err(HubError::NoRanges { file }),
        (416, Some((_, is_bytes))) if is_bytes != size_bytes => Err(changed(file, is_bytes)),
        (status, _) => Err(HubError::Status { file, status }),
    }
}

/// `bytes 0-99/1234` -> the range and the whole; `bytes */1234` -> the whole alone.
pub(super) fn parse_content_range(text: &str) -> Option<(Option<Range<u64>>, u64)> {
    let (range, size_bytes) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let size_bytes = size_bytes.parse().ok()?;
    if range == "*" {
        return Some((None, size_bytes));
    }
    let (first, last) = range.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((Some(first.parse().ok()?..end), size_bytes))
}

/// A mark of a file's state without its quotes and its weakness.
pub(super) fn etag(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("W/").unwrap_or(text).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().copied().collect()
    }

    #[test]
    fn what_the_server_asks_for_is_read_in_both_forms() {
        for (name, value, expected) in [
            ("retry-after", "30", Some(30_000.0)),
            ("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", None),
            ("retry-after", "-1", None),
            ("ratelimit", "\"resolver\";r=0;t=120", Some(120_000.0)),
            ("ratelimit", "nonsense", None),
            ("x", "30", None),
        ] {
            assert_eq!(
                asked_millis(&headers(&[(name, value)])),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn content_ranges_are_read_strictly() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((Some(5..10), 10)));
        assert_eq!(parse_content_range("bytes */10"), Some((None, 10)));
        for text in [
            "",
            "bytes",
            "bytes 1-2",
            "bytes 1-/3",
            "bytes a-b/c",
            "bytes 1-2/*",
        ] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
        let most = format!("bytes 0-{}/1", u64::MAX);
        assert_eq!(parse_content_range(&most), None);
    }

    #[test]
    fn refusals_are_told_apart() {
        let cases = [
            ("RepoNotFound", 401, false, "RepoNotFound"),
            ("RepoNotFound", 404, true, "RepoNotFound"),
            ("", 401, false, "RepoNotFound"),
            ("", 401, true, "WrongToken"),
            ("", 404, false, "NotFound"),
            ("GatedRepo", 401, false, "Gated"),
            ("GatedRepo", 403, false, "Gated"),
            ("GatedRepo", 401, true, "WrongToken"),
            ("GatedRepo", 403, true, "NotAccepted"),
            ("RevisionNotFound", 404, false, "RevisionNotFound"),
            ("EntryNotFound", 404, false, "NotFound"),
            ("", 403, false, "Status"),
            ("DisabledRepo", 403, false, "Status"),
        ];
        for (code, status, with_token, expected) in cases {
            let asked = Asked {
                repo: "a/b",
                revision: "main",
                what: "c",
                with_token,
            };
            let error = refusal(&asked, status, &headers(&[("x-error-code", code)]));
            let shown = format!("{error:?}");
            let name = shown.split([' ', '{']).next().unwrap();
            assert_eq!(name, expected, "{code} {status}");
            assert!(!error.remedy().is_empty());
        }
    }

    #[test]
    fn marks_lose_their_quotes() {
        assert_eq!(etag(" W/\"a b\" "), "a b");
        assert_eq!(etag("a"), "a");
    }
}
