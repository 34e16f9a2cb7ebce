//! What can't be fetched or opened is said with a remedy, and leaves everything else as it was.

use crate::world::*;
use gemscope::{
    hub::{HubConfig, NativeHttp, Net, Reach},
    session::{Client, EngineOptions, Instead, protocol::*},
    spec::{HostTable, RepoRef},
    store::{Disk, MemoryDisk},
    sys::system_clock,
};
use std::{fs, rc::Rc, sync::Arc};

#[test]
fn repositories_that_are_not_there_or_not_what_is_meant() {
    let world = World::new("repositories");
    let mut client = world.client();
    let branch = world.repo(MODEL).at("no-such-branch").unwrap();
    let mut at_branch = world.set();
    at_branch.model = ModelRef::Hub { repo: branch };
    let mut of_folder = world.folders();
    of_folder.transcoders = None;
    let mut layers = world.set();
    layers.transcoders.as_mut().unwrap().layers = Some(vec![0, 9]);
    let mut l0 = world.set();
    l0.transcoders.as_mut().unwrap().average_l0 = vec![(1, 12345)];
    for (set, what, remedy) in [
        (
            world.set_of("o/nowhere", TRANSCODERS),
            "o/nowhere",
            "OWNER/NAME",
        ),
        (world.set_of(MODEL, "o/nowhere"), "o/nowhere", "OWNER/NAME"),
        (at_branch, "no-such-branch", "branch"),
        (
            world.set_of(LLAMA, TRANSCODERS),
            "LlamaForCausalLM",
            "Gemma 2",
        ),
        (
            world.set_of(NOTES, TRANSCODERS),
            "config.json",
            "config.json",
        ),
        (world.set_of(MODEL, NOTES), "o/notes", "layer_0"),
        (of_folder, "not a repository", "OWNER/NAME"),
        (layers, "9", "layers"),
        (l0, "12345", "there"),
    ] {
        let it = failed(&mut client, fetch(set));
        assert!(
            it.what.contains(what) && it.remedy.contains(remedy),
            "{what}: {it:?}"
        );
    }
    let Outcome::Stored(list) = done(&mut client, CommandBody::Stored) else {
        panic!("a list")
    };
    let parts = list.sources.iter().flat_map(|it| &it.parts);
    assert!(
        parts
            .clone()
            .all(|it| it.part.is_none_or(|of| !of.is_of_dictionary())),
        "{list:?}"
    );
}

#[test]
fn what_is_not_kept_is_not_opened_and_asks_nobody() {
    let world = World::new("not-kept");
    let mut client = world.client();
    let plan = failed(&mut client, CommandBody::Plan(world.set()));
    assert!(
        plan.what.contains("not kept") && plan.remedy.contains("its own plan"),
        "{plan:?}"
    );
    let mut mixed = world.set();
    mixed.model = world.folders().model;
    let it = failed(&mut client, CommandBody::Plan(mixed));
    assert!(
        it.what.contains("of a hub") && it.remedy.contains("hub:OWNER/NAME"),
        "{it:?}"
    );
    let repo = world.repo("o/nowhere");
    let it = failed(&mut client, CommandBody::Variants { repo });
    assert!(it.what.contains("o/nowhere"), "{it:?}");
    let repo = world.repo(NOTES);
    let it = failed(&mut client, CommandBody::Variants { repo });
    assert!(it.what.contains("o/notes"), "{it:?}");
    if no_gpu("what_is_not_kept_is_not_opened_and_asks_nobody") {
        return;
    }
    world.hub().clear_log();
    let it = failed(&mut client, CommandBody::Open(world.set()));
    assert!(
        it.what.contains("not kept") && it.remedy.contains("gemscope fetch"),
        "{it:?}"
    );
    assert!(world.hub().log().is_empty());
}

#[test]
fn a_command_before_the_greeting_is_refused() {
    let world = World::new("greeting");
    let mut client = Client::start_silent(world.options()).unwrap();
    for body in [world.fetch(), CommandBody::Stored] {
        let it = failed(&mut client, body);
        assert!(it.what.contains("before Hello"), "{it:?}");
    }
    assert!(world.hub().log().is_empty() && !world.store().exists());
}

#[test]
fn a_malformed_address_is_no_command() {
    let world = World::new("malformed");
    let mut client = world.client();
    let good = serde_json::to_string(&Command {
        id: 77,
        body: world.fetch(),
    });
    let bad = good.unwrap().replace("/o/nano", "/o/../nano");
    client.inbox().post_json(&bad);
    let events = until_end(&mut client, 77);
    let EventBody::Failed(it) = &events.last().unwrap().body else {
        panic!("{events:?}")
    };
    assert!(it.detail.contains("address"), "{it:?}");
}

