//! What is kept is opened without a network, computes what the files themselves compute, and is of use before it is whole.

use crate::world::*;
use gemscope::{
    session::{Client, Told, protocol::*},
    spec::{OPENING, Part, Positions, Readiness},
};

const IDS: [u32; 5] = [2, 74, 71, 409, 259];

#[test]
fn with_the_hub_gone_it_computes_what_the_files_compute() {
    if no_gpu("with_the_hub_gone_it_computes_what_the_files_compute") {
        return;
    }
    let mut world = World::new("offline");
    done(&mut world.client(), world.fetch());
    let (set, folders, options) = (world.set(), world.folders(), world.options());
    world.hub_goes();
    let mut client = Client::start(options).unwrap();
    let Outcome::Planned(plan) = done(&mut client, CommandBody::Plan(set.clone())) else {
        panic!("a plan")
    };
    let (kept, opened) = features(&mut client, set.clone());
    let (of_files, _) = features(&mut client, folders.clone());
    assert!(!kept.is_empty() && kept == of_files, "the very same bytes");
    assert_eq!(opened, plan);
    // A model that is kept with transcoders of a folder.
    let mixed = OpenRequest {
        transcoders: folders.transcoders,
        ..set
    };
    assert_eq!(features(&mut client, mixed).0, of_files);
}

#[test]
fn an_open_set_grows_as_parts_arrive() {
    if no_gpu("an_open_set_grows_as_parts_arrive") {
        return;
    }
    let world = World::new("arriving");
    let mut client = world.client();
    world.hub().set_throttle(Some(100_000));
    let id = client.post(world.fetch());
    let is_first = |it: &Event| matches!(&it.body, EventBody::Partial(Partial::Fetch(FetchTold::Part { part, .. })) if *part == Part::Encoder(0));
    until(&mut client, is_first);
    let open = client.post(CommandBody::Open(world.set()));
    let mut events = until_end(&mut client, open);
    let last = &events.last().unwrap().body;
    assert!(
        matches!(last, EventBody::Done(Outcome::Opened { .. })),
        "{last:?}"
    );
    let first = events
        .iter()
        .find_map(ready)
        .expect("what can be asked at first");
    assert!(
        first.opening && !first.whole && first.encoders == [0],
        "{first:?}"
    );
    world.hub().set_throttle(None);
    events.extend(until(&mut client, |it| {
        ready(it).is_some_and(|it| it.whole)
    }));
    let told: Vec<&Readiness> = events.iter().filter_map(ready).collect();
    assert!(told.windows(2).all(|it| it[0].n_layers <= it[1].n_layers));
    assert!(told.len() > 1 && told.last().unwrap().missing.is_empty());
    if !events
        .iter()
        .any(|it| it.id == id && matches!(it.body, EventBody::Done(_)))
    {
        until_end(&mut client, id);
    }
    let ids: Vec<u32> = OPENING[0].ids.iter().map(|it| it % 512).collect();
    let body = CommandBody::Run {
        input: Input::Ids(ids),
        want: vec![],
        writes: vec![],
    };
    done(&mut client, body);
}

#[test]
fn what_another_engine_brings_is_taken_up_too() {
    if no_gpu("what_another_engine_brings_is_taken_up_too") {
        return;
    }
    let world = World::new("other");
    let mut ours = world.client();
    let mut encoders = world.set();
    encoders.transcoders.as_mut().unwrap().halves = vec![Half::Encoder];
    done(&mut ours, fetch(encoders));
    done(&mut ours, CommandBody::Open(world.set()));
    let mut theirs = world.client();
    done(&mut theirs, world.fetch());
    let events = until(&mut ours, |it| ready(it).is_some_and(|it| it.whole));
    assert!(events.iter().all(|it| it.id == 0));
}

fn ready(it: &Event) -> Option<&Readiness> {
    match &it.body {
        EventBody::Ready(it) => Some(it),
        _ => None,
    }
}

/// The numbers of all features of a prompt, as they are told, and the plan.
fn features(client: &mut Client, set: OpenRequest) -> (Vec<Vec<u8>>, Plan) {
    let Outcome::Opened { plan, .. } = done(client, CommandBody::Open(set)) else {
        panic!("opened")
    };
    let run = CommandBody::Run {
        input: Input::Ids(IDS.into()),
        want: vec![],
        writes: vec![],
    };
    let Outcome::Ran { run, .. } = done(client, run) else {
        panic!("ran")
    };
    let body = CommandBody::Ask {
        run,
        what: What::Features { layers: None },
        positions: Positions::All,
    };
    let mut out = Vec::new();
    let mut on = |it: Told| {
        if let Told::Partial(_, parts) = it {
            out.extend(parts);
        }
    };
    client.call(body, &mut on).expect("an answer");
    (out, plan)
}
