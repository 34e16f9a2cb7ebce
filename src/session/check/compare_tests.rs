//! What passes and what does not, on made-up measurements.

use super::super::figures::Figures;
use super::*;
use crate::spec::FigureSet;

fn figures() -> Figures {
    Figures::of(FigureSet::Published)
}

fn probability(id: u32, probability: f32) -> Probability {
    Probability {
        id,
        piece: String::new(),
        logit: 0.0,
        probability,
    }
}

#[test]
fn encoders_count_exactly_and_activate_nearly() {
    let figures = figures().encoder;
    let case = EncoderCase {
        n_active: 3,
        top: vec![(7, 10.0), (5, 8.0)],
        ..figures.cases[0].clone()
    };
    let passed = |measured: Measured<Vec<(usize, f32)>>| {
        encoder(&figures, &case, &measured).map(|it| it.passed)
    };
    assert_eq!(
        passed(Ok(vec![(1, 0.5), (5, 8.0), (7, 10.0009)])),
        [true, true]
    );
    assert_eq!(passed(Ok(vec![(5, 8.0), (7, 10.0)])), [false, true]);
    assert_eq!(
        passed(Ok(vec![(1, 0.5), (5, 8.0), (7, 10.01)])),
        [true, false]
    );
    assert_eq!(
        passed(Ok(vec![(1, 0.5), (6, 8.0), (7, 10.0)])),
        [true, false]
    );
    assert_eq!(
        passed(Ok(vec![(1, 0.5), (5, f32::NAN), (7, 10.0)])),
        [true, false]
    );
    assert_eq!(passed(Ok(vec![])), [false, false]);
    assert_eq!(passed(Err("no layer".into())), [false, false]);
}

#[test]
fn probabilities_and_ranks() {
    let prompts = figures().prompts;
    let figure = prompts[0].probabilities.as_ref().expect("figure");
    let exact: Vec<Probability> = (figure.tokens.iter())
        .map(|(id, it)| probability(*id, it + 0.019))
        .collect();
    let lines = probabilities(figure, Precision::Reference, &Ok(exact.clone()));
    assert!(
        lines.len() == 5 && lines.iter().all(|it| it.passed),
        "{lines:?}"
    );
    let lines = probabilities(figure, Precision::Reference, &Ok(exact[..1].to_vec()));
    assert_eq!(lines.iter().filter(|it| it.passed).count(), 1);
    let far = vec![probability(figure.tokens[0].0, figure.tokens[0].1 - 0.021)];
    assert!(!probabilities(figure, Precision::Reference, &Ok(far))[0].passed);
    let figure = prompts[2].rank.as_ref().expect("figure");
    let place = |at: u32| -> Vec<Probability> {
        let id = |it| if it == at { figure.token } else { it };
        (1..=20).map(|it| probability(id(it), 0.1)).collect()
    };
    assert!(rank(figure, &Ok(place(8))).passed);
    assert!(!rank(figure, &Ok(place(7))).passed && !rank(figure, &Ok(vec![])).passed);
}

#[test]
fn counts_features_and_residuals() {
    let prompts = figures().prompts;
    let figure = prompts[0].n_active.as_ref().expect("figure");
    let passed = |n: usize| n_active(figure, Precision::Reference, &Ok(n)).passed;
    assert!(passed(9081) && passed(9081 - 90) && passed(9081 + 90));
    assert!(
        !passed(9081 - 91)
            && !passed(0)
            && !n_active(figure, Precision::Reference, &Err("x".into())).passed
    );
    let figure = prompts[1].firing.as_ref().expect("figure");
    let mut all: Vec<(Place, f32)> = figure.features.iter().map(|it| (*it, 1.0)).collect();
    assert!(
        firing(figure, &|_| Ok(all.clone()))
            .iter()
            .all(|it| it.passed)
    );
    all[0].1 = 0.0;
    all.pop();
    let passed = firing(figure, &|_| Ok(all.clone()))
        .iter()
        .filter(|it| it.passed)
        .count();
    assert_eq!(passed, figure.features.len() - 2);
    let figure = prompts[2].residual.as_ref().expect("figure");
    let mut stream = figure.first.clone();
    let squares: f32 = stream.iter().map(|it| it * it).sum();
    stream.push((figure.norm * figure.norm - squares).sqrt());
    let passed = |it: Vec<f32>| residual(figure, &Ok(it)).map(|it| it.passed);
    assert_eq!(passed(stream.clone()), [true, true]);
    stream[1] += 0.0011;
    assert_eq!(passed(stream), [false, true]);
    assert_eq!(passed(vec![1.0]), [false, false]);
}

#[test]
fn another_model_is_told_by_its_sizes() {
    let figures = figures().model;
    let text = r#"{"architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "num_hidden_layers": 3, "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "intermediate_size": 160, "vocab_size": 512,
        "max_position_embeddings": 8192, "sliding_window": 8, "query_pre_attn_scalar": 32, "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0, "rms_norm_eps": 1e-6, "rope_theta": 10000.0}"#;
    let config = Config::from_json(text.as_bytes()).expect("config");
    let line = sizes(&figures, &config);
    assert!(
        !line.passed && line.measured.starts_with("3 layers"),
        "{line:?}"
    );
}
