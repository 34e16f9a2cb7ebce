//! Two streams of one file at once under random faults: never a wrong byte, never a token where it does not belong, always an end.

use super::{
    HubError, Remote,
    double::{Double, FILE, Fault, HUB, SECRET},
};
use Fault::*;
use futures_util::future::join;
use proptest::{
    collection::vec,
    prelude::{any, prop_assert, prop_assert_eq, proptest},
    sample::select,
    test_runner::TestCaseError,
};
use std::ops::Range;

const FAULTS: &[Fault] = &[
    Cut(0),
    Cut(70),
    ShortEnd(10),
    Stall(65),
    SilentHead,
    NoConnection,
    Offline,
    Wait(None),
    Wait(Some(30)),
    RateLimitHeader(200),
    Busy(504),
    HubBusy(500),
    Expired(403),
    Expired(410),
    MoreBytes,
    ShortRange,
    NoContentRange,
    EmptyChunks,
    Forbidden,
    NoRanges,
    OtherTotal,
    OtherStart,
    PageInstead(200),
    OtherEtag,
    OtherCommit,
    LinkedSha,
    OffTable,
    NoLocation,
];

/// Reads a range in pieces of so many bytes; what came, and the error if one did.
async fn read(
    remote: &Remote,
    range: Range<u64>,
    piece_bytes: usize,
) -> (Vec<u8>, Option<HubError>) {
    let mut got = Vec::new();
    let mut stream = match remote.stream(FILE, range) {
        Ok(it) => it,
        Err(it) => return (got, Some(it)),
    };
    while stream.n_left() > 0 {
        let n_bytes = stream.n_left().min(piece_bytes as u64) as usize;
        match stream.next(n_bytes).await {
            Ok(it) => got.extend(it.into_vec()),
            Err(it) => return (got, Some(it)),
        }
    }
    (got, None)
}

fn check(faults: &[Fault], follows: bool, piece_bytes: usize) -> Result<(), TestCaseError> {
    let double = Double::new(faults, follows);
    let net = double.net();
    let hub = HUB.parse().expect("an origin");
    net.set_token(&hub, Some(SECRET)).expect("a token");
    let remote = double.remote(&net);
    let both = join(
        read(&remote, 0..600, piece_bytes),
        read(&remote, 600..1000, piece_bytes),
    );
    let (first, second) = double.clock.run_until(both).expect("no wait without end");
    for ((got, error), from, n_bytes) in [(first, 0, 600), (second, 600, 400)] {
        prop_assert_eq!(&got[..], &double.data[from..from + got.len()]);
        prop_assert_eq!(error.is_none(), got.len() == n_bytes);
        let shown = error.map(|it| format!("{it:?} {it} {}", it.remedy()));
        prop_assert!(!shown.unwrap_or_default().contains(SECRET));
    }
    for it in double.log.borrow().iter() {
        prop_assert_eq!(it.has_token, it.url.starts_with(HUB));
        prop_assert!(!it.url.contains(SECRET));
    }
    prop_assert!(net.waits().is_empty() && double.log.borrow().len() < 80);
    Ok(())
}

proptest! {
    #[test]
    fn random_faults_never_bring_a_wrong_byte(
        faults in vec(select(FAULTS), 0..8),
        follows in any::<bool>(),
        piece_bytes in 1usize..300,
    ) {
        check(&faults, follows, piece_bytes)?;
    }
}
