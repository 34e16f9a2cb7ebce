//! Where things are in the repository.

use std::{env, path::PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// The built site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// What depends on the host table, as it is before a table is put into it; see `dress`.
pub fn bare() -> PathBuf {
    target().join("site/bare")
}

/// The same for the table of a server that runs.
pub fn dressed() -> PathBuf {
    target().join("site/dressed")
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Reference data that is not part of the repository; absent in a stranger's clone.
pub fn shared() -> Option<PathBuf> {
    Some(root().join("../shared")).filter(|it| it.join("reference").is_dir())
}
