//! `gemscope store` and `gemscope manifest`: what is kept, listed, compared, taken away, copied; hashes for fetching.

use super::args::Global;
use super::fetch::utf8;
use super::report::{Report, failure, file_failure};
use super::scope_grammar;
use super::session::{Session, unexpected};
use super::store_args::{Export, Import, Manifest, Remove, Selection, Store, StoreCommand};
use super::store_report;
use crate::session::protocol::{CommandBody, Failure, Outcome, StoredSelection};
use serde_json::json;
use std::path::Path;

/// `gemscope store`, and whether nothing is damaged.
pub fn run(args: &Store, global: &Global) -> Result<(Report, bool), Failure> {
    let fine = |it| Ok((it, true));
    match &args.command {
        StoreCommand::List(it) => match ask(CommandBody::Stored, global)? {
            Outcome::Stored(list) => fine(store_report::list(&list, it.parts)),
            other => Err(unexpected(&other)),
        },
        StoreCommand::Verify(it) => verify(it, false, global),
        StoreCommand::Repair(it) => verify(it, true, global),
        StoreCommand::Remove(it) => remove(it, global).and_then(fine),
        StoreCommand::Export(it) => export(it, global).and_then(fine),
        StoreCommand::Import(it) => import(it, global).and_then(fine),
    }
}

/// `gemscope manifest`.
pub fn manifest(args: &Manifest, global: &Global) -> Result<Report, Failure> {
    let from = folder(&args.folder)?;
    let text = match ask(CommandBody::Manifest { from }, global)? {
        Outcome::Manifest { json } => json,
        other => return Err(unexpected(&other)),
    };
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let Some(out) = &args.out else {
        return Ok(Report {
            text: text.trim_end().to_string() + "\n",
            json: value,
        });
    };
    let shown = out.display();
    std::fs::write(out, &text).map_err(|it| {
        let what = format!("`{shown}` can't be written.");
        file_failure(what, "Give another file with --out.", &it)
    })?;
    Ok(Report {
        text: format!("written to {shown}\n"),
        json: json!({ "out": shown.to_string() }),
    })
}

fn ask(body: CommandBody, global: &Global) -> Result<Outcome, Failure> {
    Session::start(global)?.call(body)
}

fn verify(args: &Selection, repair: bool, global: &Global) -> Result<(Report, bool), Failure> {
    let selection = selection(args)?;
    match ask(CommandBody::Verify { selection, repair }, global)? {
        Outcome::Verified(it) => {
            let passed = repair || it.damaged.is_empty();
            Ok((store_report::verified(&it), passed))
        }
        other => Err(unexpected(&other)),
    }
}

fn remove(args: &Remove, global: &Global) -> Result<Report, Failure> {
    let mut selection = selection(&args.selection)?;
    let names_some = selection != StoredSelection::default();
    match (args.all || names_some, args.set_aside) {
        (true, _) => (),
        // What another version left, and nothing of our own.
        (false, true) => selection.keys = Some(Vec::new()),
        (false, false) => {
            return Err(failure(
                "Nothing was named that is to be removed.",
                "Name it with --repo, --packing, --layer, --part or --key, or give --all.",
            ));
        }
    }
    let set_aside = args.set_aside;
    let body = CommandBody::Remove {
        selection,
        set_aside,
    };
    match ask(body, global)? {
        Outcome::Freed { size_bytes } => Ok(store_report::freed(size_bytes)),
        other => Err(unexpected(&other)),
    }
}

fn export(args: &Export, global: &Global) -> Result<Report, Failure> {
    let (selection, to) = (selection(&args.selection)?, utf8(&args.folder)?);
    std::fs::create_dir_all(&args.folder).map_err(|it| {
        let what = format!("The folder `{to}` can't be made.");
        file_failure(what, "Give a folder on a disk that may be written to.", &it)
    })?;
    copied(CommandBody::Export { selection, to }, global)
}

fn import(args: &Import, global: &Global) -> Result<Report, Failure> {
    let from = folder(&args.folder)?;
    copied(CommandBody::Import { from }, global)
}

fn copied(body: CommandBody, global: &Global) -> Result<Report, Failure> {
    match ask(body, global)? {
        Outcome::Copied(it) => Ok(store_report::copied(&it)),
        other => Err(unexpected(&other)),
    }
}

fn selection(args: &Selection) -> Result<StoredSelection, Failure> {
    let layers = args.layer.as_deref().map(scope_grammar::layers);
    Ok(StoredSelection {
        repo: args.repo.clone(),
        packing: args.packing.map(|it| it.packing()),
        layers: layers.transpose()?,
        parts: args.part.clone(),
        keys: args.key.clone(),
    })
}

fn folder(path: &Path) -> Result<String, Failure> {
    if !path.is_dir() {
        let what = format!("There is no folder `{}`.", path.display());
        return Err(failure(what, "Give a folder that is there."));
    }
    utf8(path)
}
