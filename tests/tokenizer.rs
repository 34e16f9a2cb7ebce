//! The tokenizer against the Python package `tokenizers`: the real vocabulary (cases of ../shared), and a small file of our
//! own with every kind of added token; then files that are wrong in every way.

use gemscope::model::{Tokenizer, TokenizerError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

const SMALL: &str = include_str!("golden/tokenizer/small.json");
const SMALL_CASES: &str = include_str!("golden/tokenizer/small_cases.json");
const BOS: u32 = 2;

#[test]
fn the_real_vocabulary_gives_what_python_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/tokenizer");
    let Ok(file) = std::fs::read(folder.join("tokenizer.json")) else {
        let skipped = std::env::var_os("GEMSCOPE_NO_SHARED").is_some();
        assert!(
            skipped,
            "{} is missing; GEMSCOPE_NO_SHARED=1 skips this test",
            folder.display()
        );
        eprintln!("skipped: the_real_vocabulary_gives_what_python_gives (GEMSCOPE_NO_SHARED=1)");
        return;
    };
    let tokenizer = Tokenizer::from_json(&file).unwrap();
    let cases: Value =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    assert_eq!(cases.as_array().unwrap().len(), 29);
    for case in cases.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        // These cases hold the BOS, with no place in the text.
        check_encoded(&tokenizer, text, &case["ids"], &case["offsets"], true);
        let ids = numbers(&case["ids"]);
        assert_eq!(tokenizer.decode(&ids).unwrap(), case["decoded"], "{text:?}");
        let raw: Vec<String> = ids.iter().map(|id| tokenizer.raw(*id).unwrap()).collect();
        assert_eq!(json!(raw), case["tokens"], "{text:?}");
        let pieces = tokenizer.pieces(&ids);
        let joined: String = pieces.iter().skip(1).map(|it| it.text.as_str()).collect();
        assert_eq!(joined, case["decoded"].as_str().unwrap());
        assert!(pieces[0].special && pieces[0].text == "<bos>");
    }
    tokenizer.check_vocab(256_000).unwrap();
    let error = tokenizer.check_vocab(255_999).unwrap_err().to_string();
    assert!(
        error.contains("255999") && error.contains("255999 tokens"),
        "{error}"
    );
}

#[test]
fn a_small_file_and_its_variants_give_what_python_gives() {
    let variants: Value = serde_json::from_str(SMALL_CASES).unwrap();
    for variant in variants.as_array().unwrap() {
        let tokenizer = Tokenizer::from_json(changed(&variant["changes"]).as_bytes())
            .unwrap_or_else(|it| panic!("{}: {it}", variant["name"]));
        for case in variant["cases"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            check_encoded(&tokenizer, text, &case["ids"], &case["offsets"], false);
            let ids = numbers(&case["ids"]);
            assert_eq!(tokenizer.decode(&ids).unwrap(), case["decoded"], "{text:?}");
        }
        for case in variant["decoded"].as_array().unwrap() {
            let ids = numbers(&case["ids"]);
            assert_eq!(tokenizer.decode(&ids).unwrap(), case["decoded"], "{ids:?}");
        }
    }
}

#[test]
fn there_is_one_bos_whatever_a_text_starts_with() {
    let tokenizer = small();
    for (text, typed) in [
        ("hello", None),
        ("", None),
        ("<bos>hello", Some((0, 5))),
        ("<bos>", Some((0, 5))),
        ("<bos><bos>hello", Some((5, 10))),
        (" <bos>hello", None),
        ("<eos>", None),
    ] {
        let encoded = tokenizer.encode(text).unwrap();
        assert_eq!((encoded.ids[0], encoded.bytes[0]), (BOS, typed), "{text:?}");
        assert_ne!(encoded.ids.get(1), Some(&BOS), "{text:?}");
    }
}

