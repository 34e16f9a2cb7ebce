//! What is kept, copied out and taken back: whole, damaged, stopped, and nothing that is not ours.

use crate::kept_store::{
    MODEL, SCOPE, commit, keep_all, keys, library, list, of_parts, of_repo, pin, repo,
};
use gemscope::{
    spec::{Copied, Packing, Part, StoredSelection, Trust},
    store::{Begin, BlobPlan, Disk, MemoryDisk},
    sys::{Stop, block_on},
    weights::{
        WeightsError,
        library::{
            Library, LibraryError,
            names::{self, Name},
        },
    },
};
use std::{collections::BTreeMap, rc::Rc};

fn export(from: &Library, selection: &StoredSelection, to: &MemoryDisk) -> Copied {
    let stop = Stop::default();
    let mut last = (0, 0);
    let mut on = |done, total| last = (done, total);
    let to: Rc<dyn Disk> = Rc::new(to.clone());
    let got = block_on(from.export(selection, to, (&mut on, &stop))).unwrap();
    assert_eq!(last, (got.size_bytes, got.size_bytes));
    got
}

fn import(to: &Library, from: &MemoryDisk) -> Result<Copied, WeightsError> {
    let stop = Stop::default();
    let mut last = (0, 0);
    let mut on = |done, total| last = (done, total);
    let from: Rc<dyn Disk> = Rc::new(from.clone());
    let got = block_on(to.import(from, (&mut on, &stop)));
    assert_eq!(last.0, last.1);
    got
}

fn bytes(library: &Library, key: &str) -> Vec<u8> {
    let reader = block_on(library.store().reader(key)).unwrap().unwrap();
    let all = block_on(reader.read(0..reader.size_bytes())).unwrap();
    all.into_vec()
}

