//! The walls of the house: which room may use which, and which crates belong to which room.

use super::{
    fault::Fault,
    paths::{self, Named},
};
use std::{collections::BTreeSet, path::Path};
use syn::File;

/// The rooms in the order in which data travels, and for each the rooms that it may use.
pub const ROOMS: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("spec", &[]),
    ("hub", &["sys", "spec"]),
    ("store", &["sys", "spec"]),
    ("weights", &["sys", "spec", "hub", "store"]),
    ("gpu", &["sys", "spec"]),
    ("ops", &["spec", "gpu"]),
    ("model", &["sys", "spec", "weights", "gpu", "ops"]),
    ("scope", &["sys", "spec", "weights", "gpu", "ops", "model"]),
    ("circuits", &["sys", "spec", "gpu", "ops", "model", "scope"]),
    (
        "session",
        &[
            "sys", "spec", "hub", "store", "weights", "gpu", "ops", "model", "scope", "circuits",
        ],
    ),
    ("cli", &["spec", "session"]),
    ("app", &["spec", "session"]),
];
/// The programs, as rooms of their own below the roof.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("bin/gemscope", &["sys", "spec", "session", "cli"]),
    ("bin/engine", &["sys", "spec", "session"]),
    ("bin/page", &["spec", "session", "app"]),
];
/// Crates, and the rooms and programs that alone may name them.
const FENCES: &[(&str, &[&str])] = &[
    ("wgpu", &["gpu"]),
    ("leptos", &["app", "bin/page"]),
    ("clap", &["cli", "bin/gemscope"]),
    ("indicatif", &["cli", "bin/gemscope"]),
    (
        "web_sys",
        &[
            "sys",
            "hub",
            "store",
            "app",
            "bin/gemscope",
            "bin/engine",
            "bin/page",
        ],
    ),
];
/// What the protocol may name: it is what two programs of different builds share.
const PROTOCOL: &[&str] = &["src/session/protocol.rs", "src/session/event.rs"];
const PROTOCOL_CRATES: &[&str] = &["serde", "std", "core", "alloc"];

/// Faults in what a file names.
pub fn check(path: &Path, file: &File) -> Vec<Fault> {
    let Ok(inside) = path.strip_prefix("src") else {
        return Vec::new();
    };
    let module = module_of(inside);
    let room = match module.first().map(String::as_str) {
        Some("bin") => format!("bin/{}", module.get(1).map_or("", String::as_str)),
        Some(first) => first.to_string(),
        None => return Vec::new(),
    };
    let dependencies = dependencies();
    let mut out: Vec<Fault> = Vec::new();
    for it in paths::named(file, module) {
        let mut fault = |rule, what: String| out.push(Fault::at(rule, path, it.span, what));
        if it.takes_root {
            fault(
                "root_alias",
                "the root under another name hides which rooms are used".into(),
            );
        } else if let Some(what) = layer(&room, &it) {
            fault("layers", what);
        } else if let Some(what) = fence(&room, &it) {
            fault("fence", what);
        } else if PROTOCOL.iter().any(|it| path == Path::new(it))
            && let Some(what) = protocol(&it, &dependencies)
        {
            fault("protocol", what);
        }
    }
    out.dedup_by(|a, b| a.at == b.at && a.what == b.what);
    out
}

/// `gpu/player.rs` is `["gpu", "player"]`, `gpu/mod.rs` is `["gpu"]`, `lib.rs` is the root.
fn module_of(inside: &Path) -> Vec<String> {
    let mut out: Vec<String> = inside
        .with_extension("")
        .components()
        .map(|it| it.as_os_str().to_string_lossy().into_owned())
        .collect();
    if out.last().is_some_and(|it| it == "mod" || it == "lib") {
        out.pop();
    }
    out
}

fn layer(room: &str, it: &Named) -> Option<String> {
    let used = it.from_root.as_ref()?.first()?;
    let is_room = ROOMS.iter().any(|(name, _)| name == used);
    let allowed = ROOMS
        .iter()
        .chain(PROGRAMS)
        .find(|(name, _)| *name == room)
        .map_or(&[][..], |it| it.1);
    (is_room && used != room && !allowed.contains(&used.as_str()))
        .then(|| format!("`{room}` may not use `{used}`"))
}

fn fence(room: &str, it: &Named) -> Option<String> {
    let first = it.segments.first()?;
    let (fenced, inside) = FENCES
        .iter()
        .find(|(name, _)| first == name || first.starts_with(&format!("{name}_")))?;
    let meant = it.from_root.is_none() && (it.in_use || it.segments.len() > 1);
    (meant && !inside.contains(&room)).then(|| format!("`{fenced}` belongs to {inside:?}"))
}

fn protocol(it: &Named, dependencies: &BTreeSet<String>) -> Option<String> {
    let fine = match &it.from_root {
        Some(from_root) => matches!(
            from_root.iter().map(String::as_str).collect::<Vec<_>>()[..],
            ["spec", ..] | ["session", "protocol" | "event", ..]
        ),
        None => {
            let first = it.segments.first()?;
            PROTOCOL_CRATES.contains(&first.as_str()) || !dependencies.contains(first)
        }
    };
    (!fine).then(|| {
        format!(
            "the protocol depends on spec and serde alone, not on `{}`",
            it.segments.join("::")
        )
    })
}

/// Names of the crates in our `Cargo.toml`, as code writes them.
fn dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../../Cargo.toml");
    let mut inside = false;
    let mut out = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if let (true, Some((name, _))) = (inside, line.split_once(" =")) {
            out.insert(name.replace('-', "_"));
        }
    }
    out
}
