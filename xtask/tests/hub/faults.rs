//! Faults that take the place of an answer, or change what stands behind it.

use crate::client::{MODEL, World};

const RESOLVE: &str = "/o/model/resolve/main/model.safetensors";
const TREE: &str = "/api/models/o/model/tree/main";

#[test]
fn a_status_stands_for_any_answer_and_may_say_when_to_come_again() {
    let world = World::faulty(&[
        "status:429:30@/resolve/#1",
        "status:500@/api/#1",
        "status:503@/signed/#1",
    ]);
    let got = world.ask(RESOLVE, &[("origin", "http://page.test")]);
    assert_eq!((got.status, got.header("retry-after")), (429, "30"));
    assert_eq!(got.header("ratelimit"), "\"resolvers\";r=0;t=30");
    assert!(
        !got.header("access-control-expose-headers")
            .contains("Retry")
    );
    assert_eq!(world.last().fault.as_deref(), Some("status:429:30"));
    assert_eq!(world.ask(TREE, &[]).status, 500);
    assert_eq!(world.ask(TREE, &[]).status, 200);
    let address = world.address("model.safetensors");
    let refused = world.range(&address, "0-9");
    assert_eq!((refused.status, refused.header("retry-after")), (503, ""));
    assert_eq!(world.range(&address, "0-9").status, 206);
    assert_eq!(world.last().fault, None);
}

#[test]
fn an_address_that_expired_stays_expired_and_a_fresh_one_is_good() {
    let world = World::faulty(&["expired@model.safetensors#1"]);
    let address = world.address("model.safetensors");
    for _ in 0..2 {
        let got = world.range(&address, "0-9");
        assert_eq!(got.status, 403);
        assert!(got.text().contains("Request has expired"));
    }
    assert_eq!(
        world
            .range(&world.address("model.safetensors"), "0-9")
            .status,
        206
    );
}

#[test]
fn a_refusal_that_is_no_expiry_stays_for_fresh_addresses() {
    let world = World::faulty(&["forbidden@model.safetensors"]);
    for _ in 0..3 {
        let got = world.ask(&world.address("model.safetensors"), &[]);
        assert_eq!(got.status, 403);
        assert!(
            got.text().contains("not allowed by the policy") && !got.text().contains("expired")
        );
    }
    assert_eq!(
        world.ask(&world.address("layer_1/params.npz"), &[]).status,
        200
    );
}

#[test]
fn a_page_to_log_in_at_comes_as_success() {
    let world = World::faulty(&["html@/"]);
    for address in [RESOLVE, TREE, "/o/model/resolve/main/config.json"] {
        let got = world.range(address, "0-9");
        assert_eq!(
            (got.status, got.header("content-type")),
            (200, "text/html; charset=utf-8")
        );
        assert!(got.text().contains("Log in"));
    }
    world.set_faults(&["html@/signed/"]);
    let got = world.range(&world.address("model.safetensors"), "0-9");
    assert_eq!(
        (got.status, got.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
}

#[test]
fn a_redirect_loop_never_ends() {
    let world = World::faulty(&["redirect-loop@/resolve/#1"]);
    let mut address = RESOLVE.to_string();
    let mut seen = Vec::new();
    for _ in 0..25 {
        let got = world.ask(&address, &[("origin", "http://page.test")]);
        assert_eq!(got.status, 302);
        assert_eq!(
            got.header("access-control-allow-origin"),
            "http://page.test"
        );
        address = got.header("location").to_string();
        assert!(address.starts_with("http://hub.test/_loop/") && !seen.contains(&address));
        seen.push(address.clone());
    }
    assert!(
        world
            .ask(RESOLVE, &[])
            .header("location")
            .starts_with("http://signed.test/")
    );
}

#[test]
fn garbage_is_an_answer_of_the_api_that_ends_in_the_middle() {
    let world = World::faulty(&["garbage-json@/#1"]);
    assert_eq!(world.ask(RESOLVE, &[]).status, 302, "files are left alone");
    let got = world.ask(TREE, &[]);
    assert_eq!(
        (got.status, got.header("content-type")),
        (200, "application/json; charset=utf-8")
    );
    assert!(serde_json::from_slice::<serde_json::Value>(&got.bytes).is_err());
    assert!(world.ask(TREE, &[]).json().is_array());
}

/// The same address, the same pinned commit: other bytes of the same size, and only `ETag` tells.
#[test]
fn a_changed_file_is_another_one_under_every_revision_from_then_on() {
    let world = World::new();
    let old = world.hub.commit(MODEL).unwrap();
    let (address, pinned) = (
        world.address("model.safetensors"),
        RESOLVE.replace("main", &old),
    );
    let before = world.range(&address, "0-1999");
    world.set_faults(&["changed@/signed/#2"]);
    assert_eq!(world.range(&address, "0-1999").bytes, before.bytes);
    let after = world.range(&address, "0-1999");
    assert_eq!(after.status, 206);
    assert_eq!(
        after.header("content-range"),
        before.header("content-range")
    );
    assert_ne!(after.header("etag"), before.header("etag"));
    assert_ne!(after.bytes, before.bytes);
    assert_eq!(world.last().fault.as_deref(), Some("changed"));
    let now = world.ask(&pinned, &[]);
    assert_ne!(now.header("x-repo-commit"), old);
    assert_eq!(now.header("x-linked-etag"), after.header("etag"));
    assert_eq!(world.range(&address, "0-1999").bytes, after.bytes);
    assert_eq!(world.last().fault, None);

    world.set_faults(&["changed@config.json#1"]);
    let small = world.ask("/o/model/resolve/main/config.json", &[]);
    assert_eq!((small.status, small.text().as_str()), (200, "{\"n\": 1~"));
}

/// Two faults of one kind on one request strike one after the other; `xtask::hub::Rule` says which.
#[test]
fn pairs_of_faults_all_strike() {
    let world = World::faulty(&[
        "status:500@/signed/#1",
        "expired@/signed/#1",
        "cut:5@/signed/#1",
        "flip:0@/signed/#1",
    ]);
    let address = world.address("model.safetensors");
    assert_eq!(world.range(&address, "0-9").status, 500);
    assert_eq!(world.range(&address, "0-9").status, 403);
    let address = world.address("model.safetensors");
    let both = world.range(&address, "0-9");
    assert!(both.status == 206 && both.broke && both.bytes.len() == 5);
    assert_eq!(world.last().fault.as_deref(), Some("cut:5 + flip:0"));
    let sound = world.range(&address, "0-9");
    assert_eq!((sound.bytes.len(), sound.bytes[0] ^ 1), (10, both.bytes[0]));
}

#[test]
fn a_hub_without_a_network_answers_nothing_and_comes_back() {
    use xtask::hub::{Body, Request};
    let world = World::new();
    let call = |address: &str| {
        let request = Request::builder()
            .uri(address)
            .body(Body::empty())
            .expect("a request");
        world
            .clock
            .run_until(world.hub.call(request))
            .expect("no waits")
    };
    let address = world.address("model.safetensors");
    let under_way = call(&address).expect("an answer");
    world.hub.set_away(true);
    assert!(call(&address).is_err());
    let mut chunks = under_way.into_body().into_data_stream();
    let next = world
        .clock
        .run_until(futures_util::StreamExt::next(&mut chunks));
    assert!(next.expect("no waits").expect("a chunk").is_err());
    world.hub.set_away(false);
    assert_eq!(call(&address).expect("an answer").status(), 200);
    assert!(call("http://elsewhere.test/a").is_err());
    assert!(call("http://hub.test.evil/a").is_err());
}
