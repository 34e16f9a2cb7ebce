//! Files without faults: redirects, ranges, signed addresses, changes, files larger than memory.

use crate::client::{LARGE_BYTES, MODEL, TOKEN, World, config, large};
use std::{collections::BTreeMap, sync::Arc};
use xtask::hub::{Config, Content, Generated, Repo, bytes_served_twice};

#[test]
fn a_large_file_is_a_redirect_that_tells_its_size_and_hash() {
    let world = World::new();
    let got = world.ask(
        &format!("/{MODEL}/resolve/main/layer_0/average%20l0_76/params.npz"),
        &[],
    );
    assert_eq!(got.status, 302);
    assert_eq!(got.header("x-linked-size"), LARGE_BYTES.to_string());
    assert_eq!(got.header("x-linked-etag").len(), 66);
    assert_eq!(
        got.header("x-repo-commit"),
        world.hub.commit(MODEL).unwrap()
    );
    let address = got.header("location");
    assert!(
        address.starts_with("http://signed.test/signed/0-"),
        "{address}"
    );
    assert!(
        address.contains("/layer_0/average%20l0_76/params.npz?Expires="),
        "{address}"
    );
    let signed = world.ask(address, &[]);
    assert_eq!((signed.status, &signed.bytes[..]), (200, &large()[..]));
    assert_eq!(signed.header("etag"), got.header("x-linked-etag"));
    assert!(
        !signed
            .headers
            .keys()
            .any(|it| it.as_str().starts_with("x-"))
    );
}

#[test]
fn a_small_file_is_answered_at_once() {
    let world = World::new();
    let path = format!("/{MODEL}/resolve/main/config.json");
    let got = world.ask(&path, &[]);
    assert_eq!((got.status, got.text().as_str()), (200, "{\"n\": 1}"));
    assert_eq!(
        got.header("x-repo-commit"),
        world.hub.commit(MODEL).unwrap()
    );
    assert_eq!(
        (got.header("etag").len(), got.header("accept-ranges")),
        (42, "bytes")
    );
    let part = world.range(&path, "1-3");
    assert_eq!((part.status, part.text().as_str()), (206, "\"n\""));
    assert_eq!(part.header("content-range"), "bytes 1-3/8");
}

#[test]
fn the_signed_origin_answers_ranges() {
    let world = World::new();
    let address = world.address("model.safetensors");
    let got = world.range(&address, "1000-150999");
    assert_eq!((got.status, &got.bytes[..]), (206, &large()[1000..151_000]));
    assert_eq!(got.header("content-range"), "bytes 1000-150999/200000");
    assert_eq!(got.header("content-length"), "150000");
    assert_eq!(got.header("accept-ranges"), "bytes");
    assert_eq!(got.largest_chunk, 64 * 1024);
    let entry = world.last();
    assert_eq!((entry.span(), entry.finished), (1000..151_000, true));
    assert_eq!(entry.range.as_deref(), Some("bytes=1000-150999"));

    let rest = world.range(&address, "199990-");
    assert_eq!((rest.status, &rest.bytes[..]), (206, &large()[199_990..]));
    assert_eq!(world.range(&address, "-10").bytes, rest.bytes);
    let beyond = world.range(&address, "200000-");
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, "bytes */200000")
    );
    assert_eq!(world.range(&world.address("empty.npz"), "0-0").status, 416);
    let empty = world.ask(&world.address("empty.npz"), &[]);
    assert_eq!((empty.status, empty.header("content-length")), (200, "0"));
    assert!(world.last().finished);
}

#[test]
fn headers_alone_are_those_of_the_whole_answer() {
    let world = World::faulty(&["cut:1@/#1"]);
    let address = world.address("model.safetensors");
    world.set_faults(&["cut:1@/#1"]);
    let got = world.ask(&format!("HEAD {address}"), &[]);
    assert_eq!((got.status, got.bytes.len(), got.broke), (200, 0, false));
    assert_eq!(got.header("content-length"), "200000");
    assert_eq!((world.last().bytes_sent, world.last().fault), (0, None));
    let redirect = world.ask(
        &format!("HEAD /{MODEL}/resolve/main/model.safetensors"),
        &[],
    );
    assert_eq!(
        (redirect.status, redirect.header("x-linked-size")),
        (302, "200000")
    );
}

#[test]
fn a_signed_address_expires() {
    let world = World::of(Config {
        expiry_seconds: 60,
        ..config()
    });
    let address = world.address("model.safetensors");
    world.clock.advance(59_999.0);
    assert_eq!(world.range(&address, "0-9").status, 206);
    world.clock.advance(1.0);
    let got = world.range(&address, "0-9");
    assert_eq!(
        (got.status, got.header("content-type")),
        (403, "application/xml")
    );
    assert!(
        got.text()
            .contains("<Message>Request has expired</Message>")
    );
    assert_eq!(
        world
            .range(&world.address("model.safetensors"), "0-9")
            .status,
        206
    );
}

