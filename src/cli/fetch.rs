//! `gemscope fetch`: brings a set into the store, from a hub or from folders. Leaves showing how far it is to `fetch_bars`, what is told
//! at the end to `fetch_report`.

use super::args::Global;
use super::fetch_bars::FetchBars;
use super::fetch_report::{self, Ended};
use super::report::{Report, failure, file_failure};
use super::session::{Session, unexpected};
use super::store_args::Fetch;
use super::{interrupt, scope, scope_grammar};
use crate::session::protocol::{
    CommandBody, Failure, FetchFrom, FetchRequest, FetchTold, ModelRef, OpenRequest, Outcome,
    Partial, Secret, TranscoderRef, TranscoderRequest,
};
use crate::spec::{Endpoint, FetchPlan, RepoRef, gemma};
use std::path::Path;

const NO_TRANSCODERS: &str = "none";
/// A file of more bytes than this holds no token.
const MAX_TOKEN_BYTES: u64 = 1 << 16;

/// `gemscope fetch`.
pub fn run(args: &Fetch, global: &Global) -> Result<Report, Failure> {
    let request = request(args)?;
    let mut session = Session::start(global)?;
    if let Some((endpoint, secret)) = token(args, &request)? {
        let secret = Some(secret);
        session.call(CommandBody::Token { endpoint, secret })?;
    }
    match (args.list, args.plan) {
        (true, _) => list(&mut session, &request),
        (_, true) => plan(&mut session, request),
        _ => fetch(&mut session, request, global),
    }
}

/// A repository as it is written after `hub:`, or an address; a bare name is of the server given.
///
/// Errors: what names no repository.
pub fn repo(text: &str, endpoint: Option<&Endpoint>) -> Result<RepoRef, Failure> {
    let name = text.strip_prefix("hub:").unwrap_or(text);
    let parsed = name.parse::<RepoRef>();
    let it = parsed.map_err(|it| failure(format!("{it}."), it.remedy()))?;
    let is_bare = Endpoint::of(name.trim()).is_none();
    Ok(match endpoint.filter(|_| is_bare) {
        Some(endpoint) => RepoRef {
            endpoint: endpoint.clone(),
            ..it
        },
        None => it,
    })
}

fn fetch(session: &mut Session, request: FetchRequest, global: &Global) -> Result<Report, Failure> {
    let mut bars = FetchBars::new(global.json);
    let mut ended = Ended::default();
    let id = session.post(CommandBody::Fetch(request));
    let interrupted = interrupt::cancels(session, id);
    let outcome = session.wait(id, &mut |it, _| {
        if let Partial::Fetch(it) = it {
            bars.tell(&it);
            ended.tell(it);
        }
        Ok(())
    });
    bars.clear();
    match outcome {
        Ok(Outcome::Fetched(it)) => Ok(fetch_report::fetched(&ended, &it)),
        Ok(other) => Err(unexpected(&other)),
        Err(_) if interrupted.is_set() => Err(fetch_report::stopped(&ended)),
        Err(it) => Err(it),
    }
}

/// The first plan; held from the start, so that no weights come.
fn plan(session: &mut Session, request: FetchRequest) -> Result<Report, Failure> {
    session.call(CommandBody::Pause { paused: true })?;
    let mut first: Option<FetchPlan> = None;
    let id = session.post(CommandBody::Fetch(request));
    let cancel = session.cancel(id);
    let outcome = session.wait(id, &mut |it, _| {
        if let Partial::Fetch(FetchTold::Plan(it)) = it {
            first.get_or_insert(it);
            cancel.now();
        }
        Ok(())
    });
    match (first, outcome) {
        (Some(it), _) => Ok(fetch_report::plan(&it)),
        (None, Err(it)) => Err(it),
        (None, Ok(other)) => Err(unexpected(&other)),
    }
}

