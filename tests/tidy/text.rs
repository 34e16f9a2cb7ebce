//! Rules that need no syntax tree: which files there are, how long, how named, how they open.

use super::{FAULTS, fault::Fault};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MAX_LINES: usize = 400;
const MAX_SHADER_LINES: usize = 150;
/// Folders below `src/`.
const MAX_DEPTH: usize = 2;
/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "misc", "common"];
/// Where sources live.
const FOLDERS: &[&str] = &["src", "xtask", "tests", "benches", "www", "shaders"];
/// Folders with things that are not ours or not sources.
const SKIPPED: &[&str] = &["node_modules", "target", "golden"];

/// Every fault that a file's text, name or place shows.
pub fn check(root: &Path) -> Vec<Fault> {
    let mut out = Vec::new();
    for path in sources(root) {
        let content = fs::read_to_string(root.join(&path)).unwrap_or_default();
        out.extend(length(&path, &content));
        out.extend(place(&path));
        if is(&path, "rs") && !content.starts_with("//!") {
            out.push(Fault::line(
                "file_doc",
                &path,
                1,
                "opens with `//!`: what is it for, what does it leave to others?",
            ));
        }
    }
    out
}

/// Rust files below `root` with their text; paths are relative to it.
pub fn rust_files(root: &Path) -> Vec<(PathBuf, String)> {
    sources(root)
        .into_iter()
        .filter(|it| is(it, "rs"))
        .filter_map(|it| {
            let content = fs::read_to_string(root.join(&it)).ok()?;
            Some((it, content))
        })
        .collect()
}

/// Files that git tracks, or all sources where there is no git.
pub fn committed(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output();
    match listed {
        Ok(it) if it.status.success() => String::from_utf8_lossy(&it.stdout)
            .split_terminator('\0')
            .map(PathBuf::from)
            .collect(),
        _ => sources(root),
    }
}

/// Lines with a path that exists on one machine only.
pub fn machine_paths(path: &Path, content: &str) -> Vec<Fault> {
    // In two parts, or this file would be its own fault.
    let homes = ["work", "root", "home", "farm", "Users"].map(|it| format!("/{it}/"));
    let starts_path = |line: &str, at: usize| {
        !line[..at].ends_with(|it: char| it.is_alphanumeric() || "._-/}".contains(it))
    };
    content
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            homes.iter().any(|home| {
                line.match_indices(home.as_str())
                    .any(|(at, _)| starts_path(line, at))
            })
        })
        .map(|(n, line)| Fault::line("machine_path", path, n + 1, line.trim()))
        .collect()
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
}

fn length(path: &Path, content: &str) -> Option<Fault> {
    let shader = is(path, "wgsl");
    let (rule, most) = if shader {
        ("shader_length", MAX_SHADER_LINES)
    } else {
        ("file_length", MAX_LINES)
    };
    let lines = content.lines().count();
    (lines > most).then(|| Fault::line(rule, path, lines, format!("{lines} lines; at most {most}")))
}

fn place(path: &Path) -> Vec<Fault> {
    let mut out = Vec::new();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if EMPTY_NAMES.contains(&stem.as_ref()) {
        out.push(Fault::line(
            "file_name",
            path,
            1,
            "the name does not say what is inside",
        ));
    }
    let folders = path.components().count().saturating_sub(2);
    if path.starts_with("src") && folders > MAX_DEPTH {
        out.push(Fault::line(
            "depth",
            path,
            1,
            format!("{folders} folders below src; at most {MAX_DEPTH}"),
        ));
    }
    out
}

/// Files that people write, relative to `root`, in order.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in FOLDERS {
        walk(root, Path::new(folder), &mut out);
    }
    out.sort();
    out
}

fn walk(root: &Path, folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = folder.join(entry.file_name());
        let name = entry.file_name();
        if root.join(&path).is_dir() {
            if path != Path::new(FAULTS) && !SKIPPED.iter().any(|it| name == *it) {
                walk(root, &path, out);
            }
        } else if ["rs", "wgsl", "js", "mjs", "css"]
            .iter()
            .any(|it| is(&path, it))
        {
            out.push(path);
        }
    }
}
