//! What is missing is named; rows of the table in pieces; arrivals that are stopped half-way.

use crate::{
    bench::{Arriving, answers, expected, keeping, prompt},
    model,
    scope::{Bench, N_KEPT},
};
use gemscope::{
    gpu::GpuOptions,
    model::{ModelError, PlanRequest, Stage},
    scope::Variation,
    spec::{FeatureQuestion, Half, Part, Sampling, Splice},
    sys::{Stop, block_on},
    weights::synth::Preset,
};

fn message<T>(result: Result<T, impl ToString>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn what_is_missing_is_named() {
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut it = Arriving::new(&gpu, keeping(N_KEPT));
    let (ids, stop) = (prompt(), Stop::default());
    assert_eq!(
        message(it.go_on()),
        "the table of tokens has not arrived yet"
    );
    it.parts.add(Part::Opening);
    it.take_up();
    // Only the layers are missing: the stream of the tokens can be had.
    let told = it.go_on().expect("a run of no layer");
    assert_eq!(told.keys().collect::<Vec<_>>(), ["hook_embed"]);
    let stranger = it.bench.model.need_tokens(&[2, 499]);
    assert_eq!(message(stranger), "the table of tokens has not arrived yet");
    let need = |it: &Arriving, stage| message(it.bench.model.need(stage));
    assert_eq!(
        need(&it, Stage::before_mlp(0)),
        "layer 0's attention has not arrived yet; no layer can be asked about so far"
    );
    for layer in [0, 1] {
        it.parts.add(Part::Attention(layer));
    }
    it.parts.add(Part::Mlp(0));
    it.parts.add(Part::Encoder(1));
    it.take_up();
    it.go_on().expect("two layers");
    assert_eq!(it.bench.model.reach(), Stage::before_mlp(1));
    let expected = "layer 1's MLP has not arrived yet; layer 0 can be asked about";
    assert_eq!(need(&it, Stage::after(3)), expected);
    let model = &mut it.bench.model;
    let probs = block_on(model.probs(0..2, 3, &[], &stop));
    assert!(matches!(probs, Err(ModelError::NoRun)));
    let mut sink = |_| ();
    let tokens = block_on(model.generate(1, Sampling::GREEDY, false, &mut sink, &stop));
    assert!(matches!(tokens, Err(ModelError::NoRun)));
    let lens = block_on(model.lens(&ids, (0, 0..2), (3, &[]), &stop));
    assert!(message(lens).starts_with("the table of tokens has not arrived yet"));
    let unembedded = block_on(model.unembed(&[0.0; 64], true, &stop));
    assert!(message(unembedded).contains("layers 0 to 1 can be asked about"));
    let derived = it.bench.vary(&ids, &[], Variation::default());
    assert_eq!(message(derived), expected);
    let encoder = it.bench.scope.dictionary(1, Half::Encoder);
    assert_eq!(
        message(encoder),
        "what layer 1's transcoder has besides its matrices has not arrived yet; of the encoders there are: none"
    );
    it.parts.add(Part::Vectors(1));
    it.take_up();
    assert!(it.bench.scope.dictionary(1, Half::Encoder).is_ok());
    let decoder = it.bench.scope.spliced(Splice::Layer(1));
    assert_eq!(
        message(decoder),
        "layer 1's decoder has not arrived yet; of the decoders there are: none"
    );
    let all = it.bench.scope.spliced(Splice::All);
    assert!(message(all).starts_with("what layer 0's transcoder has besides"));
}

#[test]
fn a_card_shows_what_is_there_of_its_feature() {
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let (mut it, stop) = (Arriving::new(&gpu, keeping(N_KEPT)), Stop::default());
    for part in [Part::Opening, Part::Vectors(1), Part::Encoder(1)] {
        it.parts.add(part);
    }
    it.take_up();
    let card = |it: &mut Arriving, feature: &str| {
        let question = FeatureQuestion {
            n_tokens: 3,
            ..Default::default()
        };
        let feature = feature.parse().expect("a feature");
        let Bench { model, scope, .. } = &mut it.bench;
        block_on(scope.card(model, feature, &question, &stop))
    };
    let of_layer_1 = card(&mut it, "1.5").expect("a card");
    assert!(of_layer_1.encoder_norm.is_some() && of_layer_1.decoder_norm.is_none());
    assert!(of_layer_1.logits.is_none());
    assert!(message(card(&mut it, "0.5")).starts_with("what layer 0's transcoder"));
}

/// The table comes in pieces, rows that were there already among them.
#[test]
fn rows_of_the_table_come_in_any_pieces() {
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let checkpoint = model::checkpoint(Preset::Nano);
    let mut whole = model::load(&gpu, &checkpoint, PlanRequest::default());
    let mut it = Arriving::new(&gpu, keeping(0));
    for part in [Part::Opening, Part::Embedding(0)] {
        let has = |it: &Arriving| it.bench.model.need_tokens(&[2, 199, 200]).is_ok();
        match part {
            Part::Opening => it.parts.add(part),
            _ => {
                for rows in [200..512, 0..7] {
                    it.parts.add_rows(rows);
                    it.take_up();
                    assert!(!has(&it) && it.bench.model.need_table().is_err());
                }
                it.parts.add_rows(7..200);
            }
        }
        it.take_up();
        assert_eq!(has(&it), part == Part::Embedding(0));
    }
    assert!(it.bench.model.need_table().is_ok());
    let stop = Stop::default();
    let [got, expected] = [&mut it.bench.model, &mut whole].map(|model| {
        let mut rows = Vec::new();
        for id in [0, 2, 6, 7, 40, 199, 200, 511] {
            rows.push(block_on(model.embedding(id, &stop)).expect("a row"));
        }
        rows.push(block_on(model.mean_embedding(&stop)).expect("the mean"));
        rows.push(block_on(model.unembed(&[0.5; 64], true, &stop)).expect("logits"));
        rows
    });
    assert!(got == expected);
}

/// A load that is stopped half-way, and an arrival: what is done is done, and the rest follows.
#[test]
fn a_stopped_arrival_goes_on_later() {
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let expected = expected(&gpu, N_KEPT);
    let mut it = Arriving::new(&gpu, keeping(N_KEPT));
    for part in it.parts.all() {
        it.parts.add(part);
    }
    let mut n = 0;
    while n < 60 {
        let stop = Stop::default();
        let mut left = 1 + n % 7;
        let mut tell = |_| {
            left -= 1;
            if left == 0 {
                stop.set();
            }
        };
        match block_on(it.bench.model.arrive(&mut tell, &stop)) {
            Err(ModelError::Stopped) => n += 1,
            other => {
                other.expect("it arrives");
                break;
            }
        }
    }
    assert!(n > 3, "it was stopped {n} times");
    it.take_up();
    it.sites = it.go_on().expect("a run");
    let got = answers(&mut it.bench, it.sites, it.features);
    assert!(got == expected);
}
