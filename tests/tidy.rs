//! The rules of the house, checked on the syntax tree of every source file; and the checker itself, checked on deliberate faults.
//!
//! What the compiler, clippy and rustfmt see is left to them.

#[path = "tidy/fault.rs"]
mod fault;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/walls.rs"]
mod walls;

use fault::Fault;
use std::{
    fs,
    path::{Path, PathBuf},
};

const FAULTS: &str = "tests/faults";

/// Every fault in the tree below `root`, which is laid out like the repository.
fn faults(root: &Path) -> Vec<Fault> {
    let mut out = text::check(root);
    for (path, source) in text::rust_files(root) {
        match syn::parse_file(&source) {
            Ok(file) => {
                out.extend(functions::check(&path, &file));
                out.extend(walls::check(&path, &file));
                out.extend(house::check(&path, &file));
            }
            Err(err) => out.push(Fault::at(
                "parses",
                &path,
                err.span(),
                format!("does not parse: {err}"),
            )),
        }
    }
    out
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_house_is_tidy() {
    let found = faults(&repository());
    assert!(
        found.is_empty(),
        "{} faults:\n{}",
        found.len(),
        fault::list(&found)
    );
}

/// Each folder of `tests/faults` is a small house with the one fault that its name says: `rule--how`.
#[test]
fn every_deliberate_fault_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    let mut rules = Vec::new();
    for case in fs::read_dir(repository().join(FAULTS)).expect("the tree of faults") {
        let case = case.expect("directory entry").path();
        let name = case
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let rule = name.split("--").next().unwrap_or_default().to_string();
        let found = faults(&case);
        let expected = if rule == "sound" { 0 } else { 1 };
        if found.len() != expected || found.iter().any(|it| it.rule != rule) {
            wrong.push(format!("{name}: found\n{}", fault::list(&found)));
        }
        rules.push(rule);
    }
    for rule in fault::RULES {
        if !rules.iter().any(|it| it == rule) {
            wrong.push(format!("rule `{rule}` has no deliberate fault"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is committed must be right on any machine: no paths of the one it was written on, no addresses of package servers.
#[test]
fn committed_files_name_no_machine() {
    let mut found = Vec::new();
    for path in text::committed(&repository()) {
        let Ok(content) = fs::read_to_string(repository().join(&path)) else {
            continue; // not text
        };
        found.extend(text::machine_paths(&path, &content));
        if path.ends_with("package-lock.json") && content.contains("\"resolved\"") {
            found.push(Fault::line(
                "machine_path",
                &path,
                1,
                "addresses in the lock; npm install --omit-lockfile-registry-resolved",
            ));
        }
    }
    assert!(found.is_empty(), "\n{}", fault::list(&found));
}
