//! Folders as the downloader leaves them, made by hand.

use super::*;

const SHA: &str = "00000000000000000000000000000000000000000000000000000000000000ab";
const OID: &str = "00000000000000000000000000000000000000cd";
const COMMIT: &str = "1111111111111111111111111111111111111111";
const OLDER: &str = "2222222222222222222222222222222222222222";

/// A folder of its own for each test, taken away at its end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("gemscope-downloaded-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        let folder = path.parent().expect("it is inside the folder");
        fs::create_dir_all(folder).expect("a temporary folder can be made");
        fs::write(path, text).expect("a temporary file can be written");
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn repo(text: &str) -> RepoRef {
    text.parse().expect("a repository")
}

fn find(path: &Path, of: &str) -> Downloaded {
    Downloaded::find(path, &repo(of)).expect("a folder that can be read")
}

#[test]
fn a_folder_of_ones_own_says_commit_and_hashes() {
    let it = Temporary::new("own");
    it.file("model.safetensors", "weights");
    it.file("config.json", "{}");
    it.file("mine.txt", "not downloaded");
    let note = |name: &str, text: &str| it.file(&Note::place(name), text);
    note(
        "model.safetensors",
        &format!("{COMMIT}\n{SHA}\n1700000001.5\n"),
    );
    note("config.json", &format!("{OLDER}\n{OID}\n1700000000.5\n"));
    note("mine.txt", "nonsense");
    let got = find(&it.0, "a/b");
    assert_eq!(
        (got.repo.as_ref(), got.commit.as_deref()),
        (None, Some(COMMIT))
    );
    assert_eq!(got.commit_or_hash(), COMMIT);
    let names: Vec<&str> = got.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["config.json", "mine.txt", "model.safetensors"]);
    let weights = &got.files["model.safetensors"];
    assert_eq!(
        (weights.size_bytes, weights.sha256.as_deref()),
        (7, Some(SHA))
    );
    let config = &got.files["config.json"];
    assert_eq!((config.sha256.as_deref(), config.oid.as_str()), (None, OID));
    assert!(is_hex(&got.files["mine.txt"].oid, 40));
}

#[test]
fn files_of_which_nothing_is_known_are_told_apart() {
    let it = Temporary::new("plain");
    it.file("a", "one");
    it.file("b", "one");
    let got = find(&it.0, "a/b");
    let oid = |of: &Downloaded, name: &str| of.files[name].oid.clone();
    assert!(got.files.values().all(|it| it.sha256.is_none()));
    assert_ne!(oid(&got, "a"), oid(&got, "b"));
    assert!(got.commit.is_none() && is_hex(&got.commit_or_hash(), 40));
    let again = find(&it.0, "a/b");
    assert_eq!(again.files, got.files);
    assert_eq!(again.commit_or_hash(), got.commit_or_hash());
    it.file("a", "two");
    let changed = find(&it.0, "a/b");
    assert_ne!(oid(&changed, "a"), oid(&got, "a"));
    assert_eq!(oid(&changed, "b"), oid(&got, "b"));
    assert_ne!(changed.commit_or_hash(), got.commit_or_hash());
    let got = Downloaded::find(&it.0.join("c"), &repo("a/b"));
    assert!(matches!(got.err(), Some(HubError::NoFolder { .. })));
}

#[cfg(unix)]
#[test]
fn a_cache_is_read_from_above_from_inside_and_at_every_revision() {
    use std::os::unix::fs::symlink;
    let it = Temporary::new("cache");
    let inside = "models--google--gemma-scope";
    let snapshot = format!("{inside}/snapshots/{COMMIT}");
    it.file(&format!("{inside}/blobs/{SHA}"), "weights");
    it.file(&format!("{inside}/blobs/{OID}"), "{}");
    it.file(&format!("{inside}/refs/main"), COMMIT);
    it.file(
        &format!("{snapshot}/copied"),
        "a cache without links has files",
    );
    fs::create_dir_all(it.0.join(&snapshot).join("layer_0")).unwrap();
    let link = |to: &str, name: &str| symlink(to, it.0.join(&snapshot).join(name)).unwrap();
    link(&format!("../../../blobs/{SHA}"), "layer_0/params.npz");
    link(&format!("../../blobs/{OID}"), "config.json");
    let name: RepoName = "google/gemma-scope".parse().unwrap();
    let at = |revision: &str| format!("google/gemma-scope{revision}");
    for path in ["", inside, &snapshot] {
        for revision in ["", &format!("@{COMMIT}")] {
            let got = find(&it.0.join(path), &at(revision));
            assert_eq!(got.repo.as_ref(), Some(&name));
            assert_eq!(got.commit.as_deref(), Some(COMMIT));
            let weights = &got.files["layer_0/params.npz"];
            assert_eq!(
                (weights.size_bytes, weights.sha256.as_deref()),
                (7, Some(SHA))
            );
            assert_eq!(got.files["config.json"].oid, OID);
            assert!(is_hex(&got.files["copied"].oid, 40));
            assert_eq!(got.files.len(), 3);
        }
    }
    for revision in ["@dev", &format!("@{OLDER}"), "@main/../x"] {
        let Ok(repo) = at(revision).parse() else {
            continue;
        };
        let got = Downloaded::find(&it.0.join(inside), &repo);
        assert!(
            matches!(got.err(), Some(HubError::RevisionNotFound { .. })),
            "{revision}"
        );
    }
}
