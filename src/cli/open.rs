//! From arguments to an open model and a run of a prompt.

use super::args::{Model, Prompt};
use super::report::failure;
use super::session::{Session, unexpected};
use super::{fetch, grammar, scope, tokens};
use crate::session::protocol::{
    CommandBody, Failure, Input, ModelRef, OpenRequest, Outcome, RunKey, Token, Write,
};
use crate::spec::{Config, Plan, Site};
use std::path::Path;

/// Before the name of a repository whose files are kept.
pub const HUB: &str = "hub:";

/// An open model.
pub struct Opened {
    pub config: Config,
    pub plan: Plan,
    pub fingerprint: String,
}

/// A run that is there.
pub struct Ran {
    pub run: RunKey,
    pub tokens: Vec<Token>,
}

impl Opened {
    /// Layers whose transcoders have all that was asked for.
    pub fn loaded_layers(&self) -> Vec<usize> {
        let Some(it) = &self.plan.scope else {
            return vec![];
        };
        match (&it.encoder_layers[..], &it.decoder_layers[..]) {
            ([], decoders) => decoders.to_vec(),
            (encoders, []) => encoders.to_vec(),
            (encoders, decoders) => {
                let both = encoders.iter().filter(|it| decoders.contains(it));
                both.copied().collect()
            }
        }
    }
}

/// A remedy that names the layers whose transcoders are loaded.
pub fn layers_that_are(layers: &[usize]) -> String {
    let numbers: Vec<String> = layers.iter().map(usize::to_string).collect();
    if numbers.is_empty() {
        return "Give --transcoders DIR.".into();
    }
    format!(
        "Loaded are {}; --layers says which are.",
        numbers.join(", ")
    )
}

/// The token at a position as it is shown.
pub fn piece(list: &[Token], pos: usize) -> String {
    list.get(pos).map_or_else(String::new, tokens::shown)
}

/// The model that the arguments name, and the transcoders if they name any.
///
/// Errors: a folder, its config.json or the tokenizer that is not there; options about transcoders that are not there.
pub fn request(args: &Model) -> Result<OpenRequest, Failure> {
    let tokenizer = args.tokenizer.as_deref().map(tokenizer_path).transpose()?;
    let model = model_ref(&args.model, tokenizer)?;
    Ok(OpenRequest {
        transcoders: scope::transcoders(&args.scope, &model)?,
        n_kept: args.scope.keep,
        model,
        precision: args.precision,
        n_ctx: args.n_ctx,
        max_gpu_bytes: args.max_gpu_bytes,
    })
}

/// The model by its folder, by `hub:` and its repository, or by `synth:` and a preset's name.
pub fn model_ref(model: &str, tokenizer: Option<String>) -> Result<ModelRef, Failure> {
    if model.starts_with(HUB) {
        let repo = fetch::repo(model, None)?;
        return match tokenizer {
            None => Ok(ModelRef::Hub { repo }),
            Some(_) => Err(failure(
                "A model that is kept has its own tokenizer.",
                "Leave --tokenizer away.",
            )),
        };
    }
    if let Some(preset) = model.strip_prefix("synth:") {
        return Ok(ModelRef::Synth {
            preset: preset.into(),
            tokenizer,
        });
    }
    let folder = Path::new(model);
    if !folder.is_dir() {
        return Err(failure(
            format!("There is no folder `{model}`."),
            "Give the folder that holds the model's config.json and safetensors files.",
        ));
    }
    if !folder.join("config.json").is_file() {
        return Err(failure(
            format!("There is no config.json in `{model}`."),
            "Give the folder that holds the model's config.json beside its safetensors files.",
        ));
    }
    Ok(ModelRef::Folder {
        path: model.into(),
        tokenizer,
    })
}

/// The prompt that the arguments give.
///
/// Errors: none, two, or an empty one; a text without a tokenizer.
pub fn prompt(args: &Prompt, model: &ModelRef) -> Result<Input, Failure> {
    let remedy = "Give either --text \"...\" or --ids 2,651,4320.";
    match (&args.text, &args.ids) {
        (None, None) => Err(failure("There is no prompt.", remedy)),
        (Some(_), Some(_)) => Err(failure("There are two prompts, --text and --ids.", remedy)),
        (None, Some(ids)) => Ok(Input::Ids(grammar::ids(ids)?)),
        (Some(text), None) if text.is_empty() => Err(failure(
            "The prompt is empty.",
            "Give at least one character; --ids 2 is the prompt of BOS alone.",
        )),
        (Some(text), None) => {
            check_tokenizer(model)?;
            Ok(Input::Text(text.clone()))
        }
    }
}

/// A tokenizer that is there, as the engine takes it.
pub fn tokenizer_path(path: &Path) -> Result<String, Failure> {
    let remedy = "Give the tokenizer.json that belongs to the model.";
    file_path(path, "tokenizer", remedy)
}

/// A file that is there, as the engine takes it.
///
/// Errors: no file, named as `what`; a path that is no text.
pub fn file_path(path: &Path, what: &str, remedy: &str) -> Result<String, Failure> {
    let shown = path.display();
    if !path.is_file() {
        return Err(failure(format!("There is no {what} `{shown}`."), remedy));
    }
    let text = path.to_str().map(String::from);
    text.ok_or_else(|| failure(format!("The path `{shown}` is not UTF-8."), "Rename it."))
}

/// Opens the model.
pub fn open(session: &mut Session, request: OpenRequest) -> Result<Opened, Failure> {
    match session.call(CommandBody::Open(request))? {
        Outcome::Opened {
            config,
            plan,
            fingerprint,
            ..
        } => Ok(Opened {
            config,
            plan,
            fingerprint,
        }),
        other => Err(unexpected(&other)),
    }
}

/// Runs a prompt through the open model.
pub fn run(
    session: &mut Session,
    input: Input,
    want: Vec<Site>,
    writes: Vec<Write>,
) -> Result<Ran, Failure> {
    let body = CommandBody::Run {
        input,
        want,
        writes,
    };
    match session.call(body)? {
        Outcome::Ran { run, tokens, .. } => Ok(Ran { run, tokens }),
        other => Err(unexpected(&other)),
    }
}

/// Says that a text needs a tokenizer before a model is loaded for it.
pub fn check_tokenizer(model: &ModelRef) -> Result<(), Failure> {
    let there = match model {
        ModelRef::Folder { path, tokenizer } => {
            tokenizer.is_some() || Path::new(path).join("tokenizer.json").is_file()
        }
        ModelRef::Synth { tokenizer, .. } => tokenizer.is_some(),
        // The engine says it if there is none.
        ModelRef::Hub { .. } => true,
    };
    if there {
        return Ok(());
    }
    Err(failure(
        "There is no tokenizer.json for the text.",
        "Give one with --tokenizer FILE, or the prompt as token ids with --ids.",
    ))
}
