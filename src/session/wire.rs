//! Commands and events as bytes, between a page and an engine of the same build: no names are written, so that reading them takes little
//! of the page's program. JSON stays for everybody else.

use super::protocol::{BUILD, PROTOCOL};
use serde::{Serialize, de::DeserializeOwned};

/// A value as bytes; none for what postcard has no form for.
pub fn write<T: Serialize>(it: &T) -> Option<Vec<u8>> {
    let mut out = mark().to_vec();
    out.extend(postcard::to_allocvec(it).ok()?);
    Some(out)
}

/// The value of some bytes; none where another build wrote them, or they are damaged.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let plain = bytes.strip_prefix(&mark())?;
    let (it, rest) = postcard::take_from_bytes(plain).ok()?;
    rest.is_empty().then_some(it)
}

/// Tells builds apart: FNV-1a of what names one.
fn mark() -> [u8; 8] {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for it in BUILD.bytes().chain(PROTOCOL.to_le_bytes()) {
        hash = (hash ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3);
    }
    hash.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::{
        Command, CommandBody, Event, EventBody, FeatureId, Input, LinkModel, OpenRequest, Outcome,
        Partial, View, Witness,
    };
    use crate::spec::{LinkedIntervention, OPENING, Precision, Route};
    use std::fmt::Debug;

    fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(it: &T) {
        let bytes = write(it).expect("bytes");
        assert_eq!(read::<T>(&bytes).as_ref(), Some(it));
        // What JSON can say, bytes can.
        let json = serde_json::to_string(it).expect("JSON");
        let same: T = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read::<T>(&write(&same).expect("bytes")), Some(same));
        assert_eq!(read::<T>(&bytes[..bytes.len() - 1]), None, "cut");
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert_eq!(read::<T>(&other), None, "another build");
        other = bytes;
        other.push(0);
        assert_eq!(read::<T>(&other), None, "more than there is");
    }

    fn view() -> View {
        let feature = FeatureId {
            layer: 12,
            index: 9377,
        };
        View {
            route: Route::Feature(feature),
            prompt: Some(Input::Ids(vec![2, 70_000])),
            interventions: vec![LinkedIntervention {
                intervention: "12:*:9377=off".parse().expect("an intervention"),
                paused: true,
            }],
            model: Some(LinkModel::gemma(Precision::Compact)),
            witness: Some(Witness {
                token: 5,
                probability: 200,
                features: vec![feature],
                adapter: Some("ł".into()),
            }),
            ..View::default()
        }
    }

    #[test]
    fn commands_come_back() {
        let request: OpenRequest = serde_json::from_str(
            r#"{"model":{"Hub":{"repo":"a/b@c"}},"transcoders":null,"precision":"precise","n_ctx":7,"n_kept":null,"max_gpu_bytes":9000000000}"#,
        )
        .expect("a request");
        for body in [
            CommandBody::Open(request.clone()),
            CommandBody::Price { set: request },
            CommandBody::Link { view: view() },
            CommandBody::Run {
                input: Input::Text(OPENING[0].text.into()),
                want: vec![],
                writes: vec![],
            },
            CommandBody::Stored,
        ] {
            returns(&Command { id: 70_000, body });
        }
    }

    #[test]
    fn events_come_back() {
        for body in [
            EventBody::Done(Outcome::Nothing),
            EventBody::Cancelled,
            EventBody::Partial(Partial::Document { first: 1 << 40 }),
            EventBody::Progress {
                phase: "a".into(),
                done: 1,
                total: None,
                unit: "bytes".into(),
            },
        ] {
            returns(&Event {
                id: 1,
                seq: 2,
                body,
            });
        }
    }
}
