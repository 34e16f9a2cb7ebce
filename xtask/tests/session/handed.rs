//! What a visitor hands over or a link names: a folder with a model and its transcoders, a snapshot of a server.

use crate::world::*;
use gemscope::{
    session::{Client, Told, protocol::*},
    spec::{HandedFile, Trust},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The demo model, which lies in the repository as the Hub would have it.
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/demo");

/// The files below a folder under their names, as a browser hands them over.
fn files(folder: &Path) -> (Vec<HandedFile>, Vec<Vec<u8>>) {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(it) = folders.pop() {
        for entry in fs::read_dir(it).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    let name = |it: &PathBuf| {
        let inside = it.strip_prefix(folder).expect("it is inside");
        HandedFile {
            name: format!("demo/{}", inside.display()),
            modified_millis: 1,
        }
    };
    let read = |it: &PathBuf| fs::read(it).expect("a file");
    (
        found.iter().map(name).collect(),
        found.iter().map(read).collect(),
    )
}

type Beside = (Vec<HandedFile>, Vec<Vec<u8>>);

fn fetched(
    client: &mut Client,
    set: OpenRequest,
    (files, bytes): Beside,
) -> Result<Outcome, Failure> {
    let body = CommandBody::Fetch(FetchRequest {
        set,
        from: FetchFrom::Beside { files },
        manifest: None,
        update: false,
    });
    let id = client.post_with(body, bytes);
    client.wait(id, &mut |_| ())
}

/// Without the files whose names hold a word.
fn without(word: &str) -> Beside {
    let (files_of, bytes) = files(Path::new(DEMO));
    let kept = files_of.into_iter().zip(bytes);
    kept.filter(|it| !it.0.name.contains(word)).unzip()
}

#[test]
fn a_folder_of_this_device_is_taken_in_without_a_server() {
    let mut world = World::new("handed");
    let set = world.set_of("me/demo", "me/demo-transcoders");
    world.hub_goes();
    let mut client = world.client();
    let all = files(Path::new(DEMO));
    let Ok(Outcome::Fetched(it)) = fetched(&mut client, set.clone(), all.clone()) else {
        panic!("fetched")
    };
    assert!(
        it.disk_bytes > 1_000_000 && it.trust == Trust::Received,
        "{it:?}"
    );
    // The same again brings nothing, and a lower precision is made of what is there.
    let Ok(Outcome::Fetched(again)) = fetched(&mut client, set.clone(), all.clone()) else {
        panic!("fetched")
    };
    assert_eq!(again.repos, it.repos);
    let Outcome::Stored(stored) = done(&mut client, CommandBody::Stored) else {
        panic!("stored")
    };
    let parts: Vec<_> = stored.sources.iter().flat_map(|it| &it.parts).collect();
    assert!(parts.len() > 20 && parts.iter().all(|it| it.whole));
    if std::env::var("GEMSCOPE_NO_GPU").as_deref() != Ok("1") {
        opens_as_the_folder_does(&mut client, set);
    }
}

/// What is computed is what the folder itself gives.
fn opens_as_the_folder_does(client: &mut Client, set: OpenRequest) {
    let mut of_folder = set.clone();
    of_folder.model = ModelRef::Folder {
        path: format!("{DEMO}/model"),
        tokenizer: None,
    };
    of_folder.transcoders.as_mut().expect("transcoders").place = TranscoderRef::Folder {
        path: format!("{DEMO}/transcoders"),
    };
    let mut told = Vec::new();
    for set in [set, of_folder] {
        done(client, CommandBody::Open(set));
        let input = Input::Text("The capital of Texas is".into());
        let run = CommandBody::Run {
            input,
            want: vec![],
            writes: vec![],
        };
        let Outcome::Ran { run, .. } = done(client, run) else {
            panic!("ran")
        };
        let Outcome::Witnessed { witness, .. } =
            done(client, CommandBody::Witness { run, sent: None })
        else {
            panic!("witnessed")
        };
        told.push((witness.token, witness.probability, witness.features));
    }
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_folder_that_is_none_or_lacks_parts_is_told() {
    let world = World::new("handed-wrong");
    let set = world.set_of("me/demo", "me/demo-transcoders");
    let mut client = world.client();
    for (beside, word, remedy) in [
        (without("demo/"), "neither", "config.json"),
        (
            without("config.json"),
            "demo/model/config.json",
            "all files",
        ),
        (
            without("tokenizer.json"),
            "demo/model/tokenizer.json",
            "all files",
        ),
        (
            without("model.safetensors"),
            "demo/model/model.safetensors",
            "all files",
        ),
        (without("params.npz"), "no transcoders", "none"),
        (
            without("/model/"),
            "me/demo is not kept",
            "Download it first",
        ),
    ] {
        let it = fetched(&mut client, set.clone(), beside).expect_err("an error");
        assert!(
            it.what.contains(word) && it.remedy.contains(remedy),
            "{it:?}"
        );
    }
    let (files_of, _) = files(Path::new(DEMO));
    let it = fetched(&mut client, set.clone(), (files_of, vec![])).expect_err("an error");
    assert!(
        it.what.contains("nothing came") || it.what.contains("Nothing came"),
        "{it:?}"
    );
    // The model alone, where no layers are asked for.
    let alone = OpenRequest {
        transcoders: None,
        ..set
    };
    let it = fetched(&mut client, alone, without("params.npz"));
    assert!(matches!(it, Ok(Outcome::Fetched(_))), "{it:?}");
}

fn snapshot(client: &mut Client, address: String) -> Result<(Vec<u8>, DocumentMade), Failure> {
    let mut bytes = Vec::new();
    let ended = client.call(CommandBody::Snapshot { address }, &mut |it| {
        if let Told::Partial(Partial::Document { first }, parts) = it {
            assert_eq!(first, bytes.len() as u64);
            bytes.extend(&parts[0]);
        }
    });
    match ended? {
        Outcome::Document(it) => Ok((bytes, it)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_snapshot_of_a_server_comes_whole_or_not_at_all() {
    let world = World::new("snapshot");
    let folder = world.folder.join("hub").join(NOTES);
    let text = "{\"gemscope_snapshot\":1}".repeat(100_000);
    fs::write(folder.join("a.json"), &text).expect("a file");
    let large = fs::File::create(folder.join("large.json")).expect("a file");
    large.set_len(200 << 20).expect("a sparse file");
    // The Hub looks at its folders once, when it starts.
    let world = world.restarted();
    let mut client = world.client();
    let address = |file: &str| format!("{}/resolve/main/{file}", world.repo(NOTES));
    let (bytes, made) = snapshot(&mut client, address("a.json")).expect("a snapshot");
    assert!(bytes == text.as_bytes() && made.size_bytes == text.len() as u64);
    assert!(
        made.name.starts_with("127.0.0.1:") && made.name.ends_with("/a.json"),
        "{made:?}"
    );
    for (file, word, remedy) in [
        ("none.json", "none.json", "taken away"),
        ("large.json", "64 MiB", "as large"),
    ] {
        let it = snapshot(&mut client, address(file)).expect_err("an error");
        assert!(
            it.what.contains(word) && it.remedy.contains(remedy),
            "{it:?}"
        );
    }
    // It is stopped while it comes.
    let id = client.post(CommandBody::Snapshot {
        address: address("large.json"),
    });
    client.post(CommandBody::Cancel { id });
    let ended = client.wait(id, &mut |_| ());
    assert!(ended.is_err(), "{ended:?}");
}