fn list(session: &mut Session, request: &FetchRequest) -> Result<Report, Failure> {
    let transcoders = request.set.transcoders.as_ref().map(|it| &it.place);
    let Some(TranscoderRef::Hub { repo }) = transcoders else {
        return Err(failure(
            "There are no transcoders to list.",
            "Name a repository with --transcoders, or leave it away.",
        ));
    };
    match session.call(CommandBody::Variants { repo: repo.clone() })? {
        Outcome::Variants(it) => Ok(fetch_report::variants(&it)),
        other => Err(unexpected(&other)),
    }
}

fn request(args: &Fetch) -> Result<FetchRequest, Failure> {
    let of = |text: &str| repo(text, args.endpoint.as_ref());
    let model = ModelRef::Hub {
        repo: of(&args.model)?,
    };
    let layers = args.layers.as_deref().map(scope_grammar::layers);
    let average_l0 = args.average_l0.as_deref().map(scope_grammar::average_l0);
    let (layers, average_l0) = (layers.transpose()?, average_l0.transpose()?);
    let transcoders = match args.transcoders.as_str() {
        NO_TRANSCODERS => None,
        text => Some(TranscoderRequest {
            place: TranscoderRef::Hub { repo: of(text)? },
            layers,
            halves: scope::halves(args.halves),
            average_l0: average_l0.unwrap_or_default(),
        }),
    };
    let folder = |it: &Option<std::path::PathBuf>| it.as_deref().map(folder).transpose();
    let (of_model, of_transcoders) = (folder(&args.from_model)?, folder(&args.from_transcoders)?);
    Ok(FetchRequest {
        set: OpenRequest {
            model,
            transcoders,
            precision: args.precision,
            n_ctx: None,
            n_kept: None,
            max_gpu_bytes: None,
        },
        from: match (of_model, of_transcoders) {
            (None, None) => FetchFrom::Hub,
            (model, transcoders) => FetchFrom::Folders { model, transcoders },
        },
        manifest: args.manifest.as_deref().map(file).transpose()?,
        update: args.update,
    })
}

/// The token for the server that it is meant for, if there is one. It is never part of a message.
fn token(args: &Fetch, request: &FetchRequest) -> Result<Option<(Endpoint, Secret)>, Failure> {
    let ModelRef::Hub { repo } = &request.set.model else {
        return Ok(None);
    };
    if let Some(path) = &args.token_file {
        let shown = path.display();
        let unreadable = |it: std::io::Error| {
            let what = format!("The access token can't be read from `{shown}`.");
            file_failure(what, "Give a text file that holds the token alone.", &it)
        };
        let size_bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if size_bytes > MAX_TOKEN_BYTES {
            let what = format!("`{shown}` is too large to hold an access token.");
            return Err(failure(
                what,
                "Give a text file that holds the token alone.",
            ));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        return Ok(Some((repo.endpoint.clone(), Secret(text.trim().into()))));
    }
    // A variable that is set for everything goes to the server that it is meant for and to no other.
    let set = std::env::var("HF_TOKEN").ok();
    let set = set.filter(|it| !it.trim().is_empty());
    Ok(set.map(|it| (gemma::hub(), Secret(it.trim().into()))))
}

fn folder(path: &Path) -> Result<String, Failure> {
    let remedy = "Give a folder as `huggingface-cli download` leaves it.";
    if !path.is_dir() {
        let what = format!("There is no folder `{}`.", path.display());
        return Err(failure(what, remedy));
    }
    utf8(path)
}

fn file(path: &Path) -> Result<String, Failure> {
    if !path.is_file() {
        let what = format!("There is no manifest `{}`.", path.display());
        let remedy = "Give a file as `gemscope manifest` writes it.";
        return Err(failure(what, remedy));
    }
    utf8(path)
}

/// A path as the engine takes it.
///
/// Errors: one that is not UTF-8.
pub fn utf8(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().map(String::from);
    text.ok_or_else(|| {
        let what = format!("The path `{}` is not UTF-8.", path.display());
        failure(what, "Rename it.")
    })
}
