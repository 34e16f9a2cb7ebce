//! Fetching a set: asked for, planned, received, packed, kept, proven.

use super::{FetchControl, Library};
use crate::{
    spec::{FetchRequest, FetchTold, Fetched},
    weights::WeightsError,
};

impl Library {
    /// Brings a set into the store, or what is missing of it. `opening` are the tokens of the opening set, whose rows come first.
    ///
    /// Errors: [`WeightsError::NotAHub`]; repositories and files that can't be used; [`WeightsError::NoRoom`] once everything that
    /// found room is there; [`WeightsError::Mismatch`]; [`WeightsError::Stopped`]. What has arrived is kept after each of them, and
    /// the same again goes on from there.
    pub async fn fetch(
        &self,
        _request: &FetchRequest,
        _opening: &[u32],
        _control: &FetchControl,
        _told: &mut dyn FnMut(FetchTold),
    ) -> Result<Fetched, WeightsError> {
        unimplemented!()
    }
}
