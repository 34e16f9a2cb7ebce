//! The header `Range`, as a server reads it.
//!
//! What is answered is left to `data`.

use std::ops::Range;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Everything: no range, several of them, or one that makes no sense, which a server ignores.
    Whole,
    /// These bytes, cut to the size.
    Part(Range<u64>),
    /// A range that begins beyond the end.
    Beyond,
}

/// Reads the value of the header for a file of that size.
pub fn parse(header: Option<&str>, size_bytes: u64) -> Asked {
    let Some((first, last)) = header
        .and_then(|it| it.trim().strip_prefix("bytes="))
        .and_then(|it| it.split_once('-'))
    else {
        return Asked::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _)
            if first >= size_bytes && (last.is_empty() || last.parse::<u64>().is_ok()) =>
        {
            Asked::Beyond
        }
        (Ok(first), Err(_)) if last.is_empty() => Asked::Part(first..size_bytes),
        (Ok(first), Ok(last)) if first <= last => {
            Asked::Part(first..size_bytes.min(last.saturating_add(1)))
        }
        (Err(_), Ok(0)) if first.is_empty() => Asked::Beyond,
        (Err(_), Ok(n_last)) if first.is_empty() => {
            Asked::Part(size_bytes.saturating_sub(n_last)..size_bytes)
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_servers_do() {
        let cases = [
            (None, Asked::Whole),
            (Some("bytes=0-0"), Asked::Part(0..1)),
            (Some("bytes=3-"), Asked::Part(3..10)),
            (Some("bytes=-4"), Asked::Part(6..10)),
            (Some("bytes=-40"), Asked::Part(0..10)),
            (Some("bytes=2-99"), Asked::Part(2..10)),
            (Some("bytes=2-18446744073709551615"), Asked::Part(2..10)),
            (Some("bytes=10-"), Asked::Beyond),
            (Some("bytes=10-12"), Asked::Beyond),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=5-4"), Asked::Whole),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("bytes=a-b"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
        ];
        for (header, asked) in cases {
            assert_eq!(parse(header, 10), asked, "{header:?}");
        }
    }
}
