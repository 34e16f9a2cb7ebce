//! The API: revisions, listings in pages, what is not there and what is not the caller's; and who may read what across origins.

use crate::client::{GATED, LARGE_BYTES, MODEL, TOKEN, World, config};
use serde_json::{Value, json};
use xtask::hub::{Config, Repo};

fn tree(world: &World, query: &str) -> Vec<Value> {
    let got = world.ask(&format!("/api/models/{MODEL}/tree/main{query}"), &[]);
    got.json().as_array().expect("a list").clone()
}

fn paths(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|it| it["path"].as_str().expect("a path"))
        .collect()
}

#[test]
fn a_revision_is_a_commit_with_its_files() {
    let world = World::new();
    let got = world.ask(&format!("/api/models/{MODEL}/revision/main"), &[]);
    assert_eq!(got.status, 200);
    let body = got.json();
    let commit = world.hub.commit(MODEL).unwrap();
    assert_eq!(commit.len(), 40);
    assert_eq!(
        (&body["id"], &body["sha"], &body["gated"]),
        (&json!(MODEL), &json!(commit), &json!(false))
    );
    assert_eq!(body["siblings"][0], json!({ "rfilename": "config.json" }));
    assert_eq!(body["siblings"].as_array().unwrap().len(), 5);
    let by_commit = world.ask(&format!("/api/models/{MODEL}/revision/{commit}"), &[]);
    assert_eq!(by_commit.json(), body);
    assert_eq!(world.ask(&format!("/api/models/{MODEL}"), &[]).json(), body);
}

#[test]
fn the_tree_lists_sizes_and_hashes() {
    let entries = tree(&World::new(), "?recursive=true&expand=true");
    let of = |path: &str| {
        entries
            .iter()
            .find(|it| it["path"] == path)
            .unwrap()
            .clone()
    };
    let model = of("model.safetensors");
    assert_eq!(model["size"], LARGE_BYTES);
    assert_eq!(model["lfs"]["size"], LARGE_BYTES);
    assert_eq!(model["lfs"]["oid"].as_str().unwrap().len(), 64);
    assert_eq!(model["lfs"]["pointerSize"], 131);
    assert!(model["lastCommit"]["id"].is_string());
    let config = of("config.json");
    assert_eq!(
        (&config["type"], &config["size"]),
        (&json!("file"), &json!(8))
    );
    assert_eq!(config["oid"].as_str().unwrap().len(), 40);
    assert!(config.get("lfs").is_none());
    assert_eq!(of("layer_0/average l0_76")["type"], "directory");
}

#[test]
fn without_recursion_only_the_top_is_listed() {
    let entries = tree(&World::new(), "");
    let top = [
        "layer_0",
        "layer_1",
        "config.json",
        "empty.npz",
        "model.safetensors",
    ];
    assert_eq!(paths(&entries), top);
    assert!(entries[0].get("lastCommit").is_none());
}

#[test]
fn a_listing_comes_in_pages() {
    let world = World::of(Config {
        page_size: 3,
        ..config()
    });
    let mut address = format!("/api/models/{MODEL}/tree/main?recursive=true&expand=true");
    let mut entries = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let got = world.ask(&address, &[]);
        let page = got.json().as_array().unwrap().clone();
        sizes.push(page.len());
        entries.extend(page);
        let Some(next) = got.header("link").strip_suffix(">; rel=\"next\"") else {
            break;
        };
        address = next.strip_prefix('<').unwrap().to_string();
        assert!(
            address.starts_with("http://hub.test/api/models/o/model/tree/main?recursive=true&")
        );
    }
    assert_eq!(sizes, [3, 3, 2]);
    assert_eq!(entries, tree(&World::new(), "?recursive=true&expand=true"));
    assert_eq!(tree(&world, "?limit=2").len(), 2);
    let wrong = world.ask(&format!("/api/models/{MODEL}/tree/main?cursor=17"), &[]);
    assert_eq!(wrong.status, 400);
}

#[test]
fn what_is_not_there_is_said_as_the_hub_says_it() {
    let world = World::new();
    let token = [("authorization", "Bearer hf_any")];
    for tail in ["/api/models/o/none/tree/main", "/o/none/resolve/main/a"] {
        assert_eq!(world.ask(tail, &[]).error(), (401, "RepoNotFound"));
        assert_eq!(world.ask(tail, &token).error(), (404, "RepoNotFound"));
    }
    for tail in [
        "/api/models/o/model/tree/none",
        "/api/models/o/model/revision/none",
        "/o/model/resolve/none/a",
    ] {
        assert_eq!(
            world.ask(tail, &[]).error(),
            (404, "RevisionNotFound"),
            "{tail}"
        );
    }
    for path in [
        "none",
        "layer_0",
        "../config.json",
        "layer_1/../config.json",
        "",
    ] {
        let got = world.ask(&format!("/o/model/resolve/main/{path}"), &[]);
        assert_eq!(got.error(), (404, "EntryNotFound"), "{path}");
        assert!(!got.header("x-error-message").is_empty());
    }
    assert_eq!(world.ask("/", &[]).status, 404);
    assert_eq!(world.ask("/o/model/resolve/main/%ff", &[]).status, 400);
    assert_eq!(
        world
            .ask("POST /o/model/resolve/main/config.json", &[])
            .status,
        405
    );
}

