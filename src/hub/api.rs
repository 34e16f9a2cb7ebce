//! Questions about a repository: which commit a revision is, and which files the commit holds.

use super::{
    Headers, HubError, Net, RemoteFile, address,
    answer::{self, Asked},
    exchange::{self, Question},
    path,
    retry::{Failure, Retry},
};
use crate::spec::RepoRef;
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, rc::Rc};

/// A file of more bytes than this is a mistake of the listing.
const MOST_FILE_BYTES: u64 = 1 << 40;
/// Pages of a listing at most; the server decides how many files a page has.
const MOST_PAGES: usize = 5_000;

/// The commit that a revision stands for at this moment.
///
/// Errors: those of the server; [`HubError::Answer`] for an answer without a commit.
pub(super) async fn commit(net: &Rc<Net>, repo: &RepoRef) -> Result<String, HubError> {
    #[derive(Deserialize)]
    struct Revision {
        sha: String,
    }
    let url = address::revision(repo);
    let (Revision { sha }, _) = json(net, repo, &url).await?;
    let is_commit = is_hex(&repo.revision, 40);
    if !is_hex(&sha, 40) || (is_commit && sha != repo.revision) {
        return Err(unusable(net, repo, &format!("its commit is `{sha}`")));
    }
    Ok(sha)
}

/// All files of a repository at a commit.
///
/// Errors: those of the server; [`HubError::Answer`] for a listing that can't be true; [`HubError::Name`] for a name that leaves
/// the repository.
pub(super) async fn files(
    net: &Rc<Net>,
    repo: &RepoRef,
    commit: &str,
) -> Result<BTreeMap<String, RemoteFile>, HubError> {
    let mut files = BTreeMap::new();
    let mut url = address::tree(repo, commit);
    for _ in 0..MOST_PAGES {
        let (entries, headers): (Vec<Entry>, _) = json(net, repo, &url).await?;
        for entry in entries.into_iter().filter(|it| it.kind == "file") {
            let (name, file) = checked(net, repo, entry)?;
            if files.len() == net.config.most_files || files.insert(name.clone(), file).is_some() {
                let detail = format!("it lists `{name}` twice, or too many files");
                return Err(unusable(net, repo, &detail));
            }
        }
        let Some(link) = headers.get("link") else {
            return Ok(files);
        };
        match address::next_page(&url, link) {
            Some(it) if it != url => url = it,
            _ if !link.contains("next") => return Ok(files),
            _ => return Err(unusable(net, repo, "the next page of its files is nowhere")),
        }
    }
    Err(unusable(net, repo, "its list of files has no end"))
}

/// An entry of a listing; what else it says is not needed.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    size: Option<u64>,
    oid: Option<String>,
    lfs: Option<Lfs>,
}

/// What stands in git instead of a large file.
#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: Option<u64>,
}

fn checked(net: &Net, repo: &RepoRef, entry: Entry) -> Result<(String, RemoteFile), HubError> {
    path::parts(&entry.path)?;
    let wrong = |detail: &str| {
        let detail = format!("`{}` is listed {detail}", entry.path);
        unusable(net, repo, &detail)
    };
    let size_bytes = entry.size.filter(|it| *it <= MOST_FILE_BYTES);
    let size_bytes = size_bytes.ok_or_else(|| wrong("without a size that a file can have"))?;
    let oid = entry.oid.clone().unwrap_or_default();
    if let Some(lfs) = &entry.lfs {
        if lfs.size.is_some_and(|it| it != size_bytes) {
            return Err(wrong("with two sizes"));
        }
        if !is_hex(&lfs.oid, 64) {
            return Err(wrong("without a sha256"));
        }
    } else if !is_hex(&oid, 40) {
        return Err(wrong("without git's name of its content"));
    }
    let sha256 = entry.lfs.map(|it| it.oid);
    let file = RemoteFile {
        size_bytes,
        sha256,
        oid,
    };
    Ok((entry.path, file))
}

/// Asks as often as it takes, and reads the answer as JSON.
async fn json<T: DeserializeOwned>(
    net: &Rc<Net>,
    repo: &RepoRef,
    url: &str,
) -> Result<(T, Headers), HubError> {
    let mut retry = Retry::new(net.clone(), repo.repo.as_str(), net.config.attempts_to_open);
    loop {
        match once(net, repo, url).await {
            Ok((text, headers)) => {
                let read = serde_json::from_slice(&text);
                let read = read.map_err(|it| unusable(net, repo, &it.to_string()))?;
                return Ok((read, headers));
            }
            Err(failure) => retry.again(failure).await?,
        }
    }
}

async fn once(net: &Net, repo: &RepoRef, url: &str) -> Result<(Vec<u8>, Headers), Failure> {
    let question = Question {
        endpoint: &repo.endpoint,
        url,
        range: None,
        accept: Some("application/json"),
        what: repo.repo.as_str(),
        alone: false,
    };
    let mut response = exchange::ask(net, &question, |_| Ok(())).await?;
    if let Some(trouble) = answer::trouble(&response) {
        return Err(trouble.into());
    }
    if response.status != 200 {
        let asked = Asked {
            repo: repo.repo.as_str(),
            revision: &repo.revision,
            what: repo.repo.as_str(),
            with_token: net.has_token(&repo.endpoint),
        };
        return Err(answer::refusal(&asked, response.status, &response.headers).into());
    }
    if answer::is_page(&response.headers) {
        let file = repo.repo.to_string();
        return Err(HubError::NotData { file }.into());
    }
    let most_bytes = net.config.most_json_bytes;
    let text = exchange::whole(net, &mut response, most_bytes, &mut |_, _| ()).await?;
    let text = text.ok_or_else(|| unusable(net, repo, "it is far too long"))?;
    Ok((text, response.headers))
}

fn is_hex(text: &str, n_digits: usize) -> bool {
    let digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    text.len() == n_digits && text.bytes().all(digit)
}

fn unusable(net: &Net, repo: &RepoRef, detail: &str) -> HubError {
    HubError::Answer {
        place: repo.to_string(),
        detail: net.cleaned(detail),
    }
}
