//! Metrics, lens, cards and effects on `nano`, and what must hold by itself.

#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;
#[path = "common/scope.rs"]
mod scope;

use gemscope::{
    model::PlanRequest,
    scope::{Features, Scope, Steering, Sums, Task, Variation},
    spec::{FeatureId, FeatureQuestion, Half, Intervention, Mode, Precision, Site, Splice},
    sys::{Stop, block_on},
    weights::synth::Preset,
};

fn json() -> serde_json::Value {
    let text = std::fs::read("tests/golden/scope.json").expect("the golden");
    serde_json::from_slice(&text).expect("JSON")
}

fn ids(it: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(it.clone()).expect("token ids")
}

fn prompts() -> Vec<Vec<u32>> {
    let json = json();
    let prompts = json["prompts"].as_array().expect("prompts").iter();
    prompts.map(|it| ids(&it["ids"])).collect()
}

/// A bench with everything that the adapter gives, or none.
fn nano(request: PlanRequest, halves: &[Half]) -> Option<scope::Bench> {
    let checkpoint = model::checkpoint(Preset::Nano);
    let gpu = model::open(&Default::default())?;
    Some(scope::load(
        &gpu,
        (Preset::Nano, &checkpoint),
        request,
        halves,
    ))
}

fn close(what: &str, got: f64, expected: &serde_json::Value, tolerance: f64) {
    let expected = expected.as_f64().expect("a number");
    assert!(
        (got - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{what}: {got} and not {expected}"
    );
}

/// Cross entropies are means of differences of logits, which hold to 1e-4 of their largest.
#[test]
fn nano_metrics_hold() {
    let (json, stop) = (json(), Stop::default());
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let request = PlanRequest::default();
        let mut it = scope::load(&gpu, (Preset::Nano, &checkpoint), request, &scope::BOTH);
        for (n, prompt) in json["prompts"]
            .as_array()
            .expect("prompts")
            .iter()
            .enumerate()
        {
            let (ids, metrics) = (ids(&prompt["ids"]), &prompt["metrics"]);
            for expected in metrics["layers"].as_array().expect("layers") {
                let layer = expected["layer"].as_u64().expect("a layer") as usize;
                let splice = Splice::Layer(layer);
                let sums = block_on(it.scope.measure(&mut it.model, &ids, splice, &stop));
                let got = sums.expect("metrics").metrics(splice);
                let what = |name: &str| format!("{way}, prompt {n}, layer {layer}, {name}");
                close(&what("l0"), got.l0.expect("l0"), &expected["l0"], 1e-6);
                close(&what("fvu"), got.fvu.expect("fvu"), &expected["fvu"], 1e-4);
                close(&what("ce"), got.ce_spliced, &expected["ce_spliced"], 2e-5);
                let zero = got.ce_zero_ablated.expect("zero");
                close(&what("ce zero"), zero, &expected["ce_zero_ablated"], 2e-5);
                close(&what("ce clean"), got.ce_clean, &metrics["ce_clean"], 2e-5);
                let kl = expected["kl_spliced"].as_f64().expect("a number");
                assert!(
                    (got.kl - kl).abs() < 1e-3 * kl,
                    "{}: {} and not {kl}",
                    what("kl"),
                    got.kl
                );
                // A quotient of small differences: its error is theirs over the denominator.
                let room = 1e-4 / (zero - got.ce_clean).abs();
                let score = got.ce_loss_score.expect("a score");
                close(&what("score"), score, &expected["ce_loss_score"], room);
            }
            let sums = block_on(it.scope.measure(&mut it.model, &ids, Splice::All, &stop));
            let got = sums.expect("metrics").metrics(Splice::All);
            let all = &metrics["all_layers"];
            close("ce of all", got.ce_spliced, &all["ce_spliced"], 2e-5);
            let kl = all["kl_spliced"].as_f64().expect("a number");
            assert!(
                (got.kl - kl).abs() < 1e-3 * kl,
                "kl of all: {} and not {kl}",
                got.kl
            );
        }
        let short = block_on(it.scope.measure(&mut it.model, &[2, 5], Splice::All, &stop));
        assert!(short.is_err(), "a prompt of one token has no metrics");
    }
}

/// Prompts pooled by tokens: what each counts weighs as many tokens as it has.
#[test]
fn pooled_metrics_weigh_prompts_by_tokens() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let stop = Stop::default();
    let splice = Splice::Layer(1);
    let (mut pooled, mut alone) = (Sums::default(), Vec::new());
    for ids in prompts() {
        let sums = block_on(it.scope.measure(&mut it.model, &ids, splice, &stop)).expect("metrics");
        pooled.add(&sums);
        alone.push(sums.metrics(splice));
    }
    let got = pooled.metrics(splice);
    let n_pos: usize = alone.iter().map(|it| it.n_pos).sum();
    let n_targets: usize = alone.iter().map(|it| it.n_targets).sum();
    assert_eq!((got.n_pos, got.n_targets), (n_pos, n_targets));
    let kl: f64 = alone.iter().map(|it| it.kl * it.n_pos as f64).sum();
    assert!((got.kl - kl / n_pos as f64).abs() < 1e-12);
    let ce: f64 = alone
        .iter()
        .map(|it| it.ce_spliced * it.n_targets as f64)
        .sum();
    assert!((got.ce_spliced - ce / n_targets as f64).abs() < 1e-12);
}

