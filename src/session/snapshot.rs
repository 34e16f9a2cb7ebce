//! `Snapshot`: a file that a link names, brought when the visitor has agreed. Leaves what is in it to the page, and what the address of a
//! page about it means to `link`.

use super::{
    document::Parcel,
    fetching::Desk,
    inbox::Job,
    link,
    protocol::{DocumentMade, Outcome},
    trouble::Trouble,
};
use crate::{
    hub::HubError,
    spec::{Endpoint, MAX_SNAPSHOT_BYTES},
    sys::Stop,
};
use futures_util::FutureExt;
use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll};

impl Desk {
    /// Begins to bring a snapshot.
    pub(super) fn begin_snapshot(&self, job: Job, address: String) {
        let (desk, job) = (self.clone(), Rc::new(job));
        let doing = {
            let job = job.clone();
            async move { desk.snapshot(&job, &address).await }.boxed_local()
        };
        self.background.begin(&job, doing);
    }

    async fn snapshot(&self, job: &Job, address: &str) -> Result<Outcome, Trouble> {
        let told = link::snapshot_address(address);
        let told = told.ok_or_else(|| Trouble::NoSnapshotAddress {
            address: address.into(),
        })?;
        let bytes = or_stop(&job.stop, self.bytes_at(&told.address)).await?;
        let bytes = bytes.map_err(|source| Trouble::Snapshot {
            address: told.name.clone(),
            source,
        })?;
        let mut parcel = Parcel::new(&self.outbox, job);
        parcel.put(&bytes).await?;
        let size_bytes = parcel.finish().await?;
        Ok(Outcome::Document(DocumentMade {
            name: told.name,
            mime: "application/json".into(),
            size_bytes,
        }))
    }

    /// What a server of the host table has there, or the page's own site, which needs no table.
    async fn bytes_at(&self, address: &str) -> Result<Vec<u8>, HubError> {
        let net = self.librarian.reach().await?;
        let off_table = || HubError::OffTable {
            address: Endpoint::of(address).map_or_else(String::new, |it| it.to_string()),
        };
        let server = Endpoint::of(address).ok_or_else(off_table)?;
        if net.may_ask(&server) {
            let most = MAX_SNAPSHOT_BYTES as usize;
            return net.whole(address, most, &mut |_, _| ()).await;
        }
        match of_own_site(address).await {
            Some(it) => it,
            None => Err(off_table()),
        }
    }
}

/// A file of the page's own site; none where it is of another.
#[cfg(target_arch = "wasm32")]
async fn of_own_site(address: &str) -> Option<Result<Vec<u8>, HubError>> {
    use crate::hub::{Served, Source};
    let path = address.split('?').next()?;
    let (folder, file) = path.rsplit_once('/')?;
    let folder = Served::new(folder).ok()?;
    let file = &*percent_encoding::percent_decode_str(file)
        .decode_utf8()
        .ok()?;
    let read = async {
        let size_bytes = folder.size(file).await?;
        if size_bytes > u64::from(MAX_SNAPSHOT_BYTES) {
            return Err(HubError::TooLong {
                file: file.into(),
                most_bytes: MAX_SNAPSHOT_BYTES as usize,
            });
        }
        Ok(folder.read(file, 0..size_bytes).await?.into_vec())
    };
    Some(read.await)
}

/// A program has no site.
#[cfg(not(target_arch = "wasm32"))]
async fn of_own_site(_address: &str) -> Option<Result<Vec<u8>, HubError>> {
    None
}

/// What a future gives, unless the command is stopped before.
///
/// Errors: [`Trouble::Stopped`].
async fn or_stop<T>(stop: &Stop, future: impl Future<Output = T>) -> Result<T, Trouble> {
    let mut future = pin!(future);
    // `Cancel` rings the bell that everything here is polled by.
    poll_fn(|context| match stop.is_set() {
        true => Poll::Ready(Err(Trouble::Stopped)),
        false => future.as_mut().poll(context).map(Ok),
    })
    .await
}
