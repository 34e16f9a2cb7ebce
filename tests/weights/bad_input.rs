//! Everything that can be wrong with a checkpoint is an error that names the thing and says what to do.

use crate::checkpoints::{FILE, Tensor, changed, file_with_header, find, in_memory, open, tiny};
use gemscope::{
    hub::{HubError, Memory, Source},
    spec::{ConfigError, Packing, TensorName},
    sys::block_on,
    weights::{WeightsError, synth::Stored},
};

const EMBED: &str = "model.embed_tokens.weight";
const NORM: &str = "model.norm.weight";
const INDEX: &str = "model.safetensors.index.json";

/// Opening must fail; the error must name what is given and have a remedy.
fn error_naming(memory: Memory, names: &[&str]) -> WeightsError {
    let error = open(memory).expect_err("it opened");
    let text = error.to_string();
    for name in names {
        assert!(text.contains(name), "`{text}` does not name {name}");
    }
    assert!(error.remedy().ends_with('.'));
    error
}

fn with_file(file: Vec<u8>) -> Memory {
    let mut memory = in_memory(&tiny(), Stored::Bf16, 1);
    memory.insert(FILE, file);
    memory
}

fn with_config(from: &str, to: &str) -> Memory {
    let mut memory = in_memory(&tiny(), Stored::Bf16, 1);
    let text = String::from_utf8(memory.remove("config.json").unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    memory.insert("config.json", text.replace(from, to));
    memory
}

fn with_index(from: &str, to: &str) -> Memory {
    let mut memory = in_memory(&tiny(), Stored::Bf16, 2);
    let text = String::from_utf8(memory.remove(INDEX).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    memory.insert(INDEX, text.replacen(from, to, 1));
    memory
}

macro_rules! assert_error {
    ($error:expr, $($pattern:tt)+) => {{
        let error = $error;
        assert!(matches!(&error, $($pattern)+), "{error:?}");
    }};
}

#[test]
fn a_config_of_another_architecture() {
    let cases = [
        ("Gemma2ForCausalLM", "LlamaForCausalLM"),
        ("\"gemma2\"", "\"gemma3\""),
        ("gelu_pytorch_tanh", "silu"),
    ];
    for (from, to) in cases {
        let error = error_naming(with_config(from, to), &[to.trim_matches('"')]);
        assert_error!(
            error,
            WeightsError::Config(ConfigError::Architecture { .. })
        );
    }
    let error = error_naming(
        with_config("\"hidden_size\": 32", "\"hidden_size\": 33"),
        &["hidden_size", "33"],
    );
    assert_error!(error, WeightsError::Config(ConfigError::Value { .. }));
    let error = error_naming(with_config("\"head_dim\"", "\"dim_head\""), &["head_dim"]);
    assert_error!(error, WeightsError::Config(ConfigError::Json { .. }));
}

#[test]
fn no_config_and_no_weights() {
    let error = error_naming(Memory::default(), &["config.json"]);
    assert_error!(error, WeightsError::Hub(HubError::NotFound { .. }));
    let mut memory = in_memory(&tiny(), Stored::Bf16, 1);
    memory.remove(FILE);
    assert_error!(
        error_naming(memory, &[FILE]),
        WeightsError::NoWeights { .. }
    );
    let mut memory = Memory::default();
    memory.insert("config.json", vec![b' '; (1 << 20) + 1]);
    assert_error!(
        error_naming(memory, &["config.json"]),
        WeightsError::TooBig { .. }
    );
}

#[test]
fn a_missing_an_extra_and_a_misshapen_tensor() {
    let missing = changed(|it| it.retain(|it| it.name != NORM));
    assert_error!(error_naming(missing, &[NORM]), WeightsError::Missing { .. });

    for name in ["lm_head.weight", "model.layers.1.input_layernorm.weight"] {
        let extra = changed(|it| {
            let mut copy = find(it, EMBED).clone();
            copy.name = name.into();
            it.push(copy);
        });
        assert_error!(
            error_naming(extra, &[name, FILE]),
            WeightsError::Extra { .. }
        );
    }

    let turned = changed(|it| find(it, EMBED).shape = vec![32, 8]);
    let error = error_naming(turned, &[EMBED, "[8, 32]", "[32, 8]"]);
    assert_error!(error, WeightsError::Shape { .. });
    let flat = changed(|it| find(it, EMBED).shape = vec![256]);
    assert_error!(
        error_naming(flat, &[EMBED, "[256]"]),
        WeightsError::Shape { .. }
    );
}

#[test]
fn a_truncated_or_overlong_file() {
    let whole = in_memory(&tiny(), Stored::Bf16, 1).remove(FILE).unwrap();
    let sizes = [
        &*format!("{}", whole.len()),
        &*format!("{}", whole.len() - 1),
    ];
    let error = error_naming(with_file(whole[..whole.len() - 1].to_vec()), &sizes);
    assert_error!(error, WeightsError::Extent { .. });
    let longer = [&whole[..], &[0]].concat();
    assert_error!(
        error_naming(with_file(longer), &[FILE]),
        WeightsError::Extent { .. }
    );
    for n in [0, 7, 8, 100] {
        let error = error_naming(with_file(whole[..n].to_vec()), &[FILE]);
        assert_error!(error, WeightsError::HeaderLength { .. });
    }
}

/// A header's line of one tensor.
fn entry(dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

/// A checkpoint whose file is this header and so many zeros.
fn of(json: &str, n_data: usize) -> Memory {
    with_file([file_with_header(json), vec![0; n_data]].concat())
}

#[test]
fn a_header_that_says_nothing() {
    for json in [
        "",
        "[]",
        "null",
        " {}",
        "{",
        "{}x",
        "\u{feff}{}",
        r#"{"__metadata__":1}"#,
    ] {
        assert_error!(
            error_naming(of(json, 0), &[FILE]),
            WeightsError::HeaderJson { .. }
        );
    }
    for bad in [
        "1",
        "{}",
        &entry("BF16", "[-1]", "[0,2]"),
        &entry("BF16", "[1]", "[0]"),
        &entry("BF16", "[1e99]", "[0,2]"),
    ] {
        let error = error_naming(
            of(&format!(r#"{{"the_one":{bad}}}"#), 2),
            &[FILE, "the_one"],
        );
        assert_error!(error, WeightsError::HeaderJson { .. });
    }
}

#[test]
fn a_header_that_contradicts_itself() {
    let good = entry("BF16", "[1]", "[0,2]");
    let twice = format!(
        r#"{{"the_one":{good},"the_one":{}}}"#,
        entry("BF16", "[1]", "[2,4]")
    );
    assert_error!(
        error_naming(of(&twice, 4), &["the_one"]),
        WeightsError::Duplicate { .. }
    );
    for offsets in [
        "[1,3]",
        "[0,3]",
        "[4,6]",
        "[2,0]",
        "[2,18446744073709551615]",
    ] {
        let json = format!(
            r#"{{"before":{good},"the_one":{}}}"#,
            entry("BF16", "[1]", offsets)
        );
        let error = error_naming(of(&json, 4), &[FILE]);
        assert_error!(
            error,
            WeightsError::Offsets { .. } | WeightsError::Extent { .. }
        );
    }
    for shape in ["[2]", "[0]", "[1,1,2]", "[9223372036854775808,2]", "[]"] {
        let json = format!(r#"{{"the_one":{}}}"#, entry("F32", shape, "[0,2]"));
        let error = error_naming(of(&json, 2), &[FILE, "the_one"]);
        assert_error!(error, WeightsError::Size { .. });
    }
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend(b"{}");
    assert_error!(
        error_naming(with_file(huge), &[FILE]),
        WeightsError::HeaderLength { .. }
    );
}

#[test]
fn an_unknown_type_and_one_that_is_no_weight() {
    let set = |dtype: &'static str| changed(move |it| find(it, NORM).dtype = dtype.into());
    for dtype in ["F8_E4M3", "bf16", "", "I64"] {
        let error = error_naming(set(dtype), &[NORM, dtype]);
        assert_error!(error, WeightsError::UnknownDType { .. });
    }
    let ints = changed(|it| {
        let norm = find(it, NORM);
        (norm.dtype, norm.bytes) = ("I32".into(), vec![0; 128]);
    });
    assert_error!(
        error_naming(ints, &[NORM, "I32"]),
        WeightsError::DType { .. }
    );
}

#[test]
fn weights_that_are_not_finite() {
    let bad: [(&str, Vec<u8>); 6] = [
        ("BF16", vec![0xc0, 0x7f]),
        ("BF16", vec![0x80, 0xff]),
        ("F16", vec![0x00, 0x7c]),
        ("F16", vec![0x01, 0xfc]),
        ("F32", f32::NAN.to_le_bytes().into()),
        ("F32", f32::NEG_INFINITY.to_le_bytes().into()),
    ];
    for (dtype, weight) in bad {
        let poison = |it: &mut Tensor| {
            it.dtype = dtype.into();
            let n = it.shape.iter().product::<u64>() as usize;
            it.bytes = vec![0; n * weight.len()];
            it.bytes[17 * weight.len()..18 * weight.len()].copy_from_slice(&weight);
        };
        let memory = changed(|it| {
            poison(find(it, EMBED));
            poison(find(it, NORM));
        });
        let checkpoint = open(memory).unwrap();
        for packing in [Packing::F32, Packing::Bf16, Packing::Q8] {
            let got = block_on(checkpoint.packed_rows(TensorName::Embed, 0..1, packing));
            let error = got.expect_err("it was packed");
            assert!(
                error.to_string().contains(EMBED) && error.to_string().contains("17"),
                "{error}"
            );
            assert_error!(error, WeightsError::NotFinite { index: 17, .. });
            assert!(block_on(checkpoint.packed_rows(TensorName::Embed, 1..8, packing)).is_ok());
        }
        let got = block_on(checkpoint.vector(TensorName::FinalNorm));
        assert_error!(got, Err(WeightsError::NotFinite { tensor, index: 17 }) if tensor == NORM);
    }
}

#[test]
fn an_index_that_names_what_is_not_there() {
    let shard = "model-00002-of-00002.safetensors";
    let mut gone = in_memory(&tiny(), Stored::Bf16, 2);
    gone.remove(shard);
    assert_error!(
        error_naming(gone, &[shard]),
        WeightsError::MissingShard { .. }
    );

    let error = error_naming(
        with_index(NORM, "model.other.weight"),
        &["model.other.weight"],
    );
    assert_error!(error, WeightsError::NotInShard { .. });
    let entry = format!("\"{NORM}\": \"{shard}\"");
    let moved = with_index(&entry, &entry.replace("00002-of", "00001-of"));
    assert_error!(
        error_naming(moved, &[NORM]),
        WeightsError::NotInShard { .. }
    );
    let dropped = with_index(&format!(",\n    {entry}"), "");
    assert_error!(
        error_naming(dropped, &[NORM]),
        WeightsError::NotInIndex { .. }
    );

    let mut doubled = in_memory(&tiny(), Stored::Bf16, 2);
    let copy = doubled
        .get_mut("model-00001-of-00002.safetensors")
        .unwrap()
        .clone();
    doubled.insert(shard, copy);
    assert_error!(
        error_naming(doubled, &[shard]),
        WeightsError::Duplicate { .. }
    );

    for text in [
        "",
        "{}",
        "{\"weight_map\": []}",
        "{\"weight_map\": {\"a\": 1}}",
    ] {
        let mut memory = in_memory(&tiny(), Stored::Bf16, 2);
        memory.insert(INDEX, text);
        assert_error!(
            error_naming(memory, &[INDEX]),
            WeightsError::IndexJson { .. }
        );
    }
}

#[test]
fn names_that_leave_the_folder() {
    let shard = "\"model-00002-of-00002.safetensors\"";
    for name in [
        "../model.safetensors",
        "/etc/passwd",
        "a/b.safetensors",
        "..",
        "",
        "C:x",
    ] {
        let error = error_naming(with_index(shard, &format!("\"{name}\"")), &[name]);
        assert_error!(error, WeightsError::ShardName { .. });
    }
    let folder = gemscope::hub::Folder::new(env!("CARGO_MANIFEST_DIR").to_string() + "/src");
    for name in ["../Cargo.toml", "/etc/passwd", "hub/../../Cargo.toml", ""] {
        assert_error!(block_on(folder.size(name)), Err(HubError::Name { .. }));
        assert_error!(
            block_on(folder.read(name, 0..1)),
            Err(HubError::Name { .. })
        );
    }
    assert!(block_on(folder.size("lib.rs")).is_ok());
    assert_error!(block_on(folder.size("hub")), Err(HubError::NotFound { .. }));
    assert_error!(
        block_on(folder.size("lib.rs/x")),
        Err(HubError::NotFound { .. })
    );
}

#[test]
fn rows_that_are_not_there() {
    let checkpoint = open(in_memory(&tiny(), Stored::Bf16, 1)).unwrap();
    let rows = |rows| block_on(checkpoint.packed_rows(TensorName::Embed, rows, Packing::Bf16));
    assert_error!(rows(0..9), Err(WeightsError::Rows { .. }));
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a reversed range is what is tested"
    )]
    let reversed = rows(3..2);
    assert_error!(reversed, Err(WeightsError::Rows { .. }));
    assert!(rows(8..8).unwrap().is_empty());
    let other = TensorName::Norm(1, gemscope::spec::Norm::Input);
    assert_error!(
        block_on(checkpoint.vector(other)),
        Err(WeightsError::Missing { .. })
    );
}