/// The lens after the last layer is what the model says.
#[test]
fn the_last_lens_is_the_model() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let (ids, stop) = (prompts()[1].clone(), Stop::default());
    it.run(&ids, &[]);
    let told = block_on(it.model.probs(0..ids.len(), 5, &[7], &stop)).expect("distributions");
    let last = it.n_layers() - 1;
    let lens =
        block_on(it.model.lens(&ids, (last, 0..ids.len()), (5, &[7]), &stop)).expect("a lens");
    for (told, lens) in told.iter().zip(&lens) {
        assert!((told.log_sum_exp - lens.log_sum_exp).abs() < 1e-4);
        assert!((told.asked[0].1 - lens.asked[0].1).abs() < 1e-4);
        assert_eq!(told.top[0].0, lens.top[0].0);
    }
    let beyond = block_on(it.model.lens(&ids, (9, 0..1), (5, &[]), &stop));
    assert!(beyond.is_err());
}

/// Products of rows on the host against those of the device.
#[test]
fn a_card_is_what_the_matrices_say() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let stop = Stop::default();
    let feature = FeatureId {
        layer: 2,
        index: 176,
    };
    let question = FeatureQuestion {
        n_tokens: 10,
        de_embedding: true,
        nearest_in: vec![2, 0],
        n_nearest: 3,
        n_examples: 0,
    };
    let card = block_on(it.scope.card(&mut it.model, feature, &question, &stop)).expect("a card");
    let file = &scope::files(Preset::Nano, 64)[&2];
    let rows = |index: usize| -> Vec<f32> {
        let bytes = block_on(file.decoder_rows(index..index + 1, gemscope::spec::Packing::F32));
        bytemuck::pod_collect_to_vec(&bytes.expect("a row").into_vec())
    };
    let row = rows(176);
    let norm = |it: &[f32]| {
        it.iter()
            .map(|it| f64::from(*it).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    assert!((f64::from(card.decoder_norm.expect("a norm")) - norm(&row)).abs() < 1e-5);
    assert_eq!(
        (card.b_enc, card.threshold),
        (file.b_enc()[176], file.threshold()[176])
    );
    let gain = block_on(it.model.final_gain()).expect("a gain");
    let logits = card.logits.expect("logits");
    for (id, value) in logits.top.iter().chain(&logits.bottom) {
        let e = block_on(it.model.embedding(*id, &stop)).expect("a row");
        let sum: f64 = (0..64)
            .map(|i| f64::from(row[i] * gain[i]) * f64::from(e[i]))
            .sum();
        assert!(
            (f64::from(*value) - sum).abs() < 1e-5,
            "token {id}: {value} and not {sum}"
        );
    }
    assert_eq!(logits.histogram.counts.iter().sum::<u32>(), 512);
    let (near, cosine) = card.nearest[0];
    let other = rows(near.index);
    let dot: f64 = row.iter().zip(&other).map(|(a, b)| f64::from(a * b)).sum();
    assert!((f64::from(cosine) - dot / norm(&row) / norm(&other)).abs() < 1e-5);
    assert_eq!(card.nearest.iter().filter(|it| it.0.layer == 2).count(), 3);
    assert!(card.de_embedding.is_some() && card.cosine.is_some());
    let beyond = FeatureId {
        layer: 2,
        index: 256,
    };
    assert!(block_on(it.scope.card(&mut it.model, beyond, &question, &stop)).is_err());
}

fn parse(texts: &[&str]) -> Vec<Intervention> {
    texts.iter().map(|it| it.parse().expect(it)).collect()
}

fn steered(
    it: &mut scope::Bench,
    (ids, clean): (&[u32], &Features),
    texts: &[&str],
    mode: Mode,
) -> (compare::Tensors, Features) {
    let steering = Steering::new(&parse(texts), clean, ids.len(), mode).expect("steering");
    let variation = Variation {
        mode,
        task: Task {
            list: (0..it.n_layers()).collect(),
            steering: Some(&steering),
            ..Task::default()
        },
        from_tokens: false,
        label: 7,
    };
    it.vary(ids, &[Site::Logits], variation).expect("a run")
}

/// Setting a feature to what it is, in every mode, leaves every bit; and so does a run after one that changed something.
#[test]
fn a_change_to_what_is_changes_nothing() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let ids = prompts()[1].clone();
    let (logits, clean) = it.run(&ids, &[Site::Logits]);
    for mode in [Mode::Frozen, Mode::Free, Mode::Direct] {
        let (got, features) = steered(&mut it, (&ids, &clean), &["2:21:176=x1", "1:3:9=+0"], mode);
        assert!(got == logits, "{mode}: logits moved");
        for layer in features.layers() {
            assert_eq!(features.of(layer), clean.of(layer), "{mode}, layer {layer}");
        }
        let (off, _) = steered(&mut it, (&ids, &clean), &["2:21:176=off"], mode);
        assert!(off != logits, "{mode}: nothing moved");
    }
    let again = it.run(&ids, &[Site::Logits]);
    assert!(again.0 == logits && again.1 == clean, "the clean run moved");
}

