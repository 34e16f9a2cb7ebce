//! Headers and small files: from the store, else from where they come, and then kept.

use super::{
    FetchControl, Library, LibraryError,
    meta::Meta,
    names::{self, Name},
    resolve::{LayerFile, Reach},
    supply::Supply,
};
use crate::{
    hub::{HubError, RemoteFile},
    spec::{Bytes, Trust},
    store::{Begin, BlobPlan, Mark, StoreError, sha256},
    weights::{
        CheckpointHead, DictionaryHead, WeightsError,
        checkpoint::{MAX_TOKENIZER_BYTES, TOKENIZER_FILE, hex},
    },
};

impl Library {
    /// The headers of a model.
    pub(super) async fn model_head(
        &self,
        supply: &Supply,
        reach: Reach<'_>,
    ) -> Result<CheckpointHead, WeightsError> {
        let id = names::model_id(&supply.files);
        let key = Name::Head(id.clone()).key();
        let what = || format!("the model {}", supply.repo);
        if let Some(it) = self.read_json(&key).await? {
            return Ok(it);
        }
        let control = control_of(reach, what)?;
        let _lock = self.lock(&format!("asking-{id}"), control).await?;
        if let Some(it) = self.read_json(&key).await? {
            return Ok(it);
        }
        let read = CheckpointHead::read(supply.source());
        let head = control.or_stop(read).await??;
        self.write_json(&key, &head, 0).await?;
        Ok(head)
    }

    /// The headers of a layer's transcoder.
    pub(super) async fn dictionary_head(
        &self,
        supply: &Supply,
        (layer, file): (usize, &LayerFile),
        d_model: usize,
        reach: Reach<'_>,
    ) -> Result<(String, DictionaryHead), WeightsError> {
        let name = &file.file;
        let id = names::file_id(listed(supply, name)?);
        let key = Name::Head(id.clone()).key();
        // The same content may be kept by another name.
        let ours = |mut it: DictionaryHead| {
            it.file = name.clone();
            it.dictionary.layer = layer;
            it
        };
        if let Some(it) = self.read_json(&key).await? {
            return Ok((id, ours(it)));
        }
        let control = control_of(reach, || format!("the transcoder of layer {layer}"))?;
        let _lock = self.lock(&format!("asking-{id}"), control).await?;
        if let Some(it) = self.read_json(&key).await? {
            return Ok((id, ours(it)));
        }
        let read = DictionaryHead::read(supply.source(), name, layer, d_model);
        let head = control.or_stop(read).await??;
        self.write_json(&key, &head, 0).await?;
        Ok((id, head))
    }

    /// A small file, as text. Where the listing has no sha256, as of files that git keeps, it is not compared with anything.
    pub(super) async fn small(
        &self,
        supply: &Supply,
        file: &str,
        most_bytes: u64,
        reach: Reach<'_>,
    ) -> Result<Vec<u8>, WeightsError> {
        let listed = listed(supply, file)?;
        check_size(file, listed, most_bytes)?;
        let id = names::file_id(listed);
        let key = Name::Small(id.clone()).key();
        if let Some(it) = self.read_bytes(&key).await? {
            return Ok(it);
        }
        let control = control_of(reach, || format!("{file} of {}", supply.repo))?;
        let _lock = self.lock(&format!("asking-{id}"), control).await?;
        if let Some(it) = self.read_bytes(&key).await? {
            return Ok(it);
        }
        let read = supply.source().read(file, 0..listed.size_bytes);
        let text = control.or_stop(read).await??.into_vec();
        self.write_bytes(&key, text.clone(), 0).await?;
        Ok(text)
    }

