//! `gemscope sites`: the closed list of places whose activations can be read.

use super::args::Sites;
use super::open;
use super::report::{Report, failure, file_failure};
use super::table::table;
use crate::session::protocol::{Failure, ModelRef};
use crate::spec::{Config, Site};
use serde_json::json;
use std::path::Path;

/// `gemscope sites`.
pub fn run(args: &Sites) -> Result<Report, Failure> {
    let config = args.model.as_deref().map(config).transpose()?;
    let rows: Vec<(String, Vec<String>)> = match &config {
        Some(config) => Site::all(config.n_layers)
            .into_iter()
            .map(|it| (it.to_string(), shape(it, Some(config))))
            .collect(),
        // Any layer's paths, with L for its number.
        None => Site::all(1)
            .into_iter()
            .map(|it| {
                (
                    it.to_string().replace("blocks.0.", "blocks.L."),
                    shape(it, None),
                )
            })
            .collect(),
    };
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|(path, shape)| vec![path.clone(), format!("[{}]", shape.join(", "))])
        .collect();
    let json = rows
        .iter()
        .map(|(path, shape)| json!({ "site": path, "shape": shape, "dtype": "F32" }));
    Ok(Report {
        text: table(&["site", "shape"], &lines),
        json: json.collect(),
    })
}

/// Axes of a site: the model's sizes where they are known, their names where not.
fn shape(site: Site, config: Option<&Config>) -> Vec<String> {
    let size = |axis: &&str| match (config, *axis) {
        (Some(it), "d_model") => it.d_model.to_string(),
        (Some(it), "d_vocab") => it.d_vocab.to_string(),
        (Some(it), "n_heads") => it.n_heads.to_string(),
        (_, name) => name.to_string(),
    };
    site.axes().iter().map(size).collect()
}

/// The config alone, which needs neither a GPU nor the weights.
fn config(model: &str) -> Result<Config, Failure> {
    let ModelRef::Folder { path, .. } = open::model_ref(model, None)? else {
        return Err(failure(
            format!("The sites of `{model}` can't be listed without its config.json."),
            "Give the folder of a model, or no --model.",
        ));
    };
    let file = Path::new(&path).join("config.json");
    let text = std::fs::read(&file);
    let text = text.map_err(|it| {
        let what = format!("`{}` can't be read.", file.display());
        file_failure(what, "See that you may read it.", &it)
    })?;
    let config = Config::from_json(&text);
    config.map_err(|it| failure(format!("{it}."), "Give the folder of a Gemma 2 model."))
}
