//! Faults that bend a body: where it breaks, how fast it comes, what it says of itself.

use crate::client::{LARGE_BYTES, World, config, large};
use futures_util::{
    StreamExt,
    future::{Either, join, select},
};
use xtask::hub::{Body, Clock, Config, Request, Stuck};

#[test]
fn a_cut_breaks_the_connection_at_its_byte() {
    let world = World::faulty(&["cut:70000@/signed/#1"]);
    let address = world.address("model.safetensors");
    let short = world.range(&address, "0-69999");
    assert!(!short.broke, "a body that ends before the cut");
    let got = world.range(&address, "1000-199999");
    assert!(got.broke);
    assert_eq!((got.status, got.header("content-length")), (206, "199000"));
    assert_eq!(got.bytes, &large()[1000..71_000]);
    let entry = world.last();
    assert_eq!((entry.span(), entry.finished), (1000..71_000, false));
    assert_eq!(entry.fault.as_deref(), Some("cut:70000"));
    assert!(!world.range(&address, "1000-199999").broke);
}

#[test]
fn a_stall_leaves_the_connection_open_for_ever() {
    let world = World::faulty(&["stall:100@model#1"]);
    let address = world.address("model.safetensors");
    let stuck = world.try_ask(&address, &[("range", "bytes=0-999")]);
    assert_eq!(stuck.err(), Some(Stuck));
    let entry = world.last();
    assert_eq!((entry.bytes_sent, entry.finished), (100, false));
    // A client that gives up after 20 s of its own time goes on.
    world.set_faults(&["stall:0@model#1"]);
    let request = Request::builder()
        .uri(&address)
        .body(Body::empty())
        .unwrap();
    let impatient = async {
        let response = world.hub.call(request).await.unwrap();
        let mut chunks = response.into_body().into_data_stream();
        let late = world.clock.sleep(20_000.0);
        matches!(select(chunks.next(), late).await, Either::Right(_))
    };
    assert_eq!(world.clock.run_until(impatient), Ok(true));
    assert_eq!(world.clock.now_millis(), 20_000.0);
    assert_eq!(world.ask(&address, &[]).bytes.len(), LARGE_BYTES);
}

#[test]
fn a_slow_body_takes_its_time_and_a_throttle_is_shared() {
    let world = World::faulty(&["slow:1000@/signed/#1"]);
    let address = world.address("model.safetensors");
    let began = world.clock.now_millis();
    let slow = world.range(&address, "0-9999");
    assert_eq!(slow.bytes, &large()[..10_000]);
    assert_eq!(world.clock.now_millis() - began, 10_000.0);
    assert_eq!(slow.largest_chunk, 50);

    world.hub.set_throttle(Some(100_000));
    let began = world.clock.now_millis();
    let request = || {
        Request::builder()
            .uri(&address)
            .body(Body::empty())
            .unwrap()
    };
    let take = async |request| {
        let body = world.hub.call(request).await.unwrap().into_body();
        body.into_data_stream()
            .fold(0, async |n, it| n + it.unwrap().len())
            .await
    };
    let both = world
        .clock
        .run_until(join(take(request()), take(request())));
    assert_eq!(both, Ok((LARGE_BYTES, LARGE_BYTES)));
    let took = world.clock.now_millis() - began;
    assert!((took - 4000.0).abs() < 1.0, "{took}");
    world.hub.set_throttle(None);
    let began = world.clock.now_millis();
    world.ask(&address, &[]);
    assert_eq!(world.clock.now_millis(), began);
}

#[test]
fn a_throttle_holds_from_the_start_and_for_the_api() {
    let world = World::of(Config {
        throttle_bytes_per_second: Some(100),
        ..config()
    });
    let n_bytes = world.ask("/api/models/o/model", &[]).bytes.len();
    let took = world.clock.now_millis();
    assert!((took - n_bytes as f64 * 10.0).abs() < 1.0, "{took}");
}

