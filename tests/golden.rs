//! The model against activations computed by transformers: every site, pattern, logit and greedy token.
//!
//! Tolerances are those of the reference's own README: 1e-4 of a tensor's largest value on `nano`, 5e-4 on `wide`.

#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;
#[path = "common/parts.rs"]
mod parts;

use compare::{Tensors, compare, with_prefix};
use gemscope::{
    model::PlanRequest,
    spec::{Sampling, Site},
    sys::{Stop, block_on},
    weights::synth::Preset,
};
use std::path::Path;

const NANO_TOLERANCE: f32 = 1e-4;

struct Prompt {
    ids: Vec<u32>,
    greedy: Vec<u32>,
}

fn nano_prompts() -> Vec<Prompt> {
    let text = std::fs::read("tests/golden/nano.json").expect("tests/golden/nano.json");
    let json: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let ids = |it: &serde_json::Value| serde_json::from_value(it.clone()).expect("token ids");
    let of = |it: &serde_json::Value| Prompt {
        ids: ids(&it["ids"]),
        greedy: ids(&it["greedy"]),
    };
    json["prompts"]
        .as_array()
        .expect("prompts")
        .iter()
        .map(of)
        .collect()
}

fn nano_golden() -> Tensors {
    compare::read(Path::new("tests/golden/nano.safetensors"))
        .expect("tests/golden/nano.safetensors")
}

#[test]
fn nano_holds_at_every_site() {
    let (checkpoint, golden) = (model::checkpoint(Preset::Nano), nano_golden());
    let sites = Site::all(checkpoint.config().n_layers);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        for (n, prompt) in nano_prompts().iter().enumerate() {
            let got = model::run(&mut nano, &prompt.ids, &sites, &[]);
            let again = model::run(&mut nano, &prompt.ids, &sites, &[]);
            let expected = with_prefix(&golden, &format!("p{n}."));
            match compare(&got, &expected, NANO_TOLERANCE) {
                Ok(it) => println!(
                    "{way}, prompt {n}: {} sites, worst {}",
                    it.n_sites,
                    it.worst.line()
                ),
                Err(error) => panic!("{way}, prompt {n}: {error}"),
            }
            assert!(got == again, "{way}, prompt {n}: two runs differ");
        }
    }
}

#[test]
fn nano_continues_greedily() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        for (n, prompt) in nano_prompts().iter().enumerate() {
            model::run(&mut nano, &prompt.ids, &[], &[]);
            let stop = Stop::default();
            for watch in [false, true] {
                let mut told = Vec::new();
                let mut sink = |it| told.push(it);
                let going = block_on(nano.generate(12, Sampling::GREEDY, watch, &mut sink, &stop));
                assert_eq!(going.expect("tokens"), prompt.greedy, "{way}, prompt {n}");
                assert_eq!(told, prompt.greedy, "{way}, prompt {n}");
            }
        }
    }
}

/// `wide` and `full` goldens hold parts: per layer norms and the first 16 values, per position the 20 best logits.
#[test]
fn wide_holds_where_its_golden_tells() {
    let Some(golden) = shared("wide/golden.safetensors") else {
        return;
    };
    let checkpoint = model::checkpoint(Preset::Wide);
    for (way, options) in model::ways(1 << 20) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut wide = model::load(&gpu, &checkpoint, PlanRequest::default());
        for n in 0..2 {
            let expected = with_prefix(&golden, &format!("p{n}."));
            match parts::check(&mut wide, &expected, parts::TOLERANCE) {
                Ok(worst) => println!("{way}, prompt {n}: worst {worst}"),
                Err(error) => panic!("{way}, prompt {n}: {error}"),
            }
        }
    }
}

/// Wherever the best token wins by more than the tolerance, going on from the cache and going over it all again agree.
#[test]
fn the_cache_gives_what_recomputation_gives() {
    let checkpoint = model::checkpoint(Preset::Nano);
    let Some(gpu) = model::open(&Default::default()) else {
        return;
    };
    let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
    let stop = Stop::default();
    let mut ids = nano_prompts()[1].ids.clone();
    model::run(&mut nano, &ids, &[], &[]);
    let cached =
        block_on(nano.generate(24, Sampling::GREEDY, false, &mut |_| (), &stop)).expect("tokens");
    let mut n_sure = 0;
    for token in cached {
        model::run(&mut nano, &ids, &[], &[]);
        let last = ids.len() - 1;
        let told = block_on(nano.probs(last..last + 1, 2, &[], &stop)).expect("a distribution");
        let [best, next] = told[0].top[..] else {
            panic!("two tokens are told")
        };
        if best.1 - next.1 > NANO_TOLERANCE * best.1.abs() {
            assert_eq!(token, best.0, "after {} tokens", ids.len());
            n_sure += 1;
        }
        ids.push(token);
    }
    assert!(n_sure > 12, "only {n_sure} of 24 were sure");
}

/// Tensors of `../shared/reference`, or none where a clone without it says so.
fn shared(path: &str) -> Option<Tensors> {
    if std::env::var_os("GEMSCOPE_NO_SHARED").is_some() {
        eprintln!("skipped: {path} is not here, and GEMSCOPE_NO_SHARED allows that");
        return None;
    }
    Some(
        compare::read(&Path::new("../shared/reference").join(path))
            .expect("shared goldens, or GEMSCOPE_NO_SHARED=1"),
    )
}
