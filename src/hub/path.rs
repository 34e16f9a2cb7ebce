//! Names of files inside a place: relative, and never a way out of it.

use super::HubError;

/// The parts of a file's name between its slashes.
///
/// Errors: [`HubError::Name`] for what is absolute, climbs, or means something else on some system.
pub(super) fn parts(file: &str) -> Result<Vec<&str>, HubError> {
    let parts: Vec<&str> = file.split('/').collect();
    let plain =
        |it: &str| !matches!(it, "" | "." | "..") && !it.contains(['\\', ':', '\0', '\n', '\r']);
    if parts.iter().all(|it| plain(it)) {
        return Ok(parts);
    }
    Err(HubError::Name { file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn only_names_inside_pass() {
        for good in [
            "a",
            "model.safetensors",
            "layer_0/width_16k/params.npz",
            "..a",
        ] {
            assert!(parts(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "..",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "c:\\x",
            "a\\b",
            "a\0b",
            "http://x",
        ] {
            assert!(parts(bad).is_err(), "{bad:?}");
        }
    }
}
