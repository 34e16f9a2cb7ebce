//! The controls over HTTP, as a page in a browser uses them.

use crate::client::{MODEL, World};
use serde_json::json;
use xtask::hub::{Body, Clock, Entry, Request, Rule};

/// Status and text of an answer to JSON.
fn post(world: &World, path: &str, body: &serde_json::Value) -> (u16, String) {
    let request = Request::builder()
        .method("POST")
        .uri(format!("http://hub.test{path}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let answer = async {
        let response = world.hub.call(request).await.expect("a host that answers");
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["access-control-allow-origin"], "*");
        let bytes = whole(body).await;
        (
            parts.status.as_u16(),
            String::from_utf8(bytes).expect("text"),
        )
    };
    world.clock.run_until(answer).expect("no waits")
}

async fn whole(body: Body) -> Vec<u8> {
    use futures_util::TryStreamExt;
    let chunks = body.into_data_stream();
    let all = chunks.try_fold(Vec::new(), async |mut all, it| {
        all.extend_from_slice(&it);
        Ok(all)
    });
    all.await.expect("a whole body")
}

#[test]
fn the_log_is_read_and_cleared() {
    let world = World::new();
    world.range("/o/model/resolve/main/config.json", "0-1");
    let got = world.ask("/_log", &[("origin", "http://page.test")]);
    assert_eq!(got.header("access-control-allow-origin"), "*");
    let entries: Vec<Entry> = serde_json::from_slice(&got.bytes).unwrap();
    assert_eq!(entries, world.hub.log());
    assert_eq!(entries.len(), 1, "the controls are not in it");
    assert_eq!(
        (entries[0].status, entries[0].bytes_sent, entries[0].seq),
        (206, 2, 0)
    );
    assert_eq!(got.json()[0]["origin"], "hub");
    assert_eq!(world.ask("DELETE /_log", &[]).status, 204);
    assert_eq!(world.ask("/_log", &[]).json(), json!([]));
    world.ask("/o/model/resolve/main/config.json", &[]);
    assert_eq!(world.last().seq, 1);
}

#[test]
fn faults_are_set_as_text_or_as_data() {
    let world = World::new();
    let rules = json!(["html@/resolve/#1", { "fault": { "cut": { "after_bytes": 5 } }, "path": "config", "times": 1 }]);
    assert_eq!(post(&world, "/_faults", &rules), (204, String::new()));
    let rules: Vec<Rule> = serde_json::from_value(world.ask("/_faults", &[]).json()).unwrap();
    let texts: Vec<String> = rules.iter().map(Rule::to_string).collect();
    assert_eq!(texts, ["html@/resolve/#1", "cut:5@config#1"]);
    assert_eq!(
        world
            .ask("/o/model/resolve/main/config.json", &[])
            .header("content-type"),
        "text/html; charset=utf-8"
    );
    assert!(world.ask("/o/model/resolve/main/config.json", &[]).broke);
    let (status, said) = post(&world, "/_faults", &json!(["boom@/"]));
    assert_eq!(status, 400);
    assert!(said.contains("`boom` is no fault"), "{said}");
    assert_eq!(
        post(&world, "/_faults", &json!([{ "fault": "html" }])).0,
        422
    );
    assert_eq!(post(&world, "/_faults", &json!([])).0, 204);
    assert_eq!(world.ask("/_faults", &[]).json(), json!([]));
}

#[test]
fn the_pace_and_the_files_change() {
    let world = World::new();
    assert_eq!(
        post(&world, "/_throttle", &json!({ "bytes_per_second": 8 })).0,
        204
    );
    world.ask("/o/model/resolve/main/config.json", &[]);
    assert_eq!(world.clock.now_millis(), 1000.0);
    assert_eq!(
        post(&world, "/_throttle", &json!({ "bytes_per_second": null })).0,
        204
    );

    let old = world.hub.commit(MODEL).unwrap();
    let (status, commit) = post(
        &world,
        "/_touch",
        &json!({ "repo": MODEL, "path": "config.json" }),
    );
    assert_eq!((status, &commit), (200, &world.hub.commit(MODEL).unwrap()));
    let at_old = |world: &World| {
        world
            .ask(&format!("/o/model/resolve/{old}/config.json"), &[])
            .text()
    };
    assert_eq!(at_old(&world), "{\"n\": 1}");
    let rewrite = json!({ "repo": MODEL, "path": "config.json", "rewrite": true });
    assert_eq!(post(&world, "/_touch", &rewrite).0, 200);
    assert_ne!(at_old(&world), "{\"n\": 1}");
    let (status, said) = post(&world, "/_touch", &json!({ "repo": MODEL, "path": "none" }));
    assert_eq!((status, said.as_str()), (400, "o/model has no file none"));
    assert_eq!(
        post(&world, "/_touch", &json!({ "repo": "o/none", "path": "a" })).0,
        400
    );
}

#[test]
fn preflights_of_the_controls_and_the_end() {
    let world = World::new();
    for path in ["/_log", "/_faults", "/_throttle", "/_touch", "/_stop"] {
        let got = world.ask(
            &format!("OPTIONS {path}"),
            &[("origin", "http://page.test")],
        );
        assert_eq!(
            (got.status, got.header("access-control-allow-headers")),
            (204, "content-type")
        );
        assert!(
            got.header("access-control-allow-methods")
                .contains("DELETE")
        );
    }
    assert_eq!(post(&world, "/_stop", &json!(null)).0, 204);
    let request = Request::builder()
        .uri("http://hub.test/")
        .body(Body::empty())
        .unwrap();
    assert!(
        world
            .clock
            .run_until(world.hub.call(request))
            .expect("no waits")
            .is_err()
    );
}
