//! A checkpoint of Gemma 2, open: every tensor known to be there and of its shape, its rows read and packed piece by piece.

use super::{
    Entry, WeightsError, convert,
    layout::{Layout, add_field, read_whole},
};
use crate::{
    hub::{HubError, Source},
    spec::{Bytes, Config, DType, Packing, TensorName, TensorSpec, registry},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, ops::Range, rc::Rc};

/// What a checkpoint says of itself.
const CONFIG_FILE: &str = "config.json";
/// Its tokenizer, where it has one.
const TOKENIZER_FILE: &str = "tokenizer.json";

/// A config of more bytes than this is none.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// A tokenizer of more bytes than this is none; Gemma's has 17.5 MB.
const MAX_TOKENIZER_BYTES: u64 = 128 << 20;

/// An open checkpoint. It holds names and places only; weights are read when they are asked for.
#[derive(Clone)]
pub struct Checkpoint {
    source: Rc<dyn Source>,
    config: Config,
    fingerprint: String,
    tensors: BTreeMap<TensorName, Tensor>,
}

#[derive(Clone)]
struct Tensor {
    spec: TensorSpec,
    file: String,
    entry: Entry,
}

impl Checkpoint {
    /// Reads the config and the headers, and compares them with the registry.
    ///
    /// Errors: whatever is wrong with a file; a tensor that is missing, not one of Gemma 2, or of another shape or type than it
    /// should be, naming it.
    pub async fn open(source: Rc<dyn Source>) -> Result<Self, WeightsError> {
        let mut hasher = Sha256::new();
        let text = read_whole(&*source, CONFIG_FILE, MAX_CONFIG_BYTES).await?;
        let config = Config::from_json(&text)?;
        add_field(&mut hasher, &text);
        let layout = Layout::read(&*source, &mut hasher).await?;
        let tensors = match_registry(&config, layout)?;
        Ok(Self {
            source,
            config,
            fingerprint: hex(&hasher.finalize()),
            tensors,
        })
    }

    /// Reads the config alone, for who only wants to plan.
    ///
    /// Errors: the config is missing, or not one of Gemma 2.
    pub async fn read_config(source: &dyn Source) -> Result<Config, WeightsError> {
        let text = read_whole(source, CONFIG_FILE, MAX_CONFIG_BYTES).await?;
        Ok(Config::from_json(&text)?)
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Hex sha256 of the config and of each file's name, size and header: the checkpoint's identity as far as it shows without
    /// reading every weight.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The place it is read from.
    pub fn source(&self) -> &Rc<dyn Source> {
        &self.source
    }

    /// Bytes of all its tensors in the files.
    pub fn size_bytes(&self) -> u64 {
        let sizes = self.tensors.values().map(|it| &it.entry.range);
        sizes.map(|it| it.end - it.start).sum()
    }

    /// The type in which a tensor is stored.
    ///
    /// Errors: [`WeightsError::Missing`] for a layer that the model does not have.
    pub fn dtype(&self, name: TensorName) -> Result<DType, WeightsError> {
        Ok(self.tensor(name)?.entry.dtype)
    }

    /// The text of the tokenizer, where there is one beside the config.
    ///
    /// Errors: it is there and can't be read.
    pub async fn tokenizer_json(&self) -> Result<Option<Vec<u8>>, WeightsError> {
        match read_whole(&*self.source, TOKENIZER_FILE, MAX_TOKENIZER_BYTES).await {
            Ok(text) => Ok(Some(text)),
            Err(WeightsError::Hub(HubError::NotFound { .. })) => Ok(None),
            Err(it) => Err(it),
        }
    }

    /// Reads rows of a matrix and packs them; a vector counts as a matrix of one row. The caller chooses pieces of a few MiB.
    ///
    /// Shapes: the tensor is `[n_out, n_in]`; the result is `rows.len()` rows of [`Packing::row_bytes`] of `n_in`.
    ///
    /// Errors: what [`convert::pack`](super::pack) finds in the weights, what the source says, [`WeightsError::Rows`] for rows that are not there.
    pub async fn packed_rows(
        &self,
        name: TensorName,
        rows: Range<usize>,
        packing: Packing,
    ) -> Result<Bytes, WeightsError> {
        let tensor = self.tensor(name)?;
        let (n_out, n_in) = tensor.n_out_n_in();
        if rows.start > rows.end || rows.end > n_out || !convert::fits(n_in, packing) {
            return Err(WeightsError::Rows {
                tensor: name.to_string(),
                shape: tensor.spec.shape.clone(),
                rows,
                packing,
            });
        }
        let first_index = rows.start as u64 * n_in as u64;
        let raw = self
            .weights(tensor, first_index..rows.end as u64 * n_in as u64)
            .await?;
        let dtype = tensor.entry.dtype;
        convert::pack(
            &tensor.spec.file_name,
            first_index,
            raw,
            dtype,
            n_in,
            packing,
        )
    }

    /// A whole tensor as f32, for those that are small.
    ///
    /// Errors: as [`Checkpoint::packed_rows`].
    pub async fn vector(&self, name: TensorName) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensor(name)?;
        let n_weights = tensor.spec.shape.iter().map(|it| *it as u64).product();
        let raw = self.weights(tensor, 0..n_weights).await?;
        convert::to_f32(&tensor.spec.file_name, raw, tensor.entry.dtype)
    }

