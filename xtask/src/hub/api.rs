//! The API: what a revision is, and the listing of its files in pages.

use super::{
    address::parameter,
    answer::Answer,
    ask::{Ask, encoded},
    content::sha256_of,
    history::{Commit, File},
    shared::Shared,
};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The commit behind a revision, if the caller may see it.
///
/// Errors: the Hub's answer to who asks for what is not there or not his. `file` says whether it is for a file.
pub fn commit(
    shared: &Shared,
    ask: &Ask,
    names: [&str; 2],
    file: bool,
) -> Result<Arc<Commit>, Box<Answer>> {
    let [repo, revision] = names;
    let refuse = |status, code, message: &str| Err(Box::new(Answer::error(status, code, message)));
    let repos = shared.repos();
    let Some(history) = repos.iter().find(|it| it.name == repo) else {
        // Who is not known is not told whether the repository is private or does not exist.
        return match ask.token {
            None => refuse(401, "RepoNotFound", "Repository not found"),
            Some(_) => refuse(404, "RepoNotFound", "Repository not found"),
        };
    };
    if let Some(gate) = shared.gates.iter().find(|it| it.repo == repo)
        && (file || !gate.open_listing)
        && ask.token.as_ref() != Some(&gate.token)
    {
        let restricted = format!("Access to model {repo} is restricted");
        return match ask.token {
            None => refuse(
                401,
                "GatedRepo",
                &format!(
                    "{restricted}. You must have access to it and be authenticated to access it. Please log in."
                ),
            ),
            Some(_) => refuse(
                403,
                "GatedRepo",
                &format!("{restricted} and you are not in the authorized list. Ask for access."),
            ),
        };
    }
    match history.find(revision) {
        Some(it) => Ok(Arc::clone(it)),
        None => refuse(
            404,
            "RevisionNotFound",
            &format!("Invalid rev id: {revision}"),
        ),
    }
}

/// `/api/models/{repo}/revision/{revision}`.
pub fn revision(shared: &Shared, ask: &Ask, repo: &str, revision: &str) -> Answer {
    let commit = match commit(shared, ask, [repo, revision], false) {
        Ok(it) => it,
        Err(it) => return *it,
    };
    let gated = shared.gates.iter().any(|it| it.repo == repo);
    let siblings: Vec<Value> = commit
        .files
        .keys()
        .map(|it| json!({ "rfilename": it }))
        .collect();
    let body = json!({
        "_id": &sha256_of(repo)[..24],
        "id": repo,
        "modelId": repo,
        "author": repo.split('/').next(),
        "sha": commit.id,
        "lastModified": "2024-08-01T00:00:00.000Z",
        "private": false,
        "gated": if gated { json!("manual") } else { json!(false) },
        "disabled": false,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": siblings,
    });
    Answer::text(StatusCode::OK, JSON, body.to_string())
        .with("x-repo-commit", &commit.id)
        .bent(shared, ask)
}

const JSON: &str = "application/json; charset=utf-8";

/// `/api/models/{repo}/tree/{revision}`, with `recursive`, `expand`, `limit` and `cursor`.
pub fn tree(shared: &Shared, ask: &Ask, repo: &str, revision: &str) -> Answer {
    let commit = match commit(shared, ask, [repo, revision], false) {
        Ok(it) => it,
        Err(it) => return *it,
    };
    let entries = entries(&commit, Listing::of(&ask.query));
    let asked = parameter(&ask.query, "limit").and_then(|it| it.parse().ok());
    let limit = shared.page_size.min(asked.unwrap_or(usize::MAX)).max(1);
    let Some(first) = first(&ask.query, entries.len()) else {
        return Answer::error(400, "BadRequest", "Invalid cursor");
    };
    let next = first + limit;
    let page: Vec<&Value> = entries.iter().skip(first).take(limit).collect();
    let body = serde_json::to_string(&page).unwrap_or_default();
    let answer = Answer::text(StatusCode::OK, JSON, body).bent(shared, ask);
    if next >= entries.len() {
        return answer;
    }
    let kept = ask
        .query
        .split('&')
        .filter(|it| !it.is_empty() && !it.starts_with("cursor="));
    let cursor = format!("cursor={}", cursor(next));
    let query: Vec<&str> = kept.chain([cursor.as_str()]).collect();
    let path =
        encoded(&format!("/api/models/{repo}/tree")) + "/" + &encoded(revision).replace('/', "%2F");
    let link = format!(
        "<{}{path}?{}>; rel=\"next\"",
        shared.hub_origin,
        query.join("&")
    );
    answer.with("link", link)
}

/// Means nothing to a client, as the real one's.
fn cursor(first: usize) -> String {
    format!("p{first:x}q")
}

fn first(query: &str, n_entries: usize) -> Option<usize> {
    let Some(cursor) = parameter(query, "cursor") else {
        return Some(0);
    };
    let number = cursor.strip_prefix('p')?.strip_suffix('q')?;
    let first = usize::from_str_radix(number, 16).ok()?;
    (first < n_entries).then_some(first)
}

/// How much of the tree is listed.
#[derive(Clone, Copy)]
struct Listing {
    recursive: bool,
    expand: bool,
}

impl Listing {
    fn of(query: &str) -> Self {
        let on = |name| matches!(parameter(query, name), Some("true" | "1" | "True"));
        Self {
            recursive: on("recursive"),
            expand: on("expand"),
        }
    }
}

/// Folders before files, each in order.
fn entries(commit: &Commit, listing: Listing) -> Vec<Value> {
    let mut folders = BTreeSet::new();
    let mut files: BTreeMap<&str, &File> = BTreeMap::new();
    for (path, file) in &commit.files {
        let slashes: Vec<usize> = path.match_indices('/').map(|it| it.0).collect();
        let n_folders = if listing.recursive {
            slashes.len()
        } else {
            slashes.len().min(1)
        };
        folders.extend(slashes[..n_folders].iter().map(|it| &path[..*it]));
        if listing.recursive || slashes.is_empty() {
            files.insert(path, file);
        }
    }
    let folder = |path: &&str| json!({ "type": "directory", "oid": &sha256_of(path)[..40], "size": 0, "path": path });
    let mut out: Vec<Value> = folders.iter().map(folder).collect();
    out.extend(files.into_iter().map(|(path, it)| entry(path, it)));
    if listing.expand {
        let last =
            json!({ "id": commit.id, "title": "Upload files", "date": "2024-08-01T00:00:00.000Z" });
        out.iter_mut()
            .for_each(|it| it["lastCommit"] = last.clone());
    }
    out
}

fn entry(path: &str, file: &File) -> Value {
    let size = file.content.size_bytes();
    let mut out = json!({ "type": "file", "oid": file.oid, "size": size, "path": path });
    if let Some(pointer_bytes) = file.pointer_bytes {
        out["lfs"] = json!({ "oid": file.sha256, "size": size, "pointerSize": pointer_bytes });
    }
    out
}
