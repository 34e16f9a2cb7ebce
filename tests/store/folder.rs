//! The store in a folder of the disk, and a process that is killed while it writes there.

use super::blobs::{N_PIECES, damaged, finish, open, plan, put, reader, store, whole, writer};
use gemscope::{
    store::{Begin, Disk, FolderDisk, Keeping, Open, StoreError, selftest},
    sys::block_on,
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    rc::Rc,
};

/// Tells the killed process where to write.
const CHILD: &str = "GEMSCOPE_STORE_CHILD";
/// Blobs that the killed process writes, one after the other.
const N_BLOBS: usize = 6;
/// Pieces by which the process may be ahead of what its killer has read, so that it is always killed before it is done.
const AHEAD: usize = 3;

fn folder(name: &str) -> FolderDisk {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("store")
        .join(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    FolderDisk::new(path)
}

#[test]
fn the_selftest_holds_in_a_folder() {
    let told = block_on(selftest(Rc::new(folder("selftest")))).unwrap();
    assert!(told.contains("removed") && told.contains("Sure"), "{told}");
}

#[test]
fn what_is_kept_in_a_folder_is_found_by_the_next_program() {
    let disk = folder("kept");
    let first = store(&disk);
    whole(&first, "a", "x");
    let it = writer(&first, "b", &plan("x"));
    put(&it, 0, 0).unwrap();
    block_on(it.sync()).unwrap();
    // A second store stands for a second process: locks are held by open files.
    let second = store(&disk);
    assert!(matches!(
        block_on(second.begin("b", plan("x"))).unwrap(),
        Begin::Busy
    ));
    assert_eq!(
        block_on(second.list())
            .unwrap()
            .iter()
            .filter(|it| it.busy)
            .count(),
        1
    );
    drop(it);
    assert_eq!(writer(&second, "b", &plan("x")).marks().len(), 1);
    assert!(damaged(&reader(&second, "a")).is_empty());
    assert_eq!(block_on(second.keep()), Keeping::Sure);
    assert!(block_on(second.room_bytes()).is_none_or(|it| it > 0));
    let scratch = block_on(second.scratch("s", 1 << 20)).unwrap();
    let path = disk.path().join("gemscope/s.scratch");
    assert_eq!(fs::metadata(&path).unwrap().len(), 1 << 20);
    drop(scratch);
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn room_in_a_folder_is_taken_at_once() {
    use std::os::unix::fs::MetadataExt;
    let disk = folder("reserved");
    let store = store(&disk);
    let mut large = plan("x");
    large.size_bytes = 8 << 20;
    let it = writer(&store, "a", &large);
    let blocks = fs::metadata(disk.path().join("gemscope/a.data"))
        .unwrap()
        .blocks();
    assert!(blocks * 512 >= 8 << 20, "{blocks} blocks");
    drop(it);
    // More than any disk has: refused at once, with nothing left of it.
    large.size_bytes = 1 << 50;
    let error = block_on(store.begin("b", large)).err().unwrap();
    let StoreError::NoRoom { missing_bytes, .. } = error else {
        panic!("{error}");
    };
    assert!(missing_bytes > 1 << 40, "{missing_bytes}");
    assert_eq!(block_on(store.list()).unwrap().len(), 1);
}

#[test]
fn a_folder_that_can_not_be_used_says_so() {
    let disk = folder("file");
    fs::create_dir_all(disk.path().parent().unwrap()).unwrap();
    fs::write(disk.path(), "a file").unwrap();
    let error = open(&disk, 1).err().unwrap();
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    fs::remove_file(disk.path()).unwrap();
    let missing = block_on(disk.open("a", Open::Read)).err().unwrap();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
    assert!(block_on(disk.list()).unwrap().is_empty());
    let file = block_on(disk.open("a", Open::Write)).unwrap();
    block_on(file.write(0, &vec![1, 2, 3].into())).unwrap();
    let beyond = block_on(file.read(2..4)).err().unwrap();
    assert!(
        matches!(beyond, StoreError::Range { size_bytes: 3, .. }),
        "{beyond}"
    );
}

/// Killed in the middle of its work, three times, then left alone: each time what it said was synced is there, and it goes on.
#[test]
fn a_killed_process_loses_nothing_that_was_synced() {
    if let Some(path) = std::env::var_os(CHILD) {
        return work(&FolderDisk::new(path));
    }
    let disk = folder("killed");
    let mut most_synced = 0;
    for n_lines in [2, 5, 11] {
        most_synced = most_synced.max(killed_after(&disk, n_lines));
        let store = store(&disk);
        let there: usize = (block_on(store.list()).unwrap().iter())
            .map(|it| {
                assert!(!it.busy, "a dead process holds no lock");
                let reader = reader(&store, &it.key);
                assert!(damaged(&reader).is_empty());
                reader.marks().len()
            })
            .sum();
        assert!(there >= most_synced, "{there} of {most_synced}");
    }
    let (mut child, lines) = start(&disk);
    drop(child.stdin.take());
    assert!(lines.count() > 0, "some was left to do");
    assert!(child.wait().unwrap().success());
    let store = store(&disk);
    let calm = super::blobs::store(&gemscope::store::MemoryDisk::new(1));
    for n in 0..N_BLOBS {
        let (got, right) = (
            reader(&store, &format!("b{n}")),
            whole(&calm, "a", &n.to_string()),
        );
        assert!(got.is_whole());
        let bytes = |it: &gemscope::store::Reader| {
            block_on(it.read(0..it.size_bytes())).unwrap().into_vec()
        };
        assert!(
            bytes(&got) == bytes(&right),
            "blob {n} is what it would have been without accidents"
        );
    }
}

/// The child's work: blob after blob, a line after each piece that is synced, a few lines ahead of whoever reads them.
fn work(disk: &FolderDisk) {
    let store = store(disk);
    let (mut synced, mut n_written) = (0, 0);
    for n in 0..N_BLOBS {
        let begun = block_on(store.begin(&format!("b{n}"), plan(&n.to_string()))).unwrap();
        let Begin::Writer(it) = begun else {
            synced += N_PIECES;
            continue;
        };
        synced += it.marks().len() as u32;
        for piece in 0..N_PIECES {
            if it.marks().contains_key(&piece) {
                continue;
            }
            if n_written >= AHEAD {
                // The end of the input, too, means to go on.
                let _ = std::io::stdin().read(&mut [0]).unwrap();
            }
            put(&it, piece, 0).unwrap();
            block_on(it.sync()).unwrap();
            (synced, n_written) = (synced + 1, n_written + 1);
            println!("synced {synced}");
        }
        finish(it);
    }
}

fn start(disk: &FolderDisk) -> (Child, impl Iterator<Item = usize>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "folder::a_killed_process_loses_nothing_that_was_synced",
        ])
        .env(CHILD, disk.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines = lines.map_while(Result::ok);
    (
        child,
        lines.filter_map(|it| it.split_once("synced ")?.1.parse().ok()),
    )
}

/// Starts the work and kills it after some lines, wherever it is then; what it said last.
fn killed_after(disk: &FolderDisk, n_lines: usize) -> usize {
    let (mut child, lines) = start(disk);
    let mut to_child = child.stdin.take().unwrap();
    let said = lines
        .take(n_lines)
        .inspect(|_| to_child.write_all(&[1]).unwrap());
    let said = said.last();
    child.kill().unwrap();
    child.wait().unwrap();
    said.expect("the child says something")
}
