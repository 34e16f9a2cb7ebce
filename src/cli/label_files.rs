//! `gemscope labels`: labels files made, searched, shown; one feature asked for; your own labels written and merged.

use super::args::Global;
use super::fetch::utf8;
use super::label_args::{LabelsArgs, LabelsCommand, LabelsExport, LabelsImport, LabelsMerge};
use super::report::{Report, file_failure};
use super::session::{Session, unexpected};
use super::table::table;
use crate::session::protocol::{
    CommandBody, Failure, FeatureId, LabelsAbout, LabelsFound, LabelsFrom, LabelsOwn, Outcome,
};
use serde_json::json;
use std::path::Path;

/// What is said of everything that Neuronpedia says.
const CAUTION: &str =
    "made with other activations than the transcoders have: nothing can be checked by it";

/// `gemscope labels`.
pub fn run(args: &LabelsArgs, global: &Global) -> Result<Report, Failure> {
    let mut session = Session::start(global)?;
    match &args.command {
        LabelsCommand::Import(it) => import(&mut session, it),
        LabelsCommand::Export(it) => export(&mut session, it),
        LabelsCommand::Merge(it) => merge(&mut session, it),
        LabelsCommand::Fetch(it) => hosted(&mut session, it.feature),
        LabelsCommand::Search(it) => {
            load(&mut session, "", LabelsFrom::Place(it.labels.clone()))?;
            let (text, limit) = (it.text.clone(), it.limit);
            found(session.call(CommandBody::LabelsSearch { text, limit })?)
        }
        LabelsCommand::Show(it) => {
            load(&mut session, "", LabelsFrom::Place(it.labels.clone()))?;
            let features = it.features.clone();
            found(session.call(CommandBody::LabelsOf { features })?)
        }
    }
}

fn load(session: &mut Session, set: &str, from: LabelsFrom) -> Result<LabelsOwn, Failure> {
    let body = CommandBody::LabelsLoad {
        set: set.into(),
        from,
        tell: false,
        keep: false,
    };
    match session.call(body)? {
        Outcome::LabelsLoaded { own, .. } => Ok(own),
        other => Err(unexpected(&other)),
    }
}

fn hosted(session: &mut Session, feature: FeatureId) -> Result<Report, Failure> {
    let label = match session.call(CommandBody::HostedLabel { feature, ask: true })? {
        Outcome::HostedLabel {
            label: Some(it), ..
        } => it,
        other => return Err(unexpected(&other)),
    };
    let figure = |it: Option<f32>| it.map_or_else(|| "?".into(), |it| it.to_string());
    let mut text = format!(
        "{feature} {}\ndensity {}, max {}\nFrom {}, {}, {CAUTION}\n",
        label.label.label.as_deref().unwrap_or("has no label there"),
        figure(label.label.density),
        figure(label.label.max),
        label.source,
        label.date,
    );
    let rows = label.examples.iter().map(|it| {
        let (before, after) = it.tokens.split_at(it.pos);
        let (strongest, after) = after.split_at(1);
        let [before, strongest, after] = [before, strongest, after].map(|it| it.concat());
        vec![
            it.value.to_string(),
            format!("{before}[{strongest}]{after}"),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        text += &table(&["value", "where it fires most"], &rows);
    }
    Ok(Report {
        text,
        json: json!({ "label": label, "caution": CAUTION }),
    })
}

fn import(session: &mut Session, args: &LabelsImport) -> Result<Report, Failure> {
    let about = LabelsAbout {
        made: format!("By {}, from its exports.", args.source),
        source: args.source.clone(),
        date: args.date.clone(),
        licence: args.licence.clone(),
        ..LabelsAbout::default()
    };
    let from = utf8(&args.folder)?;
    match session.call(CommandBody::LabelsImport { from, about })? {
        Outcome::LabelsMade { json, about } => {
            write(&args.out, &json)?;
            let out = args.out.display();
            let (n_labels, n_features) = (about.n_labels, about.n_features);
            Ok(Report {
                text: format!(
                    "{n_labels} labels of {n_features} features of {} written to {out}\n",
                    about.set
                ),
                json: json!({ "out": out.to_string(), "about": about }),
            })
        }
        other => Err(unexpected(&other)),
    }
}

fn export(session: &mut Session, args: &LabelsExport) -> Result<Report, Failure> {
    let own = load(session, &args.set, LabelsFrom::Nothing)?;
    if let Some(it) = own.not_kept {
        return Err(it);
    }
    match session.call(CommandBody::LabelsExport)? {
        Outcome::LabelsFile { json } => {
            write(&args.out, &json)?;
            let (out, n_own) = (args.out.display().to_string(), own.n_own);
            Ok(Report {
                text: format!("{n_own} labels of your own written to {out}\n"),
                json: json!({ "out": out, "n_own": n_own }),
            })
        }
        other => Err(unexpected(&other)),
    }
}

fn merge(session: &mut Session, args: &LabelsMerge) -> Result<Report, Failure> {
    load(session, &args.set, LabelsFrom::Nothing)?;
    let from = LabelsFrom::Place(args.file.clone());
    let own = match session.call(CommandBody::LabelsMerge { from })? {
        Outcome::LabelsOwn(it) => it,
        other => return Err(unexpected(&other)),
    };
    if let Some(it) = own.not_kept {
        return Err(it);
    }
    let mut text = format!(
        "{} labels new, {} the same, {} different; you have {} now\n",
        own.n_added,
        own.n_same,
        own.conflicts.len(),
        own.n_own
    );
    let rows = own.conflicts.iter().map(|it| {
        let feature = it.feature.to_string();
        vec![feature, it.yours.clone(), it.theirs.clone()]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        text += &table(&["feature", "yours, which stays", "theirs"], &rows);
    }
    Ok(Report {
        text,
        json: json!(own),
    })
}

fn found(outcome: Outcome) -> Result<Report, Failure> {
    let found: LabelsFound = match outcome {
        Outcome::LabelsFound(it) => it,
        other => return Err(unexpected(&other)),
    };
    let figure = |it: Option<f32>| it.map(|it| it.to_string()).unwrap_or_default();
    let rows = found.hits.iter().map(|it| {
        vec![
            it.feature.to_string(),
            figure(it.density),
            figure(it.max),
            it.label.clone(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let mut text = table(&["feature", "density", "max", "label"], &rows);
    text += &format!("{} of {}\n", found.n_found, found.n_searched);
    Ok(Report {
        text,
        json: json!(found),
    })
}

fn write(out: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(out, text).map_err(|it| {
        let what = format!("`{}` can't be written.", out.display());
        file_failure(what, "Give another file with --out.", &it)
    })
}
