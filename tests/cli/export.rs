//! `gemscope export` on the demo model: each kind of file, and what is wrong said before any model is loaded.

use super::wrong::check;
use super::{Scratch, failure, json, no_gpu, stdout};
use safetensors::SafeTensors;
use serde_json::Value;

const DEMO: &[&str] = &[
    "export",
    "--model",
    "www/demo/model",
    "--transcoders",
    "www/demo/transcoders",
    "--text",
    "The capital of France is",
];

const LABELS: [&str; 2] = ["--labels", "www/demo/labels.json"];

fn export(folder: &Scratch, name: &str, more: &[&str]) -> Vec<u8> {
    let out = folder.join(name);
    let told = json(&[DEMO, &["--out", out.to_str().unwrap()], more].concat());
    let bytes = std::fs::read(out).unwrap();
    assert_eq!(told["size_bytes"], bytes.len(), "{name}");
    bytes
}

fn text(folder: &Scratch, name: &str, more: &[&str]) -> String {
    String::from_utf8(export(folder, name, more)).unwrap()
}

/// Lines of a table without those that say where it comes from.
fn rows(table: &str) -> Vec<&str> {
    table.lines().filter(|it| !it.starts_with('#')).collect()
}

#[test]
fn features_as_each_kind_of_file() {
    if no_gpu("export") {
        return;
    }
    let folder = Scratch::new("export-features");
    let csv = text(&folder, "a.csv", &LABELS);
    let rows_of = rows(&csv);
    let labelled = rows_of[1..].iter().filter(|it| !it.ends_with(','));
    assert!(rows_of.len() > 50 && labelled.count() > 10, "{csv}");
    for line in [
        "# model: demo/model\n",
        "# precision: reference\n",
        "# model_sha256: ",
        "# adapter: ",
        "# build: gemscope ",
    ] {
        assert!(csv.contains(line), "{csv}");
    }
    let table: Value = serde_json::from_str(&text(&folder, "a.json", &LABELS)).unwrap();
    assert_eq!(
        table["features"].as_array().unwrap().len(),
        rows_of.len() - 1
    );
    let tsv = text(&folder, "a.tsv", &LABELS);
    assert_eq!(rows(&tsv).len(), rows_of.len());
    let bytes = export(&folder, "a.safetensors", &[]);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let indices = tensors.tensor("features.index").unwrap();
    assert_eq!(indices.shape(), [rows_of.len() - 1]);
    let changed = text(&folder, "c.csv", &["--intervene", "1:*:0=5"]);
    assert!(changed.contains(",activation,clean,label\n"));
    let n_files = std::fs::read_dir(&folder.0).unwrap().count();
    assert_eq!(n_files, 5, "no drafts are left");
}

#[test]
fn sites_summary_and_map() {
    if no_gpu("export") {
        return;
    }
    let folder = Scratch::new("export-others");
    let sites = ["--what", "sites", "--sites", "blocks.1.hook_mlp_out,logits"];
    let bytes = export(&folder, "b.safetensors", &sites);
    assert_eq!(SafeTensors::deserialize(&bytes).unwrap().len(), 3);
    let summary = text(
        &folder,
        "a.md",
        &[&["--what", "summary"], &LABELS[..]].concat(),
    );
    assert!(
        summary.starts_with("# The capital of France is\n"),
        "{summary}"
    );
    let link = "https://example.org/#/x";
    let map = ["--what", "map", "--metric", "count", "--link", link];
    let svg = text(&folder, "a.svg", &map);
    for part in [
        "active features",
        "href=\"https://example.org/#/x\"",
        "demo/model",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
}

#[test]
fn tables_and_pictures_of_anything() {
    if no_gpu("export") {
        return;
    }
    let folder = Scratch::new("export-tables");
    for (name, n_least) in [("next", 60), ("lens", 180), ("figures", 7)] {
        let csv = text(&folder, &format!("{name}.csv"), &["--what", name]);
        assert!(rows(&csv).len() > n_least, "{name}: {csv}");
        assert!(
            csv.contains("# model_sha256: ") && csv.contains("# run: "),
            "{csv}"
        );
    }
    let of = ["--feature", "3.120"];
    let strip = [&["--what", "strip"], &of[..], &LABELS].concat();
    let svg = text(&folder, "strip.svg", &strip);
    assert!(
        svg.contains("Feature 3/120") && svg.contains("labels: "),
        "{svg}"
    );
    let table: Value = serde_json::from_str(&text(&folder, "strip.json", &strip)).unwrap();
    assert_eq!(
        table["strip"].as_array().unwrap().len(),
        table["tokens"].as_array().unwrap().len()
    );
    let examples = [&["--what", "examples"], &of[..], &LABELS].concat();
    let tsv = text(&folder, "examples.tsv", &examples);
    assert!(
        rows(&tsv).len() > 1 && tsv.contains("# labels_made: "),
        "{tsv}"
    );
    for what in ["lens", "figures"] {
        let svg = text(&folder, &format!("{what}.svg"), &["--what", what]);
        assert!(
            svg.starts_with("<svg") && svg.contains("demo/model"),
            "{svg}"
        );
    }
    // What is of the model alone needs no prompt.
    let out = folder.join("promotes.csv");
    let mut asked: Vec<&str> = DEMO[..5].to_vec();
    asked.extend(["--what", "promotes", "--feature", "3.120"]);
    asked.extend(["--out", out.to_str().unwrap()]);
    stdout(&asked);
    let csv = std::fs::read_to_string(&out).unwrap();
    assert_eq!(rows(&csv).len(), 1 + 2 * 50, "{csv}");
    assert!(
        !csv.contains("# run: ") && csv.contains("# feature: 3.120"),
        "{csv}"
    );
}

#[test]
fn what_can_not_be_exported_is_said() {
    check(
        "export",
        &[
            (
                "export MODEL --ids 2 --out x.csv",
                "no transcoders",
                "--transcoders",
            ),
            ("export MODEL --ids 2 --out x", "kind of file", "--form"),
            (
                "export MODEL --ids 2 --out x.svg",
                "svg",
                "csv or tsv or json",
            ),
            (
                "export MODEL --ids 2 --out x.md --what sites --sites logits",
                "markdown",
                "safetensors",
            ),
            (
                "export MODEL --ids 2 --out x.safetensors --what sites",
                "no sites",
                "--sites",
            ),
            (
                "export MODEL --ids 2 --out x.csv --sites logits",
                "--sites",
                "--what sites",
            ),
            (
                "export MODEL --out x.md --what summary",
                "no prompt",
                "--ids",
            ),
        ],
    );
    let it = failure(&[DEMO, &["--out", "nowhere/x.csv"]].concat());
    assert!(it.what.contains("nowhere/x.csv"), "{it:?}");
    assert!(stdout(&["export", "--help"]).contains("--what <WHAT>"));
}

#[test]
fn what_a_table_lacks_is_said() {
    check(
        "export-tables-wrong",
        &[
            (
                "export MODEL --ids 2 --out x.csv --what strip",
                "needs a feature",
                "--feature",
            ),
            (
                "export MODEL --ids 2 --out x.csv --what nearest --feature 3",
                "`3`",
                "LAYER.INDEX",
            ),
            (
                "export MODEL --ids 2 --out x.csv --what next --feature 3.1",
                "of none",
                "--what strip",
            ),
            (
                "export MODEL --ids 2 --out x.svg --what next",
                "svg",
                "csv or tsv or json",
            ),
        ],
    );
}