#[test]
fn tokens_are_shown_as_the_text_they_stand_for() {
    let tokenizer = small();
    let shown = |text: &str| -> Vec<(String, String)> {
        let ids = tokenizer.encode(text).unwrap().ids;
        let pieces = tokenizer.pieces(&ids[1..]).into_iter();
        pieces.map(|it| (it.text, it.shown)).collect()
    };
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(
        shown("hello world"),
        [pair("hello", "hello"), pair(" world", " world")]
    );
    assert_eq!(shown("\n\n\t"), [pair("\n\n", "↵↵"), pair("\t", "→")]);
    // The euro sign is an added token; the pound sign is two bytes.
    assert_eq!(shown("€£"), [pair("€", "€"), pair("£", "£"), pair("", "")]);
    assert_eq!(shown("\0"), [pair("\0", "␀")]);
    assert_eq!(
        shown("<tag> x"),
        [pair("<tag>", "<tag>"), pair(" ", " "), pair("x", "x")]
    );
    let byte = |it: u8| 6 + u32::from(it);
    let texts = |ids: &[u32]| -> Vec<String> {
        tokenizer
            .pieces(ids)
            .into_iter()
            .map(|it| it.text)
            .collect()
    };
    assert_eq!(texts(&[byte(0xe2), byte(0x82)]), ["<0xE2>", "<0x82>"]);
    assert_eq!(
        texts(&[byte(0xff), byte(0xc2), byte(0xa3), BOS]),
        ["<0xFF>", "£", "", "<bos>"]
    );
    assert_eq!(tokenizer.piece(byte(0xe2)).text, "<0xE2>");
    assert_eq!(tokenizer.piece(9999).text, "<id 9999>");
    assert!(
        tokenizer.piece(BOS).special
            && !tokenizer.special(tokenizer.encode("<tag>").unwrap().ids[1])
    );
}

#[test]
fn tokens_that_come_one_by_one_show_a_character_when_it_is_complete() {
    let tokenizer = small();
    let ids = tokenizer.encode("a😀£\n").unwrap().ids;
    let texts: Vec<String> = (1..=ids.len())
        .map(|n| tokenizer.last_piece(&ids[..n]).unwrap().text)
        .collect();
    assert_eq!(texts, ["<bos>", "a", "", "", "", "😀", "", "£", "\n"]);
    assert_eq!(tokenizer.last_piece(&[6 + 0xff]).unwrap().text, "<0xFF>");
    assert_eq!(tokenizer.last_piece(&[]), None);
}

#[test]
fn bytes_of_a_character_have_its_place() {
    let encoded = small().encode("a😀b").unwrap();
    let place = Some((1, 5));
    assert_eq!(
        encoded.bytes,
        [None, Some((0, 1)), place, place, place, place, Some((5, 6))]
    );
}

#[test]
fn wrong_files_are_named() {
    let wrong = |changes: Value| Tokenizer::from_json(changed(&changes).as_bytes()).unwrap_err();
    let named = |changes: Value, part: &str| {
        let error = wrong(changes).to_string();
        assert!(error.contains(part), "{error}");
    };
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
    let error = Tokenizer::from_json(&SMALL.as_bytes()[..SMALL.len() / 2]).unwrap_err();
    assert!(matches!(error, TokenizerError::Json { .. }), "{error}");
    assert!(matches!(
        small().check_vocab(100),
        Err(TokenizerError::Vocab { d_vocab: 100, .. })
    ));
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

fn small() -> Tokenizer {
    Tokenizer::from_json(SMALL.as_bytes()).unwrap()
}

/// `small.json` with other values for some keys, of the file or of its model.
fn changed(changes: &Value) -> String {
    let mut file: Value = serde_json::from_str(SMALL).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        let of_model = file.get(key).is_none();
        let part = if of_model {
            &mut file["model"]
        } else {
            &mut file
        };
        part[key] = value.clone();
    }
    file.to_string()
}

/// Compares with what Python gives, whose offsets count characters.
fn check_encoded(tokenizer: &Tokenizer, text: &str, ids: &Value, offsets: &Value, with_bos: bool) {
    let encoded = tokenizer.encode(text).unwrap();
    let ids = numbers(ids);
    let places = offsets.as_array().unwrap().iter().map(|it| {
        let [start, end] = [&it[0], &it[1]].map(|it| it.as_u64().unwrap() as usize);
        Some((byte_of_character(text, start), byte_of_character(text, end)))
    });
    let mut expected: Vec<_> = ids.into_iter().zip(places).collect();
    if with_bos {
        expected[0].1 = None;
    } else if expected.first().is_none_or(|it| it.0 != BOS) {
        expected.insert(0, (BOS, None));
    }
    while expected.get(1).is_some_and(|it| it.0 == BOS) {
        expected.remove(0);
    }
    let got: Vec<_> = encoded.ids.into_iter().zip(encoded.bytes).collect();
    assert_eq!(got, expected, "{text:?}");
}

fn byte_of_character(text: &str, n: usize) -> usize {
    text.char_indices().nth(n).map_or(text.len(), |(it, _)| it)
}

fn numbers(of: &Value) -> Vec<u32> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_u64().unwrap() as u32)
        .collect()
}
