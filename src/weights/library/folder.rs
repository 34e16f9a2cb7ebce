//! Folders as `huggingface-cli download` leaves them, as a supply: which commit they are of, and what their files must hash to.

use super::supply::Supply;
use crate::{spec::RepoRef, weights::WeightsError};

/// The files of a folder that was downloaded from `repo`.
///
/// Errors: the folder can't be read, or is none of such a download.
pub(super) async fn supply(_path: &str, _repo: &RepoRef) -> Result<Supply, WeightsError> {
    unimplemented!()
}

/// A manifest: of a file natively, of a same-origin address on the web.
///
/// Errors: it can't be read, or is none.
pub(super) async fn manifest(_place: &str) -> Result<super::Manifest, WeightsError> {
    unimplemented!()
}