#[test]
fn a_gated_repository_wants_the_right_token_and_takes_it_from_the_header_alone() {
    let world = World::new();
    let tails = [
        format!("/api/models/{GATED}/revision/main"),
        format!("/api/models/{GATED}/tree/main"),
        format!("/{GATED}/resolve/main/config.json"),
    ];
    for tail in &tails {
        assert_eq!(world.ask(tail, &[]).error(), (401, "GatedRepo"));
        let wrong = world.ask(tail, &[("authorization", "Bearer hf_wrong")]);
        assert_eq!(wrong.error(), (403, "GatedRepo"));
        assert!(!world.last().leak);
        let right = world.ask(tail, &[("authorization", &format!("Bearer {TOKEN}"))]);
        assert_eq!(right.status, 200);
        assert!(world.last().has_authorization && !world.last().leak);
        assert_eq!(world.ask(&format!("{tail}?token={TOKEN}"), &[]).status, 401);
        assert!(world.last().leak, "a token in the address");
    }
    world.ask("/", &[("referer", &format!("http://a/{TOKEN}"))]);
    assert!(world.last().leak, "a token in another header");
    let right = [("authorization", "Bearer hf_right")];
    let about = world.ask(&tails[0], &right).json();
    assert_eq!(about["gated"], "manual");
}

#[test]
fn listings_of_a_gated_repository_can_be_open() {
    let mut config = config();
    config.gates[0].open_listing = true;
    let world = World::of(config);
    assert_eq!(
        world
            .ask(&format!("/api/models/{GATED}/tree/main"), &[])
            .status,
        200
    );
    let file = world.ask(&format!("/{GATED}/resolve/main/config.json"), &[]);
    assert_eq!(file.error(), (401, "GatedRepo"));
}

#[test]
fn pages_of_other_origins_may_read_what_the_hub_exposes_and_no_more() {
    let world = World::new();
    let page = [("origin", "http://page.test")];
    let got = world.ask(&format!("/{MODEL}/resolve/main/model.safetensors"), &page);
    assert_eq!(
        got.header("access-control-allow-origin"),
        "http://page.test"
    );
    assert_eq!(
        got.header("access-control-expose-headers"),
        "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash"
    );
    assert_eq!(got.header("vary"), "Origin");
    let signed = world.ask(got.header("location"), &[("origin", "null")]);
    assert_eq!(
        (signed.status, signed.header("access-control-allow-origin")),
        (200, "null")
    );
    let exposed = signed.header("access-control-expose-headers");
    assert!(exposed.contains("ETag,Content-Range") && !exposed.contains("X-"));
    let refused = world.ask("/o/none/resolve/main/a", &page);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "http://page.test"
    );
    let own = world.ask("/o/none/resolve/main/a", &[]);
    assert_eq!(own.header("access-control-allow-origin"), "");
}

#[test]
fn preflights_are_answered_at_both_origins_without_a_token() {
    let world = World::faulty(&["status:500@/"]);
    let headers = [
        ("origin", "http://page.test"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization,range"),
    ];
    for address in [
        "/o/gated/resolve/main/config.json",
        "http://signed.test/signed/0-0/a",
    ] {
        let got = world.ask(&format!("OPTIONS {address}"), &headers);
        assert_eq!((got.status, got.bytes.len()), (204, 0));
        assert_eq!(
            got.header("access-control-allow-headers"),
            "authorization, range"
        );
        assert_eq!(got.header("access-control-max-age"), "86400");
        assert_eq!(
            got.header("access-control-allow-origin"),
            "http://page.test"
        );
        assert_eq!(
            (world.last().method.as_str(), world.last().fault),
            ("OPTIONS", None)
        );
    }
}

#[test]
fn what_cannot_be_served_is_refused_at_the_start() {
    let start = |config| {
        let clock = std::sync::Arc::new(xtask::hub::VirtualClock::new());
        xtask::hub::Hub::in_process(config, clock)
            .err()
            .map(|it| it.to_string())
    };
    let twice = Config::new(vec![
        Repo::new("o/n", [].into()),
        Repo::new("o/n", [].into()),
    ]);
    assert_eq!(
        start(twice).as_deref(),
        Some("two repositories are called o/n")
    );
    let mut gate = config();
    gate.gates[0].repo = "o/none".into();
    assert_eq!(
        start(gate).as_deref(),
        Some("no repository o/none to stand behind a gate")
    );
    let nameless = Config::new(vec![Repo::new("n", [].into())]);
    assert!(start(nameless).unwrap().contains("OWNER/NAME"));
}
