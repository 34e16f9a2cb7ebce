//! What a set is said to cost against what fetching it then costs.

use super::{
    sets::{self, MODEL, N_LAYERS, OPENING, SHARDED, TRANSCODERS},
    world::World,
};
use gemscope::{
    spec::{Basis, FetchPlan, FetchProgress, FetchTold, OpenRequest, Precision},
    sys::{Stop, block_on},
    weights::{
        CheckpointHead,
        library::{
            FetchControl,
            price::{Priced, Shapes, price},
        },
        synth::{Preset, Stored, Synthetic},
    },
};

/// Of listings, the tokenizer, and the first and last bytes of each file, in which its headers are looked for: these are not counted.
const BESIDES: u64 = 28_000 + 5 * (68 << 10);

/// The headers of the files, without the files.
fn shapes(stored: Stored, n_shards: usize) -> Shapes {
    let model = Synthetic::with(&sets::config(), stored, n_shards);
    let mut dictionaries = block_on(Shapes::transcoders(Preset::Nano)).expect("headers");
    dictionaries.retain(|layer, _| *layer < N_LAYERS);
    Shapes {
        model: Some(block_on(CheckpointHead::read(&model)).expect("a header")),
        dictionaries,
    }
}

fn priced(world: &World, set: &OpenRequest, shapes: &Shapes) -> Priced {
    let cutting = (&OPENING[..], world.config.piece_bytes as u64);
    let priced = world.run(async {
        let library = world.library().await;
        price(Some(&library), set, shapes, cutting).await
    });
    priced.unwrap_or_else(|it| panic!("{it}"))
}

/// What a fetch says first and last, and the bytes that came; `stop` is asked whenever something is told.
fn fetched(
    world: &World,
    set: &OpenRequest,
    stop: &dyn Fn(&FetchTold) -> bool,
) -> (FetchPlan, FetchProgress, u64) {
    let (mut plan, mut progress, mut received_bytes) = (None, FetchProgress::default(), 0);
    world.run(async {
        let library = world.library().await;
        let stopper = Stop::default();
        let control = FetchControl::new(stopper.clone());
        let steering = control.clone();
        let mut told = |it: FetchTold| {
            if stop(&it) {
                stopper.set();
                steering.wake();
            }
            match it {
                FetchTold::Plan(it) => drop(plan.get_or_insert(it)),
                FetchTold::Progress(it) => progress = it,
                FetchTold::Part { .. } => (),
            }
        };
        let request = sets::request(set.clone());
        let ended = library.fetch_with(&request, None, &OPENING, &control, &mut told);
        received_bytes = ended.await.map_or(0, |it| it.received_bytes);
    });
    (plan.expect("a plan"), progress, received_bytes)
}

#[test]
fn a_price_is_what_fetching_costs() {
    for (model, shapes) in [
        (MODEL, shapes(Stored::Bf16, 1)),
        (SHARDED, shapes(Stored::F32, 3)),
    ] {
        for precision in [Precision::Reference, Precision::Precise, Precision::Compact] {
            let what = format!("{model}, {precision}");
            let world = World::new();
            let set = world.set(model, TRANSCODERS, precision);
            let before = priced(&world, &set, &shapes);
            assert_eq!(world.hub.log().len(), 0, "nothing is asked");
            assert_eq!(before.basis, Basis::Published);
            let cost = before.model + before.transcoders;
            let (plan, last, received_bytes) = fetched(&world, &set, &|_| false);
            let planned = (plan.download_bytes, plan.disk_bytes, plan.kept_bytes);
            assert_eq!((cost.download_bytes, cost.disk_bytes, 0), planned, "{what}");
            assert_eq!(last.total_bytes, cost.download_bytes, "{what}");
            let besides = received_bytes - cost.download_bytes;
            assert!(besides < BESIDES, "{what}: {besides}");
            let kept: u64 = world.bytes().values().map(|it| it.len() as u64).sum();
            assert_eq!(kept, cost.disk_bytes, "{what}");
            let after = priced(&world, &set, &Shapes::default());
            assert_eq!(after.basis, Basis::Headers);
            let after = after.model + after.transcoders;
            let expected = (0, cost.disk_bytes, cost.disk_bytes);
            let told = (after.download_bytes, after.disk_bytes, after.kept_bytes);
            assert_eq!(told, expected, "{what}");
        }
    }
}

#[test]
fn what_has_come_is_cheaper_by_itself() {
    let world = World::new();
    let set = world.plain(Precision::Reference);
    let shapes = shapes(Stored::Bf16, 1);
    let whole = priced(&world, &set, &shapes);
    fetched(&world, &set, &|it| matches!(it, FetchTold::Part { .. }));
    let rest = priced(&world, &set, &shapes);
    let (whole, rest) = (
        whole.model + whole.transcoders,
        rest.model + rest.transcoders,
    );
    assert_eq!(rest.disk_bytes, whole.disk_bytes);
    assert!(rest.kept_bytes > 0 && rest.download_bytes < whole.download_bytes);
    let (plan, ..) = fetched(&world, &set, &|_| false);
    assert_eq!(
        (plan.download_bytes, plan.kept_bytes),
        (rest.download_bytes, rest.kept_bytes)
    );
}

#[test]
fn a_lower_precision_of_what_is_kept_costs_no_download() {
    let world = World::new();
    fetched(&world, &world.plain(Precision::Reference), &|_| false);
    let low = world.plain(Precision::Compact);
    let it = priced(&world, &low, &Shapes::default());
    let cost = it.model + it.transcoders;
    assert_eq!(cost.download_bytes, 0);
    assert!(cost.kept_bytes < cost.disk_bytes);
    let (_, _, received_bytes) = fetched(&world, &low, &|_| false);
    assert_eq!(received_bytes, 0);
}

#[test]
fn what_is_neither_kept_nor_known_has_no_price() {
    let world = World::new();
    let set = world.plain(Precision::Reference);
    let none = Shapes::default();
    let priced = world.run(async {
        let library = world.library().await;
        price(Some(&library), &set, &none, (&OPENING, 1 << 20)).await
    });
    let error = priced.err().expect("no price").to_string();
    assert!(error.contains(MODEL), "{error}");
}
