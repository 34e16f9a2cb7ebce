//! What is kept, listed, verified, repaired and taken away: a model, transcoders and what is none of ours, on a disk in memory.

use crate::{
    kept_store::{
        LIST, MODEL, SCOPE, commit, keep_all, keys, library, list, of_parts, of_repo, repo,
    },
    npz_files::NPZ,
};
use gemscope::{
    spec::{Packing, Part, StoredList, StoredSelection, StoredSource, Trust, Verified},
    store::{Begin, BlobPlan, MemoryDisk, Store, Writer},
    sys::{Stop, block_on},
    weights::{
        WeightsError,
        library::{Library, LibraryError, names::Name},
    },
};

fn source<'a>(list: &'a StoredList, name: &str, file: Option<&str>) -> &'a StoredSource {
    let mut found = list
        .sources
        .iter()
        .filter(|it| it.repo == Some(repo(name)) && it.file.as_deref() == file);
    let it = found.next().expect("such a source");
    assert!(found.next().is_none(), "{name} {file:?} twice");
    it
}

fn verify(
    library: &Library,
    selection: &StoredSelection,
    repair: bool,
) -> Result<Verified, WeightsError> {
    let stop = Stop::default();
    let mut last = (0, 1);
    let mut on = |done, total| last = (done, total);
    let got = block_on(library.verify(selection, repair, (&mut on, &stop)));
    assert!(got.is_err() || last.0 == last.1, "{last:?}");
    got
}

/// Something that has not come yet.
fn begun(store: &Store, key: &str, size_bytes: u64) -> Writer {
    let plan = BlobPlan {
        meta: "x".into(),
        size_bytes,
        pieces: vec![vec![0..4], vec![4..size_bytes]],
    };
    match block_on(store.begin(key, plan)).unwrap() {
        Begin::Writer(it) => it,
        _ => panic!("`{key}` is there"),
    }
}

#[test]
fn everything_is_listed_by_where_it_came_from() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    let (_, id) = keep_all(library.store());
    let unknown = Name::part(&"0".repeat(16), Part::Mlp(3), Packing::Q8).key();
    let writer = begun(library.store(), &unknown, 1000);
    drop(begun(library.store(), "stray", 8));
    let spill = Name::Spill(id, Part::Encoder(1), Packing::Q8).key();
    drop(begun(library.store(), &spill, 500));
    let got = list(&library);
    let model = source(&got, MODEL, None);
    assert_eq!(model.commit, Some(commit(1)));
    let parts: Vec<_> = model.parts.iter().filter_map(|it| it.part).collect();
    assert!(parts.is_sorted() && parts.contains(&Part::Mlp(1)) && parts[0] == Part::Opening);
    let documents = model.parts.iter().filter(|it| it.part.is_none());
    let documents: Vec<&str> = documents
        .map(|it| it.key.split('-').next().unwrap())
        .collect();
    assert_eq!(documents, ["head", "pin", "tokenizer", "tree"]);
    assert!(
        model
            .parts
            .iter()
            .all(|it| it.whole && it.done_bytes == it.size_bytes)
    );
    let layer = source(&got, SCOPE, Some(NPZ));
    let parts: Vec<_> = layer.parts.iter().map(|it| (it.part, it.whole)).collect();
    let encoder = Some(Part::Encoder(1));
    assert_eq!(
        parts[..3],
        [
            (Some(Part::Vectors(1)), true),
            (encoder, true),
            (encoder, false)
        ]
    );
    assert_eq!(layer.parts[1].trust, Some(Trust::Manifest));
    assert_eq!(source(&got, SCOPE, None).parts.len(), 2);
    assert_eq!(source(&got, LIST, None).parts.len(), 3);
    // Of the stranger only the part is known, and of the stray one not even that.
    let others: Vec<&StoredSource> = got.sources.iter().filter(|it| it.repo.is_none()).collect();
    assert_eq!(others.len(), 2);
    let it = &others[0].parts[0];
    assert_eq!(
        (it.part, it.packing),
        (Some(Part::Mlp(3)), Some(Packing::Q8))
    );
    assert!(it.busy && !it.whole && it.trust.is_none());
    assert_eq!(others[1].parts[0].key, "stray");
    assert_eq!(got.reserved_bytes, 1000 + 8 + 500);
    assert_eq!(got.waiting_bytes, 500);
    assert!(got.total_bytes > got.reserved_bytes && got.place == library.store().place());
    drop(writer);
    assert!(
        !list(&library)
            .sources
            .iter()
            .any(|it| it.parts.iter().any(|it| it.busy))
    );
}

