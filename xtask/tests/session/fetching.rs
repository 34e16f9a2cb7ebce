//! `Fetch` and what steers it, while other commands are served.

use crate::world::*;
use gemscope::{
    session::protocol::*,
    spec::{FetchPlan, Part, Trust},
};
use std::{collections::BTreeSet, time::Instant};
use xtask::hub::Door;

/// Slow enough that a fetch of `nano` takes some seconds.
const SLOW: u64 = 400_000;

#[test]
fn a_set_is_fetched_and_told_plan_first() {
    let world = World::new("fetched");
    let mut client = world.client();
    assert!(!world.store().exists(), "nothing before it is needed");
    let (told, ended) = told(&mut client, world.fetch());
    let Ok(Outcome::Fetched(fetched)) = ended else {
        panic!("{ended:?}")
    };
    assert!(matches!(&told[0], FetchTold::Plan(it) if it.kept_bytes == 0));
    let plans: Vec<&FetchPlan> = told.iter().filter_map(plan).collect();
    let plan = plans.last().unwrap();
    assert!(plan.certain && plan.missing_bytes == Some(0), "{plan:?}");
    assert_eq!(fetched.repos.len(), 2);
    assert_eq!(fetched.trust, Trust::File);
    assert!(fetched.received_bytes > 0 && fetched.disk_bytes > 0);
    let parts: BTreeSet<Part> = told.iter().filter_map(part).collect();
    for layer in 0..4 {
        for it in [
            Part::Attention(layer),
            Part::Mlp(layer),
            Part::Vectors(layer),
            Part::Encoder(layer),
            Part::Decoder(layer),
        ] {
            assert!(parts.contains(&it), "{it}");
        }
    }
    let Some(FetchTold::Progress(last)) =
        told.iter().rfind(|it| matches!(it, FetchTold::Progress(_)))
    else {
        panic!("progress")
    };
    assert_eq!(last.done_bytes, last.total_bytes);

    // The same again asks for nothing.
    world.hub().clear_log();
    let Outcome::Fetched(again) = done(&mut client, world.fetch()) else {
        panic!("fetched")
    };
    assert_eq!(
        (again.received_bytes, again.disk_bytes),
        (0, fetched.disk_bytes)
    );
    assert!(world.hub().log().is_empty());
}

#[test]
fn others_are_served_meanwhile_and_a_cancel_leaves_what_came() {
    let world = World::new("cancelled");
    let mut client = world.client();
    world.hub().set_throttle(Some(SLOW));
    let id = client.post(world.fetch());
    until(&mut client, |it| part_of(it) == Some(Part::Encoder(0)));
    for body in [CommandBody::Stored, CommandBody::Close] {
        let other = client.post(body);
        let events = until_end(&mut client, other);
        assert!(events.iter().all(|it| !ends(it, id)), "the fetch goes on");
    }
    // The very same set is fetched once.
    let twice = failed(&mut client, world.fetch());
    assert!(twice.what.contains("being fetched already"), "{twice:?}");
    let started = Instant::now();
    client.post(CommandBody::Cancel { id });
    let events = until_end(&mut client, id);
    assert_eq!(events.last().unwrap().body, EventBody::Cancelled);
    assert!(started.elapsed().as_secs() < 2);

    world.hub().set_throttle(None);
    let (told, ended) = told(&mut client, world.fetch());
    let Ok(Outcome::Fetched(fetched)) = ended else {
        panic!("{ended:?}")
    };
    let plans: Vec<&FetchPlan> = told.iter().filter_map(plan).collect();
    assert!(plans[0].kept_bytes > 100_000, "{plans:?}");
    // Headers come besides: of small archives half of the file.
    let most = plans[0].download_bytes + 4 * 70_000;
    assert!(fetched.received_bytes <= most, "{fetched:?}");
}

#[test]
fn a_pause_holds_what_comes_and_lets_it_go_on() {
    let world = World::new("paused");
    let mut client = world.client();
    done(&mut client, CommandBody::Pause { paused: true });
    let id = client.post(world.fetch());
    until(&mut client, |it| it.id == id && plan_of(it).is_some());
    let stored = client.post(CommandBody::Stored);
    let events = until_end(&mut client, stored);
    assert!(events.iter().all(|it| part_of(it).is_none()), "{events:?}");
    let sent: u64 = bytes_of_files(&world);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(
        bytes_of_files(&world),
        sent,
        "nothing comes while it is held"
    );
    client.post(CommandBody::Pause { paused: false });
    let events = until_end(&mut client, id);
    assert!(matches!(events.last().unwrap().body, EventBody::Done(_)));
}

#[test]
fn a_layer_that_is_asked_for_comes_first() {
    let world = World::new("first");
    let mut client = world.client();
    world.hub().set_throttle(Some(SLOW));
    let id = client.post(world.fetch());
    until(&mut client, |it| part_of(it) == Some(Part::Encoder(0)));
    client.post(CommandBody::Prioritise { layer: 3 });
    world.hub().set_throttle(Some(4 * SLOW));
    let events = until_end(&mut client, id);
    let order: Vec<Part> = events.iter().filter_map(part_of).collect();
    let at = |it: Part| order.iter().position(|of| *of == it).unwrap();
    assert!(at(Part::Encoder(3)) < at(Part::Encoder(1)), "{order:?}");
    assert!(at(Part::Attention(1)) < at(Part::Attention(3)), "{order:?}");
}

