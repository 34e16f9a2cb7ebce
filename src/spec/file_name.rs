//! Names of files inside a place: relative, and never a way out of it. Leaves what a bad one means to who met it.

/// Bytes of a name at most.
const MAX_BYTES: usize = 1024;

/// The parts of a file's name between its slashes; none for what is absolute, climbs, or means something else on some system.
pub fn file_name_parts(file: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = file.split('/').collect();
    let plain = |it: &str| {
        !matches!(it, "" | "." | "..")
            && !it.contains(|it: char| r"\:".contains(it) || it.is_control())
    };
    (file.len() <= MAX_BYTES && parts.iter().all(|it| plain(it))).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::file_name_parts;

    #[test]
    fn only_names_inside_pass() {
        for good in [
            "a",
            "model.safetensors",
            "layer_0/width_16k/params.npz",
            "..a",
        ] {
            assert!(file_name_parts(good).is_some(), "{good}");
        }
        let long = "a".repeat(1025);
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
            "a\nb",
            "a\u{7f}",
            "http://x",
            &long,
        ] {
            assert!(file_name_parts(bad).is_none(), "{bad:?}");
        }
    }
}
