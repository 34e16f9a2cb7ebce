//! Labels files from an address: read with their progress told, kept, and what is wrong with an address or an answer.

use crate::world::*;
use gemscope::{
    hub::{HubConfig, NativeHttp, Net, Reach},
    session::{Client, Told, protocol::*},
    spec::HostTable,
    sys::system_clock,
};
use std::{rc::Rc, sync::Arc};

fn load(set: &str, address: &str) -> CommandBody {
    CommandBody::LabelsLoad {
        set: set.into(),
        from: LabelsFrom::Place(address.into()),
        tell: false,
        keep: true,
    }
}

fn address(world: &World) -> String {
    format!(
        "{}/{NOTES}/resolve/main/labels.json",
        world.hub().hub_origin()
    )
}

fn kept(outcome: Outcome) -> Option<LabelsKept> {
    match outcome {
        Outcome::LabelsLoaded { kept, .. } => kept,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_of_an_address_is_kept_and_needs_no_network_again() {
    let mut world = World::new("labels-address");
    let address = address(&world);
    let mut client = world.client();
    let mut phases = Vec::new();
    let ended = client.call(load(LABELLED, &address), &mut |it| {
        if let Told::Progress { phase, .. } = it {
            phases.push(phase);
        }
    });
    let it = kept(ended.expect("labels")).expect("it is kept");
    assert_eq!(it.from, address);
    assert!(
        phases.iter().any(|it| it == "Fetching labels"),
        "{phases:?}"
    );
    drop(client);
    world.hub_goes();
    let mut client = world.client();
    let from = LabelsFrom::Kept { otherwise: None };
    let body = CommandBody::LabelsLoad {
        set: LABELLED.into(),
        from,
        tell: false,
        keep: false,
    };
    assert_eq!(kept(done(&mut client, body)), Some(it));
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    let world = World::new("labels-wrong");
    let mut client = world.client();
    let good = address(&world);
    let nowhere = good.replace("labels.json", "none.json");
    let it = failed(&mut client, load("", &nowhere));
    assert!(
        it.what.contains("none.json") && it.remedy.contains("address"),
        "{it:?}"
    );
    let it = failed(&mut client, load("other/set", &good));
    assert!(it.what.contains("other/set"), "{it:?}");
    for (fault, what) in [
        ("html", "web page"),
        ("status:403", "403"),
        ("cut:9", "attempts"),
    ] {
        let rule = format!("{fault}@labels.json").parse().expect("a rule");
        world.hub().set_faults(vec![rule]);
        let it = failed(&mut client, load("", &good));
        assert!(it.what.contains(what), "{fault}: {it:?}");
    }
}

#[test]
fn an_address_off_the_host_table_is_refused_in_words() {
    let world = World::new("labels-table");
    let made = || {
        let http = Rc::new(NativeHttp::new().expect("a thread"));
        let (config, hosts) = (HubConfig::default(), HostTable::default());
        Net::with_reach(http, system_clock(), config, hosts, Reach::Table)
    };
    let mut options = world.options();
    options.library.instead.net = Some(Arc::new(made));
    let mut client = Client::start(options).expect("an engine");
    for address in [
        address(&world),
        "https://www.neuronpedia.org/labels.json".into(),
    ] {
        let it = failed(&mut client, load("", &address));
        assert!(
            it.what.contains("among the hosts") && it.remedy.contains("from your disk"),
            "{it:?}"
        );
    }
    assert!(world.hub().log().is_empty());
}
