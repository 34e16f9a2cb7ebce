//! The list that a folder of the web keeps of its own files, since no server tells it in a way that all understand.

use super::{HubError, path};

/// The file that holds it: a JSON array of names, relative to the folder.
pub(super) const FILE: &str = "files.json";

/// A list of more bytes than this is none.
const MAX_BYTES: u64 = 4 << 20;

/// Errors: [`HubError::Listing`] for a list that is too large to be one.
pub(super) fn check_size(size_bytes: u64) -> Result<(), HubError> {
    match size_bytes {
        0..=MAX_BYTES => Ok(()),
        _ => Err(error(format!("it has {size_bytes} bytes"))),
    }
}

/// The names in the list, sorted.
///
/// Errors: [`HubError::Listing`] where it is not an array of names; [`HubError::Name`] for a name that leaves the folder.
pub(super) fn parse(text: &[u8]) -> Result<Vec<String>, HubError> {
    let names: Result<Vec<String>, _> = serde_json::from_slice(text);
    let mut names = names.map_err(|it| error(it.to_string()))?;
    for name in &names {
        path::parts(name)?;
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn error(detail: String) -> HubError {
    HubError::Listing {
        file: FILE.into(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_sorted_and_once() {
        let text = br#"["b/c.npz", "a", "b/c.npz"]"#;
        assert_eq!(parse(text).unwrap(), ["a", "b/c.npz"]);
        assert_eq!(parse(b"[]").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_list_is_an_error_with_a_remedy() {
        for text in [&b""[..], b"{}", b"[1]", b"[\"a\"", b"<html>"] {
            let got = parse(text).unwrap_err();
            assert!(matches!(got, HubError::Listing { .. }), "{got:?}");
            assert!(got.remedy().contains(FILE));
        }
        let got = parse(br#"["../a"]"#);
        assert!(matches!(got, Err(HubError::Name { .. })));
        assert!(check_size(MAX_BYTES).is_ok() && check_size(MAX_BYTES + 1).is_err());
    }
}
