//! What of a site depends on its host table: the policy, `hosts.json`, the list of requests for the About page, the service worker's list.
//!
//! The files that say it lie bare in a folder of their own, so that the tests serve the same site for another table.

use crate::{build::list, hashed, hosts};
use anyhow::{Context, Result};
use gemscope::spec::{HostTable, neuronpedia};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The page, and the same program for frames.
pub const PAGE: &str = "index.html";
const EMBED: &str = "embed.html";
/// The headers of the site, for hosts that read them from a file.
pub const HEADERS: &str = "_headers";
/// The service worker.
pub const WORKER: &str = "sw.js";
/// What other servers are told.
pub const HOSTING: &str = "hosting";

/// What the page alone has in place of [`EMBED`]'s mark.
const ROOT: &str = "<html lang=\"en\"";
const REQUESTS: &str = "<!-- requests -->";
const POLICY: &str = "{policy}";
const SITE: &str = "__SITE__";
/// Parts of `dist/` that no visit asks for.
const NOT_KEPT: &[&str] = &[HEADERS, WORKER, HOSTING, "engine-worker.js"];

/// Dresses the bare files for a table into a folder: `dist/` itself, or one that is served before it.
///
/// Errors: those of files; a text that lacks the place for what is put into it.
pub fn dress(bare: &Path, dist: &Path, table: &HostTable, into: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = bare.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    fs::create_dir_all(into.join(HOSTING))?;
    fs::write(into.join(hosts::FILE), hosts::json(table)?)?;
    let page = hosts::into_policy(&read(PAGE)?, table).context(PAGE)?;
    let files = kept(dist, into)?;
    let page = put(&page, REQUESTS, &requests(&files, table)?).context(PAGE)?;
    let embed = put(&page, ROOT, &format!("{ROOT} data-entry=\"embed\"")).context(EMBED)?;
    fs::write(into.join(PAGE), &page)?;
    fs::write(into.join(EMBED), embed)?;
    let policy = policy(&page)?;
    let mut texts = vec![HEADERS.to_string()];
    for entry in fs::read_dir(bare.join(HOSTING))? {
        texts.push(format!(
            "{HOSTING}/{}",
            entry?.file_name().to_string_lossy()
        ));
    }
    for name in texts {
        fs::write(into.join(&name), read(&name)?.replace(POLICY, policy))?;
    }
    let worker = put(&read(WORKER)?, SITE, &site(dist, into, table)?).context(WORKER)?;
    Ok(fs::write(into.join(WORKER), worker)?)
}

/// The policy of a page.
///
/// Errors: a page without one.
pub fn policy(page: &str) -> Result<&str> {
    let start = "http-equiv=\"Content-Security-Policy\" content=\"";
    let (_, rest) = page.split_once(start).context("the page has no policy")?;
    let (policy, _) = rest.split_once('"').context("the policy has no end")?;
    Ok(policy)
}

fn put(text: &str, place: &str, what: &str) -> Result<String> {
    text.contains(place)
        .then(|| text.replacen(place, what, 1))
        .with_context(|| format!("`{place}` is not in it"))
}

/// Sizes of the files that a visit may ask for, by path; those that are dressed are not measured.
fn kept(dist: &Path, into: &Path) -> Result<BTreeMap<String, Option<u64>>> {
    let mut found = BTreeSet::new();
    list(dist, &mut found)?;
    let mut out = BTreeMap::new();
    for path in found {
        let name = path
            .strip_prefix(dist)?
            .to_string_lossy()
            .replace('\\', "/");
        let first = name.split('/').next().unwrap_or_default();
        if !NOT_KEPT.contains(&first) && !name.ends_with(".md") {
            out.insert(name, Some(fs::metadata(&path)?.len()));
        }
    }
    for it in [PAGE, EMBED] {
        out.insert(it.into(), None);
    }
    let hosts = fs::metadata(into.join(hosts::FILE))?;
    out.insert(hosts::FILE.into(), Some(hosts.len()));
    Ok(out)
}

/// Every request that the page can make.
fn requests(files: &BTreeMap<String, Option<u64>>, table: &HostTable) -> Result<String> {
    let request = |origin: &str, path: Option<&str>, bytes: Option<u64>, why: &str| json!({ "origin": origin, "path": path, "bytes": bytes, "why": why });
    let mut out: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| request("self", Some(path), *bytes, reason(path)))
        .collect();
    let why = "keeps this site for visits without a network, if you let it";
    out.push(request("self", Some(WORKER), None, why));
    for host in &table.hosts {
        let origin = host.endpoint.to_string();
        if !host.serves.is_files() {
            let why = "label and examples of one feature, each time that you ask for them: its number is sent, and nothing that you typed";
            out.push(request(&origin, Some(neuronpedia::FEATURES), None, why));
            continue;
        }
        let why = "lists of repositories' files and the files that you ask for, a snapshot of a link among them";
        out.push(request(&origin, None, None, why));
        for it in &host.also {
            let why = format!("bytes of those files, where {origin} sends on to it");
            out.push(request(&it.to_string(), None, None, &why));
        }
    }
    // Inside an element a "<" of the data could end it.
    Ok(serde_json::to_string(&out)?.replace('<', "\\u003c"))
}

fn reason(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    match path.split('/').next() {
        Some("demo") => "the demo model, its transcoders and labels",
        Some(PAGE) => "the page and the runs that it carries",
        Some(EMBED) => "the page for frames",
        Some(hosts::FILE) => "which hosts may be asked",
        _ if name.starts_with("engine") => "the program that computes",
        _ if name.ends_with(".css") => "how the page looks",
        _ => "the program that draws the page",
    }
}

/// What the service worker knows: its files with their hashes, the hosts, and an id that changes with any of it.
fn site(dist: &Path, into: &Path, table: &HostTable) -> Result<String> {
    let mut files = BTreeMap::new();
    for name in kept(dist, into)?.into_keys() {
        let dressed = into.join(&name);
        let path = if dressed.is_file() {
            dressed
        } else {
            dist.join(&name)
        };
        files.insert(name, base64(&hashed::sha256(&path)?));
    }
    let allowed = table.sources();
    let all = serde_json::to_string(&(&files, &allowed))?;
    let build: String = Sha256::digest(all)[..8]
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    Ok(json!({ "build": build, "files": files, "allowed": allowed }).to_string())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(bits);
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n)) as usize & 63];
            out.push(if n > three.len() { '=' } else { digit.into() });
        }
    }
    out
}

#[cfg(test)]
#[path = "dress_tests.rs"]
mod tests;
