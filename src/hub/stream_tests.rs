//! Streams under every fault and every pair of them: the right bytes come, or an error that says what to do; the token stays at home.

use super::*;
use crate::hub::{
    Net, WaitReason,
    double::{Double, FILE, Fault, HUB, SECRET, STORAGE},
};
use crate::sys::Clock;
use Fault::*;
use std::cell::RefCell;

/// Faults that asking again cures.
const PASSING: &[Fault] = &[
    Cut(0),
    Cut(1),
    Cut(200),
    ShortEnd(0),
    ShortEnd(300),
    Stall(0),
    Stall(130),
    SilentHead,
    NoConnection,
    Offline,
    Wait(None),
    Wait(Some(30)),
    RateLimitHeader(120),
    Busy(500),
    Busy(503),
    HubBusy(502),
    Expired(403),
    MoreBytes,
    ShortRange,
    NoContentRange,
    EmptyChunks,
];

/// Faults that nothing cures, and the name of the error that comes of each where a redirect is seen.
const LASTING: &[(Fault, &str)] = &[
    (Wait(Some(86_400)), "RateLimited"),
    (Forbidden, "Refused"),
    (NoRanges, "NoRanges"),
    (OtherTotal, "Changed"),
    (OtherStart, "OtherRange"),
    (PageInstead(200), "NotData"),
    (PageInstead(206), "NotData"),
    (OtherEtag, "Replaced"),
    (OtherCommit, "Replaced"),
    (LinkedSize, "Changed"),
    (LinkedSha, "Replaced"),
    (OffTable, "OffTable"),
    (RedirectLoop, "Redirects"),
    (NoLocation, "Redirects"),
    (HubSays(404, "EntryNotFound"), "NotFound"),
    (HubSays(403, "GatedRepo"), "NotAccepted"),
    (HubSays(401, "GatedRepo"), "WrongToken"),
];

/// What a run left behind.
struct Run {
    double: Double,
    net: Rc<Net>,
    /// The bytes that came, and the error if one did.
    got: Vec<u8>,
    error: Option<HubError>,
}

/// Reads 10..990 in pieces of 96 bytes, by three streams of one repository, with a token.
fn run(faults: &[Fault], follows: bool) -> Run {
    let double = Double::new(faults, follows);
    let net = double.net();
    let hub = HUB.parse().expect("an origin");
    net.set_token(&hub, Some(SECRET)).expect("a token");
    let remote = double.remote(&net);
    let got = RefCell::new(Vec::new());
    let read = async {
        for range in [10..400, 400..700, 700..990] {
            let mut stream = remote.stream(FILE, range)?;
            while stream.n_left() > 0 {
                let n_bytes = stream.n_left().min(96) as usize;
                let piece = stream.next(n_bytes).await?.into_vec();
                assert_eq!(piece.len(), n_bytes);
                got.borrow_mut().extend(piece);
            }
        }
        Ok(())
    };
    let error: Result<(), HubError> = double.clock.run_until(read).expect("no wait without end");
    let run = Run {
        double,
        net,
        got: got.into_inner(),
        error: error.err(),
    };
    run.check(faults);
    run
}

impl Run {
    /// What must hold after anything.
    fn check(&self, faults: &[Fault]) {
        let right = &self.double.data[10..10 + self.got.len()];
        assert_eq!(self.got, right, "wrong bytes after {faults:?}");
        match &self.error {
            None => assert_eq!(self.got.len(), 980, "{faults:?}"),
            Some(it) => {
                assert!(it.remedy().len() > 20, "{it:?}");
                let shown = format!("{it:?} {it:#?} {it} {}", it.remedy());
                assert!(
                    !shown.contains(SECRET) && !shown.contains("X-Sig"),
                    "{shown}"
                );
            }
        }
        for it in self.double.log.borrow().iter() {
            assert!(!it.url.contains(SECRET), "{it:?}");
            let own = it.url.starts_with(&format!("{HUB}/"));
            assert_eq!(it.authorization.is_some(), own, "{it:?}");
            assert_eq!(it.has_token, own, "{it:?}");
            let range = it.range.clone().expect("a range");
            assert!(range.start < range.end && range.end <= 990, "{it:?}");
        }
        assert!(
            self.net.waits().is_empty(),
            "notes are left after {faults:?}"
        );
        assert!(self.double.log.borrow().len() < 40, "{faults:?}");
    }

    fn error_name(&self) -> String {
        let shown = format!("{:?}", self.error.as_ref().expect("an error"));
        shown.split([' ', '{']).next().unwrap_or_default().into()
    }
}

