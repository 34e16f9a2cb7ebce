//! What is said of single features elsewhere: asked once and only when told to, kept, forgotten; and every answer that is none.

use crate::world::*;
use gemscope::{
    session::{Client, EngineOptions, protocol::*},
    spec::{Endpoint, Host, HostTable, Serves},
};

const PATH: &str = "/api/feature/gemma-2-2b/12-gemmascope-transcoder-16k/9377";

/// An engine whose installation asks the Hub about features.
fn options(world: &World) -> EngineOptions {
    let mut options = world.options();
    let endpoint: Endpoint = world.hub().hub_origin().parse().expect("an origin");
    options.library.hosts = HostTable {
        hosts: vec![Host {
            endpoint,
            also: vec![],
            serves: Serves::Features,
        }],
    };
    options.library.hub.stall_millis = 400.0;
    options.library.hub.answer_millis = 1500.0;
    options
}

fn client(world: &World) -> Client {
    Client::start(options(world)).expect("an engine")
}

fn body(text: &str, ask: bool) -> CommandBody {
    let feature = text.parse().expect("a feature");
    CommandBody::HostedLabel { feature, ask }
}

fn hosted(client: &mut Client, text: &str, ask: bool) -> Option<HostedLabel> {
    match done(client, body(text, ask)) {
        Outcome::HostedLabel {
            label,
            not_kept: None,
        } => label,
        other => panic!("{other:?}"),
    }
}

/// Fetches what is said of a feature into the world's store.
pub fn fetched(world: &World, text: &str) {
    assert!(hosted(&mut client(world), text, true).is_some());
}

#[test]
fn it_is_asked_for_once_and_kept_over_visits() {
    let world = World::new("hosted");
    let mut client = client(&world);
    assert_eq!(hosted(&mut client, "12.9377", false), None);
    assert!(world.hub().log().is_empty(), "nothing is asked by itself");
    let label = hosted(&mut client, "12.9377", true).expect("an answer");
    assert_eq!(
        label.label.label.as_deref(),
        Some("cities <b>of</b> 12/9377")
    );
    assert_eq!(
        (label.label.density, label.label.max),
        (Some(0.00125), Some(40.5))
    );
    assert!(label.source == "127.0.0.1" && label.date.len() == 10);
    assert_eq!(label.examples.len(), 12);
    assert!(label.examples.is_sorted_by(|a, b| a.value >= b.value));
    assert!(label.examples.iter().all(|it| it.pos < it.tokens.len()));
    let log = world.hub().log();
    let [entry] = &log[..] else {
        panic!("one request: {log:?}")
    };
    let plain = entry.query.is_empty() && entry.range.is_none();
    assert!(entry.path == PATH && entry.method == "GET" && plain);
    assert!(!entry.has_authorization && !entry.tells_of_page && !entry.leak);
    assert_eq!(
        hosted(&mut client, "12.9377", true).as_ref(),
        Some(&label),
        "a second look asks nobody"
    );
    drop(client);
    let mut client = self::client(&world);
    assert_eq!(
        hosted(&mut client, "12.9377", true).as_ref(),
        Some(&label),
        "nor does the next visit"
    );
    assert_eq!(hosted(&mut client, "12.9378", false), None);
    assert_eq!(world.hub().log().len(), 1);
    let Outcome::Freed { size_bytes } = done(&mut client, CommandBody::LabelsForget) else {
        panic!("freed")
    };
    assert!(size_bytes > 1000, "{size_bytes}");
    assert_eq!(hosted(&mut client, "12.9377", false), None);
}

#[test]
fn answers_that_are_none_are_said_and_nothing_is_kept() {
    let world = World::new("hosted-wrong");
    let mut client = client(&world);
    for (fault, what, remedy) in [
        ("status:429:30", "30 seconds", "Wait"),
        ("status:429", "asks to wait", "Wait"),
        ("status:404", "is not in", "Nobody has described it"),
        ("status:500", "answered 500", "connection"),
        (
            "status:403",
            "answered 403",
            "does not answer as it used to",
        ),
        ("html", "web page", "sign in"),
        ("garbage-json", "no answer about a feature", "as it used to"),
        (
            "another",
            "12-gemmascope-transcoder-16k/9378",
            "as it used to",
        ),
        ("padded:5000000", "more than 4 MiB", "as it used to"),
        ("cut:100", "in 1 attempt:", "connection"),
        ("stall:100", "nothing came for too long", "connection"),
        ("slow:20", "nothing came for too long", "connection"),
        ("redirect-loop", "sends on and on", "as it used to"),
    ] {
        let rule = format!("{fault}@/api/feature/#1").parse().expect("a rule");
        world.hub().set_faults(vec![rule]);
        world.hub().clear_log();
        let it = failed(&mut client, body("12.9377", true));
        assert!(
            it.what.contains(what) && it.remedy.contains(remedy),
            "{fault}: {it:?}"
        );
        assert!(it.what.contains("12.9377"), "{fault}: {it:?}");
        assert_eq!(world.hub().log().len(), 1, "{fault}: it is asked once");
        assert_eq!(hosted(&mut client, "12.9377", false), None, "{fault}");
    }
    assert!(hosted(&mut client, "12.9377", true).is_some());
    let it = failed(&mut client, body("26.0", true));
    assert!(it.what.contains("26.0") && it.remedy.contains("0 to 25"));
}

#[test]
fn without_a_network_what_is_kept_is_told_and_the_rest_is_said() {
    let mut world = World::new("hosted-offline");
    let mut client = client(&world);
    let label = hosted(&mut client, "3.7", true);
    world.hub_goes();
    assert_eq!(hosted(&mut client, "3.7", true), label);
    let it = failed(&mut client, body("3.8", true));
    assert!(it.what.contains("3.8") && it.remedy.contains("connection"));
}

#[test]
fn an_installation_may_ask_nobody() {
    let world = World::new("hosted-nobody");
    let mut options = options(&world);
    options.library.hosts.hosts.clear();
    let mut client = Client::start(options).expect("an engine");
    let it = failed(&mut client, body("3.7", true));
    assert!(it.what.contains("asks nobody") && it.remedy.contains("labels file"));
    assert_eq!(hosted(&mut client, "3.7", false), None);
    assert!(world.hub().log().is_empty());
}

#[test]
fn where_nothing_can_be_kept_it_holds_for_the_visit() {
    let world = World::new("hosted-private");
    let mut options = options(&world);
    let file = world.folder.join("no-folder");
    std::fs::write(&file, "a file").expect("a file of ours");
    options.library.folder = Some(file);
    let mut client = Client::start(options).expect("an engine");
    let Outcome::HostedLabel {
        label: Some(label),
        not_kept: Some(why),
    } = done(&mut client, body("3.7", true))
    else {
        panic!("a label that is not kept")
    };
    assert!(!why.what.is_empty() && !why.remedy.is_empty());
    assert_eq!(hosted(&mut client, "3.7", true), Some(label));
    assert_eq!(world.hub().log().len(), 1);
}
