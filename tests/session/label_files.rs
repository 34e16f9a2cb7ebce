//! Labels files that are kept over visits: read again, replaced, taken away; damage, and places where nothing can be kept. Needs no adapter.

use crate::asking::*;
use crate::label_search::{beside, file, keeping_in, search};
use gemscope::session::protocol::*;
use gemscope::session::{Client, Told};
use std::{
    fs,
    path::{Path, PathBuf},
};

const DEMO: &str = "www/demo/labels.json";
/// Features of a layer of a file that has more than one piece.
const MANY: usize = 20_000;

/// A folder that goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("gemscope-files-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn client(&self) -> Client {
        Client::start(keeping_in(&self.0)).expect("an engine")
    }

    /// Files of the store that hold labels files; those without bytes are locks.
    fn data(&self) -> Vec<PathBuf> {
        let mut out = Vec::new();
        list(&self.0, &mut out);
        let is_data = |it: &PathBuf| {
            let name = it.file_name().unwrap_or_default().to_string_lossy();
            let size_bytes = fs::metadata(it).map_or(0, |it| it.len());
            name.starts_with("file-") && name.ends_with(".data") && size_bytes > 0
        };
        out.retain(is_data);
        out
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) {
    for it in fs::read_dir(folder).expect("a folder").flatten() {
        match it.path() {
            it if it.is_dir() => list(&it, out),
            it => out.push(it),
        }
    }
}

fn load(set: &str, name: &str) -> CommandBody {
    let name = name.into();
    CommandBody::LabelsLoad {
        set: set.into(),
        from: LabelsFrom::Beside { part: 0, name },
        tell: false,
        keep: true,
    }
}

/// What is kept, or the demo's.
fn kept(set: &str) -> CommandBody {
    let otherwise = Some(DEMO.into());
    CommandBody::LabelsLoad {
        set: set.into(),
        from: LabelsFrom::Kept { otherwise },
        tell: true,
        keep: false,
    }
}

type Loaded = (LabelsAbout, Option<LabelsKept>, Option<Failure>);

fn outcome(it: Result<Outcome, Failure>) -> Loaded {
    match it {
        Ok(Outcome::LabelsLoaded {
            about,
            kept,
            not_kept,
            ..
        }) => (about, kept, not_kept),
        other => panic!("{other:?}"),
    }
}

/// How many layers were told, and how it ended.
fn again(client: &mut Client, set: &str) -> (usize, Loaded) {
    let mut n_told = 0;
    let ended = client.call(kept(set), &mut |it| {
        n_told += usize::from(matches!(it, Told::Partial(Partial::Labels { .. }, _)));
    });
    (n_told, outcome(ended))
}

#[test]
fn a_file_is_there_at_the_next_visit_until_it_is_taken_away() {
    let folder = Folder::new("kept");
    let bytes = file("a/b", 2, MANY);
    let size_bytes = bytes.len() as u64;
    assert!(size_bytes > 2 << 20, "of more than one piece");
    {
        let mut client = folder.client();
        let (_, (about, kept, _)) = again(&mut client, "a/b");
        assert!(kept.is_none() && about.n_features < 10_000, "the demo's");
        let (about, kept, not_kept) = outcome(beside(&mut client, load("a/b", "mine.json"), bytes));
        let kept = kept.expect("it is kept");
        assert_eq!((about.n_features, not_kept), (2 * MANY, None));
        assert_eq!(
            (kept.from.as_str(), kept.size_bytes),
            ("mine.json", size_bytes)
        );
        assert_eq!(kept.date.len(), 10);
    }
    let mut client = folder.client();
    let (n_told, (about, kept, _)) = again(&mut client, "a/b");
    assert_eq!((n_told, about.n_features), (0, 2 * MANY));
    assert_eq!(about.date, "2026-08-20", "what it says of itself");
    assert_eq!(kept.map(|it| it.from).as_deref(), Some("mine.json"));
    assert_eq!(search(&mut client, "1/19999", 1).hits.len(), 1);
    // Of another set nothing is.
    assert!(again(&mut client, "c/d").1.1.is_none());
    // Another takes its place, and its room.
    let second = file("a/b", 1, 300);
    outcome(beside(
        &mut client,
        load("a/b", "second.json"),
        second.clone(),
    ));
    let data = folder.data();
    let sizes: Vec<u64> = data
        .iter()
        .map(|it| fs::metadata(it).expect("a file").len())
        .collect();
    assert_eq!(sizes, [second.len() as u64]);
    let (_, (about, kept, _)) = again(&mut client, "a/b");
    assert_eq!(about.n_features, 300);
    assert_eq!(kept.map(|it| it.from).as_deref(), Some("second.json"));
    let Outcome::Freed { size_bytes } = done(&mut client, CommandBody::LabelsDrop) else {
        panic!("freed")
    };
    assert!(size_bytes >= second.len() as u64, "{size_bytes}");
    let (n_told, (_, kept, _)) = again(&mut client, "a/b");
    assert!(kept.is_none() && n_told == 6, "the demo's again");
    outcome(beside(&mut client, load("a/b", "third.json"), second));
    done(&mut client, CommandBody::LabelsForget);
    assert!(again(&mut client, "a/b").1.1.is_none());
    assert!(folder.data().is_empty());
}

#[test]
fn a_file_that_is_refused_leaves_the_one_that_is_kept() {
    let folder = Folder::new("refused");
    let mut client = folder.client();
    outcome(beside(
        &mut client,
        load("a/b", "good.json"),
        file("a/b", 1, 9),
    ));
    let text = |it: &str| it.as_bytes().to_vec();
    for (bytes, what) in [
        (file("c/d", 1, 9), "c/d"),
        (text("<html>"), "not a labels file"),
        (text(""), "not a labels file"),
        (text(r#"{"version":9,"made":"","layers":[]}"#), "version 9"),
    ] {
        let failure = beside(&mut client, load("a/b", "bad.json"), bytes).expect_err(what);
        assert!(failure.what.contains(what), "{failure:?}");
        let (_, (_, kept, _)) = again(&mut client, "a/b");
        assert_eq!(kept.map(|it| it.from).as_deref(), Some("good.json"));
    }
}

#[test]
fn a_damaged_file_is_passed_over() {
    let folder = Folder::new("damaged");
    outcome(beside(
        &mut folder.client(),
        load("a/b", "mine.json"),
        file("a/b", 2, MANY),
    ));
    // The second piece: the first is what a look at the newest compares.
    let data = folder.data().remove(0);
    let mut bytes = fs::read(&data).expect("a file");
    let at = bytes.len() - 9;
    bytes[at] ^= 1;
    fs::write(&data, bytes).expect("a file");
    let (n_told, (_, kept, _)) = again(&mut folder.client(), "a/b");
    assert!(kept.is_none() && n_told == 6, "the demo's");
}

#[test]
fn where_nothing_can_be_kept_it_is_read_all_the_same() {
    let folder = Folder::new("nowhere");
    fs::write(&folder.0, "in the way").expect("a file");
    let mut client = folder.client();
    let (about, kept, not_kept) = outcome(beside(
        &mut client,
        load("a/b", "mine.json"),
        file("a/b", 1, 9),
    ));
    assert_eq!((about.n_features, kept), (9, None));
    let why = not_kept.expect("why not");
    assert!(!why.what.is_empty() && !why.remedy.is_empty(), "{why:?}");
    assert_eq!(search(&mut client, "0/8", 1).hits.len(), 1);
    drop(client);
    fs::remove_file(&folder.0).expect("a file of ours");
}
