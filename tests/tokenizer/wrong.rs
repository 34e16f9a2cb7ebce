//! Files that are wrong in every way, and texts that are strange: an error that names the part, never a panic.

use super::{BOS, SMALL, changed, small};
use gemscope::model::{Tokenizer, TokenizerError};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn wrong_parts_are_named() {
    named(json!({"normalizer": {"type": "NFC"}}), "NFC");
    named(
        json!({"normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}}),
        "Regex",
    );
    named(
        json!({"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "x"}}),
        "normalizer",
    );
    named(
        json!({"normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "b".repeat(99)}}),
        "longer",
    );
    named(
        json!({"pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Removed", "invert": false}}),
        "pre_tokenizer",
    );
    named(
        json!({"post_processor": {"type": "ByteLevel"}}),
        "ByteLevel",
    );
    named(
        json!({"post_processor": {"type": "TemplateProcessing", "single": []}}),
        "post_processor",
    );
    named(json!({"version": "2.0"}), "2.0");
    named(json!({"type": "Unigram"}), "Unigram");
    named(json!({"dropout": 0.5}), "dropout");
    named(json!({"continuing_subword_prefix": "##"}), "prefix");
    named(json!({"unk_token": "<nothing>"}), "<nothing>");
    named(json!({"merges": [["a", "b"]]}), "ab");
    named(
        json!({"merges": [["<start_of_turn>", "<start_of_turn>"]]}),
        "<start_of_turn>",
    );
    named(json!({"merges": ["a b c"]}), "a b c");
    named(json!({"merges": [["a", "b", "c"]]}), "two tokens");
    named(json!({"added_tokens": []}), "<bos>");
    named(
        json!({"vocab": {"a": 1, "b": 1, "<unk>": 0}, "merges": []}),
        "id 1",
    );
}

#[test]
fn wrong_added_tokens_are_named() {
    let added = |content: &str, flags: [bool; 2]| {
        json!({"id": 310, "content": content, "single_word": false, "lstrip": flags[0], "rstrip": flags[1],
            "normalized": false, "special": false})
    };
    named(
        json!({"added_tokens": [added("new", [false, false])]}),
        "new",
    );
    named(
        json!({"added_tokens": [added(" ", [true, false]), added("x", [false, true])]}),
        "lstrip",
    );
    let mut gone = added("b", [false, false]);
    gone["normalized"] = json!(true);
    let normalizer = json!({"type": "Replace", "pattern": {"String": "b"}, "content": ""});
    named(
        json!({"normalizer": normalizer, "added_tokens": [gone]}),
        "nothing",
    );
}

#[test]
fn a_file_cut_short_and_a_model_that_is_too_small() {
    let error = Tokenizer::from_json(&SMALL.as_bytes()[..SMALL.len() / 2]).unwrap_err();
    assert!(matches!(error, TokenizerError::Json { .. }), "{error}");
    assert!(matches!(
        small().check_vocab(100),
        Err(TokenizerError::Vocab { d_vocab: 100, .. })
    ));
}

/// The error that `small.json` with other values for some keys gives.
fn named(changes: Value, part: &str) {
    let error = Tokenizer::from_json(changed(&changes).as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.contains(part), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: n_cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_at_random_are_no_tokenizer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Tokenizer::from_json(&bytes).is_err());
    }

    #[test]
    fn a_file_with_changed_bytes_gives_an_error_or_a_tokenizer(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), text in texts(),
    ) {
        let mut file = SMALL.as_bytes().to_vec();
        for (place, byte) in places {
            let place = place.index(file.len());
            file[place] = byte;
        }
        use_it(&file, &text)?;
    }

    #[test]
    fn a_file_with_other_parts_gives_an_error_or_a_tokenizer(
        normalizer in normalizers(), added in proptest::collection::vec(added_tokens(), 0..6),
        merges in prop_oneof![9 => Just(vec![]), 1 => proptest::collection::vec((words(), words()), 1..3)], fallback: bool, text in texts(),
    ) {
        let mut file: Value = serde_json::from_str(SMALL).unwrap();
        let vocab = file["model"]["vocab"].clone();
        let mut next_id = vocab.as_object().unwrap().len();
        let all = file["added_tokens"].as_array_mut().unwrap();
        all.truncate(6);
        for mut it in added {
            let content = it["content"].clone();
            if all.iter().any(|other| other["content"] == content) {
                continue;
            }
            it["id"] = vocab[content.as_str().unwrap()].clone();
            if it["id"].is_null() {
                it["id"] = json!(next_id);
                next_id += 1;
            }
            all.push(it);
        }
        file["normalizer"] = normalizer;
        file["post_processor"] = Value::Null;
        file["model"]["byte_fallback"] = json!(fallback);
        file["model"]["merges"].as_array_mut().unwrap().extend(merges.into_iter().map(|it| json!(it)));
        use_it(file.to_string().as_bytes(), &text)?;
    }
}

/// `PROPTEST_CASES` for a longer search.
fn n_cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(300)
}

/// Whatever loads must encode any text without a panic, with places inside it, and give back what it can.
fn use_it(file: &[u8], text: &str) -> Result<(), TestCaseError> {
    let Ok(tokenizer) = Tokenizer::from_json(file) else {
        return Ok(());
    };
    let Ok(encoded) = tokenizer.encode(text) else {
        return Ok(());
    };
    prop_assert_eq!(
        (encoded.ids[0], encoded.ids.len()),
        (BOS, encoded.bytes.len())
    );
    prop_assert!(
        encoded
            .bytes
            .iter()
            .flatten()
            .all(|(a, b)| text.get(*a..*b).is_some())
    );
    prop_assert_eq!(tokenizer.pieces(&encoded.ids).len(), encoded.ids.len());
    let _ = (
        tokenizer.decode(&encoded.ids),
        tokenizer.last_piece(&encoded.ids),
    );
    Ok(())
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        words(),
        "[ \n\t]{0,3}",
        Just("<bos>".to_string()),
        any::<char>().prop_map(String::from)
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|it| it.concat())
}

/// Few and short, so that they meet each other.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab \n<]{1,3}",
        Just("\u{2003}".to_string()),
        Just("▁".to_string()),
        Just("İ€".to_string()),
        "[ab]",
        Just("hello".to_string())
    ]
}

fn added_tokens() -> impl Strategy<Value = Value> {
    (words(), any::<[bool; 5]>()).prop_map(|(content, flags)| {
        json!({"id": 0, "content": content, "single_word": flags[0], "lstrip": flags[1], "rstrip": flags[2],
            "normalized": flags[3], "special": flags[4]})
    })
}

fn normalizers() -> impl Strategy<Value = Value> {
    let replace = |(pattern, content): (String, String)| json!({"type": "Replace", "pattern": {"String": pattern}, "content": content});
    let content = prop_oneof![words(), Just(String::new())];
    let part = prop_oneof![
        (words(), content).prop_map(replace),
        Just(json!({"type": "Lowercase"})),
        words().prop_map(|it| json!({"type": "Prepend", "prepend": it})),
    ];
    prop_oneof![
        Just(Value::Null),
        proptest::collection::vec(part, 0..4)
            .prop_map(|it| json!({"type": "Sequence", "normalizers": it})),
    ]
}
