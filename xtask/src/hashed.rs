//! Programs and styles under names that hold their hashes, so that a browser may keep them for good; what refers to them says those names.

use crate::parts;
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of a site in which these files lie.
pub const FOLDER: &str = "hashed";
/// Bytes of a hash that stand in a name.
const NAME_BYTES: usize = 8;
/// What stands for the engine's hash in the text that starts it, which the page's program carries: as long as a hash.
const ENGINE_UNKNOWN: &str = "engine.0000000000000000.js";

/// Names the programs in `dist/hashed/`, and what `dist/` has beside them for the page, by their hashes; each before what refers to it.
///
/// Errors: those of files; a reference that does not stand where it is expected exactly once.
pub fn name_all(dist: &Path) -> Result<()> {
    let folder = dist.join(FOLDER);
    for it in ["start.js", "page.css"] {
        fs::rename(dist.join(it), folder.join(it)).with_context(|| it)?;
    }
    let engine_wasm = name(&folder, "engine_bg.wasm")?;
    replace_once(&folder.join("engine.js"), "engine_bg.wasm", &engine_wasm)?;
    let engine = name(&folder, "engine.js")?;
    for it in [folder.join("page_bg.wasm"), dist.join("engine-worker.js")] {
        replace_once(&it, ENGINE_UNKNOWN, &engine)?;
    }
    let later = name(&folder, parts::LATER)?;
    replace_once(&folder.join(parts::JOINER), parts::LATER, &later)?;
    let page_wasm = name(&folder, "page_bg.wasm")?;
    replace_once(&folder.join("page.js"), "page_bg.wasm", &page_wasm)?;
    let page = name_both(&folder, "page.js", parts::JOINER)?;
    replace_once(&folder.join("start.js"), "./page.js", &format!("./{page}"))?;
    let start = name(&folder, "start.js")?;
    let style = name(&folder, "page.css")?;
    let index = dist.join("index.html");
    for (before, now) in [("page.js", page), ("start.js", start), ("page.css", style)] {
        let now = format!("\"{FOLDER}/{now}\"");
        replace_once(&index, &format!("\"{before}\""), &now)?;
    }
    Ok(())
}

/// Where a file lies that was built under this name: `page.js` as `hashed/page.….js`.
///
/// Errors: none or several such files.
pub fn find(dist: &Path, name: &str) -> Result<PathBuf> {
    let (stem, ending) = split(name)?;
    let folder = dist.join(FOLDER);
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let is_it = path
            .file_name()
            .and_then(|it| it.to_str())
            .is_some_and(|it| {
                let hash = it
                    .strip_prefix(stem)
                    .and_then(|it| it.strip_suffix(ending))
                    .and_then(|it| it.strip_prefix('.')?.strip_suffix('.'));
                hash.is_some_and(|it| it.len() == 2 * NAME_BYTES)
            });
        if is_it {
            found.push(path);
        }
    }
    ensure!(
        found.len() == 1,
        "{} files of dist/ are {name}",
        found.len()
    );
    found.pop().context("there is one")
}

/// The hash of a file.
///
/// Errors: those of reading.
pub fn sha256(path: &Path) -> Result<[u8; 32]> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(Sha256::digest(bytes).into())
}

/// Puts the hash into a file's name.
fn name(folder: &Path, file: &str) -> Result<String> {
    let named = with_hash(file, sha256(&folder.join(file))?)?;
    fs::rename(folder.join(file), folder.join(&named))?;
    Ok(named)
}

fn with_hash(file: &str, hash: [u8; 32]) -> Result<String> {
    let (stem, ending) = split(file)?;
    let hex: String = hash[..NAME_BYTES]
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    Ok(format!("{stem}.{hex}.{ending}"))
}

/// Puts the hash of both into the names of two scripts that import each other; the name of the first.
fn name_both(folder: &Path, first: &str, second: &str) -> Result<String> {
    let both = [
        fs::read(folder.join(first))?,
        fs::read(folder.join(second))?,
    ]
    .concat();
    let hash = Sha256::digest(both).into();
    let (named, other) = (with_hash(first, hash)?, with_hash(second, hash)?);
    for (file, imported, now) in [(first, second, &other), (second, first, &named)] {
        let import = |it: &str| format!("from \"./{it}\"");
        replace_once(&folder.join(file), &import(imported), &import(now))?;
    }
    fs::rename(folder.join(first), folder.join(&named))?;
    fs::rename(folder.join(second), folder.join(other))?;
    Ok(named)
}

