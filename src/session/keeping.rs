//! The open model as it lies in the store, and what arrives of it while it is open. Leaves fetching to `fetching`, what can be computed
//! with what is there to the requests.

use super::{
    engine::Engine,
    inbox::Job,
    protocol::{ModelRef, OpenRequest, TranscoderRef},
    trouble::Trouble,
};
use crate::weights::{WeightsError, library::KeptSet};

impl Engine {
    /// What is kept of a request, as far as it names repositories of a hub; none where it names none. Requests nothing.
    ///
    /// Errors: nothing is kept yet; transcoders of a hub beside a model that is not; those of the store.
    pub(super) async fn kept(&self, request: &OpenRequest) -> Result<Option<KeptSet>, Trouble> {
        let of_hub = |it: &TranscoderRef| matches!(it, TranscoderRef::Hub { .. });
        let transcoders = request.transcoders.clone();
        let set = OpenRequest {
            transcoders: transcoders.filter(|it| of_hub(&it.place)),
            ..request.clone()
        };
        match (&set.model, &set.transcoders) {
            (ModelRef::Hub { .. }, _) => (),
            (_, None) => return Ok(None),
            (_, Some(_)) => return Err(Trouble::ModelElsewhere),
        }
        let library = self.desk.librarian.library().await?;
        match library.kept(&set).await {
            Ok(it) => Ok(Some(it)),
            Err(WeightsError::NotKept { what }) => Err(Trouble::NotKept { what }),
            Err(it) => Err(it.into()),
        }
    }

    /// Whether parts of what is open are still to come, from wherever.
    pub(super) fn is_incomplete(&self) -> bool {
        let kept = self.open.as_ref().and_then(|it| it.book.kept.as_ref());
        kept.is_some_and(|it| !it.is_whole())
    }

    /// Takes up what has come of the open set since, between two commands, and tells what can be asked now.
    pub(super) async fn take_up(&mut self) {
        let job = self.inbox.own();
        let came = self.came(&job).await;
        self.inbox.end_own();
        match came {
            Ok(true) => self.tell_readiness(),
            // A lost device is found and replaced by the next command, which then takes up everything that is there.
            Ok(false) | Err(Trouble::Stopped) => (),
            Err(it) if it.lost().is_some() => (),
            Err(it) => {
                if it.is_out_of_memory() {
                    self.close();
                }
                self.outbox.refuse(it.failure());
            }
        }
    }

    /// Tells what can be asked of a set that comes from the store.
    pub(super) fn tell_readiness(&self) {
        let is_kept = (self.open.as_ref()).is_some_and(|it| it.book.kept.is_some());
        if let Some(it) = self.readiness().filter(|_| is_kept) {
            self.outbox.ready(it);
        }
    }

    /// Whether something came.
    async fn came(&mut self, job: &Job) -> Result<bool, Trouble> {
        let Some(book) = self.open.as_mut().map(|it| &mut it.book) else {
            return Ok(false);
        };
        let Some(kept) = &mut book.kept else {
            return Ok(false);
        };
        let parts = kept.refresh().await?;
        let grown = kept.knows_all() && kept.dictionaries.len() > book.transcoders.files.len();
        match (grown, parts.is_empty()) {
            // Nothing but headers tells how large a transcoder is, so that what was planned for fewer is planned anew.
            (true, _) => self.load_anew(job).await?,
            (_, true) => return Ok(false),
            (_, false) => self.arrived(job).await?,
        }
        Ok(true)
    }

    async fn load_anew(&mut self, job: &Job) -> Result<(), Trouble> {
        let max_binding_bytes = self.gpu().await?.about().max_binding_bytes;
        let open = self.open.as_mut().ok_or(Trouble::NothingOpen)?;
        open.book.plan_anew(max_binding_bytes).await?;
        (open.scope, open.model) = (None, None);
        self.ready(job).await?;
        Ok(())
    }
}
