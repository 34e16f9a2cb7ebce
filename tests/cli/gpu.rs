//! Commands that run a model: a small synthetic one, on whatever adapter there is.

use super::{SMALL, Scratch, failure, gemscope, json, no_gpu, numbers};
use gemscope::weights::synth::{self, Preset, Synthetic};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

const IDS: &str = "2,17,300,5,41";
const N_POS: usize = 5;

#[test]
fn a_dump_holds_every_site_under_its_path() {
    let Some(folder) = nano("dump") else { return };
    let out = folder.join("all.safetensors");
    let out = out.to_str().unwrap();
    let told = json(&["dump", "--model", folder.text(), "--ids", IDS, "--out", out]);
    let bytes = std::fs::read(out).unwrap();
    assert_eq!(told["size_bytes"], bytes.len());
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let sites = json(&["sites", "--model", folder.text()]);
    let sites: Vec<&str> = sites
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["site"].as_str().unwrap())
        .collect();
    assert_eq!(file.len(), sites.len() + 1);
    assert_eq!(file.tensor("ids").unwrap().dtype(), Dtype::I32);
    for site in sites {
        let tensor = file.tensor(site).unwrap();
        let shape: &[usize] = match site {
            "logits" => &[N_POS, 512],
            _ if site.ends_with("pattern") => &[4, N_POS, N_POS],
            _ => &[N_POS, 64],
        };
        assert_eq!(
            (tensor.shape(), tensor.dtype()),
            (shape, Dtype::F32),
            "{site}"
        );
        let numbers = numbers(tensor.data());
        assert!(
            numbers.iter().all(|it| it.is_finite()) && numbers.iter().any(|it| *it != 0.0),
            "{site}"
        );
    }
    let pattern = numbers(file.tensor("blocks.3.attn.hook_pattern").unwrap().data());
    for (i, row) in pattern.chunks(N_POS).enumerate() {
        assert!(
            (row.iter().sum::<f32>() - 1.0).abs() < 1e-4,
            "row {i} of the pattern is a distribution"
        );
        assert!(
            row[i % N_POS + 1..].iter().all(|it| *it == 0.0),
            "row {i} sees only what came before"
        );
    }
}

#[test]
fn the_same_dump_has_the_same_bytes() {
    let Some(folder) = nano("same") else { return };
    let dump = |name: &str| {
        let out = folder.join(name);
        json(&[
            "dump",
            "--model",
            folder.text(),
            "--ids",
            IDS,
            "--out",
            out.to_str().unwrap(),
        ]);
        std::fs::read(out).unwrap()
    };
    assert!(dump("a.safetensors") == dump("b.safetensors"));
}

#[test]
fn a_dump_can_write_what_another_one_read() {
    let Some(folder) = nano("write") else { return };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (first, second) = (path("first.safetensors"), path("second.safetensors"));
    let dump = |ids: &str, out: &str, more: &[&str]| {
        json(
            &[
                &["dump", "--model", folder.text(), "--ids", ids, "--out", out][..],
                more,
            ]
            .concat(),
        );
        let bytes = std::fs::read(out).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let of = |site: &str| {
            file.tensor(site)
                .map(|it| numbers(it.data()))
                .unwrap_or_default()
        };
        (of("blocks.1.hook_resid_post"), of("logits"))
    };
    let sites = ["--sites", "blocks.1.hook_resid_post,logits"];
    let (_, logits) = dump(IDS, &first, &sites);
    let write = format!("blocks.1.hook_resid_post:*={first}#blocks.1.hook_resid_post");
    let (_, patched) = dump(
        "2,9,8,7,6",
        &second,
        &[&sites[..], &["--replace", &write]].concat(),
    );
    let far = logits
        .iter()
        .zip(&patched)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    // What comes after layer 1 depends on its stream alone; the same kernels on the same numbers.
    assert_eq!(
        far, 0.0,
        "the rest of the network does what it did in the first run"
    );
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let Some(folder) = nano("leaves") else { return };
    let out = folder.join("never.safetensors");
    let out = out.to_str().unwrap();
    let dump = |more: &[&str]| {
        failure(&[&["dump", "--model", folder.text(), "--out", out], more].concat())
    };
    let n_files = std::fs::read_dir(folder.text()).unwrap().count();
    for (it, what) in [
        (dump(&["--ids", "2,512"]), "512"),
        (dump(&["--ids", &["2"; 8193].join(",")]), "8193"),
        (
            dump(&["--ids", "2", "--sites", "blocks.4.hook_mlp_out"]),
            "blocks.4",
        ),
        (
            dump(&["--ids", "2", "--adapter", "no such adapter"]),
            "no such adapter",
        ),
        (
            dump(&[
                "--text",
                "hello",
                "--tokenizer",
                "tests/golden/tokenizer/small_cases.json",
            ]),
            "tokenizer",
        ),
    ] {
        assert!(it.what.contains(what), "{it:?}");
    }
    assert_eq!(std::fs::read_dir(folder.text()).unwrap().count(), n_files);
}

