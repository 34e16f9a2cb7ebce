//! Exports of labels in a folder of the disk, unpacked and made into a labels file. Leaves what their lines mean to `scope`.

use super::{fetching::Desk, inbox::Job, open, protocol::Outcome, trouble::Trouble};
use crate::{
    hub::HubError,
    scope::{LabelsError, LabelsImport},
    spec::LabelsAbout,
    sys::yield_now,
};

/// Bytes of a packed export at most, and of what it unpacks to.
const MOST_BYTES: usize = 1 << 30;

impl Desk {
    /// `LabelsImport`.
    pub(super) async fn import_labels(
        &self,
        job: &Job,
        from: &str,
        about: &LabelsAbout,
    ) -> Result<Outcome, Trouble> {
        if cfg!(target_arch = "wasm32") {
            return Err(Trouble::NoDisk {
                what: "Making a labels file",
            });
        }
        let folder = open::folder(from)?;
        let not_there = |source: HubError| Trouble::LabelsFile {
            from: from.into(),
            source,
        };
        let names = folder.list().await.map_err(not_there)?;
        let is_export = |it: &&String| it.ends_with(".jsonl") || it.ends_with(".jsonl.gz");
        let names: Vec<&String> = names.iter().filter(is_export).collect();
        let mut import = LabelsImport::default();
        for (done, name) in names.iter().enumerate() {
            let unfit = |source: LabelsError| Trouble::Labels {
                from: format!("{from}/{name}"),
                source,
            };
            let (done, total) = (done as u64, Some(names.len() as u64));
            self.outbox
                .progress(job.id, "Reading exports", done, total, "files");
            let size = folder.size(name).await.map_err(not_there)?;
            let too_large = LabelsError::TooLarge { size_bytes: size };
            if size > MOST_BYTES as u64 {
                return Err(unfit(too_large));
            }
            let bytes = folder.read(name, 0..size).await.map_err(not_there)?;
            let mut text = bytes.into_vec();
            if name.ends_with(".gz") {
                text = unpacked(&text).ok_or_else(|| unfit(damaged()))?;
            }
            import.add(&text).map_err(unfit)?;
            yield_now().await;
            if job.stop.is_set() {
                return Err(Trouble::Stopped);
            }
        }
        let unfit = |source| Trouble::Labels {
            from: from.into(),
            source,
        };
        let (json, about) = import.finish(about.clone()).map_err(unfit)?;
        Ok(Outcome::LabelsMade { json, about })
    }
}

fn damaged() -> LabelsError {
    LabelsError::Form {
        detail: "it is no gzip file, or a damaged one".into(),
    }
}

/// What a gzip file holds; none where it is none, is damaged or holds too much.
#[cfg(not(target_arch = "wasm32"))]
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut out = Vec::new();
    let most = MOST_BYTES as u64 + 1;
    let mut file = flate2::read::MultiGzDecoder::new(bytes).take(most);
    file.read_to_end(&mut out).ok()?;
    (out.len() <= MOST_BYTES).then_some(out)
}

#[cfg(target_arch = "wasm32")]
fn unpacked(_: &[u8]) -> Option<Vec<u8>> {
    None
}