#[test]
fn a_wrong_length_is_said_of_ranges_and_of_the_whole() {
    let world = World::faulty(&["wrong-length@/signed/"]);
    let address = world.address("model.safetensors");
    let part = world.range(&address, "0-9");
    assert_eq!(
        (part.status, part.header("content-range")),
        (206, "bytes 0-9/201000")
    );
    assert_eq!(part.bytes, &large()[..10]);
    let whole = world.ask(&address, &[]);
    assert_eq!(
        (whole.status, whole.header("content-length")),
        (200, "201000")
    );
    assert_eq!(&whole.bytes[..LARGE_BYTES], &large()[..]);
    assert_eq!(&whole.bytes[LARGE_BYTES..], &[0; 1000]);
}

#[test]
fn fewer_bytes_than_promised() {
    let world = World::faulty(&["short:30@/signed/"]);
    let got = world.range(&world.address("model.safetensors"), "100-199");
    assert_eq!(got.header("content-range"), "bytes 100-199/200000");
    assert_eq!(got.header("content-length"), "100");
    assert_eq!((got.bytes.len(), got.broke), (70, false));
    let none = world.range(&world.address("model.safetensors"), "0-9");
    assert_eq!((none.header("content-length"), none.bytes.len()), ("10", 0));
}

#[test]
fn more_bytes_than_asked_for_and_others() {
    let world = World::faulty(&["long:30@/signed/"]);
    let address = world.address("model.safetensors");
    let long = world.range(&address, "100-199");
    assert_eq!(long.header("content-range"), "bytes 100-229/200000");
    assert_eq!(long.bytes, &large()[100..230]);
    world.set_faults(&["shifted:7@/signed/"]);
    let shifted = world.range(&address, "100-199");
    assert_eq!(shifted.header("content-range"), "bytes 107-206/200000");
    assert_eq!(shifted.bytes, &large()[107..207]);
    assert_eq!(world.last().first_byte, 107);
    world.set_faults(&[
        "shifted:18446744073709551615@/signed/",
        "long:18446744073709551615@/signed/",
    ]);
    assert_eq!(world.range(&address, "100-199").bytes.len(), 0);
}

#[test]
fn a_range_can_be_ignored() {
    let world = World::faulty(&["no-range@model#1", "flip:150@model#1"]);
    let address = world.address("model.safetensors");
    let got = world.range(&address, "100-199");
    assert_eq!((got.status, got.header("content-range")), (200, ""));
    assert_eq!(
        (got.bytes.len(), got.bytes[150]),
        (LARGE_BYTES, large()[150] ^ 1)
    );
    assert_eq!(world.range(&address, "100-199").bytes, &large()[100..200]);
}

#[test]
fn one_byte_is_another_one_wherever_it_is_sent() {
    let world = World::faulty(&["flip:65600@/signed/#x2"]);
    let address = world.address("model.safetensors");
    assert_eq!(
        world.range(&address, "0-65599").bytes,
        &large()[..65_600],
        "not in it"
    );
    for (range, at) in [("65600-65600", 0), ("10-199999", 65_590)] {
        let got = world.range(&address, range);
        let first: usize = range.split('-').next().unwrap().parse().unwrap();
        let right = &large()[first..first + got.bytes.len()];
        let wrong: Vec<usize> = (0..right.len())
            .filter(|i| got.bytes[*i] != right[*i])
            .collect();
        assert_eq!(wrong, [at], "{range}");
    }
    assert_eq!(
        world.range(&address, "65600-65600").bytes,
        [large()[65_600]]
    );
}

#[test]
fn small_files_and_the_api_break_too() {
    let world = World::faulty(&["cut:3@config.json#1", "cut:10@/api/#1"]);
    let small = world.ask("/o/model/resolve/main/config.json", &[]);
    assert!(small.broke && small.bytes.len() == 3);
    let listing = world.ask("/api/models/o/model/tree/main", &[]);
    assert!(listing.broke && listing.bytes.len() == 10);
    assert!(!world.ask("/api/models/o/model/tree/main", &[]).broke);
}
