//! `gemscope check [DIR]`: opens the weights, has them held against published figures, reports. Leaves what passes to the session.

use super::args::{Global, Model};
use super::open;
use super::report::{Report, failure};
use super::scope;
use super::scope_args::{Check, Scope};
use super::session::{Session, unexpected};
use super::table::table;
use crate::session::protocol::{
    CheckLine, Checked, CommandBody, Failure, FigureSet, Half, Outcome,
};
use crate::spec::{Precision, gemma};
use serde_json::json;

/// Positions planned for; the figures' prompts are shorter.
const N_CTX: usize = 64;

/// `gemscope check`, and whether all figures passed.
///
/// Errors: the folders are not there or can't be opened. A figure that can't be measured is none: it does not pass.
pub fn run(args: &Check, global: &Global) -> Result<(Report, bool), Failure> {
    let request = scope::request(&model(args)?, &[Half::Encoder])?;
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    let check = CommandBody::Check {
        figures: Some(FigureSet::Published),
    };
    let told = match session.call(check)? {
        Outcome::Checked(it) => it,
        other => return Err(unexpected(&other)),
    };
    let report = Report {
        text: text(&told),
        json: json!(told),
    };
    Ok((report, told.passed))
}

/// The two folders, or what is kept, as arguments of the other commands.
fn model(args: &Check) -> Result<Model, Failure> {
    let part = |name: &str, repo: &str| {
        let Some(folder) = &args.folder else {
            return Ok(format!("{}{repo}", open::HUB));
        };
        let path = folder.join(name);
        let shown = path.display().to_string();
        if path.is_dir() {
            return Ok(shown);
        }
        Err(failure(
            format!("There is no folder `{shown}`."),
            "Give a folder that holds model/ (google/gemma-2-2b) and transcoders/ (google/gemma-scope-2b-pt-transcoders).",
        ))
    };
    Ok(Model {
        model: part("model", gemma::MODEL_REPO)?,
        tokenizer: None,
        precision: Precision::Reference,
        n_ctx: Some(N_CTX),
        max_gpu_bytes: args.max_gpu_bytes,
        scope: Scope {
            transcoders: Some(part("transcoders", gemma::TRANSCODER_REPO)?),
            ..Scope::default()
        },
    })
}

fn text(told: &Checked) -> String {
    let mut out = String::new();
    let short = |it: &CheckLine| it.expected.len().max(it.measured.len()) <= 40;
    let row = |it: &CheckLine| {
        let verdict = if it.passed { "passed" } else { "FAILED" };
        vec![
            verdict.to_string(),
            it.what.clone(),
            it.expected.clone(),
            it.measured.clone(),
            it.tolerance.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = told.lines.iter().filter(|it| short(it)).map(row).collect();
    let head = ["", "figure", "expected", "measured", "tolerance"];
    out.push_str(&table(&head, &rows));
    // What is too long for a column follows with a line for each of the two.
    for it in told.lines.iter().filter(|it| !short(it)) {
        let verdict = if it.passed { "passed" } else { "FAILED" };
        out.push_str(&format!(
            "\n{verdict}  {} ({})\n  expected {}\n  measured {}\n",
            it.what, it.tolerance, it.expected, it.measured
        ));
    }
    let (n_passed, n_failed) = (told.n_passed, told.n_failed);
    out.push_str(&format!(
        "\nmodel {}, {}, on {}\n",
        told.fingerprint.get(..16).unwrap_or(&told.fingerprint),
        told.precision,
        told.adapter
    ));
    out.push_str(&format!("{n_passed} figures passed, {n_failed} failed\n"));
    out
}
