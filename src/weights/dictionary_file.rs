//! A file of a transcoder, open: its five arrays known to be there and to fit the model, its matrices read and packed piece by piece.
//! Leaves which files there are to `dictionary_set`.

use super::{
    EncoderPieces, Entry, WeightsError,
    checkpoint::hex,
    convert,
    layout::{add_field, read_header},
    npz::{read_arrays, read_exactly},
    stripes::{Encoder, Order},
};
use crate::{
    hub::Source,
    spec::{Bytes, DType, Dictionary, DictionaryArray, Packing, gemma::BLOCK},
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, ops::Range, rc::Rc};

/// An open transcoder. It holds the three vectors and the places of the two matrices, which are read when they are asked for.
#[derive(Clone)]
pub struct DictionaryFile {
    source: Rc<dyn Source>,
    file: String,
    dictionary: Dictionary,
    fingerprint: String,
    encoder: Encoder,
    decoder: Entry,
    b_enc: Vec<f32>,
    threshold: Vec<f32>,
    b_dec: Vec<f32>,
}

/// The two kinds of files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As Gemma Scope is published.
    Npz,
    /// As circuit-tracer keeps it: the encoder has a row per feature.
    Safetensors,
}

impl DictionaryFile {
    /// Reads headers and vectors of a transcoder of layer `layer` and compares them with the model's width.
    ///
    /// Errors: whatever is wrong with the file; an array that is missing, of another shape than the others and `d_model` ask for,
    /// not finite, or none of a transcoder, naming it.
    pub async fn open(
        source: Rc<dyn Source>,
        file: &str,
        layer: usize,
        d_model: usize,
    ) -> Result<Self, WeightsError> {
        let kind = Kind::of(file)?;
        let mut hasher = Sha256::new();
        let found = match kind {
            Kind::Npz => read_arrays(&*source, file, &mut hasher).await?,
            Kind::Safetensors => read_header(&*source, file, &mut hasher).await?.tensors,
        };
        let mut arrays = match_arrays(file, kind, found)?;
        let d_transcoder = check_shapes(file, kind, d_model as u64, &arrays)?;
        let mut vectors = Vec::new();
        for array in [
            DictionaryArray::BEnc,
            DictionaryArray::Threshold,
            DictionaryArray::BDec,
        ] {
            let entry = arrays.remove(&array).expect("match_arrays found all five");
            let raw = read_exactly(&*source, file, entry.range).await?.into_vec();
            add_field(&mut hasher, &raw);
            let label = label(file, array);
            vectors.push(convert::to_f32(&label, raw.into(), entry.dtype)?);
        }
        let [b_enc, threshold, b_dec] = vectors.try_into().expect("three were pushed");
        let mut matrix = |it| arrays.remove(&it).expect("match_arrays found all five");
        let encoder = Encoder {
            order: kind.order(),
            entry: matrix(DictionaryArray::WEnc),
            d_in: d_model,
            d_transcoder,
            label: label(file, DictionaryArray::WEnc),
        };
        Ok(Self {
            decoder: matrix(DictionaryArray::WDec),
            source,
            file: file.into(),
            dictionary: Dictionary::transcoder(layer, d_model, d_transcoder),
            fingerprint: hex(&hasher.finalize()),
            encoder,
            b_enc,
            threshold,
            b_dec,
        })
    }

    /// Its sites and sizes.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The name of its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Hex sha256 of the file's name, size, directory and headers, and of its three vectors: its identity as far as it shows without
    /// reading the matrices.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Added to what the encoder makes. Shapes: `[d_transcoder]`.
    pub fn b_enc(&self) -> &[f32] {
        &self.b_enc
    }

    /// A feature is active where its pre-activation is above this. Shapes: `[d_transcoder]`.
    pub fn threshold(&self) -> &[f32] {
        &self.threshold
    }

    /// Added to what the decoder makes. Shapes: `[d_out]`.
    pub fn b_dec(&self) -> &[f32] {
        &self.b_dec
    }

    /// The types in which encoder and decoder are stored.
    pub fn dtypes(&self) -> (DType, DType) {
        (self.encoder.entry.dtype, self.decoder.dtype)
    }