#[test]
fn a_set_goes_out_and_comes_in_with_all_it_takes_to_open_it() {
    let (ours, outside, theirs) = (
        library(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        library(&MemoryDisk::new(3)),
    );
    let (_, id) = keep_all(ours.store());
    let got = export(&ours, &StoredSelection::default(), &outside);
    assert!(got.left_out.is_empty() && got.n_parts > 3);
    let came = import(&theirs, &outside).unwrap();
    assert_eq!(came, got);
    let mut expected = keys(&ours);
    expected.retain(|it| !it.starts_with("proof-"));
    assert_eq!(keys(&theirs), expected);
    for key in &expected {
        assert!(bytes(&theirs, key) == bytes(&ours, key), "{key}");
    }
    let told = list(&theirs);
    let encoder = Name::part(&id, Part::Encoder(1), Packing::F32).key();
    let layer = told
        .sources
        .iter()
        .find(|it| it.parts.iter().any(|it| it.key == encoder));
    let layer = layer.unwrap();
    assert_eq!(
        (&layer.repo, &layer.commit),
        (&Some(repo(SCOPE)), &Some(commit(2)))
    );
    let part = layer.parts.iter().find(|it| it.key == encoder).unwrap();
    assert_eq!((part.whole, part.trust), (true, Some(Trust::Received)));
    // Once more over what is there: nothing changes, here or there.
    export(&ours, &StoredSelection::default(), &outside);
    let again = import(&theirs, &outside).unwrap();
    assert!(again.left_out.is_empty() && again.n_parts == got.n_parts);
    assert_eq!(list(&theirs), told);
}

#[test]
fn a_part_goes_out_with_its_documents_and_without_the_others() {
    let (ours, outside) = (library(&MemoryDisk::new(1)), MemoryDisk::new(2));
    let (_, id) = keep_all(ours.store());
    let encoder = Name::part(&id, Part::Encoder(1), Packing::F32).key();
    drop(block_on(ours.store().reopen(&encoder, &[1])).unwrap());
    let got = export(
        &ours,
        &of_parts(&[Part::Encoder(1), Part::Decoder(1)]),
        &outside,
    );
    assert_eq!((got.n_parts, got.left_out.len()), (1, 1));
    assert!(got.left_out[0].0 == encoder && got.left_out[0].1.contains("whole"));
    let theirs = library(&MemoryDisk::new(3));
    import(&theirs, &outside).unwrap();
    let mut kinds: Vec<String> = keys(&theirs)
        .iter()
        .map(|it| it.split_once('-').unwrap().0.to_string())
        .collect();
    kinds.retain(|it| *it != id);
    // Two repositories know the file: its own, and the one whose list names it.
    assert_eq!(kinds, ["head", "pin", "pin", "small", "tree", "tree"]);
    let nothing = of_parts(&[Part::Mlp(25)]);
    let to: Rc<dyn Disk> = Rc::new(outside.clone());
    let stop = Stop::default();
    let got = block_on(ours.export(&nothing, to, (&mut |_, _| (), &stop)));
    assert!(got.unwrap_err().to_string().contains("mlp.25"));
}

#[test]
fn of_a_damaged_copy_the_good_pieces_are_taken() {
    let (ours, outside, theirs) = (
        library(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        library(&MemoryDisk::new(3)),
    );
    let (_, id) = keep_all(ours.store());
    let all = export(&ours, &of_repo(SCOPE), &outside);
    let [encoder, decoder] =
        [Part::Encoder(1), Part::Decoder(1)].map(|it| Name::part(&id, it, Packing::F32).key());
    assert!(outside.damage(&format!("{encoder}.data"), 9));
    assert!(outside.damage(&format!("{decoder}.record"), 100));
    let got = import(&theirs, &outside).unwrap();
    assert_eq!(got.n_parts, all.n_parts - 2);
    let why = |key: &str| {
        let found = got.left_out.iter().find(|it| it.0 == key);
        found.expect("left out").1.clone()
    };
    assert!(
        why(&encoder).contains("1 of its pieces"),
        "{}",
        why(&encoder)
    );
    assert!(why(&decoder).contains("record"), "{}", why(&decoder));
    let reader = block_on(theirs.store().reader(&encoder)).unwrap().unwrap();
    assert_eq!(reader.plan().n_missing(reader.marks()), 1);
    assert!(!keys(&theirs).contains(&decoder));
    // A good copy brings what is missing.
    export(&ours, &of_repo(SCOPE), &outside);
    let got = import(&theirs, &outside).unwrap();
    assert!(got.left_out.is_empty());
    assert!(bytes(&theirs, &encoder) == bytes(&ours, &encoder));
}

#[test]
fn what_is_pinned_here_stays_and_what_is_not_ours_stays_out() {
    let (ours, outside, theirs) = (
        library(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        library(&MemoryDisk::new(3)),
    );
    keep_all(ours.store());
    export(&ours, &of_repo(MODEL), &outside);
    pin(theirs.store(), MODEL, &commit(9), BTreeMap::new());
    let id = names::repo_id(&repo(MODEL));
    let here = Name::Pin(id, 0).key();
    let before = bytes(&theirs, &here);
    // A stranger's blob, and one under a part's name that is something else.
    let stranger = library(&MemoryDisk::new(4));
    let other = Name::part(&"0".repeat(16), Part::Mlp(0), Packing::Q8).key();
    for key in ["stray", other.as_str()] {
        let plan = BlobPlan {
            meta: "x".into(),
            size_bytes: 0,
            pieces: Vec::new(),
        };
        let Begin::Writer(writer) = block_on(stranger.store().begin(key, plan)).unwrap() else {
            panic!("it is there");
        };
        block_on(writer.commit()).unwrap();
        block_on(stranger.store().export(key, &outside, |_| ())).unwrap();
    }
    let got = import(&theirs, &outside).unwrap();
    let mut left_out: Vec<&str> = got.left_out.iter().map(|it| it.0.as_str()).collect();
    left_out.sort_unstable();
    assert_eq!(left_out, [other.as_str(), "stray"]);
    assert_eq!(bytes(&theirs, &here), before);
    let got = import(&theirs, &MemoryDisk::new(5)).unwrap_err();
    assert!(
        matches!(got, WeightsError::Library(LibraryError::NoCopies { .. })),
        "{got}"
    );
}

#[test]
fn copying_stops_and_goes_on() {
    let (ours, outside, theirs) = (
        library(&MemoryDisk::new(1)),
        MemoryDisk::new(2),
        library(&MemoryDisk::new(3)),
    );
    keep_all(ours.store());
    let all = StoredSelection::default();
    let to: Rc<dyn Disk> = Rc::new(outside.clone());
    let stopped_at = |n_steps: usize| {
        let stop = Stop::default();
        let at = stop.clone();
        let mut n = 0;
        let on = move |_, _| {
            n += 1;
            if n == n_steps {
                at.set();
            }
        };
        (on, stop)
    };
    let (mut on, stop) = stopped_at(4);
    let got = block_on(ours.export(&all, to.clone(), (&mut on, &stop)));
    assert!(matches!(got, Err(WeightsError::Stopped)));
    export(&ours, &all, &outside);
    let (mut on, stop) = stopped_at(9);
    let got = block_on(theirs.import(to, (&mut on, &stop)));
    assert!(matches!(got, Err(WeightsError::Stopped)));
    assert!(!keys(&theirs).is_empty());
    import(&theirs, &outside).unwrap();
    let mut expected = keys(&ours);
    expected.retain(|it| !it.starts_with("proof-"));
    assert_eq!(keys(&theirs), expected);
}
