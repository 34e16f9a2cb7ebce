//! Which files a checkpoint consists of, and which tensor lies where. Leaves what the tensors should be to `checkpoint`.

use super::{Entry, Header, Index, WeightsError, header};
use crate::hub::{HubError, Source};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The one file of a checkpoint that is not sharded.
pub(super) const SINGLE_FILE: &str = "model.safetensors";
/// The index of one that is.
pub(super) const INDEX_FILE: &str = "model.safetensors.index.json";

/// An index of more bytes than this is none.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// What is read of a file at first: in most checkpoints the whole header.
const FIRST_BYTES: u64 = 64 << 10;

/// Where every tensor of a checkpoint lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Layout {
    /// File and place of each tensor.
    pub tensors: BTreeMap<String, (String, Entry)>,
    /// Bytes of each file.
    pub file_bytes: BTreeMap<String, u64>,
}

impl Layout {
    /// Reads the headers of every file, and adds each file's name, size and header to `hasher`.
    ///
    /// Errors: those of [`Header::parse`] and [`Index::from_json`]; missing files and tensors, tensors that stand twice.
    pub async fn read(source: &dyn Source, hasher: &mut Sha256) -> Result<Self, WeightsError> {
        let index = match source.size(SINGLE_FILE).await {
            Ok(_) => None,
            Err(HubError::NotFound { .. }) => Some(read_index(source).await?),
            Err(it) => return Err(it.into()),
        };
        let files = index.as_ref().map_or(vec![SINGLE_FILE], Index::shards);
        let (mut tensors, mut file_bytes) = (BTreeMap::new(), BTreeMap::new());
        for file in files {
            let header = read_header(source, file, hasher).await;
            let header = header.map_err(|it| missing_shard(it, source))?;
            for (tensor, entry) in header.tensors {
                if tensors.contains_key(&tensor) {
                    let file = file.into();
                    return Err(WeightsError::Duplicate { file, tensor });
                }
                tensors.insert(tensor, (file.to_string(), entry));
            }
            file_bytes.insert(file.to_string(), source.size(file).await?);
        }
        let layout = Self {
            tensors,
            file_bytes,
        };
        index.map_or(Ok(()), |it| layout.check_index(&it))?;
        Ok(layout)
    }

    /// Index and headers must say the same.
    fn check_index(&self, index: &Index) -> Result<(), WeightsError> {
        for (tensor, shard) in &index.weight_map {
            if self.tensors.get(tensor).is_none_or(|(it, _)| it != shard) {
                return Err(WeightsError::NotInShard {
                    tensor: tensor.clone(),
                    shard: shard.clone(),
                });
            }
        }
        match (self.tensors.iter()).find(|(it, _)| !index.weight_map.contains_key(*it)) {
            None => Ok(()),
            Some((tensor, (shard, _))) => Err(WeightsError::NotInIndex {
                tensor: tensor.clone(),
                shard: shard.clone(),
            }),
        }
    }
}

/// The whole of a small file.
///
/// Errors: [`WeightsError::TooBig`] above `most_bytes`.
pub(super) async fn read_whole(
    source: &dyn Source,
    file: &str,
    most_bytes: u64,
) -> Result<Vec<u8>, WeightsError> {
    let size_bytes = source.size(file).await?;
    if size_bytes > most_bytes {
        return Err(WeightsError::TooBig {
            file: file.into(),
            size_bytes,
            most_bytes,
        });
    }
    Ok(source.read(file, 0..size_bytes).await?.into_vec())
}

async fn read_index(source: &dyn Source) -> Result<Index, WeightsError> {
    match read_whole(source, INDEX_FILE, MAX_INDEX_BYTES).await {
        Ok(text) => Index::from_json(INDEX_FILE, &text),
        Err(WeightsError::Hub(HubError::NotFound { .. })) => Err(WeightsError::NoWeights {
            place: source.name(),
        }),
        Err(it) => Err(it),
    }
}

/// The header of a safetensors file; adds the file's name, size and header to `hasher`.
///
/// Errors: those of [`Header::parse`].
pub(super) async fn read_header(
    source: &dyn Source,
    file: &str,
    hasher: &mut Sha256,
) -> Result<Header, WeightsError> {
    let file_bytes = source.size(file).await?;
    let first = 0..FIRST_BYTES.min(file_bytes);
    let mut head = source.read(file, first.clone()).await?.into_vec();
    let extent = Header::extent(file, &head, file_bytes)?;
    debug_assert!(extent >= header::LENGTH_BYTES);
    if extent > first.end {
        let rest = source.read(file, first.end..extent).await?;
        head.extend(rest.into_vec());
    }
    let header = Header::parse(file, &head, file_bytes)?;
    add_field(hasher, file.as_bytes());
    hasher.update(file_bytes.to_le_bytes());
    add_field(hasher, &head[..extent as usize]);
    Ok(header)
}

/// Adds bytes and their number, so that no two lists of fields look alike.
pub(super) fn add_field(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn missing_shard(error: WeightsError, source: &dyn Source) -> WeightsError {
    match error {
        WeightsError::Hub(HubError::NotFound { file, .. }) => WeightsError::MissingShard {
            shard: file,
            place: source.name(),
        },
        it => it,
    }
}