    /// Weights by their flat places, as the file has them.
    async fn weights(&self, tensor: &Tensor, weights: Range<u64>) -> Result<Bytes, WeightsError> {
        let (size, start) = (
            tensor.entry.dtype.size_bytes() as u64,
            tensor.entry.range.start,
        );
        let range = start + weights.start * size..start + weights.end * size;
        let wanted_bytes = range.end - range.start;
        let raw = self.source.read(&tensor.file, range).await?;
        if raw.len() as u64 == wanted_bytes {
            return Ok(raw);
        }
        Err(WeightsError::Hub(HubError::Length {
            file: tensor.file.clone(),
            wanted_bytes,
            got_bytes: raw.len() as u64,
        }))
    }

    fn tensor(&self, name: TensorName) -> Result<&Tensor, WeightsError> {
        let tensor = self.tensors.get(&name);
        tensor.ok_or_else(|| WeightsError::Missing {
            tensor: name.to_string(),
        })
    }
}

impl Tensor {
    fn n_out_n_in(&self) -> (usize, usize) {
        match *self.spec.shape {
            [n_out, n_in] => (n_out, n_in),
            _ => (1, self.spec.shape.iter().product()),
        }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("source", &self.source.name())
            .field("config", &self.config)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// Gives every line of the registry its tensor; none may be left over.
fn match_registry(
    config: &Config,
    layout: Layout,
) -> Result<BTreeMap<TensorName, Tensor>, WeightsError> {
    let mut found = layout.tensors;
    let mut tensors = BTreeMap::new();
    for spec in registry(config) {
        let Some((file, entry)) = found.remove(&spec.file_name) else {
            let tensor = spec.file_name;
            return Err(WeightsError::Missing { tensor });
        };
        check(&spec, &entry)?;
        tensors.insert(spec.name, Tensor { spec, file, entry });
    }
    match found.pop_first() {
        None => Ok(tensors),
        Some((tensor, (file, _))) => Err(WeightsError::Extra { tensor, file }),
    }
}

fn check(spec: &TensorSpec, entry: &Entry) -> Result<(), WeightsError> {
    if !(spec.shape.iter().map(|it| *it as u64)).eq(entry.shape.iter().copied()) {
        return Err(WeightsError::Shape {
            tensor: spec.file_name.clone(),
            expected: spec.shape.clone(),
            got: entry.shape.clone(),
        });
    }
    if !convert::is_weight(entry.dtype) {
        return Err(WeightsError::DType {
            tensor: spec.file_name.clone(),
            dtype: entry.dtype,
        });
    }
    Ok(())
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