#[test]
fn without_a_fault_one_signed_address_serves_all() {
    for follows in [false, true] {
        let run = run(&[], follows);
        assert!(run.error.is_none());
        let log = run.double.log.borrow();
        let at_hub = log.iter().filter(|it| it.url.starts_with(HUB)).count();
        assert_eq!(at_hub, 1);
        assert_eq!(log.len(), if follows { 3 } else { 4 });
        assert_eq!(run.double.clock.now_millis(), 0.0);
        assert_eq!(run.net.counts().n_bytes, 980);
    }
}

#[test]
fn every_passing_fault_alone_and_in_pairs_ends_with_the_bytes() {
    for follows in [false, true] {
        for first in PASSING {
            let alone = run(&[*first], follows);
            assert!(alone.error.is_none(), "{first:?}: {:?}", alone.error);
            assert!(
                alone.double.faults.borrow().is_empty(),
                "{first:?} was not met"
            );
            for second in PASSING {
                let both = run(&[*first, *second], follows);
                let twice_expired = [first, second].iter().all(|it| matches!(it, Expired(_)));
                match &both.error {
                    Some(HubError::Refused { .. }) if twice_expired => (),
                    it => assert!(it.is_none(), "{first:?}, {second:?}: {it:?}"),
                }
            }
        }
    }
}

#[test]
fn every_lasting_fault_ends_with_its_own_error() {
    for (fault, expected) in LASTING {
        let mut faults = vec![*fault];
        if *fault == OtherEtag {
            // Only a second answer can differ from the first.
            faults.insert(0, ShortRange);
        }
        let run = run(&faults, false);
        assert_eq!(run.error_name(), *expected, "{fault:?}");
    }
}

#[test]
fn every_pair_with_a_lasting_fault_ends_with_right_bytes_or_an_error_with_a_remedy() {
    let lasting = || LASTING.iter().map(|it| it.0);
    for follows in [false, true] {
        for first in lasting() {
            for second in lasting().chain(PASSING.iter().copied()) {
                // What must hold is checked inside.
                run(&[first, second], follows);
                run(&[second, first], follows);
            }
        }
    }
}

#[test]
fn a_browser_that_was_sent_elsewhere_takes_nothing_from_there() {
    let run = run(&[OffTable], true);
    assert_eq!(run.error_name(), "OffTable");
    assert!(run.got.is_empty() && run.net.counts().n_bytes == 0);
    let shown = run.error.unwrap().to_string();
    assert!(shown.contains("https://evil.example"), "{shown}");
}

#[test]
fn a_refusal_that_stays_shows_what_the_storage_said() {
    let run = run(&[Forbidden], false);
    let Some(HubError::Refused { status, said, .. }) = run.error else {
        panic!("{:?}", run.error);
    };
    assert_eq!((status, said.as_str()), (403, "AccessDenied no"));
    let log = run.double.log.borrow();
    let fresh: Vec<_> = log.iter().filter(|it| it.url.starts_with(HUB)).collect();
    assert_eq!(fresh.len(), 2, "one fresh address for the failure");
}

#[test]
fn resumed_at_the_byte_reached() {
    let run = run(&[Cut(200)], true);
    let log = run.double.log.borrow();
    let ranges: Vec<_> = log.iter().map(|it| it.range.clone().unwrap()).collect();
    assert_eq!(ranges, [10..400, 210..400, 400..700, 700..990]);
    // So much had come that nobody had to wait.
    assert_eq!(run.double.clock.now_millis(), 0.0);
    assert_eq!(run.net.counts().n_retries, 1);
}

/// The moments of all requests but the first, for data.
fn pauses(run: &Run) -> Vec<f64> {
    let log = run.double.log.borrow();
    let at: Vec<f64> = log.iter().map(|it| it.at_millis).collect();
    let pauses = at.windows(2).map(|it| it[1] - it[0]);
    pauses.filter(|it| *it > 0.0).collect()
}

#[test]
fn waits_are_as_long_as_they_should_be() {
    for (fault, from_millis, to_millis) in [
        (Busy(503), 5e3, 6.25e3),
        (Cut(1), 5e3, 6.25e3),
        (Wait(None), 5e3, 6.25e3),
        (Wait(Some(30)), 30e3, 31e3),
        (RateLimitHeader(120), 120e3, 121e3),
        (Stall(10), 25e3, 26.25e3),
        (SilentHead, 25e3, 26.25e3),
        (Offline, 3_600e3, 3_600e3),
    ] {
        let run = run(&[fault], true);
        let [pause] = pauses(&run)[..] else {
            panic!("{fault:?}: {:?}", pauses(&run));
        };
        assert!(
            (from_millis..=to_millis).contains(&pause),
            "{fault:?}: {pause}"
        );
    }
}