#[test]
fn an_address_is_good_for_its_own_file_alone() {
    let world = World::new();
    let address = world.address("model.safetensors");
    for wrong in [
        address.replace("model.safetensors", "config.json"),
        address.replace("Expires=", "Expires=9"),
        address.split('?').next().unwrap().to_string(),
    ] {
        let got = world.ask(&wrong, &[]);
        assert_eq!(got.status, 403);
        assert!(got.text().contains("SignatureDoesNotMatch"), "{wrong}");
    }
    assert_eq!(world.ask("http://signed.test/", &[]).status, 403);
}

#[test]
fn a_token_at_the_signed_origin_is_a_leak_and_is_refused() {
    let world = World::new();
    let address = world.address("model.safetensors");
    for value in [format!("Bearer {TOKEN}"), "Basic abc".into()] {
        let got = world.ask(&address, &[("authorization", &value)]);
        assert_eq!(got.status, 400);
        assert!(got.text().contains("Only one auth mechanism allowed"));
        assert!(world.last().leak && world.last().has_authorization);
    }
    world.ask(&address, &[]);
    assert!(!world.last().leak);
}

#[test]
fn a_change_is_a_new_commit_beside_the_old_one() {
    let world = World::new();
    let (old, address) = (
        world.hub.commit(MODEL).unwrap(),
        world.address("model.safetensors"),
    );
    let before = world.ask(&address, &[]);
    let new = world.hub.touch(MODEL, "model.safetensors").unwrap();
    assert_ne!(new, old);
    let resolve = |revision: &str| {
        world.ask(
            &format!("/{MODEL}/resolve/{revision}/model.safetensors"),
            &[],
        )
    };
    let [at_old, at_new] = [&old, &new].map(|it| resolve(it));
    assert_eq!(at_old.header("x-linked-etag"), before.header("etag"));
    assert_ne!(at_new.header("x-linked-etag"), before.header("etag"));
    assert_eq!(
        world.ask(at_old.header("location"), &[]).bytes,
        before.bytes
    );
    assert_eq!(world.ask(&address, &[]).bytes, before.bytes);
    let after = world.ask(at_new.header("location"), &[]);
    assert_ne!(after.bytes, before.bytes);
    assert_eq!(after.bytes.len(), before.bytes.len());
    assert!(world.hub.touch(MODEL, "none").is_err());
    assert!(world.hub.touch("o/none", "config.json").is_err());
}

#[test]
fn the_log_tells_what_was_sent_twice_and_how_far() {
    let world = World::new();
    let address = world.address("model.safetensors");
    world.hub.clear_log();
    world.range(&address, "0-99");
    world.range(&address, "100-199");
    assert_eq!(bytes_served_twice(&world.hub.log()), 0);
    world.range(&address, "150-249");
    assert_eq!(bytes_served_twice(&world.hub.log()), 50);
    let lines: Vec<String> = world.hub.log().iter().map(|it| it.request_line()).collect();
    let commit = world.hub.commit(MODEL).unwrap();
    let path = format!("signed GET /signed/0-{commit}/model.safetensors");
    assert_eq!(lines[2], format!("{path} bytes=150-249"));
    let other = world.address("model.safetensors");
    assert_ne!(other, address);
    world.range(&other, "150-249");
    assert_eq!(world.last().request_line(), lines[2]);
}

/// 1 TiB that lies nowhere: a body is read as it is taken.
#[test]
fn a_file_may_be_larger_than_memory() {
    let made = Generated {
        size_bytes: 1 << 40,
        fill: |at: u64, out: &mut [u8]| (at..).zip(out).for_each(|(i, it)| *it = (i >> 16) as u8),
    };
    let hash = "0".repeat(64);
    let known = Known(made, hash.clone());
    let files: BTreeMap<String, Arc<dyn Content>> = [("a.npz".into(), Arc::new(known) as _)].into();
    let world = World::of(Config::new(vec![Repo::new(MODEL, files)]));
    let address = world.address("a.npz");
    let got = world.range(&address, "1099511627774-");
    assert_eq!((got.status, &got.bytes[..]), (206, &[255, 255][..]));
    assert_eq!(got.header("etag"), format!("\"{hash}\""));
    let far = world.range(
        &address,
        &format!("{}-{}", 7u64 << 16, (7u64 << 16) + 70_000),
    );
    assert_eq!(
        (far.bytes[0], far.bytes[65_536], far.largest_chunk),
        (7, 8, 65_536)
    );
}

struct Known<T>(T, String);

impl<T: Content> Content for Known<T> {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(at, out)
    }

    fn known_sha256(&self) -> Option<String> {
        Some(self.1.clone())
    }
}
