//! Repositories of a folder: what is found, what is kept of its hashes, what is refused.

use crate::client::World;
use std::{
    fs,
    path::{Path, PathBuf},
};
use xtask::hub::{Config, Repo};

/// A folder that is gone afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("hub-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn each_folder_of_an_owner_is_a_repository() {
    let folder = Folder::new("found");
    folder.write("root/o/model/config.json", b"{}");
    folder.write("root/o/model/layer_0/params.npz", b"0123456789");
    folder.write("root/o/model/.hidden", b"x");
    folder.write("root/p/other/a.npz", b"a");
    folder.write("root/notes.txt", b"x");
    let root = folder.0.join("root");
    let repos = Repo::all_in(&root).unwrap();
    let names: Vec<&str> = repos.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["o/model", "p/other"]);
    let world = World::of(Config::new(repos));
    let listing = world.ask("/api/models/o/model/revision/main", &[]).json();
    assert_eq!(listing["siblings"].as_array().unwrap().len(), 2);
    let got = world.range(&world.address("layer_0/params.npz"), "2-4");
    assert_eq!((got.status, got.text().as_str()), (206, "234"));

    // A file that shrinks under the Hub breaks the connection.
    let address = world.address("layer_0/params.npz");
    folder.write("root/o/model/layer_0/params.npz", b"0");
    assert!(world.ask(&address, &[]).broke);
}

#[test]
fn hashes_are_kept_beside_the_root_and_only_while_they_hold() {
    let folder = Folder::new("hashes");
    folder.write("root/o/n/a.npz", b"abc");
    let root = folder.0.join("root");
    let hash = || {
        let repos = Repo::all_in(&root).unwrap();
        repos[0].files["a.npz"].known_sha256().unwrap()
    };
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash(), right);
    let kept = folder.0.join("root.sha256.json");
    let text = fs::read_to_string(&kept).unwrap();
    // What is kept is believed: that is what spares the reading.
    fs::write(&kept, text.replace(right, "believed")).unwrap();
    assert_eq!(hash(), "believed");
    folder.write("root/o/n/a.npz", b"abcd");
    assert_eq!(&hash()[..8], "88d4266f");
    fs::write(&kept, "half of a fi").unwrap();
    assert_eq!(&hash()[..8], "88d4266f");
}

#[test]
fn a_folder_without_repositories_is_refused() {
    let folder = Folder::new("empty");
    let err = Repo::all_in(&folder.0)
        .err()
        .expect("nothing there")
        .to_string();
    assert!(err.contains("has no folder OWNER/NAME"), "{err}");
    assert!(Repo::all_in(&folder.0.join("none")).is_err());
}
