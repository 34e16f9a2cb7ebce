//! From arguments about transcoders to what the session is asked: which are opened, what is changed. Leaves answers to each command.

use super::args::Model;
use super::report::failure;
use super::scope_args::{Changes, Halves, Scope};
use super::session::{Session, unexpected};
use super::{fetch, open, scope_grammar};
use crate::session::protocol::{
    CommandBody, Failure, Half, Intervention, Mode, ModelRef, OpenRequest, Outcome, RunKey, Splice,
    TranscoderRef, TranscoderRequest,
};
use crate::spec::Site;
use std::path::Path;

/// Both halves of a transcoder.
pub const BOTH: [Half; 2] = [Half::Encoder, Half::Decoder];
const NO_TRANSCODERS: &str =
    "Give --transcoders DIR, or --transcoders synth for those of a synthetic model.";

/// What is done to a run.
pub struct Variation {
    pub interventions: Vec<Intervention>,
    pub mode: Mode,
    pub splice: Option<Splice>,
}

/// The model that the arguments name, with the transcoders that the command can't do without.
///
/// Errors: no transcoders; halves that are too little; the folder is not there or empty; the model's own.
pub fn request(args: &Model, needed: &[Half]) -> Result<OpenRequest, Failure> {
    if args.scope.transcoders.is_none() {
        return Err(failure("There are no transcoders.", NO_TRANSCODERS));
    }
    let mut request = open::request(args)?;
    let Some(transcoders) = &mut request.transcoders else {
        return Err(failure("There are no transcoders.", NO_TRANSCODERS));
    };
    if args.scope.halves.is_none() {
        transcoders.halves = needed.to_vec();
    }
    let missing = needed.iter().find(|it| !transcoders.halves.contains(it));
    missing.map_or(Ok(request), |it| {
        let what = format!("This needs the {it} of the transcoders.");
        Err(failure(what, "Leave --halves away, or give --halves both."))
    })
}

/// The transcoders that the arguments name, if any.
///
/// Errors: options about transcoders without any; a place that is none; lists that are none.
pub fn transcoders(args: &Scope, model: &ModelRef) -> Result<Option<TranscoderRequest>, Failure> {
    let layers = args.layers.as_deref().map(scope_grammar::layers);
    let average_l0 = args.average_l0.as_deref().map(scope_grammar::average_l0);
    let (layers, average_l0) = (layers.transpose()?, average_l0.transpose()?);
    let Some(place) = &args.transcoders else {
        return match stray(args) {
            None => Ok(None),
            Some(it) => Err(failure(
                format!("{it} is about transcoders, and there are none."),
                NO_TRANSCODERS,
            )),
        };
    };
    Ok(Some(TranscoderRequest {
        place: transcoder_ref(place, model)?,
        layers,
        halves: args.halves.map_or_else(|| BOTH.to_vec(), halves),
        average_l0: average_l0.unwrap_or_default(),
    }))
}

/// The halves that an argument means.
pub fn halves(it: Halves) -> Vec<Half> {
    match it {
        Halves::Encoder => vec![Half::Encoder],
        Halves::Decoder => vec![Half::Decoder],
        Halves::Both => BOTH.to_vec(),
    }
}

/// What the arguments change; none if nothing.
///
/// Errors: interventions that are none, or two of the same feature at the same position; a mode of nothing; no transcoders.
pub fn variation(
    changes: &Changes,
    splice: Option<&str>,
    scope: &Scope,
) -> Result<Option<Variation>, Failure> {
    let interventions = scope_grammar::interventions(&changes.intervene)?;
    let splice = splice.map(scope_grammar::splice).transpose()?;
    if interventions.is_empty() && changes.mode.is_some() {
        let what = "--mode says what stays while features are changed, and none is.";
        let remedy = "Give --intervene LAYER:POS:FEATURE=VALUE, or no --mode.";
        return Err(failure(what, remedy));
    }
    if interventions.is_empty() && splice.is_none() {
        return Ok(None);
    }
    if scope.transcoders.is_none() {
        let what = "Without transcoders there are no features to change and nothing to splice.";
        return Err(failure(what, NO_TRANSCODERS));
    }
    Ok(Some(Variation {
        interventions,
        mode: changes.mode.unwrap_or_default(),
        splice,
    }))
}

/// The run as it is with what is changed.
pub fn derive(
    session: &mut Session,
    run: RunKey,
    variation: &Variation,
    want: Vec<Site>,
) -> Result<RunKey, Failure> {
    let body = CommandBody::Derive {
        run,
        interventions: variation.interventions.clone(),
        splice: variation.splice,
        mode: variation.mode,
        want,
    };
    match session.call(body)? {
        Outcome::Ran { run, .. } => Ok(run),
        other => Err(unexpected(&other)),
    }
}

/// An option about transcoders that was given.
fn stray(args: &Scope) -> Option<&'static str> {
    let given = [
        ("--layers", args.layers.is_some()),
        ("--average-l0", args.average_l0.is_some()),
        ("--halves", args.halves.is_some()),
        ("--keep", args.keep.is_some()),
    ];
    given.into_iter().find(|it| it.1).map(|it| it.0)
}

fn transcoder_ref(place: &str, model: &ModelRef) -> Result<TranscoderRef, Failure> {
    match (place, model) {
        ("synth", ModelRef::Synth { preset, .. }) => Ok(TranscoderRef::Synth {
            preset: preset.clone(),
        }),
        ("synth", _) => Err(failure(
            "`synth` are the transcoders of a synthetic model, and the model is none.",
            "Give the transcoders' folder or repository, or synth:PRESET for those of a preset.",
        )),
        _ if place.starts_with(open::HUB) => Ok(TranscoderRef::Hub {
            repo: fetch::repo(place, None)?,
        }),
        _ => match place.strip_prefix("synth:") {
            Some(preset) => Ok(TranscoderRef::Synth {
                preset: preset.into(),
            }),
            None => folder(place),
        },
    }
}

/// A folder that is there and holds something.
fn folder(path: &str) -> Result<TranscoderRef, Failure> {
    let remedy = "Give the folder that holds layer_0/width_16k/average_l0_76/params.npz and its like, or layer_0.safetensors.";
    if !Path::new(path).is_dir() {
        let what = format!("There is no folder `{path}` with transcoders.");
        return Err(failure(what, remedy));
    }
    let is_empty = std::fs::read_dir(path).is_ok_and(|mut it| it.next().is_none());
    if is_empty {
        return Err(failure(
            format!("The folder `{path}` is empty; there are no transcoders."),
            remedy,
        ));
    }
    Ok(TranscoderRef::Folder { path: path.into() })
}
