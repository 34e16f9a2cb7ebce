//! Every file below a folder of the disk, by name.

use super::{HubError, path};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Files that are listed at most; the largest set of dictionaries has some thousands.
const MOST_FILES: usize = 100_000;
/// Folders inside each other that are followed at most.
const MOST_DEPTH: usize = 12;

/// Names of the files below `root`, with `/` between folders, sorted. `place` is what messages call it.
///
/// Links count as what they lead to, since caches of model hubs consist of them; a folder that leads back into one that it lies in
/// is left out, and so are links to nothing, hidden names and names that could not be read by.
///
/// Errors: [`HubError::NoFolder`], [`HubError::TooManyFiles`]; [`HubError::Io`] for a folder that may not be read.
pub(super) fn files(root: &Path, place: &str) -> Result<Vec<String>, HubError> {
    let mut walk = Walk {
        place,
        parents: Vec::new(),
        files: Vec::new(),
    };
    if !root.is_dir() {
        return Err(HubError::NoFolder {
            place: place.into(),
        });
    }
    walk.folder(root, "")?;
    walk.files.sort_unstable();
    Ok(walk.files)
}

struct Walk<'a> {
    place: &'a str,
    /// The folder that is being read and those around it, without links.
    parents: Vec<PathBuf>,
    files: Vec<String>,
}

impl Walk<'_> {
    /// Lists a folder whose name from the root is `prefix`, which ends in a slash if it is not empty.
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), HubError> {
        let error = |source| HubError::Io {
            file: folder.display().to_string(),
            source,
        };
        let real = folder.canonicalize().map_err(error)?;
        if self.parents.contains(&real) {
            return Ok(());
        }
        if self.parents.len() == MOST_DEPTH {
            return Err(self.too_many());
        }
        self.parents.push(real);
        for entry in fs::read_dir(folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|it| is_plain(it)) {
                self.entry(&entry.path(), format!("{prefix}{name}"))?;
            }
        }
        self.parents.pop();
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String) -> Result<(), HubError> {
        let metadata = match fs::metadata(path) {
            Ok(it) => it,
            // A link to nothing, to itself, or a file that has gone meanwhile.
            Err(it) if it.kind() != ErrorKind::PermissionDenied => return Ok(()),
            Err(source) => return Err(HubError::Io { file: name, source }),
        };
        if metadata.is_dir() {
            return self.folder(path, &(name + "/"));
        }
        if self.files.len() == MOST_FILES {
            return Err(self.too_many());
        }
        if metadata.is_file() {
            self.files.push(name);
        }
        Ok(())
    }

    fn too_many(&self) -> HubError {
        HubError::TooManyFiles {
            place: self.place.into(),
            most: MOST_FILES,
            most_depth: MOST_DEPTH,
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && path::parts(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for each test, taken away at its end.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let name = format!("gemscope-walk-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_of_every_depth_come_sorted_and_hidden_ones_not_at_all() {
        let folder = Temporary::new("depth");
        for name in ["b", "a/z", "a/b/c", ".git/config", "a/.hidden", "a.npz"] {
            folder.file(name);
        }
        let got = files(&folder.0, "here").unwrap();
        assert_eq!(got, ["a.npz", "a/b/c", "a/z", "b"]);
    }

    #[test]
    fn a_folder_that_is_not_there_and_one_too_deep() {
        let folder = Temporary::new("deep");
        let got = files(&folder.0.join("x"), "here");
        assert!(matches!(got, Err(HubError::NoFolder { place }) if place == "here"));
        folder.file(&format!("{}x", "a/".repeat(MOST_DEPTH)));
        let got = files(&folder.0, "here");
        assert!(matches!(got, Err(HubError::TooManyFiles { .. })), "{got:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_around() {
        use std::os::unix::fs::symlink;
        let folder = Temporary::new("links");
        let at = |name: &str| folder.0.join(name);
        folder.file("blobs/1");
        fs::create_dir_all(at("snapshot/layer_0")).unwrap();
        symlink("../../blobs/1", at("snapshot/layer_0/params.npz")).unwrap();
        symlink("..", at("snapshot/up")).unwrap();
        symlink("nowhere", at("snapshot/broken")).unwrap();
        symlink("itself", at("snapshot/itself")).unwrap();
        symlink("snapshot", at("other")).unwrap();
        let got = files(&folder.0, "here").unwrap();
        let expected = ["blobs/1", "other/layer_0/params.npz"];
        assert_eq!(got[..2], expected);
        assert_eq!(got[2..], ["snapshot/layer_0/params.npz"]);
        let got = files(&at("snapshot"), "here").unwrap();
        assert_eq!(got, ["layer_0/params.npz", "up/blobs/1"]);
    }
}
