//! `gemscope check [DIR]`: opens the weights, goes through the figures, reports. Leaves what passes to `compare`.

use super::compare::{self, Line, Measured, Place};
use super::figures::{Figures, Prompt};
use super::measured::{self, OfPrompt};
use crate::cli::answers::LayerFeatures;
use crate::cli::args::{Global, Model};
use crate::cli::open;
use crate::cli::report::{Report, failure};
use crate::cli::scope;
use crate::cli::scope_args::{Check, Scope};
use crate::cli::session::Session;
use crate::cli::table::table;
use crate::session::protocol::{Failure, Half};
use crate::spec::{Positions, Precision, gemma};
use serde::Serialize;
use serde_json::json;
use std::ops::Range;

/// Positions planned for; the figures' prompts are shorter.
const N_CTX: usize = 64;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    passed: bool,
    n_passed: usize,
    n_failed: usize,
    lines: Vec<Line>,
}

/// `gemscope check`, and whether all figures passed.
///
/// Errors: the folders are not there or can't be opened. A figure that can't be measured is none: it does not pass.
pub fn run(args: &Check, global: &Global) -> Result<(Report, bool), Failure> {
    let figures = Figures::published()?;
    let model = model(args)?;
    let request = scope::request(&model, &[Half::Encoder])?;
    let has_tokenizer = open::check_tokenizer(&request.model).is_ok();
    let mut session = Session::start(global)?;
    let opened = open::open(&mut session, request)?;
    let mut lines = vec![compare::sizes(&figures.model, &opened.config)];
    for case in &figures.encoder.cases {
        let measured = measured::encode(&mut session, case, opened.config.d_model);
        lines.extend(compare::encoder(&figures.encoder, case, &measured));
    }
    for prompt in &figures.prompts {
        if has_tokenizer {
            let ids = measured::tokenize(&mut session, &prompt.text);
            lines.push(compare::tokens(prompt, &ids));
        }
        let measured = measured::prompt(&mut session, prompt);
        lines.extend(of_prompt(prompt, &measured));
    }
    let n_failed = lines.iter().filter(|it| !it.passed).count();
    let told = Told {
        passed: n_failed == 0,
        n_passed: lines.len() - n_failed,
        n_failed,
        lines,
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

fn of_prompt(prompt: &Prompt, it: &OfPrompt) -> Vec<Line> {
    let mut out = Vec::new();
    let next = |part: usize| {
        let both = it.next.clone();
        both.map(|(top, asked)| if part == 0 { top } else { asked })
    };
    if let Some(figure) = &prompt.probabilities {
        out.extend(compare::probabilities(figure, &next(1)));
    }
    if let Some(figure) = &prompt.n_active {
        let n_active = count(&it.features, &figure.positions, prompt.ids.len());
        out.push(compare::n_active(figure, &n_active));
    }
    if let Some(figure) = &prompt.firing {
        out.extend(compare::firing(figure, &places(&it.features)));
    }
    if let Some(figure) = &prompt.residual {
        out.extend(compare::residual(figure, &it.stream));
    }
    if let Some(figure) = &prompt.rank {
        out.push(compare::rank(figure, &next(0)));
    }
    out
}

/// How many features are active at positions.
fn count(
    features: &Measured<Vec<LayerFeatures>>,
    positions: &str,
    n_pos: usize,
) -> Measured<usize> {
    let positions = positions
        .parse::<Positions>()
        .and_then(|it| it.range(n_pos));
    let positions: Range<usize> = positions.map_err(|it| it.to_string())?;
    let features = features.as_ref().map_err(Clone::clone)?;
    let active = features.iter().flat_map(|it| &it.active);
    Ok(active.filter(|it| positions.contains(&it.pos)).count())
}

/// Active features and their activations.
fn places(features: &Measured<Vec<LayerFeatures>>) -> Measured<Vec<(Place, f32)>> {
    let features = features.as_ref().map_err(Clone::clone)?;
    let of_layer = |layer: &LayerFeatures| -> Vec<(Place, f32)> {
        let active = layer.active.iter();
        active
            .map(|it| ((layer.layer, it.index, it.pos), it.activation))
            .collect()
    };
    Ok(features.iter().flat_map(of_layer).collect())
}

fn text(told: &Told) -> String {
    let mut out = String::new();
    let short = |it: &Line| it.expected.len().max(it.measured.len()) <= 40;
    let row = |it: &Line| {
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
    out.push_str(&format!("\n{n_passed} figures passed, {n_failed} failed\n"));
    out
}
