//! Stores of other versions and folders of other things: never misread, never touched, never in the way.

use super::blobs::{damaged, plan, reader, store, whole, writer};
use gemscope::{
    store::{Disk, MemoryDisk, SetAside, StoreConfig, StoreError},
    sys::block_on,
};
use std::rc::Rc;

fn set_aside(folder: &str, version: Option<&str>, size_bytes: u64) -> SetAside {
    SetAside {
        folder: folder.into(),
        version: version.map(str::to_string),
        size_bytes,
    }
}

#[test]
fn another_versions_store_is_set_aside_and_may_be_removed() {
    let disk = MemoryDisk::new(1);
    let old = disk.inside("gemscope");
    old.insert("VERSION", b"gemscope store 2\n");
    old.insert("a.data", &[1; 1000]);
    old.insert("a.record", b"{\"sha256\":\"of another format\"}");
    let first = store(&disk);
    assert_eq!(first.set_aside(), [set_aside("gemscope", Some("2"), 1047)]);
    assert!(block_on(first.list()).unwrap().is_empty());
    whole(&first, "a", "x");
    assert_eq!(old.file("a.data").unwrap(), [1; 1000], "untouched");
    assert_eq!(block_on(first.remove_set_aside()).unwrap(), 1047);
    assert!(first.set_aside().is_empty() && block_on(old.list()).unwrap().is_empty());
    // The store stays where it is, though the first place is free again.
    let second = store(&disk);
    assert!(second.set_aside().is_empty());
    assert!(damaged(&reader(&second, "a")).is_empty());
}

#[test]
fn a_folder_of_other_things_is_never_removed() {
    let disk = MemoryDisk::new(1);
    disk.inside("gemscope").insert("thesis.txt", b"all of it");
    let store = store(&disk);
    assert_eq!(store.set_aside(), [set_aside("gemscope", None, 9)]);
    assert_eq!(block_on(store.remove_set_aside()).unwrap(), 0);
    assert_eq!(store.set_aside().len(), 1);
    assert_eq!(
        disk.inside("gemscope").file("thesis.txt").unwrap(),
        b"all of it"
    );
}

#[test]
fn without_a_place_left_the_error_names_what_is_there() {
    let disk = MemoryDisk::new(1);
    disk.inside("gemscope")
        .insert("VERSION", b"gemscope store 2\n");
    disk.inside("gemscope-1")
        .insert("VERSION", b"gemscope store 3");
    let opened = block_on(gemscope::store::Store::open(
        Rc::new(disk),
        StoreConfig::default(),
    ));
    let error = opened.err().unwrap();
    assert!(
        matches!(&error, StoreError::Version { found, .. } if found == "2, 3"),
        "{error}"
    );
}

#[test]
fn a_store_whose_making_was_interrupted_is_made() {
    for text in ["", "gemscope", "gemscope store 1", "gemsc\0\0\0\0"] {
        let disk = MemoryDisk::new(1);
        disk.inside("gemscope").insert("VERSION", text.as_bytes());
        let store = store(&disk);
        assert!(store.set_aside().is_empty(), "{text:?}");
        drop(writer(&store, "a", &plan("x")));
        assert_eq!(
            disk.inside("gemscope").file("VERSION").unwrap(),
            b"gemscope store 1\n"
        );
    }
}

#[test]
fn a_version_that_is_lost_later_is_another_one() {
    let disk = MemoryDisk::new(1);
    drop(whole(&store(&disk), "a", "x"));
    disk.inside("gemscope").damage("VERSION", 3);
    let store = store(&disk.tab());
    assert_eq!(store.set_aside().len(), 1);
    assert!(disk.inside("gemscope").file("a.data").is_some());
}
