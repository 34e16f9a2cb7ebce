//! `gemscope describe` and `gemscope plan`: the adapter, and what a model would take on it.

use super::args::{Global, Model};
use super::open;
use super::report::Report;
use super::session::{Session, unexpected};
use super::table::bytes;
use crate::session::protocol::{CommandBody, Description, Failure, Outcome, Plan};
use serde_json::json;

/// `gemscope describe`.
pub fn adapter(global: &Global) -> Result<Report, Failure> {
    match Session::start(global)?.call(CommandBody::Describe)? {
        Outcome::Described(it) => Ok(Report {
            text: text_of_description(&it),
            json: json!(it),
        }),
        other => Err(unexpected(&other)),
    }
}

/// `gemscope plan`.
pub fn plan(args: &Model, global: &Global) -> Result<Report, Failure> {
    let request = open::request(args)?;
    match Session::start(global)?.call(CommandBody::Plan(request))? {
        Outcome::Planned(it) => Ok(Report {
            text: text_of_plan(&it),
            json: json!(it),
        }),
        other => Err(unexpected(&other)),
    }
}

fn text_of_description(it: &Description) -> String {
    let software = if it.software { ", in software" } else { "" };
    let features = match it.features.as_slice() {
        [] => "none".to_string(),
        some => some.join(", "),
    };
    lines(&[
        ("adapter", it.adapter.clone()),
        ("backend", format!("{}{software}", it.backend)),
        ("driver", it.driver.clone()),
        ("largest binding", bytes(it.max_binding_bytes)),
        ("optional features", features),
    ])
}

fn text_of_plan(it: &Plan) -> String {
    lines(&[
        ("precision", it.precision.to_string()),
        (
            "context",
            format!("{} positions, {} at a time", it.n_ctx, it.n_block),
        ),
        ("layers that stay", it.n_resident.to_string()),
        ("largest binding", bytes(it.max_binding_bytes)),
        ("weights", bytes(it.weight_bytes)),
        ("keys and values", bytes(it.kv_bytes)),
        ("activations", bytes(it.scratch_bytes)),
        ("transfers", bytes(it.staging_bytes)),
        ("in all", bytes(it.total_bytes)),
    ])
}

fn lines(pairs: &[(&str, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name:<18} {value}\n"))
        .collect()
}