/// The encoders alone list what both halves list, and paged ones what resident ones list.
#[test]
fn halves_and_pages_list_the_same() {
    let Some(mut both) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let ids = prompts()[2].clone();
    let expected = both.run(&ids, &[]).1;
    let alone = nano(PlanRequest::default(), &[Half::Encoder])
        .expect("a bench")
        .run(&ids, &[])
        .1;
    assert_eq!(alone, expected);
    let total = both.plan.total_bytes;
    let of_scope = both.plan.scope.clone().expect("a plan");
    let budget = total - of_scope.decoder_bytes - of_scope.encoder_bytes / 2;
    let request = PlanRequest {
        max_gpu_bytes: Some(budget),
        ..PlanRequest::default()
    };
    let mut paged = nano(request, &scope::BOTH).expect("a bench");
    let plan = paged.plan.scope.clone().expect("a plan");
    assert!(
        plan.n_encoders_resident < 4 && paged.plan.total_bytes <= budget,
        "{plan:?}"
    );
    assert_eq!(paged.run(&ids, &[]).1, expected);
    let spliced = |it: &mut scope::Bench| {
        let variation = Variation {
            task: Task {
                splice: (0..4).collect(),
                ..Task::default()
            },
            label: 3,
            ..Variation::default()
        };
        it.vary(&ids, &[Site::Logits], variation)
            .expect("a splice")
            .0
    };
    assert!(spliced(&mut paged) == spliced(&mut both));
}

/// 16 bits and 8 bits list nearly the features that 32 bits list.
#[test]
fn lower_precisions_list_nearly_the_same() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let ids = prompts()[2].clone();
    let expected = it.run(&ids, &[]).1;
    for (precision, least) in [(Precision::Precise, 0.98), (Precision::Compact, 0.80)] {
        let request = PlanRequest {
            precision,
            ..PlanRequest::default()
        };
        let got = nano(request, &scope::BOTH)
            .expect("a bench")
            .run(&ids, &[])
            .1;
        let jaccard = jaccard(&got, &expected);
        assert!(jaccard >= least, "{precision}: {jaccard}");
    }
}

fn jaccard(a: &Features, b: &Features) -> f64 {
    let set = |it: &Features| -> std::collections::BTreeSet<(usize, u32, u32)> {
        let layers = it.layers().flat_map(|layer| {
            let of_layer = it.of(layer).unwrap_or_default().iter();
            of_layer.map(move |it| (layer, it.pos, it.index))
        });
        layers.collect()
    };
    let (a, b) = (set(a), set(b));
    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
}

/// Generating under an open intervention is running what was generated under it.
#[test]
fn open_interventions_hold_for_what_is_generated() {
    let Some(mut it) = nano(PlanRequest::default(), &scope::BOTH) else {
        return;
    };
    let (mut ids, stop) = (prompts()[1].clone(), Stop::default());
    let clean = it.run(&ids, &[]).1;
    let texts = ["1:5-:7=6", "2:*:30=off"];
    steered(&mut it, (&ids, &clean), &texts, Mode::Free);
    let steering = Steering::new(&parse(&texts), &clean, ids.len(), Mode::Free).expect("steering");
    let task = Task {
        steering: Some(&steering),
        ..Task::default()
    };
    let going = (5, gemscope::spec::Sampling::GREEDY);
    let (tokens, _) = block_on(Scope::generate(
        &mut it.scope,
        &mut it.model,
        going,
        task,
        &mut |_| (),
        &stop,
    ))
    .expect("tokens");
    for token in tokens {
        let clean = it.run(&ids, &[]).1;
        let (got, _) = steered(&mut it, (&ids, &clean), &texts, Mode::Free);
        let last = &got["logits"].values[(ids.len() - 1) * 512..];
        let best = (0..512).max_by(|a, b| last[*a].total_cmp(&last[*b]).then(b.cmp(a)));
        assert_eq!(best, Some(token as usize), "after {} tokens", ids.len());
        ids.push(token);
    }
}
