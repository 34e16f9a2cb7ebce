//! The native program as it is called: what it prints, how it fails, what it leaves behind.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too, which the lint does not see"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "cli/export.rs"]
mod export;
#[path = "cli/gpu.rs"]
mod gpu;
#[path = "cli/labels.rs"]
mod labels;
#[path = "cli/scope.rs"]
mod scope;
#[path = "cli/wrong.rs"]
mod wrong;
#[path = "cli/wrong_scope.rs"]
mod wrong_scope;

const SMALL: &str = "tests/golden/tokenizer/small.json";

#[test]
fn sites_are_a_closed_list() {
    let text = stdout(&["sites"]);
    for line in [
        "hook_embed",
        "blocks.L.ln2.hook_normalized",
        "blocks.L.attn.hook_pattern",
        "[n_heads, n_dst, n_src]",
        "logits",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let list = json(&["sites"]);
    assert_eq!(list.as_array().unwrap().len(), 9);
    assert_eq!(list[8]["shape"], serde_json::json!(["n_pos", "d_vocab"]));
}

#[test]
fn sites_of_a_model_have_its_layers_and_sizes() {
    let folder = Scratch::new("sites");
    std::fs::write(folder.join("config.json"), CONFIG).unwrap();
    let list = json(&["sites", "--model", folder.text()]);
    assert_eq!(list.as_array().unwrap().len(), 2 + 7 * 3);
    assert_eq!(list[22]["shape"], serde_json::json!(["n_pos", "512"]));
    assert_eq!(list[2]["site"], "blocks.0.attn.hook_pattern");
    std::fs::write(
        folder.join("config.json"),
        CONFIG.replace("gemma2", "llama"),
    )
    .unwrap();
    let it = failure(&["sites", "--model", folder.text()]);
    assert!(it.what.contains("llama"), "{it:?}");
}

#[test]
fn tokens_have_ids_places_and_pieces() {
    let tokens = json(&["tokens", "--tokenizer", SMALL, "hello world\n£"]);
    let ids: Vec<_> = tokens
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids[0], 2);
    assert_eq!(
        (&tokens[0]["bytes"], &tokens[0]["special"]),
        (&Value::Null, &Value::Bool(true))
    );
    assert_eq!(tokens[2]["bytes"], serde_json::json!([5, 11]));
    assert_eq!(tokens[4]["bytes"], tokens[5]["bytes"]);
    let text = stdout(&["tokens", "--tokenizer", SMALL, "hello world\n£"]);
    assert!(
        text.contains("<bos>") && text.contains("` world`") && text.contains("`↵`"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1 + ids.len());
}

#[test]
fn a_text_may_look_like_an_option() {
    let tokens = json(&["tokens", "--tokenizer", SMALL, "--", "--hello"]);
    assert_eq!(tokens[0]["id"], 2);
}

#[test]
fn arguments_that_are_none_of_ours_end_with_2() {
    for arguments in [
        &["nothing"][..],
        &["dump"],
        &["describe", "--limits", "some"],
        &["describe", "--max-binding-bytes", "16kb"],
        &["plan", "--model", "x", "--precision", "exact"],
        &["generate", "--model", "x", "--ids", "2", "--n", "-1"],
        &["feature", "12", "--model", "x"],
        &["intervene", "--model", "x", "--mode", "loose"],
    ] {
        let output = gemscope(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    assert_eq!(gemscope(&["--version"]).status.code(), Some(0));
}

#[test]
fn errors_are_for_people_unless_json_is_asked_for() {
    let output = gemscope(&["tokens", "--tokenizer", "nowhere.json", "a"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: There is no tokenizer `nowhere.json`.\n  Give"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(1));
}

/// What a program that failed has said.
#[derive(Debug)]
struct Failed {
    what: String,
    remedy: String,
}

/// A folder that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gemscope-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether tests are to do without a GPU, which is then said.
fn no_gpu(name: &str) -> bool {
    let without = std::env::var_os("GEMSCOPE_NO_GPU").is_some();
    if without {
        eprintln!("skipped: {name} (GEMSCOPE_NO_GPU=1)");
    }
    without
}

/// The numbers of an f32 tensor.
fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]]))
        .collect()
}

fn gemscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gemscope"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap()
}

/// What it prints, when all goes well.
fn stdout(arguments: &[&str]) -> String {
    let output = gemscope(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one document that it prints.
fn json(arguments: &[&str]) -> Value {
    let end = arguments
        .iter()
        .position(|it| *it == "--")
        .unwrap_or(arguments.len());
    let text = stdout(&[&arguments[..end], &["--json"], &arguments[end..]].concat());
    serde_json::from_str(&text).unwrap_or_else(|it| panic!("{it}: {text}"))
}

/// The error that it prints, with the exit code 1 and nothing else printed.
fn failure(arguments: &[&str]) -> Failed {
    let output = gemscope(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    let it: Value =
        serde_json::from_str(&text).unwrap_or_else(|it| panic!("{arguments:?}: {it}: {text}"));
    let part = |key: &str| it["error"][key].as_str().unwrap().to_string();
    Failed {
        what: part("what"),
        remedy: part("remedy"),
    }
}

const CONFIG: &str = r#"{
    "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "num_hidden_layers": 3, "hidden_size": 64,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "intermediate_size": 160, "vocab_size": 512,
    "max_position_embeddings": 8192, "sliding_window": 8, "query_pre_attn_scalar": 32, "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0, "rms_norm_eps": 1e-6, "rope_theta": 10000.0
}"#;
