//! What is wrong is named with a remedy before any model is loaded, and nothing is left half-done.

use super::{CONFIG, Scratch, failure};

#[test]
fn prompts() {
    check(
        "prompts",
        &[
            ("dump MODEL OUT", "no prompt", "--ids"),
            ("dump MODEL OUT --ids 2 --text a", "two prompts", "either"),
            ("dump MODEL OUT --text=", "empty", "character"),
            ("dump MODEL OUT --ids=", "no token ids", "2 is BOS"),
            ("dump MODEL OUT --ids 2,x", "`x`", "numbers"),
            ("dump MODEL OUT --ids 2,-5", "`-5`", "numbers"),
            (
                "dump MODEL OUT --text a",
                "no tokenizer.json",
                "--tokenizer",
            ),
            (
                "dump MODEL OUT --text a --tokenizer nowhere.json",
                "nowhere.json",
                "belongs",
            ),
            ("generate MODEL", "no prompt", "--text"),
            ("probs MODEL", "no prompt", "--text"),
        ],
    );
}

#[test]
fn places() {
    check(
        "places",
        &[
            (
                "dump MODEL OUT --ids 2 --sites logits,hook_q",
                "`hook_q`",
                "gemscope sites",
            ),
            (
                "dump MODEL OUT --ids 2 --add logits",
                "`logits`",
                "SITE:POSITIONS=FILE",
            ),
            (
                "dump MODEL OUT --ids 2 --replace nowhere:*=f#x",
                "`nowhere`",
                "gemscope sites",
            ),
            (
                "dump MODEL OUT --ids 2 --replace logits:7-3=f#x",
                "7-3",
                "BOS",
            ),
            ("probs MODEL --ids 2 --positions b", "`b`", "BOS"),
            ("probs MODEL --ids 2 --ask b", "`b`", "numbers"),
        ],
    );
}

#[test]
fn files() {
    check(
        "files",
        &[
            (
                "dump --model no-such-folder OUT --ids 2",
                "no-such-folder",
                "config.json",
            ),
            (
                "dump --model src OUT --ids 2",
                "no config.json in `src`",
                "folder",
            ),
            (
                "dump MODEL --ids 2 --out /no/folder/x",
                "/no/folder/x",
                "--out",
            ),
            (
                "dump MODEL --ids 2 --out FOLDER",
                "can't be written",
                "--out",
            ),
            (
                "dump MODEL OUT --ids 2 --add logits:*=nowhere.st#x",
                "nowhere.st",
                "safetensors file",
            ),
            (
                "dump MODEL OUT --ids 2 --add logits:*=Cargo.toml#x",
                "Cargo.toml",
                "safetensors file",
            ),
            (
                "dump MODEL OUT --ids 2 --add logits:*=FOLDER/half.st#y",
                "no tensor `y`",
                "It has x.",
            ),
            (
                "dump MODEL OUT --ids 2 --add logits:*=FOLDER/half.st#x",
                "beyond",
                "again",
            ),
            ("tokens --tokenizer nowhere.json a", "nowhere.json", "model"),
            (
                "tokens --tokenizer FOLDER/broken.json a",
                "tokenizer.json",
                "tokenizer",
            ),
        ],
    );
}

/// Calls with arguments of one word each, in which MODEL, OUT and FOLDER stand for those of a folder of the test's own.
pub fn check(name: &str, cases: &[(&str, &str, &str)]) {
    let folder = Scratch::new(name);
    std::fs::write(folder.join("config.json"), CONFIG).unwrap();
    std::fs::write(folder.join("broken.json"), "{").unwrap();
    let header = r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let half = [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &[0; 4],
    ]
    .concat();
    std::fs::write(folder.join("half.st"), half).unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    for (arguments, what, remedy) in cases {
        let arguments = arguments
            .replace("MODEL", "--model FOLDER")
            .replace("OUT", "--out FOLDER/x.safetensors")
            .replace("FOLDER", folder.text());
        let it = failure(&arguments.split(' ').collect::<Vec<_>>());
        assert!(it.what.contains(what), "{arguments}: {it:?}");
        assert!(it.remedy.contains(remedy), "{arguments}: {it:?}");
    }
    let n_files = std::fs::read_dir(folder.text()).unwrap().count();
    assert_eq!(n_files, 4, "nothing is left half-done");
}