    /// Brings the tokenizer, where the repository has one. It is kept piece by piece, so that it goes on where it stopped.
    pub(super) async fn fetch_tokenizer(
        &self,
        supply: &Supply,
        control: &FetchControl,
    ) -> Result<(), WeightsError> {
        let Some(listed) = supply.files.get(TOKENIZER_FILE) else {
            return Ok(());
        };
        check_size(TOKENIZER_FILE, listed, MAX_TOKENIZER_BYTES)?;
        let id = names::file_id(listed);
        let key = Name::Tokenizer(id.clone()).key();
        if self
            .store()
            .reader(&key)
            .await?
            .is_some_and(|it| it.is_whole())
        {
            return Ok(());
        }
        let _lock = self.lock(&format!("asking-{id}"), control).await?;
        for _ in 0..2 {
            let got = self.tokenizer_once(supply, listed, control).await?;
            match &listed.sha256 {
                Some(expected) if *expected != got => {
                    self.store().remove(&key).await?;
                }
                _ => return Ok(()),
            }
        }
        Err(LibraryError::Mismatch {
            file: TOKENIZER_FILE.into(),
            expected: listed.sha256.clone().unwrap_or_default(),
            got: "another one".into(),
        }
        .into())
    }

    /// Its sha256, once all of it is kept.
    async fn tokenizer_once(
        &self,
        supply: &Supply,
        listed: &RemoteFile,
        control: &FetchControl,
    ) -> Result<String, WeightsError> {
        let key = Name::Tokenizer(names::file_id(listed)).key();
        let piece_bytes = self.net().config().piece_bytes as u64;
        let size_bytes = listed.size_bytes;
        let starts = (0..size_bytes).step_by(piece_bytes as usize);
        let pieces =
            starts.map(|at| std::iter::once(at..size_bytes.min(at + piece_bytes)).collect());
        let plan = BlobPlan {
            meta: Meta::Document { seq: 0 }.to_value(),
            size_bytes,
            pieces: pieces.collect(),
        };
        let writer = match self.store().begin(&key, plan).await? {
            Begin::Writer(it) => it,
            Begin::Whole(it) => return Ok(hex(&sha256(&it.read(0..size_bytes).await?).await)),
            Begin::Busy => return Err(StoreError::Busy { key }.into()),
        };
        let first = writer.marks().len() as u64 * piece_bytes;
        let mut stream = supply.stream(TOKENIZER_FILE, first.min(size_bytes)..size_bytes)?;
        let is_proven = listed.sha256.is_some();
        for piece in writer.marks().len()..writer.plan().pieces.len() {
            let span = writer.plan().pieces[piece][0].clone();
            let next = stream.next((span.end - span.start) as usize);
            let came = control.or_stop(next).await;
            let bytes: Bytes = match came.and_then(|it| it.map_err(WeightsError::from)) {
                Ok(it) => it,
                Err(it) => {
                    writer.sync().await?;
                    return Err(it);
                }
            };
            writer.write(span.start, &bytes).await?;
            let hash = sha256(&bytes).await;
            let mark = Mark {
                source: hash,
                packed: hash,
                trust: Trust::Received,
            };
            writer.mark(piece as u32, mark).await?;
        }
        let hash = hex(&sha256(&writer.read(0..size_bytes).await?).await);
        if is_proven && listed.sha256.as_ref() == Some(&hash) {
            for piece in 0..writer.plan().pieces.len() {
                writer.raise(piece as u32, Trust::File).await?;
            }
        }
        if listed.sha256.as_ref().is_none_or(|it| *it == hash) {
            writer.commit().await?;
        }
        Ok(hash)
    }
}

/// What the listing says of a file.
pub(super) fn listed<'a>(supply: &'a Supply, file: &str) -> Result<&'a RemoteFile, WeightsError> {
    let found = supply.files.get(file);
    found.ok_or_else(|| {
        WeightsError::Hub(HubError::NotFound {
            file: file.into(),
            place: supply.repo.to_string(),
        })
    })
}

fn check_size(file: &str, listed: &RemoteFile, most_bytes: u64) -> Result<(), WeightsError> {
    match listed.size_bytes <= most_bytes {
        true => Ok(()),
        false => Err(WeightsError::TooBig {
            file: file.into(),
            size_bytes: listed.size_bytes,
            most_bytes,
        }),
    }
}

fn control_of<'a>(
    reach: Reach<'a>,
    what: impl FnOnce() -> String,
) -> Result<&'a FetchControl, WeightsError> {
    match reach {
        Reach::All { control, .. } => Ok(control),
        Reach::Kept => Err(WeightsError::NotKept { what: what() }),
    }
}
