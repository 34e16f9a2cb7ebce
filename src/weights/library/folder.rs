//! Folders as `huggingface-cli download` leaves them, as a supply: which commit they are of, and what their files must hash to.
//!
//! What a folder says of its files counts as what a hub says: a file that does not hash to it is an error. Of a file of which it says
//! nothing, as of one that was copied there, every part stays at [`Trust::Received`](crate::spec::Trust).

use super::{LibraryError, supply::Supply};
use crate::{
    spec::RepoRef,
    weights::{WeightsError, layout::read_whole},
};

/// A manifest of more bytes than this is none.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// The files of a folder that was downloaded from `repo`.
///
/// Errors: the folder can't be read; [`LibraryError::OtherFolder`] for one of another repository or commit than `repo`.
#[cfg(not(target_arch = "wasm32"))]
pub(super) async fn supply(path: &str, repo: &RepoRef) -> Result<Supply, WeightsError> {
    use crate::hub::{Downloaded, Source};
    let it = Downloaded::find(path.as_ref(), repo)?;
    let other = |found: &str| {
        Err(LibraryError::OtherFolder {
            place: it.folder.name(),
            found: found.into(),
            wanted: repo.to_string(),
        }
        .into())
    };
    if let Some(found) = it.repo.as_ref().filter(|it| **it != repo.repo) {
        return other(found.as_str());
    }
    let is_commit = |it: &str| it.len() == 40 && it.bytes().all(|it| it.is_ascii_hexdigit());
    let asked = Some(&repo.revision).filter(|it| is_commit(it));
    if let (Some(asked), Some(found)) = (asked, &it.commit)
        && asked != found
    {
        return other(&format!("commit {found}"));
    }
    let commit = it.commit_or_hash();
    Ok(Supply::copy(it.folder, repo.clone(), commit, it.files))
}

/// Folders can't be read here.
///
/// Errors: [`LibraryError::NoFolders`].
#[cfg(target_arch = "wasm32")]
pub(super) async fn supply(_path: &str, _repo: &RepoRef) -> Result<Supply, WeightsError> {
    Err(LibraryError::NoFolders.into())
}

/// A manifest: of a file natively, of a same-origin address on the web.
///
/// Errors: it can't be read, or is none.
pub(super) async fn manifest(place: &str) -> Result<super::Manifest, WeightsError> {
    let (parent, name) = match place.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((parent, name)) => (parent, name),
        None => (".", place),
    };
    #[cfg(not(target_arch = "wasm32"))]
    let folder = crate::hub::Folder::new(parent);
    #[cfg(target_arch = "wasm32")]
    let folder = crate::hub::Served::new(parent)?;
    let text = read_whole(&folder, name, MAX_MANIFEST_BYTES).await?;
    super::Manifest::parse(&text)
}
