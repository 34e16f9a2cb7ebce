//! What sets cost before anything of them is fetched, and whether the GPU grants them. Prices need no adapter.

use crate::asking::*;
use crate::scoped::scoped;
use futures_util::future::LocalBoxFuture;
use gemscope::gpu::Faults;
use gemscope::hub::{Http, HttpError, HubConfig, Net, Reach, Request, Response};
use gemscope::session::protocol::*;
use gemscope::session::{Client, EngineOptions, Instead, LibraryOptions, Told};
use gemscope::spec::{Basis, Choose, Fit, HostTable, Precision, Price, Trial};
use gemscope::store::{Disk, MemoryDisk};
use gemscope::sys::system_clock;
use std::{rc::Rc, sync::Arc};

/// Of each file of a transcoder. Source: google/gemma-scope-2b-pt-transcoders.
const TRANSCODER_BYTES: u64 = 302_131_416;
/// Of all tensors in bf16. Source: google/gemma-2-2b.
const MODEL_BYTES: u64 = 5_228_683_776;
/// Headers, and rows of the opening set, which come twice.
const BESIDES: u64 = 4 << 20;

/// A network that nobody may ask.
struct Nobody;

impl Http for Nobody {
    fn get(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, HttpError>> {
        panic!("a request to {}", request.url)
    }
}

/// An engine over an empty store in memory, and no network.
fn engine() -> Client {
    engine_on(|| MemoryDisk::new(1))
}

fn engine_on(disk: impl Fn() -> MemoryDisk + Send + Sync + 'static) -> Client {
    let disk = move || Rc::new(disk()) as Rc<dyn Disk>;
    let net = || {
        let (clock, config) = (system_clock(), HubConfig::default());
        Net::with_reach(
            Rc::new(Nobody),
            clock,
            config,
            HostTable::default(),
            Reach::Table,
        )
    };
    let library = LibraryOptions {
        instead: Instead {
            net: Some(Arc::new(net)),
            disk: Some(Arc::new(disk)),
        },
        ..LibraryOptions::default()
    };
    Client::start(EngineOptions {
        library,
        ..EngineOptions::default()
    })
    .expect("an engine")
}

fn hub(model: &str) -> OpenRequest {
    OpenRequest {
        model: ModelRef::Hub {
            repo: model.parse().expect("a repository"),
        },
        transcoders: Some(TranscoderRequest {
            place: TranscoderRef::Hub {
                repo: "google/gemma-scope-2b-pt-transcoders".parse().expect("one"),
            },
            layers: None,
            halves: vec![Half::Encoder, Half::Decoder],
            average_l0: vec![],
        }),
        precision: Precision::Reference,
        n_ctx: None,
        n_kept: None,
        max_gpu_bytes: None,
    }
}

fn price(client: &mut Client, set: &OpenRequest) -> Price {
    match done(client, CommandBody::Price { set: set.clone() }) {
        Outcome::Priced(it) => it,
        other => panic!("{other:?}"),
    }
}

fn tried(client: &mut Client, set: OpenRequest) -> Trial {
    match done(client, CommandBody::Try { set }) {
        Outcome::Tried(it) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_real_set_is_priced_without_a_request() {
    let mut client = engine();
    let mirror = price(&mut client, &hub("unsloth/gemma-2-2b"));
    assert_eq!(mirror.basis, Basis::Published);
    let besides = mirror.model.download_bytes - MODEL_BYTES;
    assert!(besides > 0 && besides < BESIDES, "{besides}");
    assert_eq!(mirror.transcoders.download_bytes, 26 * TRANSCODER_BYTES);
    assert_eq!(mirror.total, mirror.model + mirror.transcoders);
    assert_eq!((mirror.total.kept_bytes, &mirror.no_store), (0, &None));
    // 12.2 GiB, as the README says.
    let gib = mirror.total.disk_bytes as f64 / f64::from(1 << 30);
    assert!((gib - 12.2).abs() < 0.05, "{gib}");
    let plan = mirror.gpu.as_ref().expect("a plan");
    assert!(plan.total_bytes > mirror.total.disk_bytes);
    let elsewhere = "https://hub.example/unsloth/gemma-2-2b";
    assert_eq!(price(&mut client, &hub(elsewhere)), mirror);
    let gated = price(&mut client, &hub("google/gemma-2-2b"));
    let besides = gated.model.download_bytes - 2 * MODEL_BYTES;
    assert!(besides < 2 * BESIDES, "{besides}");
    // Headers are kept too, and differ.
    let (gated_bytes, mirror_bytes) = (gated.model.disk_bytes, mirror.model.disk_bytes);
    assert!(gated_bytes.abs_diff(mirror_bytes) < 16 << 10);
    assert_eq!(gated.gpu, mirror.gpu);
}

#[test]
fn without_a_store_everything_counts_as_not_there() {
    let mut client = engine_on(|| {
        let disk = MemoryDisk::new(1).tab();
        disk.close_tab();
        disk
    });
    let it = price(&mut client, &hub("unsloth/gemma-2-2b"));
    assert!(it.no_store.is_some_and(|it| !it.is_empty()));
    let whole = price(&mut engine(), &hub("unsloth/gemma-2-2b"));
    assert_eq!((it.total, it.gpu), (whole.total, whole.gpu));
}

#[test]
fn precision_layers_and_halves_change_the_price() {
    let mut client = engine();
    let set = hub("unsloth/gemma-2-2b");
    let reference = price(&mut client, &set);
    let with = |change: &dyn Fn(&mut OpenRequest)| {
        let mut it = set.clone();
        change(&mut it);
        it
    };
    let mut last = reference.clone();
    for precision in [Precision::Precise, Precision::Compact] {
        let it = price(&mut client, &with(&|it| it.precision = precision));
        assert_eq!(it.total.download_bytes, reference.total.download_bytes);
        assert!(it.total.disk_bytes < last.total.disk_bytes, "{precision}");
        let bytes = |it: &Price| it.gpu.as_ref().expect("a plan").total_bytes;
        assert!(bytes(&it) < bytes(&last), "{precision}");
        last = it;
    }
    let two = with(&|it| {
        let asked = it.transcoders.as_mut().expect("transcoders");
        (asked.layers, asked.average_l0) = (Some(vec![3, 7]), vec![(7, 999)]);
    });
    let two = price(&mut client, &two);
    assert_eq!(two.transcoders.download_bytes, 2 * TRANSCODER_BYTES);
    assert_eq!(two.model, reference.model);
    let encoders = with(&|it| {
        let asked = it.transcoders.as_mut().expect("transcoders");
        asked.halves = vec![Half::Encoder];
    });
    let encoders = price(&mut client, &encoders);
    let half = encoders.transcoders.download_bytes as f64;
    let whole = reference.transcoders.download_bytes as f64;
    assert!((half / whole - 0.5).abs() < 0.01, "{half} of {whole}");
    let alone = price(&mut client, &with(&|it| it.transcoders = None));
    assert_eq!(alone.total, reference.model);
}

#[test]
fn a_budget_is_judged_and_what_it_pages_has_alternatives() {
    let mut client = engine();
    let mut set = hub("unsloth/gemma-2-2b");
    set.max_gpu_bytes = Some(9 << 30);
    let it = price(&mut client, &set);
    let budget = it.budget.expect("a verdict");
    assert_eq!(budget.fit, Fit::Paged);
    assert!(budget.why.contains("of 26 decoders"), "{}", budget.why);
    let chosen: Vec<Choose> = it.instead.iter().map(|it| it.how).collect();
    assert_eq!(chosen, [Choose::Precision, Choose::Layers]);
    for proposal in &it.instead {
        let other = price(&mut client, &proposal.set);
        let plan = other.gpu.expect("a plan");
        assert_eq!(plan.total_bytes, proposal.gpu_bytes);
        assert!(plan.total_bytes <= 9 << 30, "{}", proposal.what);
    }
    set.max_gpu_bytes = Some(1 << 30);
    let it = price(&mut client, &set);
    let budget = it.budget.expect("a verdict");
    assert_eq!((budget.fit, it.gpu), (Fit::No, None));
    assert!(budget.why.contains("at least"), "{}", budget.why);
    set.max_gpu_bytes = Some(1 << 40);
    let it = price(&mut client, &set);
    assert_eq!(it.budget.map(|it| it.fit), Some(Fit::Whole));
    assert!(it.instead.is_empty());
}

#[test]
fn the_demo_is_priced_by_its_files() {
    let mut client = engine();
    let mut set = hub("unsloth/gemma-2-2b");
    set.model = ModelRef::Folder {
        path: "www/demo/model".into(),
        tokenizer: None,
    };
    set.transcoders.as_mut().expect("transcoders").place = TranscoderRef::Folder {
        path: "www/demo/transcoders".into(),
    };
    let it = price(&mut client, &set);
    let weights = std::fs::metadata("www/demo/model/model.safetensors").expect("the demo");
    assert_eq!(it.model.download_bytes, weights.len());
    assert_eq!((it.basis, it.total.disk_bytes), (Basis::Headers, 0));
    assert!(it.transcoders.download_bytes > 0 && it.gpu.is_some());
    set.transcoders = None;
    assert_eq!(price(&mut client, &set).total, it.model);
    let planned = done(&mut client, CommandBody::Plan(set.clone()));
    assert_eq!(
        Some(planned),
        price(&mut client, &set).gpu.map(Outcome::Planned)
    );
}

#[test]
fn what_nobody_knows_has_no_price() {
    let mut client = engine();
    let of = |model: &str| CommandBody::Price { set: hub(model) };
    fails(&mut client, of("someone/else"), "omeone/else is not kept");
    let mut set = hub("unsloth/gemma-2-2b");
    set.transcoders.as_mut().expect("transcoders").layers = Some(vec![26]);
    fails(&mut client, CommandBody::Price { set }, "no layer 26");
    let mut set = hub("unsloth/gemma-2-2b");
    set.n_ctx = Some(1 << 30);
    fails(&mut client, CommandBody::Price { set }, "context");
    let mut set = hub("unsloth/gemma-2-2b");
    set.model = synth("nano");
    fails(&mut client, CommandBody::Price { set }, "hub");
}

/// The fault of the second device, which is the trial's.
fn second(fault: Faults) -> EngineOptions {
    EngineOptions {
        faults: vec![Faults::default(), fault],
        ..EngineOptions::default()
    }
}

#[test]
fn a_trial_leaves_what_is_open_as_it_is() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let it = tried(&mut client, nano());
    assert!(it.fits && it.instead.is_empty(), "{}", it.why);
    assert_eq!(it.held_bytes, 0);
    assert_eq!(it.tried_bytes, it.plan.total_bytes - it.plan.staging_bytes);
    assert!(it.granted_bytes >= it.tried_bytes);
    done(&mut client, open(scoped()));
    let (_, _, kept) = ran(&mut client, prompt(&IDS, &[]));
    assert!(!kept);
    let before = described(&mut client);
    let mut wide = nano();
    wide.model = synth("wide");
    let it = tried(&mut client, wide);
    assert!(it.fits && it.held_bytes > 0, "{}", it.why);
    assert!(it.tried_bytes < it.plan.total_bytes - it.plan.staging_bytes);
    let after = described(&mut client);
    assert_eq!(
        (after.gpu_bytes, after.n_submits),
        (before.gpu_bytes, before.n_submits)
    );
    assert!(ran(&mut client, prompt(&IDS, &[])).2, "its runs are kept");
}

#[test]
fn a_refusal_is_an_answer_with_what_fits_instead() {
    let refused = Faults {
        refuse_above_bytes: Some(700 << 10),
        ..Faults::default()
    };
    let Some(mut client) = client(second(refused)) else {
        return;
    };
    let it = tried(&mut client, scoped());
    assert!(!it.fits && it.granted_bytes < it.tried_bytes, "{}", it.why);
    assert!(it.why.contains("refused"), "{}", it.why);
    done(&mut client, open(scoped()));
}

#[test]
fn a_trial_that_loses_its_device_loses_nothing_else() {
    let lost = Faults {
        lose_at_submit: Some(1),
        ..Faults::default()
    };
    let Some(mut client) = client(second(lost)) else {
        return;
    };
    done(&mut client, open(nano()));
    ran(&mut client, prompt(&IDS, &[]));
    let mut states = Vec::new();
    let mut wide = nano();
    wide.model = synth("wide");
    let outcome = client.call(CommandBody::Try { set: wide }, &mut |it| {
        if let Told::State(it) = it {
            states.push(it);
        }
    });
    let Ok(Outcome::Tried(it)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!it.fits, "{}", it.why);
    assert!(
        it.why.contains("Nothing that is open was lost"),
        "{}",
        it.why
    );
    assert_eq!(states, [], "the engine's own device lives");
    assert!(ran(&mut client, prompt(&IDS, &[])).2);
}

#[test]
fn a_trial_stops() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let mut wide = nano();
    wide.model = synth("wide");
    let id = client.post(CommandBody::Try { set: wide });
    loop {
        let message = client.next_message(LONG).expect("progress");
        match message.event.body {
            EventBody::Progress { .. } => break,
            it => assert!(!is_terminal(&it), "{it:?}"),
        }
    }
    client.post(CommandBody::Cancel { id });
    let told = until_end(&mut client, id);
    let end = &told.last().expect("an end").event.body;
    assert_eq!(end, &EventBody::Cancelled);
    done(&mut client, open(nano()));
}