#[test]
fn an_address_off_the_host_table_is_not_asked() {
    let world = World::new("table");
    let made = || {
        let http = Rc::new(NativeHttp::new().expect("a thread"));
        let (config, hosts) = (HubConfig::default(), HostTable::default());
        Net::with_reach(http, system_clock(), config, hosts, Reach::Table)
    };
    let mut options = world.options();
    options.library.instead.net = Some(Arc::new(made));
    let mut client = Client::start(options).unwrap();
    for body in [
        world.fetch(),
        CommandBody::Variants {
            repo: world.repo(TRANSCODERS),
        },
        CommandBody::Token {
            endpoint: world.repo(MODEL).endpoint,
            secret: Some(Secret(TOKEN.into())),
        },
    ] {
        let it = failed(&mut client, body);
        assert!(
            it.what.contains("among the hosts") && it.remedy.contains("gemscope program"),
            "{it:?}"
        );
        assert!(!format!("{it:?}").contains(TOKEN));
    }
    assert!(world.hub().log().is_empty());
}

#[test]
fn a_full_disk_keeps_what_is_there_and_says_what_is_missing() {
    let world = World::new("full");
    let mut client = Client::start(on_disk(&world, |disk| disk.set_quota(200_000))).unwrap();
    let (told, ended) = told(&mut client, world.fetch());
    let it = ended.expect_err("no room");
    assert!(
        it.what.contains("bytes more are needed") && it.remedy.contains("compact"),
        "{it:?}"
    );
    let missing = told
        .iter()
        .any(|it| matches!(it, FetchTold::Plan(it) if it.missing_bytes.is_some_and(|it| it > 0)));
    assert!(missing, "{told:?}");
    let Outcome::Stored(list) = done(&mut client, CommandBody::Stored) else {
        panic!("a list")
    };
    let mut parts = list.sources.iter().flat_map(|it| &it.parts);
    assert!(parts.any(|it| it.whole && it.part.is_some()), "{list:?}");
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let world = World::new("version");
    let old = world.store().join("gemscope");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("VERSION"), "gemscope store 99\n").unwrap();
    fs::write(old.join("a.data"), [1; 1000]).unwrap();
    let mut client = world.client();
    done(&mut client, world.fetch());
    let Outcome::Stored(list) = done(&mut client, CommandBody::Stored) else {
        panic!("a list")
    };
    assert!(list.set_aside_bytes >= 1000, "{list:?}");
    assert_eq!(fs::read(old.join("a.data")).unwrap(), [1; 1000]);
    let body = CommandBody::Remove {
        selection: StoredSelection {
            keys: Some(vec![]),
            ..StoredSelection::default()
        },
        set_aside: true,
    };
    let Outcome::Freed { size_bytes } = done(&mut client, body) else {
        panic!("freed")
    };
    assert!(size_bytes >= 1000 && !old.join("a.data").exists());

    // With no place left it is an error, and nothing else is touched.
    let put = |disk: &MemoryDisk| {
        for folder in ["gemscope", "gemscope-1"] {
            disk.inside(folder)
                .insert("VERSION", b"gemscope store 99\n");
        }
    };
    let mut client = Client::start(on_disk(&world, put)).unwrap();
    for body in [
        world.fetch(),
        CommandBody::Stored,
        CommandBody::Plan(world.set()),
    ] {
        let it = failed(&mut client, body);
        assert!(
            it.what.contains("another version") && it.remedy.contains("version"),
            "{it:?}"
        );
    }
}

#[test]
fn folders_and_files_that_are_not_there() {
    let world = World::new("no-folders");
    let mut client = world.client();
    let nowhere = world.folder.join("nowhere").to_str().unwrap().to_string();
    let CommandBody::Fetch(request) = world.fetch() else {
        panic!("a fetch")
    };
    let of_folder = FetchRequest {
        from: FetchFrom::Folders {
            model: Some(nowhere.clone()),
            transcoders: None,
        },
        ..request.clone()
    };
    let by_manifest = FetchRequest {
        manifest: Some(format!("{nowhere}/manifest.json")),
        ..request
    };
    for body in [
        CommandBody::Fetch(of_folder),
        CommandBody::Fetch(by_manifest),
        CommandBody::Manifest { from: nowhere },
    ] {
        let it = failed(&mut client, body);
        assert!(it.what.contains("nowhere"), "{it:?}");
    }
    let main = world.repo(MODEL);
    assert!(main.to_string().parse::<RepoRef>().is_ok());
}

/// An engine whose store is in memory.
fn on_disk(world: &World, prepare: impl Fn(&MemoryDisk) + Send + Sync + 'static) -> EngineOptions {
    let made = move || {
        let disk = MemoryDisk::new(1);
        prepare(&disk);
        Rc::new(disk) as Rc<dyn Disk>
    };
    let mut options = world.options();
    options.library.instead = Instead {
        disk: Some(Arc::new(made)),
        ..Instead::default()
    };
    options
}
