//! A checkpoint of Gemma 2, open: every tensor known to be there and of its shape, its rows read and packed piece by piece.

use super::{
    Entry, PackedTensor, WeightsError, convert,
    form::{Form, Place, among},
    layout::{Layout, add_field, read_whole},
};
use crate::{
    hub::{HubError, Source},
    spec::{Bytes, Config, DType, Packing, TensorName, TensorSpec, registry},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, collections::BTreeMap, fmt, ops::Range, rc::Rc};

/// What a checkpoint says of itself.
pub(super) const CONFIG_FILE: &str = "config.json";
/// Its tokenizer, where it has one.
pub(super) const TOKENIZER_FILE: &str = "tokenizer.json";

/// A config of more bytes than this is none.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// A tokenizer of more bytes than this is none; Gemma's has 17.5 MB.
pub(super) const MAX_TOKENIZER_BYTES: u64 = 128 << 20;

/// An open checkpoint. It holds names and places only; weights are read when they are asked for.
pub struct Checkpoint {
    source: Rc<dyn Source>,
    config: Config,
    fingerprint: String,
    tensors: RefCell<BTreeMap<TensorName, Tensor>>,
}

/// What the headers of a checkpoint say: enough to cut it into parts, and to open it again without reading them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointHead {
    /// The text of its config.
    pub config_json: String,
    /// Hex sha256 of the config and of each file's name, size and header.
    pub fingerprint: String,
    pub(super) layout: Layout,
}

/// A tensor and where it is.
#[derive(Clone)]
struct Tensor {
    spec: TensorSpec,
    /// Where its rows lie, in order; of a vector one row. Rows that are not there yet are in none.
    places: Vec<Place>,
}

impl CheckpointHead {
    /// Reads the config and the headers, and compares them with the registry.
    ///
    /// Errors: as [`Checkpoint::open`].
    pub async fn read(source: &dyn Source) -> Result<Self, WeightsError> {
        let mut hasher = Sha256::new();
        let text = read_whole(source, CONFIG_FILE, MAX_CONFIG_BYTES).await?;
        Config::from_json(&text)?;
        add_field(&mut hasher, &text);
        let layout = Layout::read(source, &mut hasher).await?;
        let it = Self {
            config_json: String::from_utf8_lossy(&text).into_owned(),
            fingerprint: hex(&hasher.finalize()),
            layout,
        };
        it.check()?;
        Ok(it)
    }

    /// Its sizes.
    ///
    /// Errors: the config is not one of Gemma 2.
    pub fn config(&self) -> Result<Config, WeightsError> {
        Ok(Config::from_json(self.config_json.as_bytes())?)
    }

    /// Bytes of its files of weights.
    pub fn files_bytes(&self) -> u64 {
        self.layout.file_bytes.iter().map(|it| it.1).sum()
    }

    /// Its tensors are those of the registry.
    ///
    /// Errors: one is missing, not one of Gemma 2, or of another shape or type than it should be, naming it.
    pub fn check(&self) -> Result<(), WeightsError> {
        let config = self.config()?;
        let layout = &self.layout;
        let mut left: Vec<&String> = layout.tensors.keys().collect();
        for spec in registry(&config) {
            check(&spec, &self.entry(&spec)?.1)?;
            left.retain(|it| **it != spec.file_name);
        }
        match left.first() {
            None => Ok(()),
            Some(tensor) => Err(WeightsError::Extra {
                tensor: tensor.to_string(),
                file: layout.tensors[*tensor].0.clone(),
            }),
        }
    }

    /// The file of a tensor and its place there.
    ///
    /// Errors: [`WeightsError::Missing`].
    pub(super) fn entry(&self, spec: &TensorSpec) -> Result<&(String, Entry), WeightsError> {
        let found = self.layout.tensors.get(&spec.file_name);
        found.ok_or_else(|| WeightsError::Missing {
            tensor: spec.file_name.clone(),
        })
    }
}

impl Checkpoint {
    /// Reads the config and the headers, and compares them with the registry.
    ///
    /// Errors: whatever is wrong with a file; a tensor that is missing, not one of Gemma 2, or of another shape or type than it
    /// should be, naming it.
    pub async fn open(source: Rc<dyn Source>) -> Result<Self, WeightsError> {
        let head = CheckpointHead::read(&*source).await?;
        let config = head.config()?;
        let mut tensors = BTreeMap::new();
        for spec in registry(&config) {
            let (file, entry) = head.entry(&spec)?;
            let mut it = Tensor::new(spec);
            it.places.push(Place {
                file: file.clone(),
                at: entry.range.start,
                rows: 0..it.n_out_n_in().0,
                form: Form::Raw(entry.dtype),
            });
            tensors.insert(it.spec.name, it);
        }
        Ok(Self {
            source,
            config,
            fingerprint: head.fingerprint,
            tensors: tensors.into(),
        })
    }

    /// A checkpoint whose parts are kept packed: nothing of it is there until [`Checkpoint::add`] says so.
    ///
    /// Errors: the config is not one of Gemma 2.
    pub fn kept(source: Rc<dyn Source>, head: &CheckpointHead) -> Result<Self, WeightsError> {
        let config = head.config()?;
        let tensors = registry(&config);
        let tensors = tensors.into_iter().map(|it| (it.name, Tensor::new(it)));
        Ok(Self {
            source,
            fingerprint: head.fingerprint.clone(),
            tensors: RefCell::new(tensors.collect()),
            config,
        })
    }

