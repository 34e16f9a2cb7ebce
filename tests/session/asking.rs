//! What the tests of the session share: commands by short names, and answers taken apart.

use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions, Message, Told};
use gemscope::spec::{Positions, Precision, Site};
use std::{collections::BTreeMap, time::Duration};

/// A prompt that `nano` knows.
pub const IDS: [u32; 5] = [2, 74, 71, 409, 259];
/// Longer than anything here takes, even on a busy machine.
pub const LONG: Duration = Duration::from_secs(120);

/// A greeted engine with an adapter; none where GEMSCOPE_NO_GPU=1 says that there is none.
pub fn client(options: EngineOptions) -> Option<Client> {
    if std::env::var("GEMSCOPE_NO_GPU").as_deref() == Ok("1") {
        eprintln!("skipped: GEMSCOPE_NO_GPU=1");
        return None;
    }
    let mut client = Client::start(options).expect("an engine");
    let described = client.call(CommandBody::Describe, &mut |_| ());
    if let Err(it) = described {
        panic!(
            "{} {} Set GEMSCOPE_NO_GPU=1 to leave out the tests that need one.",
            it.what, it.remedy
        );
    }
    Some(client)
}

pub fn synth(preset: &str) -> ModelRef {
    ModelRef::Synth {
        preset: preset.into(),
        tokenizer: None,
    }
}

pub fn nano() -> OpenRequest {
    OpenRequest {
        transcoders: None,
        n_kept: None,
        model: synth("nano"),
        precision: Precision::Reference,
        n_ctx: Some(128),
        max_gpu_bytes: None,
    }
}

pub fn open(request: OpenRequest) -> CommandBody {
    CommandBody::Open(request)
}

pub fn prompt(ids: &[u32], want: &[Site]) -> CommandBody {
    CommandBody::Run {
        input: Input::Ids(ids.into()),
        want: want.into(),
        writes: vec![],
    }
}

pub fn ask_probs(run: &RunKey, positions: Positions) -> CommandBody {
    CommandBody::Ask {
        run: run.clone(),
        what: What::Probs {
            top_k: 4,
            asked: vec![7, 3],
        },
        positions,
    }
}

pub fn ask_sites(run: &RunKey, sites: &[Site], positions: Positions) -> CommandBody {
    CommandBody::Ask {
        run: run.clone(),
        what: What::Site(sites.into()),
        positions,
    }
}

pub fn generate(run: &RunKey, n: usize) -> CommandBody {
    CommandBody::Generate {
        run: run.clone(),
        n,
        sampling: Sampling::GREEDY,
        watch: true,
    }
}

pub fn hello(protocol: u32) -> CommandBody {
    CommandBody::Hello {
        protocol,
        build: "tests".into(),
    }
}

pub fn done(client: &mut Client, body: CommandBody) -> Outcome {
    let what = format!("{body:?}");
    client
        .call(body, &mut |_| ())
        .unwrap_or_else(|it| panic!("{what}: {it:?}"))
}

/// The failure of a command, which says what and what can be done.
pub fn failed(client: &mut Client, body: CommandBody) -> Failure {
    let what = format!("{body:?}");
    let failure = client.call(body, &mut |_| ()).expect_err(&what);
    assert!(
        !failure.what.is_empty() && !failure.remedy.is_empty(),
        "{what}: {failure:?}"
    );
    failure
}

/// A command fails, and says `word` of it.
pub fn fails(client: &mut Client, body: CommandBody, word: &str) {
    let failure = failed(client, body);
    let said = format!("{} {}", failure.what, failure.remedy);
    assert!(said.contains(word), "{word}: {failure:?}");
}

pub fn described(client: &mut Client) -> Description {
    match done(client, CommandBody::Describe) {
        Outcome::Described(it) => it,
        other => panic!("{other:?}"),
    }
}

pub fn ran(client: &mut Client, body: CommandBody) -> (RunKey, Vec<Token>, bool) {
    match done(client, body) {
        Outcome::Ran {
            run, tokens, kept, ..
        } => (run, tokens, kept),
        other => panic!("{other:?}"),
    }
}

pub fn n_submits(client: &mut Client) -> u64 {
    described(client).n_submits
}

pub fn distributions(client: &mut Client, run: &RunKey, positions: Positions) -> Vec<Distribution> {
    let mut out = Vec::new();
    let mut on = |it: Told| {
        if let Told::Partial(Partial::Probs(it), _) = it {
            out.push(it);
        }
    };
    client
        .call(ask_probs(run, positions), &mut on)
        .expect("distributions");
    out
}

pub fn watched(client: &mut Client, body: CommandBody) -> (Vec<Token>, Outcome) {
    let mut out = Vec::new();
    let mut on = |it: Told| {
        if let Told::Partial(Partial::Token(it), _) = it {
            out.push(it);
        }
    };
    let outcome = client.call(body, &mut on).expect("tokens");
    (out, outcome)
}

/// Activations by site, positions in order; pieces of a pattern are joined head by head.
pub fn activations(
    client: &mut Client,
    run: &RunKey,
    sites: &[Site],
    positions: Positions,
) -> BTreeMap<Site, Vec<f32>> {
    let mut pieces: BTreeMap<Site, Vec<(Array, Vec<f32>)>> = BTreeMap::new();
    let mut on = |it: Told| {
        if let Told::Partial(Partial::Site { site, array, .. }, parts) = it {
            let numbers = bytemuck::pod_collect_to_vec(&parts[array.part]);
            assert_eq!(array.shape.iter().product::<usize>(), Vec::len(&numbers));
            pieces.entry(site).or_default().push((array, numbers));
        }
    };
    client
        .call(ask_sites(run, sites, positions), &mut on)
        .expect("activations");
    pieces
        .into_iter()
        .map(|(site, it)| (site, joined(&it)))
        .collect()
}

fn joined(pieces: &[(Array, Vec<f32>)]) -> Vec<f32> {
    let n_outer = match pieces[0].0.shape[..] {
        [n_heads, _, _] => n_heads,
        _ => 1,
    };
    let of_outer = |outer: usize| {
        pieces.iter().flat_map(move |(_, it)| {
            it[outer * it.len() / n_outer..(outer + 1) * it.len() / n_outer].iter()
        })
    };
    (0..n_outer).flat_map(of_outer).copied().collect()
}

/// Messages until command `id` ends, its terminal one last.
pub fn until_end(client: &mut Client, id: u32) -> Vec<Message> {
    let mut out = Vec::new();
    loop {
        let message = client.next_message(LONG).expect("a message in time");
        let ends = message.event.id == id && is_terminal(&message.event.body);
        out.push(message);
        if ends {
            return out;
        }
    }
}

pub fn is_terminal(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::Done(_) | EventBody::Failed(_) | EventBody::Cancelled
    )
}

/// The terminal event of `id` among messages; there is exactly one, and its events are numbered without a gap.
pub fn end_of(messages: &[Message], id: u32) -> &EventBody {
    let events: Vec<&Event> = messages
        .iter()
        .map(|it| &it.event)
        .filter(|it| it.id == id)
        .collect();
    for (seq, event) in events.iter().enumerate() {
        assert_eq!(event.seq as usize, seq);
    }
    assert_eq!(events.iter().filter(|it| is_terminal(&it.body)).count(), 1);
    &events.last().expect("an event").body
}
