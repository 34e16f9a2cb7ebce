//! A folder -> its manifest, by reading every file once.

use super::{
    LibraryError, Manifest,
    manifest::{Hash, ManifestFile},
};
use crate::{
    hub::{HubConfig, Source},
    spec::{Half, Packing},
    sys::{Stop, yield_now},
    weights::{CheckpointHead, Cut, DictionaryHead, DictionarySet, PartPlan, WeightsError},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, ops::Range};

/// Bytes that are read and hashed at a time.
const CHUNK_BYTES: u64 = 4 << 20;
/// Files that tell a model from its transcoders.
const OF_MODELS: [&str; 2] = ["model.safetensors", "model.safetensors.index.json"];

/// How far making is, and whether it should go on.
type On<'a> = (&'a mut dyn FnMut(u64, u64), &'a Stop);

impl Manifest {
    /// The manifest of all files of a model's or a transcoder set's folder. Each is read once, a few MiB at a time; `on` gets the bytes
    /// that are done and those of all files.
    ///
    /// Errors: [`LibraryError::NoSet`] for a folder of neither; whatever is wrong with a file of weights; [`WeightsError::Stopped`].
    pub async fn make(source: &dyn Source, on: On<'_>) -> Result<Self, WeightsError> {
        let piece_bytes = HubConfig::default().piece_bytes as u64;
        Self::make_in_pieces(source, piece_bytes, on).await
    }

    /// The same with pieces of another size, for whoever fetches in such.
    ///
    /// Errors: as [`Manifest::make`].
    pub async fn make_in_pieces(
        source: &dyn Source,
        piece_bytes: u64,
        (progress, stop): On<'_>,
    ) -> Result<Self, WeightsError> {
        let names = source.list().await?;
        let mut pieces = pieces_of(source, &names, piece_bytes).await?;
        let mut sizes = Vec::new();
        for name in &names {
            sizes.push(source.size(name).await?);
        }
        let total_bytes = sizes.iter().sum();
        let mut hashing = Hashing {
            source,
            stop,
            done: &mut |it| progress(it, total_bytes),
            done_bytes: 0,
        };
        let mut out = Self::default();
        for (name, size_bytes) in names.iter().zip(sizes) {
            let whole = (size_bytes > 0).then_some(0..size_bytes);
            let ranges = pieces.remove(name);
            let ranges = ranges.unwrap_or_else(|| whole.into_iter().collect());
            out.insert(name, hashing.file(name, size_bytes, ranges).await?)?;
        }
        Ok(out)
    }
}

/// The pieces of the files that hold weights, in the order of each file.
async fn pieces_of(
    source: &dyn Source,
    names: &[String],
    piece_bytes: u64,
) -> Result<BTreeMap<String, Vec<Range<u64>>>, WeightsError> {
    let cut = Cut {
        packing: Packing::F32,
        piece_bytes,
    };
    let mut plans: Vec<PartPlan> = Vec::new();
    if OF_MODELS.iter().any(|it| names.iter().any(|of| of == it)) {
        plans = CheckpointHead::read(source).await?.parts(&cut, &[])?;
    } else {
        let names = names.iter().map(String::as_str);
        let set = DictionarySet::from_names(&source.name(), names);
        let set = set.map_err(|_| LibraryError::NoSet {
            place: source.name(),
        })?;
        for layer in set.layers() {
            for it in set.variants(layer)? {
                let head = DictionaryHead::read_of_any_width(source, &it.file, layer).await?;
                plans.extend(head.parts(&cut, &[Half::Encoder, Half::Decoder])?);
            }
        }
    }
    let mut out: BTreeMap<String, Vec<Range<u64>>> = BTreeMap::new();
    for it in plans.into_iter().flat_map(|it| it.pieces) {
        out.entry(it.file).or_default().push(it.range);
    }
    for ranges in out.values_mut() {
        ranges.sort_by_key(|it| it.start);
    }
    Ok(out)
}

struct Hashing<'a> {
    source: &'a dyn Source,
    stop: &'a Stop,
    done: &'a mut dyn FnMut(u64),
    done_bytes: u64,
}

impl Hashing<'_> {
    /// Hashes a file and its pieces, which must follow each other.
    async fn file(
        &mut self,
        name: &str,
        size_bytes: u64,
        ranges: Vec<Range<u64>>,
    ) -> Result<ManifestFile, WeightsError> {
        let mut whole = Sha256::new();
        let mut pieces = Vec::new();
        for range in ranges {
            let sha256 = self.piece(name, &range, &mut whole).await?;
            pieces.push((range, sha256));
        }
        Ok(ManifestFile {
            size_bytes,
            sha256: whole.finalize().into(),
            pieces,
        })
    }

    async fn piece(
        &mut self,
        name: &str,
        range: &Range<u64>,
        whole: &mut Sha256,
    ) -> Result<Hash, WeightsError> {
        let mut piece = Sha256::new();
        let mut at = range.start;
        while at < range.end {
            if self.stop.is_set() {
                return Err(WeightsError::Stopped);
            }
            let end = range.end.min(at + CHUNK_BYTES);
            let bytes = self.source.read(name, at..end).await?.into_vec();
            whole.update(&bytes);
            piece.update(&bytes);
            self.done_bytes += end - at;
            (self.done)(self.done_bytes);
            at = end;
            yield_now().await;
        }
        Ok(piece.finalize().into())
    }
}