fn split(name: &str) -> Result<(&str, &str)> {
    name.rsplit_once('.')
        .with_context(|| format!("{name} has no ending"))
}

/// In any file: inside a program the new text must be as long as the old.
fn replace_once(path: &Path, before: &str, now: &str) -> Result<()> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| shown.to_string())?;
    let found: Vec<usize> = bytes
        .windows(before.len())
        .enumerate()
        .filter_map(|(at, it)| (it == before.as_bytes()).then_some(at))
        .collect();
    ensure!(
        found.len() == 1,
        "{shown}: `{before}` stands {} times in it, and not once",
        found.len()
    );
    let is_program = path.extension().is_some_and(|it| it == "wasm");
    ensure!(
        !is_program || before.len() == now.len(),
        "{shown}: `{now}` is not as long as `{before}`"
    );
    let (start, end) = (found[0], found[0] + before.len());
    let bytes = [&bytes[..start], now.as_bytes(), &bytes[end..]].concat();
    Ok(fs::write(path, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place;
    use std::env;

    fn folder(name: &str) -> PathBuf {
        let out = env::temp_dir().join(format!("gemscope-hashed-{name}-{}", std::process::id()));
        if out.exists() {
            fs::remove_dir_all(&out).unwrap();
        }
        fs::create_dir_all(out.join(FOLDER)).unwrap();
        out
    }

    /// A site as it lies there before its files are named: our own, with programs that say as much as ours of each other.
    fn unnamed(dist: &Path, engine: &str) {
        let www = place::root().join("www");
        for it in ["index.html", "start.js", "page.css", "engine-worker.js"] {
            fs::copy(www.join(it), dist.join(it)).unwrap();
        }
        let starts = fs::read(www.join("engine-worker.js")).unwrap();
        for (name, text) in [
            ("engine_bg.wasm", engine.as_bytes()),
            ("engine.js", b"new URL('engine_bg.wasm', import.meta.url)"),
            ("page_bg.wasm", &[b"\0asm", &starts[..]].concat()),
            (
                "page.js",
                b"import * as parts from \"./parts.js\"; new URL('page_bg.wasm', import.meta.url)",
            ),
            (
                parts::JOINER,
                b"import { initSync } from \"./page.js\"; new URL(\"./later.wasm\", import.meta.url)",
            ),
            (parts::LATER, b"\0asm"),
        ] {
            fs::write(dist.join(FOLDER).join(name), text).unwrap();
        }
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn every_reference_names_the_file_that_is_there() {
        let dist = folder("names");
        unnamed(&dist, "one");
        name_all(&dist).unwrap();
        let index = text(&dist.join("index.html"));
        for it in ["page.js", "start.js", "page.css"] {
            let path = find(&dist, it).unwrap();
            let name = path.strip_prefix(&dist).unwrap().to_str().unwrap();
            assert!(index.contains(&format!("\"{name}\"")), "{name}");
        }
        for (of, it) in [
            ("page.js", "page_bg.wasm"),
            ("page.js", parts::JOINER),
            (parts::JOINER, "page.js"),
            (parts::JOINER, parts::LATER),
            ("start.js", "page.js"),
            ("engine.js", "engine_bg.wasm"),
            ("page_bg.wasm", "engine.js"),
        ] {
            let name = find(&dist, it).unwrap();
            let name = name.file_name().unwrap().to_str().unwrap();
            assert!(
                text(&find(&dist, of).unwrap()).contains(name),
                "{of}: {name}"
            );
        }
        fs::remove_dir_all(dist).unwrap();
    }

    #[test]
    fn another_engine_makes_another_page() {
        let pages = ["one", "two"].map(|engine| {
            let dist = folder(engine);
            unnamed(&dist, engine);
            name_all(&dist).unwrap();
            let page = find(&dist, "page.js").unwrap();
            let name = page.file_name().unwrap().to_owned();
            fs::remove_dir_all(dist).unwrap();
            name
        });
        assert_ne!(pages[0], pages[1]);
    }

    #[test]
    fn a_reference_that_is_not_there_is_noticed() {
        let dist = folder("lost");
        unnamed(&dist, "one");
        fs::write(dist.join("start.js"), "import \"./other.js\"").unwrap();
        let said = name_all(&dist).unwrap_err().to_string();
        assert!(said.contains("./page.js"), "{said}");
        fs::write(dist.join("a.wasm"), "before").unwrap();
        assert!(replace_once(&dist.join("a.wasm"), "before", "after").is_err());
        fs::remove_dir_all(dist).unwrap();
    }
}