#[test]
fn damage_is_found_by_piece_and_repair_leaves_it_to_be_fetched_again() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    let (model, id) = keep_all(library.store());
    let all = StoredSelection::default();
    let got = verify(&library, &all, false).unwrap();
    assert_eq!(got.n_parts, keys(&library).len());
    assert!(got.damaged.is_empty() && got.read_bytes > 0);
    let encoder = Name::part(&id, Part::Encoder(1), Packing::F32).key();
    let head = Name::Head(model).key();
    for (key, at) in [(&encoder, 9), (&encoder, 13_000), (&head, 5)] {
        assert!(disk.damage(&format!("gemscope/{key}.data"), at));
    }
    for repair in [false, true] {
        let got = verify(&library, &all, repair).unwrap();
        let [first, second] = &got.damaged[..] else {
            panic!("{:?}", got.damaged);
        };
        assert_eq!(
            (&first.key, first.part, first.n_pieces),
            (&encoder, Some(Part::Encoder(1)), 2)
        );
        assert!(first.size_bytes >= 2 * 8000 && first.forgotten == repair);
        assert_eq!(
            (&second.key, second.part, second.forgotten),
            (&head, None, repair)
        );
    }
    assert!(!keys(&library).contains(&head));
    let reader = block_on(library.store().reader(&encoder)).unwrap().unwrap();
    assert_eq!(reader.plan().n_missing(reader.marks()), 2);
    assert!(verify(&library, &all, true).unwrap().damaged.is_empty());
    let got = verify(&library, &of_parts(&[Part::Decoder(1)]), true).unwrap();
    assert_eq!(got.n_parts, 1);
}

#[test]
fn verifying_stops_and_what_was_found_before_is_repaired() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    let (_, id) = keep_all(library.store());
    let [decoder, encoder] =
        [Part::Decoder(1), Part::Encoder(1)].map(|it| Name::part(&id, it, Packing::F32).key());
    assert!(decoder < encoder && disk.damage(&format!("gemscope/{decoder}.data"), 1));
    let stop = Stop::default();
    let decoder_bytes = block_on(library.store().reader(&decoder))
        .unwrap()
        .unwrap()
        .size_bytes();
    let mut on = |done, _| {
        if done > decoder_bytes {
            stop.set();
        }
    };
    let both = of_parts(&[Part::Decoder(1), Part::Encoder(1)]);
    let got = block_on(library.verify(&both, true, (&mut on, &stop)));
    assert!(matches!(got, Err(WeightsError::Stopped)));
    let reader = block_on(library.store().reader(&decoder)).unwrap().unwrap();
    assert_eq!(reader.plan().n_missing(reader.marks()), 1);
}

#[test]
fn what_is_written_now_is_looked_at_but_left_alone() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    let (_, id) = keep_all(library.store());
    let key = Name::part(&id, Part::Encoder(1), Packing::F32).key();
    let _writer = block_on(library.store().reopen(&key, &[])).unwrap();
    assert!(disk.damage(&format!("gemscope/{key}.data"), 9));
    let got = verify(&library, &of_repo(SCOPE), true).unwrap();
    assert_eq!(got.damaged.len(), 1);
    assert!(!got.damaged[0].forgotten);
}