    /// A part is kept in `file` from now on.
    pub fn add(&self, file: &str, packed: &[PackedTensor]) {
        let mut tensors = self.tensors.borrow_mut();
        for it in packed {
            let tensor = tensors.values_mut().find(|of| of.spec.file_name == it.name);
            let Some(tensor) = tensor else { continue };
            let places = &mut tensor.places;
            let after = places.partition_point(|of| of.rows.start < it.rows.start);
            let place = Place {
                file: file.into(),
                at: it.at,
                rows: it.rows.clone(),
                form: Form::Packed(it.packing),
            };
            places.insert(after, place);
        }
    }

    /// What was kept in `file` is there no more.
    pub fn take_away(&self, file: &str) {
        for tensor in self.tensors.borrow_mut().values_mut() {
            tensor.places.retain(|it| it.file != file);
        }
    }

    /// Whether rows of a tensor are there.
    pub fn has(&self, name: TensorName, rows: Range<usize>) -> bool {
        let tensors = self.tensors.borrow();
        let places = tensors.get(&name).map(|it| &it.places);
        places.is_some_and(|it| among(it, &rows).is_some())
    }

    /// The rows of a tensor that are there: runs of them, in order, none touching the next.
    pub fn rows(&self, name: TensorName) -> Vec<Range<usize>> {
        let tensors = self.tensors.borrow();
        let mut runs: Vec<Range<usize>> = Vec::new();
        for it in tensors.get(&name).iter().flat_map(|it| &it.places) {
            match runs.last_mut() {
                Some(run) if it.rows.start <= run.end => run.end = run.end.max(it.rows.end),
                _ => runs.push(it.rows.clone()),
            }
        }
        runs
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

    /// Bytes of all its tensors where they are read from.
    pub fn size_bytes(&self) -> u64 {
        self.tensors.borrow().values().map(Tensor::size_bytes).sum()
    }

    /// The type in which a tensor is stored; none of 8-bit blocks.
    ///
    /// Errors: [`WeightsError::Missing`] for a layer that the model does not have, or a tensor of which nothing is there.
    pub fn dtype(&self, name: TensorName) -> Result<Option<DType>, WeightsError> {
        let place = self.tensor(name)?.places.into_iter().next();
        place.map(|it| it.form.dtype()).ok_or_else(|| missing(name))
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
    /// Errors: what [`convert::pack`](super::pack) finds in the weights, what the source says, [`WeightsError::Rows`] for rows that
    /// no such tensor has, [`WeightsError::Missing`] for those that are not there yet.
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
        let found = among(&tensor.places, &rows).ok_or_else(|| missing(name))?;
        let mut pieces = Vec::new();
        for (place, rows) in found {
            let first_index = rows.start as u64 * n_in as u64;
            let raw = self.read(place, place.range(&rows, n_in)).await?;
            let label = &tensor.spec.file_name;
            pieces.push(place.form.pack(label, first_index, raw, n_in, packing)?);
        }
        Ok(Bytes::concat(pieces))
    }

    /// A whole tensor as f32, for those that are small.
    ///
    /// Errors: as [`Checkpoint::packed_rows`].
    pub async fn vector(&self, name: TensorName) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensor(name)?;
        let (n_out, n_in) = tensor.n_out_n_in();
        let mut out = Vec::new();
        let rows = 0..n_out;
        for (place, rows) in among(&tensor.places, &rows).ok_or_else(|| missing(name))? {
            let raw = self.read(place, place.range(&rows, n_in)).await?;
            let dtype = place.form.dtype().ok_or_else(|| WeightsError::Coarse {
                tensor: name.to_string(),
                packing: Packing::F32,
            })?;
            out.extend(convert::to_f32(&tensor.spec.file_name, raw, dtype)?);
        }
        Ok(out)
    }

    async fn read(&self, place: &Place, range: Range<u64>) -> Result<Bytes, WeightsError> {
        let wanted_bytes = range.end - range.start;
        let raw = self.source.read(&place.file, range).await?;
        if raw.len() as u64 == wanted_bytes {
            return Ok(raw);
        }
        Err(WeightsError::Hub(HubError::Length {
            file: place.file.clone(),
            wanted_bytes,
            got_bytes: raw.len() as u64,
        }))
    }

    fn tensor(&self, name: TensorName) -> Result<Tensor, WeightsError> {
        let tensors = self.tensors.borrow();
        tensors.get(&name).cloned().ok_or_else(|| missing(name))
    }
}

impl Tensor {
    /// A tensor of which nothing is there.
    fn new(spec: TensorSpec) -> Self {
        let places = Vec::new();
        Self { spec, places }
    }

    fn size_bytes(&self) -> u64 {
        let n_in = self.n_out_n_in().1;
        let sizes = self.places.iter();
        sizes
            .map(|it| it.rows.len() as u64 * it.form.row_bytes(n_in))
            .sum()
    }

    /// `[n_out, n_in]`; a vector is one row.
    fn n_out_n_in(&self) -> (usize, usize) {
        n_out_n_in(&self.spec)
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

/// `[n_out, n_in]` of a tensor; a vector is one row.
pub(super) fn n_out_n_in(spec: &TensorSpec) -> (usize, usize) {
    match *spec.shape {
        [n_out, n_in] => (n_out, n_in),
        _ => (1, spec.shape.iter().product()),
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

fn missing(name: TensorName) -> WeightsError {
    WeightsError::Missing {
        tensor: name.to_string(),
    }
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
