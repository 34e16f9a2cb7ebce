//! The tokenizer against the Python package `tokenizers`: the real vocabulary (cases of ../shared), and a small file of our
//! own with every kind of added token; then files that are wrong in every way.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too, which the lint does not see"
)]

use gemscope::model::Tokenizer;
use gemscope::spec::OPENING;
use serde_json::{Value, json};
use std::path::Path;

#[path = "tokenizer/wrong.rs"]
mod wrong;

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
    for it in OPENING {
        assert_eq!(
            tokenizer.encode(it.text).unwrap().ids,
            it.ids,
            "{}",
            it.text
        );
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