#[test]
fn waits_grow_and_end_with_an_error() {
    let run = run(&[Busy(500); 20], true);
    assert_eq!(run.error_name(), "GaveUp");
    let pauses = pauses(&run);
    assert_eq!(pauses.len(), 7);
    assert!(
        pauses.iter().all(|it| (5e3..=60e3).contains(it)),
        "{pauses:?}"
    );
    assert!(pauses[0] <= 6.25e3 && pauses[1] >= 7.5e3 && pauses[6] == 60e3 || pauses[6] >= 45e3);
    let shown = run.error.unwrap().to_string();
    assert!(
        shown.contains("8 attempts") && shown.contains("500"),
        "{shown}"
    );
}

#[test]
fn asked_to_wait_again_and_again_is_told_as_such() {
    let run = run(&[Wait(Some(10)); 20], true);
    let Some(HubError::RateLimited { seconds, .. }) = run.error else {
        panic!("{:?}", run.error);
    };
    assert_eq!(seconds, Some(10));
    assert_eq!(run.net.counts().n_asked, 8);
}

#[test]
fn progress_forgives_what_failed_before() {
    // More failures than attempts, but each brings a byte.
    let run = run(&[Stall(1); 12], true);
    assert!(run.error.is_none(), "{:?}", run.error);
    assert_eq!(run.net.counts().n_stalls, 12);
}

#[test]
fn a_failing_storage_is_left_for_a_fresh_address() {
    let run = run(&[NoConnection; 3], true);
    assert!(run.error.is_none());
    let log = run.double.log.borrow();
    assert!(log.iter().filter(|it| it.url.starts_with(HUB)).count() > 1);
    assert!(log.iter().any(|it| it.url.starts_with(STORAGE)));
}

#[test]
fn more_than_promised_is_cut_off_and_counted() {
    let run = run(&[MoreBytes], true);
    assert!(run.error.is_none());
    assert_eq!(run.net.counts().n_lies, 1);
}

#[test]
fn a_dropped_call_loses_no_byte() {
    let double = Double::new(&[Stall(130)], true);
    let remote = double.remote(&double.net());
    let mut stream = remote.stream(FILE, 0..500).unwrap();
    let read = async {
        let first = stream.next(100).await?.into_vec();
        // Dropped in the silence, with 30 bytes already taken.
        let clock = double.clock.clone();
        let raced =
            futures_util::future::select(Box::pin(stream.next(100)), clock.sleep(5.0)).await;
        assert!(matches!(raced, futures_util::future::Either::Right(_)));
        drop(raced);
        assert_eq!(stream.position(), 100);
        Ok::<_, HubError>([first, stream.next(400).await?.into_vec()].concat())
    };
    let got = double.clock.run_until(read).unwrap().unwrap();
    assert_eq!(got, double.data[..500]);
}

#[test]
fn those_who_wait_say_for_what() {
    let double = Double::new(&[Wait(Some(30)), Offline], true);
    let net = double.net();
    let remote = double.remote(&net);
    let seen = RefCell::new(Vec::new());
    let watch = async {
        for _ in 0..100 {
            double.clock.sleep(1_000.0).await;
            seen.borrow_mut().extend(net.waits());
        }
    };
    let read = async { remote.stream(FILE, 0..9)?.next(9).await };
    let both = futures_util::future::join(read, watch);
    double.clock.run_until(both).unwrap().0.unwrap();
    let seen = seen.into_inner();
    let asked = &seen[0];
    assert_eq!(
        (asked.reason, asked.what.as_str()),
        (WaitReason::Asked, FILE)
    );
    assert!((30e3..=31e3).contains(&asked.until_millis.unwrap()));
    let offline = seen.last().unwrap();
    assert_eq!(
        (offline.reason, offline.until_millis),
        (WaitReason::Offline, None)
    );
    assert!(net.waits().is_empty());
}

#[test]
fn ranges_beyond_the_end_ask_for_nothing() {
    let double = Double::new(&[], true);
    let remote = double.remote(&double.net());
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    for range in [0..1001, 5..4, 1001..1001] {
        assert!(matches!(
            remote.stream(FILE, range),
            Err(HubError::Range { .. })
        ));
    }
    let mut stream = remote.stream(FILE, 990..1000).unwrap();
    let got = double.clock.run_until(stream.next(11)).unwrap();
    assert!(matches!(got, Err(HubError::Range { .. })));
    let got = double.clock.run_until(stream.next(0)).unwrap().unwrap();
    assert!(got.is_empty() && double.log.borrow().is_empty());
    assert!(matches!(
        remote.stream("../x", 0..1),
        Err(HubError::Name { .. })
    ));
    assert!(matches!(
        remote.stream("x", 0..1),
        Err(HubError::NotFound { .. })
    ));
}
