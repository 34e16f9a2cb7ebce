//! The demo model that the page ships, by the code path of real ones: its files, its goldens in every precision, and what its card says
//! that features do. Needs an adapter, except where said.
#![cfg(feature = "engine")]

#[allow(dead_code, reason = "the tests of the session use the rest")]
#[path = "../session/asking.rs"]
mod asking;
mod checked;
#[path = "../common/compare.rs"]
mod compare;
mod deeds;
mod files;
mod golden;
#[allow(dead_code, reason = "the tests of the session use the rest")]
#[path = "../session/scoped.rs"]
mod scoped;

use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::Precision;
use serde_json::Value;

/// Positions of runs kept for what is derived from them.
const N_KEPT: usize = 96;

/// What the recipe found: prompts, interventions and their results.
fn json() -> Value {
    let text = std::fs::read("tests/golden/demo.json").expect("tests/golden/demo.json");
    serde_json::from_slice(&text).expect("JSON")
}

fn list(it: &Value) -> &[Value] {
    it.as_array().expect("a list")
}

fn number(it: &Value) -> usize {
    it.as_u64().expect("a whole number") as usize
}

fn text(it: &Value) -> &str {
    it.as_str().expect("a text")
}

/// An engine with the model and both halves of its transcoders open, or none.
fn demo(precision: Precision) -> Option<Client> {
    let mut client = asking::client(Default::default())?;
    let request = OpenRequest {
        model: ModelRef::Folder {
            path: "www/demo/model".into(),
            tokenizer: None,
        },
        transcoders: Some(TranscoderRequest {
            place: TranscoderRef::Folder {
                path: "www/demo/transcoders".into(),
            },
            layers: None,
            halves: vec![Half::Encoder, Half::Decoder],
            average_l0: vec![],
        }),
        precision,
        n_ctx: Some(128),
        n_kept: Some(N_KEPT),
        max_gpu_bytes: None,
    };
    let opened = asking::done(&mut client, asking::open(request));
    let Outcome::Opened { declared_l0, .. } = opened else {
        panic!("opened")
    };
    let layers: Vec<usize> = declared_l0.iter().map(|it| it.0).collect();
    assert_eq!(
        layers,
        [0, 1, 2, 3, 4, 5],
        "each file's name declares an L0"
    );
    Some(client)
}

/// A clean run of a text.
fn run(client: &mut Client, text: &str) -> (RunKey, Vec<Token>) {
    let body = CommandBody::Run {
        input: Input::Text(text.into()),
        want: vec![],
        writes: vec![],
    };
    let (run, tokens, _) = asking::ran(client, body);
    (run, tokens)
}

/// What a run says next, without spaces around it.
fn says(client: &mut Client, run: &RunKey, last: usize) -> String {
    let at = gemscope::spec::Positions::Span(last, last);
    let told = asking::distributions(client, run, at);
    let best = told[0].top.first().expect("a token");
    best.piece.trim().to_string()
}
