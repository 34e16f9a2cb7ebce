//! What the headers of a transcoder's file say: its five arrays known to be there and to fit the model. Leaves reading them to
//! `dictionary_file`.

use super::{
    Entry, WeightsError, checkpoint::hex, convert, layout::read_header, npz::read_arrays,
    stripes::Order,
};
use crate::{
    hub::Source,
    spec::{Dictionary, DictionaryArray},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What the headers of a transcoder's file say: enough to cut it into parts, and to open it again without reading them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DictionaryHead {
    /// The name of its file.
    pub file: String,
    /// Bytes of it.
    pub file_bytes: u64,
    /// Its sites and sizes.
    pub dictionary: Dictionary,
    /// Hex sha256 of the file's name, size, directory and headers.
    pub(super) print: String,
    arrays: BTreeMap<DictionaryArray, Entry>,
}

/// The two kinds of files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As Gemma Scope is published.
    Npz,
    /// As circuit-tracer keeps it: the encoder has a row per feature.
    Safetensors,
}

impl DictionaryHead {
    /// Reads the headers of a transcoder of layer `layer` and compares them with the model's width.
    ///
    /// Errors: whatever is wrong with the file; an array that is missing, of another shape than the others and `d_model` ask for,
    /// or none of a transcoder, naming it.
    pub async fn read(
        source: &dyn Source,
        file: &str,
        layer: usize,
        d_model: usize,
    ) -> Result<Self, WeightsError> {
        Self::read_of(source, file, layer, Some(d_model)).await
    }

    /// The same where no model is at hand: its width is that of the decoder's rows.
    ///
    /// Errors: as [`DictionaryHead::read`].
    pub async fn read_of_any_width(
        source: &dyn Source,
        file: &str,
        layer: usize,
    ) -> Result<Self, WeightsError> {
        Self::read_of(source, file, layer, None).await
    }

    async fn read_of(
        source: &dyn Source,
        file: &str,
        layer: usize,
        d_model: Option<usize>,
    ) -> Result<Self, WeightsError> {
        let kind = Kind::of(file)?;
        let mut hasher = Sha256::new();
        let found = match kind {
            Kind::Npz => read_arrays(source, file, &mut hasher).await?,
            Kind::Safetensors => read_header(source, file, &mut hasher).await?.tensors,
        };
        let arrays = match_arrays(file, kind, found)?;
        let width = match arrays[&DictionaryArray::WDec].shape[..] {
            [_, it] => usize::try_from(u32::try_from(it).unwrap_or(0)).unwrap_or(0),
            _ => 0,
        };
        let d_model = d_model.unwrap_or(width);
        let d_transcoder = check_shapes(file, kind, d_model as u64, &arrays)?;
        Ok(Self {
            file: file.into(),
            file_bytes: source.size(file).await?,
            dictionary: Dictionary::transcoder(layer, d_model, d_transcoder),
            print: hex(&hasher.finalize()),
            arrays,
        })
    }

    pub(super) fn order(&self) -> Result<Order, WeightsError> {
        Ok(Kind::of(&self.file)?.order())
    }

    pub(super) fn entry(&self, array: DictionaryArray) -> Result<&Entry, WeightsError> {
        let entry = self.arrays.get(&array);
        entry.ok_or_else(|| WeightsError::MissingArray {
            file: self.file.clone(),
            array: array.name().into(),
        })
    }
}

impl Kind {
    /// By the name of the file.
    fn of(file: &str) -> Result<Self, WeightsError> {
        match file.rsplit_once('.') {
            Some((_, "npz")) => Ok(Self::Npz),
            Some((_, "safetensors")) => Ok(Self::Safetensors),
            _ => Err(WeightsError::NotDictionary { file: file.into() }),
        }
    }

    fn order(self) -> Order {
        match self {
            Self::Npz => Order::Inputs,
            Self::Safetensors => Order::Features,
        }
    }

    /// What files of this kind call an array. Source: google/gemma-scope-2b-pt-transcoders; circuit-tracer, `single_layer_transcoder.py`.
    fn name(self, array: DictionaryArray) -> &'static str {
        match (self, array) {
            (Self::Safetensors, DictionaryArray::Threshold) => "activation_function.threshold",
            _ => array.name(),
        }
    }
}

/// What messages call an array.
pub(super) fn label(file: &str, array: DictionaryArray) -> String {
    format!("{array} of {file}")
}

/// Gives every array its place; none may be left over.
fn match_arrays(
    file: &str,
    kind: Kind,
    mut found: BTreeMap<String, Entry>,
) -> Result<BTreeMap<DictionaryArray, Entry>, WeightsError> {
    let mut arrays = BTreeMap::new();
    for array in DictionaryArray::ALL {
        let name = kind.name(array);
        let entry = found
            .remove(name)
            .ok_or_else(|| WeightsError::MissingArray {
                file: file.into(),
                array: name.into(),
            })?;
        if !convert::is_weight(entry.dtype) {
            return Err(WeightsError::DType {
                tensor: label(file, array),
                dtype: entry.dtype,
            });
        }
        arrays.insert(array, entry);
    }
    match found.pop_first() {
        None => Ok(arrays),
        Some((array, _)) => Err(WeightsError::ExtraArray {
            file: file.into(),
            array,
        }),
    }
}

/// The number of features, on which all arrays must agree, and with `d_model`.
fn check_shapes(
    file: &str,
    kind: Kind,
    d_model: u64,
    arrays: &BTreeMap<DictionaryArray, Entry>,
) -> Result<usize, WeightsError> {
    let n_features = match arrays[&DictionaryArray::BEnc].shape[..] {
        [it] => it,
        _ => 0,
    };
    // A file may say any number; one that no program could count to is none of features.
    let n_features = u64::from(u32::try_from(n_features).unwrap_or(0)).max(1);
    for (array, entry) in arrays {
        let expected = match (array, kind) {
            (DictionaryArray::WEnc, Kind::Npz) => vec![d_model, n_features],
            (DictionaryArray::WEnc, Kind::Safetensors) | (DictionaryArray::WDec, _) => {
                vec![n_features, d_model]
            }
            (DictionaryArray::BEnc | DictionaryArray::Threshold, _) => vec![n_features],
            (DictionaryArray::BDec, _) => vec![d_model],
        };
        if entry.shape != expected {
            return Err(WeightsError::ArrayShape {
                file: file.into(),
                array: kind.name(*array).into(),
                expected,
                got: entry.shape.clone(),
            });
        }
    }
    Ok(n_features as usize)
}