#[test]
fn closing_the_engine_ends_a_fetch_with_what_came() {
    let world = World::new("closed");
    let mut client = world.client();
    world.hub().set_throttle(Some(SLOW));
    let id = client.post(world.fetch());
    until(&mut client, |it| it.id == id && part_of(it).is_some());
    let started = Instant::now();
    drop(client);
    assert!(started.elapsed().as_secs() < 5);
    let mut client = world.client();
    let Outcome::Stored(list) = done(&mut client, CommandBody::Stored) else {
        panic!("a list")
    };
    let parts = list.sources.iter().flat_map(|it| &it.parts);
    assert!(
        parts.clone().any(|it| it.whole && it.part.is_some()),
        "{list:?}"
    );
    assert!(
        parts.clone().all(|it| !it.busy),
        "no lock outlives the engine"
    );
}

#[test]
fn variants_are_those_of_the_listing() {
    let world = World::new("variants");
    let mut client = world.client();
    let repo = world.repo(TRANSCODERS);
    let body = CommandBody::Variants { repo: repo.clone() };
    let Outcome::Variants(variants) = done(&mut client, body) else {
        panic!("variants")
    };
    assert_eq!(
        variants.iter().map(|it| it.layer).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    for it in &variants {
        assert!(
            it.size_bytes.is_some_and(|it| it > 0) && it.repo == repo,
            "{it:?}"
        );
        assert!(it.file.ends_with("params.npz") && it.width.is_some());
    }
    assert!(!world.store().exists(), "a question keeps nothing");
}

#[test]
fn a_token_opens_a_gate_and_is_never_shown() {
    let world = World::new("token");
    let mut client = world.client();
    let gated = || fetch(world.set_of(GATED, TRANSCODERS));
    let endpoint = world.repo(GATED).endpoint;
    let token = |secret: Option<&str>| CommandBody::Token {
        endpoint: endpoint.clone(),
        secret: secret.map(|it| Secret(it.into())),
    };
    let none = failed(&mut client, gated());
    assert!(
        none.what.contains("gated") && none.remedy.contains("token"),
        "{none:?}"
    );
    let wrong = "hf_someOtherSecret";
    done(&mut client, token(Some(wrong)));
    let it = failed(&mut client, gated());
    assert!(it.what.contains("may not read"), "{it:?}");
    assert!(!format!("{it:?}").contains(wrong));
    let id = client.post(token(Some("no token\n")));
    let events = until_end(&mut client, id);
    assert!(
        matches!(&events.last().unwrap().body, EventBody::Failed(it) if !it.detail.contains("no token\n"))
    );
    let shown = format!("{:?}", token(Some(TOKEN)));
    assert!(!shown.contains(TOKEN), "{shown}");
    done(&mut client, token(Some(TOKEN)));
    let id = client.post(gated());
    let events = until_end(&mut client, id);
    assert!(matches!(
        events.last().unwrap().body,
        EventBody::Done(Outcome::Fetched(_))
    ));
    assert!(!serde_json::to_string(&events).unwrap().contains(TOKEN));
    let requests = world.hub().log();
    assert!(requests.iter().all(|it| !it.leak) && requests.iter().any(|it| it.has_authorization));
    drop(client);
    for file in walk(&world.store()) {
        let bytes = std::fs::read(&file).unwrap();
        let has = bytes.windows(TOKEN.len()).any(|it| it == TOKEN.as_bytes());
        assert!(!has, "{}", file.display());
    }
}

fn bytes_of_files(world: &World) -> u64 {
    let log = world.hub().log();
    let files = log.iter().filter(|it| it.origin == Door::Signed);
    files.map(|it| it.bytes_sent).sum()
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => out.extend(walk(&path)),
            false => out.push(path),
        }
    }
    out
}

fn plan(it: &FetchTold) -> Option<&FetchPlan> {
    match it {
        FetchTold::Plan(it) => Some(it),
        _ => None,
    }
}

fn part(it: &FetchTold) -> Option<Part> {
    match it {
        FetchTold::Part { part, .. } => Some(*part),
        _ => None,
    }
}

fn plan_of(it: &Event) -> Option<&FetchPlan> {
    match &it.body {
        EventBody::Partial(Partial::Fetch(it)) => plan(it),
        _ => None,
    }
}

fn part_of(it: &Event) -> Option<Part> {
    match &it.body {
        EventBody::Partial(Partial::Fetch(it)) => part(it),
        _ => None,
    }
}

fn ends(it: &Event, id: u32) -> bool {
    it.id == id
        && matches!(
            it.body,
            EventBody::Done(_) | EventBody::Failed(_) | EventBody::Cancelled
        )
}