#[test]
fn generation_continues_a_text_the_same_way_each_time() {
    let Some(folder) = nano("generate") else {
        return;
    };
    let arguments = [
        "generate",
        "--model",
        folder.text(),
        "--tokenizer",
        SMALL,
        "--text",
        "hello world",
        "--n",
        "6",
    ];
    let (a, b) = (json(&arguments), json(&arguments));
    assert_eq!(a["tokens"], b["tokens"]);
    assert!(a["tokens_per_second"].as_f64().unwrap() > 0.0);
    let n = a["tokens"].as_array().unwrap().len();
    assert!((1..=6).contains(&n));
    let output = gemscope(&arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("hello world"), "{text}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("tokens/s")
    );
}

#[test]
fn distributions_are_told_for_the_positions_asked_for() {
    let Some(folder) = nano("probs") else { return };
    let told = json(&[
        "probs",
        "--model",
        folder.text(),
        "--ids",
        IDS,
        "--positions",
        "1-3",
        "--top-k",
        "4",
        "--ask",
        "7,8",
    ]);
    let list = told["distributions"].as_array().unwrap();
    let positions: Vec<_> = list.iter().map(|it| it["pos"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 2, 3]);
    for it in list {
        let top: Vec<f64> = it["top"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["probability"].as_f64().unwrap())
            .collect();
        assert!(top.len() == 4 && top.is_sorted_by(|a, b| a >= b), "{top:?}");
        assert_eq!(
            (&it["asked"][0]["id"], &it["asked"][1]["id"]),
            (&Value::from(7), &Value::from(8))
        );
    }
}

#[test]
fn the_plan_is_a_sum_and_keeps_the_limits_asked_for() {
    let Some(folder) = nano("plan") else { return };
    let plan = json(&[
        "plan",
        "--model",
        folder.text(),
        "--max-binding-bytes",
        "16KiB",
        "--limits",
        "default",
    ]);
    let part = |key: &str| plan[key].as_u64().unwrap();
    let sum =
        part("weight_bytes") + part("kv_bytes") + part("scratch_bytes") + part("staging_bytes");
    assert_eq!(
        (part("total_bytes"), part("max_binding_bytes")),
        (sum, 16384)
    );
    let about = json(&["describe", "--max-binding-bytes", "16KiB"]);
    assert_eq!(about["max_binding_bytes"], 16384);
}

/// A folder with the synthetic model `nano`; none where tests are to do without a GPU.
fn nano(name: &str) -> Option<Scratch> {
    if no_gpu(name) {
        return None;
    }
    let folder = Scratch::new(name);
    synth::write(&Synthetic::new(Preset::Nano), folder.0.as_path(), |_, _| ()).unwrap();
    Some(folder)
}
