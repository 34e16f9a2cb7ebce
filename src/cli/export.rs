//! `gemscope export`: a run as a file, the same that the page gives: a table, arrays, text or a picture.

use super::args::Global;
use super::export_args::{Export, Form, Metric, What};
use super::report::{Report, failure};
use super::session::{Session, unexpected};
use super::table::bytes;
use super::tensor_out::Draft;
use super::{grammar, labels, lens, open, scope};
use crate::session::protocol::{
    CommandBody, DocumentForm, DocumentWhat, Failure, FeatureId, Half, MapMetric, OpenRequest,
    Outcome, Partial,
};
use crate::spec::FeatureError;
use serde_json::json;
use std::path::Path;

/// `gemscope export`. With interventions it is of the run with these.
pub fn run(args: &Export, global: &Global) -> Result<Report, Failure> {
    let what = what(args)?;
    let form = form(args, &what)?;
    let variation = scope::variation(&args.changes, None, &args.model.scope)?;
    let request = request(args, &what, variation.is_some())?;
    let input = match what.is_of_a_run() {
        true => Some(open::prompt(&args.prompt, &request.model)?),
        false => None,
    };
    let mut draft = Draft::new(&args.out)?;
    let mut session = Session::start(global)?;
    labels::read(&mut session, args.labels.as_deref())?;
    open::open(&mut session, request)?;
    let mut run = None;
    if let Some(input) = input {
        let clean = open::run(&mut session, input, vec![], vec![])?.run;
        run = Some(match &variation {
            Some(it) => scope::derive(&mut session, clean, it, vec![])?,
            None => clean,
        });
    }
    let body = CommandBody::Document {
        run,
        what,
        form,
        link: args.link.clone(),
    };
    let outcome = session.call_with(body, &mut |it, parts| match it {
        Partial::Document { .. } => parts.iter().try_for_each(|it| draft.append(it)),
        _ => Ok(()),
    })?;
    let Outcome::Document(made) = outcome else {
        return Err(unexpected(&outcome));
    };
    let size_bytes = draft.finish()?;
    if size_bytes != made.size_bytes {
        let what = "The engine told another number of bytes than it sent.";
        return Err(failure(what, "Please report this."));
    }
    let out = args.out.display().to_string();
    Ok(Report {
        text: format!(
            "{} as {form}, {}, in {out}\n",
            args.what.words(),
            bytes(size_bytes)
        ),
        json: json!({ "out": out, "size_bytes": size_bytes, "form": form, "mime": made.mime }),
    })
}

fn what(args: &Export) -> Result<DocumentWhat, Failure> {
    if args.what != What::Sites && args.sites.is_some() {
        let what = "--sites names places whose activations are written, and others are asked for.";
        return Err(failure(what, "Give --what sites, or no --sites."));
    }
    let feature = of_feature(args)?;
    Ok(match (args.what, &args.sites) {
        (What::Features, _) => DocumentWhat::Features,
        (What::Summary, _) => DocumentWhat::Summary,
        (What::Map, _) => DocumentWhat::Map(match args.metric {
            Metric::Max => MapMetric::Max,
            Metric::Sum => MapMetric::Sum,
            Metric::Count => MapMetric::Count,
        }),
        (What::Sites, Some(it)) => DocumentWhat::Sites(grammar::sites(it)?),
        (What::Sites, None) => {
            let remedy = "Name them with --sites; `gemscope sites --model DIR` lists them.";
            return Err(failure("There are no sites.", remedy));
        }
        (What::Next, _) => DocumentWhat::Next,
        (What::Lens, _) => DocumentWhat::Lens,
        (What::Figures, _) => DocumentWhat::Figures,
        (What::Strip, _) => DocumentWhat::Strip(feature),
        (What::Promotes, _) => DocumentWhat::Promotes(feature),
        (What::Nearest, _) => DocumentWhat::Nearest(feature),
        (What::Examples, _) => DocumentWhat::Examples(feature),
    })
}

/// The feature that is named; it must be where a file is of one, and must not be elsewhere.
fn of_feature(args: &Export) -> Result<FeatureId, Failure> {
    let is_of_one = matches!(
        args.what,
        What::Strip | What::Promotes | What::Nearest | What::Examples
    );
    match &args.feature {
        Some(it) if is_of_one => it.parse().map_err(|it: FeatureError| {
            failure(
                format!("{it}."),
                "Give --feature LAYER.INDEX, as in 12.9377.",
            )
        }),
        None if is_of_one => {
            let what = format!("{} needs a feature.", args.what.words());
            Err(failure(what, "Name it with --feature LAYER.INDEX."))
        }
        Some(_) => {
            let what = "--feature names the feature that a file is of, and this is of none.";
            let remedy = "Give --what strip, promotes, nearest or examples, or no --feature.";
            Err(failure(what, remedy))
        }
        None => Ok(FeatureId { layer: 0, index: 0 }),
    }
}

/// The form asked for, or the one that the file's name has, or the only one there is.
fn form(args: &Export, what: &DocumentWhat) -> Result<DocumentForm, Failure> {
    let named = args
        .form
        .or_else(|| form_of_name(&args.out))
        .map(document_form);
    let form = match (named, what.forms()) {
        (Some(it), _) => it,
        (None, [only]) => *only,
        (None, _) => {
            let what = format!(
                "`{}` does not say what kind of file it is.",
                args.out.display()
            );
            let remedy = "Give --form csv, tsv, json or safetensors, or a name that ends so.";
            return Err(failure(what, remedy));
        }
    };
    if what.forms().contains(&form) {
        return Ok(form);
    }
    let forms: Vec<String> = what.forms().iter().map(ToString::to_string).collect();
    Err(failure(
        format!("{} can't be written as {form}.", args.what.words()),
        format!("Give --form {}, and a name that fits.", forms.join(" or ")),
    ))
}

fn form_of_name(out: &Path) -> Option<Form> {
    Some(match out.extension()?.to_str()? {
        "csv" => Form::Csv,
        "tsv" => Form::Tsv,
        "json" => Form::Json,
        "safetensors" => Form::Safetensors,
        "md" => Form::Markdown,
        "svg" => Form::Svg,
        _ => return None,
    })
}

fn document_form(it: Form) -> DocumentForm {
    match it {
        Form::Csv => DocumentForm::Csv,
        Form::Tsv => DocumentForm::Tsv,
        Form::Json => DocumentForm::Json,
        Form::Safetensors => DocumentForm::Safetensors,
        Form::Markdown => DocumentForm::Markdown,
        Form::Svg => DocumentForm::Svg,
    }
}

/// What a file needs of transcoders; a summary tells of them where there are some.
fn request(args: &Export, what: &DocumentWhat, changed: bool) -> Result<OpenRequest, Failure> {
    let halves: &[Half] = match what {
        DocumentWhat::Figures | DocumentWhat::Promotes(_) | DocumentWhat::Nearest(_) => {
            &scope::BOTH
        }
        _ if changed => &scope::BOTH,
        DocumentWhat::Lens => return lens::request(&args.model),
        DocumentWhat::Features
        | DocumentWhat::Map(_)
        | DocumentWhat::Strip(_)
        | DocumentWhat::Examples(_) => &[Half::Encoder],
        _ if args.model.scope.transcoders.is_some() => &[Half::Encoder],
        _ => return open::request(&args.model),
    };
    scope::request(&args.model, halves)
}
