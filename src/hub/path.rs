//! The rule for names of files, with an error of this room.

use super::HubError;
use crate::spec::file_name_parts;

/// The parts of a file's name between its slashes.
///
/// Errors: [`HubError::Name`] for what is absolute, climbs, or means something else on some system.
pub(super) fn parts(file: &str) -> Result<Vec<&str>, HubError> {
    file_name_parts(file).ok_or_else(|| HubError::Name { file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_out_is_an_error_that_names_it() {
        assert_eq!(parts("a/b").unwrap(), ["a", "b"]);
        let got = parts("a/../../b");
        assert!(matches!(got, Err(HubError::Name { file }) if file == "a/../../b"));
    }
}
