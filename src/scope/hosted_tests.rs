//! Answers as Neuronpedia gives them, mutilated ones, hostile ones, and random bytes.

use super::*;
use proptest::prelude::*;

const ANSWER: &str = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":"9377",
"frac_nonzero":0.002,"maxActApprox":38.5,"pos_str":["x"],"topkCosSimIndices":[],
"explanations":[{"description":" Texas and\nits cities ","typeName":"np_max-act-logits"},{"description":"a second"}],
"activations":[{"tokens":["▁in","▁Dallas","<0x0A>"],"values":[0,12.5,0],"maxValue":12.5,"maxValueTokenIndex":1,"binMin":3},
{"tokens":["▁in","▁Dallas","<0x0A>"],"values":[0,12.5,0]},
{"tokens":["Austin"],"values":[38.25]},{"tokens":["silent"],"values":[0]}]}"#;

fn feature() -> FeatureId {
    FeatureId {
        layer: 12,
        index: 9377,
    }
}

fn read(text: &str) -> Result<(Label, Vec<Example>), HostedError> {
    hosted_label(text.as_bytes(), feature())
}

#[test]
fn an_answer_has_a_label_figures_and_sentences() {
    let (label, examples) = read(ANSWER).expect("an answer");
    assert_eq!(label.index, 9377);
    assert_eq!(label.label.as_deref(), Some("Texas and its cities"));
    assert_eq!((label.density, label.max), (Some(0.002), Some(38.5)));
    let texts: Vec<String> = examples.iter().map(|it| it.tokens.concat()).collect();
    assert_eq!(texts, ["Austin", " in Dallas↵"]);
    assert_eq!((examples[1].pos, examples[1].value), (1, 12.5));
}

#[test]
fn what_is_missing_or_of_another_kind_is_passed_over() {
    for (from, to) in [
        ("\"frac_nonzero\":0.002", "\"frac_nonzero\":\"often\""),
        ("\"frac_nonzero\":0.002,", ""),
        ("\"frac_nonzero\":0.002", "\"frac_nonzero\":2"),
        ("\"frac_nonzero\":0.002", "\"frac_nonzero\":1e99"),
    ] {
        let (label, examples) = read(&ANSWER.replace(from, to)).expect(to);
        assert_eq!((label.density, examples.len()), (None, 2), "{to}");
    }
    for explanations in ["null", "[]", "{}", "[null,7,{},{\"description\":\" \"}]"] {
        let start = ANSWER.find("[{\"desc").expect("it is there");
        let end = ANSWER.find(",\n\"act").expect("it is there");
        let text = format!("{}{explanations}{}", &ANSWER[..start], &ANSWER[end..]);
        let (label, _) = read(&text).expect(explanations);
        assert_eq!(label.label, None, "{explanations}");
    }
    let bare = r#"{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":9377}"#;
    let (label, examples) = read(bare).expect("an answer");
    assert!(label.label.is_none() && label.max.is_none() && examples.is_empty());
}

#[test]
fn an_answer_of_another_feature_or_of_none_is_refused() {
    for (from, to) in [
        ("9377", "9378"),
        ("\"12-", "\"13-"),
        ("transcoder-16k", "res-16k"),
        ("gemma-2-2b", "gemma-2-9b"),
    ] {
        let error = read(&ANSWER.replace(from, to)).expect_err(to);
        assert!(matches!(error, HostedError::Other { .. }), "{error}");
    }
    let cut = &ANSWER[..ANSWER.len() / 2];
    for text in ["", "null", "[]", "{}", "<html>", "\"x\"", cut] {
        let error = read(text).expect_err(text);
        assert!(matches!(error, HostedError::Form { .. }), "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(read(&ANSWER.replace("[]", &deep)).is_err());
}

#[test]
fn texts_stay_texts_and_are_bounded() {
    let hostile = "<script>alert(1)</script>\\u202eabc\\u0000";
    let text = ANSWER
        .replace(" Texas and\\nits cities ", hostile)
        .replace("Austin", "<img src=x>");
    let (label, examples) = read(&text).expect("an answer");
    let words = label.label.expect("a label");
    assert_eq!(words, "<script>alert(1)</script> abc");
    assert_eq!(examples[0].tokens, ["<img src=x>"]);
    let long = "x".repeat(100_000);
    let tokens = format!("[{}\"y\"]", format!("\"{long}\",").repeat(99));
    let values = format!("[{}7]", "0,".repeat(99));
    let text = format!(
        r#"{{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":9377,
        "explanations":[{{"description":"{long}"}}],"activations":[{}{{}}]}}"#,
        format!(r#"{{"tokens":{tokens},"values":{values}}},"#).repeat(3)
    );
    let (label, examples) = read(&text).expect("an answer");
    assert_eq!(label.label.map(|it| it.len()), Some(500));
    assert_eq!(examples.len(), 1, "the same is told once");
    assert_eq!((examples[0].tokens.len(), examples[0].pos), (33, 32));
    assert!(examples[0].tokens.iter().all(|it| it.len() <= 64));
}

/// What must hold of whatever is read.
fn is_sound(it: &(Label, Vec<Example>)) -> bool {
    let (label, examples) = it;
    let fine = |it: &Example| it.pos < it.tokens.len() && it.value.is_finite();
    label.index == 9377
        && label.density.is_none_or(|it| (0.0..=1.0).contains(&it))
        && label.max.is_none_or(f32::is_finite)
        && examples.len() <= MOST_EXAMPLES
        && examples.iter().all(fine)
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(hosted_label(&bytes, feature()).is_err());
    }

    #[test]
    fn mutilated_answers_are_refused_or_sound(at in 0..ANSWER.len(), n in 0usize..40, byte in any::<u8>(), replaces in any::<bool>()) {
        let mut bytes = ANSWER.as_bytes().to_vec();
        match replaces {
            true => bytes[at] = byte,
            false => drop(bytes.drain(at..(at + n).min(ANSWER.len()))),
        }
        if let Ok(it) = hosted_label(&bytes, feature()) {
            prop_assert!(is_sound(&it), "{:?}", it);
        }
    }

    #[test]
    fn any_figures_are_sound(values in proptest::collection::vec(any::<f64>(), 0..80), n_tokens in 0usize..80) {
        let values: Vec<String> = values.iter().map(|it| format!("{it:e}")).collect();
        let tokens = vec!["\"a\""; n_tokens].join(",");
        let text = format!(
            r#"{{"modelId":"gemma-2-2b","layer":"12-gemmascope-transcoder-16k","index":9377,"activations":[{{"tokens":[{tokens}],"values":[{}]}}]}}"#,
            values.join(",")
        );
        if let Ok(it) = hosted_label(text.as_bytes(), feature()) {
            prop_assert!(is_sound(&it), "{:?}", it);
        }
    }
}