#[test]
fn the_last_part_of_a_source_takes_what_only_it_needed() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    keep_all(library.store());
    let n_before = keys(&library).len();
    let bytes_before = list(&library).total_bytes;
    let remove = |it| block_on(library.remove(&it, false)).unwrap();
    let mut freed_bytes = remove(of_parts(&[Part::Decoder(1)]));
    assert_eq!(keys(&library).len(), n_before - 1);
    // The encoder is the last one: vectors, header, proof, list and commit go too, and the list of the other repository that names it.
    freed_bytes += remove(StoredSelection {
        packing: Some(Packing::F32),
        parts: Some(vec![Part::Encoder(1)]),
        ..StoredSelection::default()
    });
    let got = list(&library);
    assert!(got.sources.iter().all(|it| it.repo == Some(repo(MODEL))));
    assert_eq!(bytes_before - got.total_bytes, freed_bytes);
    // The model's documents stay as long as one part of it does.
    remove(StoredSelection {
        layers: Some(vec![0, 1]),
        ..StoredSelection::default()
    });
    assert!(keys(&library).iter().any(|it| it.starts_with("tokenizer-")));
    remove(of_repo(MODEL));
    assert!(keys(&library).is_empty());
    assert_eq!(remove(StoredSelection::default()), 0);
}

#[test]
fn a_list_of_another_repository_stands_for_what_it_names() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    keep_all(library.store());
    let got = verify(&library, &of_repo(LIST), false).unwrap();
    assert_eq!(got.n_parts, 3 + 3 + 2);
    block_on(library.remove(&of_repo(LIST), false)).unwrap();
    let left = list(&library).sources;
    assert!(
        left.iter().all(|it| it.repo == Some(repo(MODEL))),
        "{left:?}"
    );
}

#[test]
fn busy_parts_are_named_once_everything_else_is_gone() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    let (model, _) = keep_all(library.store());
    let key = Name::part(&model, Part::Mlp(1), Packing::Q8).key();
    let writer = block_on(library.store().reopen(&key, &[])).unwrap();
    let got = block_on(library.remove(&StoredSelection::default(), false)).unwrap_err();
    assert!(
        got.to_string().contains(&key) && !got.remedy().is_empty(),
        "{got}"
    );
    let WeightsError::Library(LibraryError::BusyParts {
        keys: busy,
        freed_bytes,
    }) = got
    else {
        panic!("{got}");
    };
    assert!(busy == [key.clone()] && freed_bytes > 0);
    // What the part needs is still there.
    let kinds: Vec<String> = keys(&library)
        .iter()
        .map(|it| it[..4].to_string())
        .collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    drop(writer);
    block_on(library.remove(&StoredSelection::default(), false)).unwrap();
    assert!(keys(&library).is_empty());
}

#[test]
fn a_selection_that_means_nothing_is_an_error_in_words() {
    let disk = MemoryDisk::new(1);
    let library = library(&disk);
    keep_all(library.store());
    let selection = StoredSelection {
        layers: Some(vec![7]),
        packing: Some(Packing::Bf16),
        ..of_repo(MODEL)
    };
    let before = keys(&library);
    for got in [
        block_on(library.remove(&selection, false)).err(),
        verify(&library, &selection, true).err(),
    ] {
        let text = got.unwrap().to_string();
        assert!(
            text.contains("a/model") && text.contains("bf16") && text.contains('7'),
            "{text}"
        );
    }
    assert_eq!(keys(&library), before);
}

#[test]
fn what_another_version_left_goes_when_that_is_asked_for() {
    let disk = MemoryDisk::new(1);
    block_on(async {
        use gemscope::store::{Disk, Open};
        let inside = disk.folder("gemscope").await.unwrap();
        for (name, text) in [("VERSION", "gemscope store 99\n"), ("old.data", "12345")] {
            let file = inside.open(name, Open::Write).await.unwrap();
            file.write(0, &text.as_bytes().to_vec().into())
                .await
                .unwrap();
            file.flush().await.unwrap();
        }
    });
    let library = library(&disk);
    assert!(list(&library).set_aside_bytes > 5);
    let none = StoredSelection {
        keys: Some(Vec::new()),
        ..StoredSelection::default()
    };
    assert!(block_on(library.remove(&none, true)).is_err());
    let all = StoredSelection::default();
    assert_eq!(list(&library).set_aside_bytes, 0);
    assert_eq!(block_on(library.remove(&all, true)).unwrap(), 0);
}