    /// One stripe of the encoder for some features. To read more than one, [`DictionaryFile::encoder_pieces`] is the way that does not
    /// read the file over and over.
    ///
    /// Shapes: [`Packing::stripe_bytes`] of `features.len()`, as [`crate::spec::Layout::Stripes`] has them.
    ///
    /// Errors: as [`EncoderPieces::next`]; [`WeightsError::Rows`] for what is not there.
    pub async fn encoder_stripe(
        &self,
        stripe: usize,
        features: Range<usize>,
        packing: Packing,
    ) -> Result<Bytes, WeightsError> {
        self.check_features(&features, packing)?;
        if stripe >= self.encoder.n_stripes() {
            let rows = stripe * BLOCK..(stripe + 1) * BLOCK;
            return Err(self.no_features(rows, packing));
        }
        let mut pieces = self.pieces(std::slice::from_ref(&features), packing);
        let mut out = vec![0; packing.stripe_bytes(features.len())];
        pieces.only(stripe);
        while let Some(it) = pieces.next().await? {
            out[it.at as usize..][..it.bytes.len()].copy_from_slice(&it.bytes.into_vec());
        }
        Ok(out.into())
    }

    /// The whole encoder for tiles of features, in the order of the file.
    ///
    /// Shapes: tile `t` is a matrix `[tiles[t].len(), d_in]` in [`crate::spec::Layout::Stripes`], to be put together from the pieces.
    ///
    /// Errors: [`WeightsError::Rows`] for features that are not there.
    pub fn encoder_pieces(
        &self,
        tiles: &[Range<usize>],
        packing: Packing,
    ) -> Result<EncoderPieces<'_>, WeightsError> {
        for features in tiles {
            self.check_features(features, packing)?;
        }
        Ok(self.pieces(tiles, packing))
    }

    /// Reads rows of the decoder, one per feature, and packs them. The caller chooses pieces of a few MiB.
    ///
    /// Shapes: `features.len()` rows of [`Packing::row_bytes`] of `d_out`.
    ///
    /// Errors: as [`super::pack`]; [`WeightsError::Rows`] for features that are not there.
    pub async fn decoder_rows(
        &self,
        features: Range<usize>,
        packing: Packing,
    ) -> Result<Bytes, WeightsError> {
        let (d_out, d_transcoder) = (self.dictionary.d_out, self.dictionary.d_transcoder);
        let label = label(&self.file, DictionaryArray::WDec);
        let there = features.start <= features.end && features.end <= d_transcoder;
        if !there || !convert::fits(d_out, packing) {
            return Err(WeightsError::Rows {
                tensor: label,
                shape: vec![d_transcoder, d_out],
                rows: features,
                packing,
            });
        }
        let (dtype, start) = (self.decoder.dtype, self.decoder.range.start);
        let place = |row: usize| row as u64 * d_out as u64;
        let byte = |row| start + place(row) * dtype.size_bytes() as u64;
        let range = byte(features.start)..byte(features.end);
        let raw = read_exactly(&*self.source, &self.file, range).await?;
        let first_index = place(features.start);
        convert::pack(&label, first_index, raw, dtype, d_out, packing)
    }

    fn pieces(&self, tiles: &[Range<usize>], packing: Packing) -> EncoderPieces<'_> {
        EncoderPieces::new(&*self.source, &self.file, &self.encoder, tiles, packing)
    }

    /// Stripes are of 32 inputs whatever the packing.
    fn check_features(
        &self,
        features: &Range<usize>,
        packing: Packing,
    ) -> Result<(), WeightsError> {
        let there = features.start < features.end && features.end <= self.encoder.d_transcoder;
        match there && self.encoder.d_in.is_multiple_of(BLOCK) {
            true => Ok(()),
            false => Err(self.no_features(features.clone(), packing)),
        }
    }

    fn no_features(&self, rows: Range<usize>, packing: Packing) -> WeightsError {
        WeightsError::Rows {
            tensor: self.encoder.label.clone(),
            shape: vec![self.encoder.d_in, self.encoder.d_transcoder],
            rows,
            packing,
        }
    }
}

impl fmt::Debug for DictionaryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DictionaryFile")
            .field("source", &self.source.name())
            .field("file", &self.file)
            .field("dictionary", &self.dictionary)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
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

fn label(file: &str, array: DictionaryArray) -> String {
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
