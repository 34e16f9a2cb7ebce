//! A file of a transcoder, open: its five arrays known to be there and to fit the model, its matrices read and packed piece by piece.
//! Leaves which files there are to `dictionary_set`.

use super::{
    DictionaryHead, EncoderPieces, PackedTensor, WeightsError,
    checkpoint::hex,
    convert,
    dictionary_head::label,
    form::{Form, Place, among},
    layout::add_field,
    npz::read_exactly,
    stripes::{Encoder, Order},
};
use crate::{
    hub::Source,
    spec::{Bytes, DType, Dictionary, DictionaryArray, Half, Packing, gemma::BLOCK},
};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, fmt, ops::Range, rc::Rc};

/// An open transcoder. It holds the three vectors and the places of the two matrices, which are read when they are asked for.
pub struct DictionaryFile {
    source: Rc<dyn Source>,
    file: String,
    dictionary: Dictionary,
    fingerprint: String,
    /// None while it is not there.
    encoder: RefCell<Option<Encoder>>,
    /// Where rows of the decoder lie.
    decoder: RefCell<Vec<Place>>,
    b_enc: Vec<f32>,
    threshold: Vec<f32>,
    b_dec: Vec<f32>,
}

/// The arrays that are held whole, in the order in which the fingerprint has them.
pub(super) const VECTORS: [DictionaryArray; 3] = [
    DictionaryArray::BEnc,
    DictionaryArray::Threshold,
    DictionaryArray::BDec,
];

impl DictionaryFile {
    /// Reads headers and vectors of a transcoder of layer `layer` and compares them with the model's width.
    ///
    /// Errors: as [`DictionaryHead::read`]; a vector that is not finite.
    pub async fn open(
        source: Rc<dyn Source>,
        file: &str,
        layer: usize,
        d_model: usize,
    ) -> Result<Self, WeightsError> {
        let head = DictionaryHead::read(&*source, file, layer, d_model).await?;
        let mut vectors = Vec::new();
        for array in VECTORS {
            let entry = head.entry(array)?;
            let raw = read_exactly(&*source, file, entry.range.clone()).await?;
            vectors.push(convert::to_f32(&label(file, array), raw, entry.dtype)?);
        }
        let it = Self::with_vectors(source, &head, vectors);
        let d_transcoder = head.dictionary.d_transcoder;
        let (w_enc, w_dec) = (
            head.entry(DictionaryArray::WEnc)?,
            head.entry(DictionaryArray::WDec)?,
        );
        *it.encoder.borrow_mut() = Some(Encoder {
            order: head.order()?,
            at: w_enc.range.start,
            form: Form::Raw(w_enc.dtype),
            ..it.encoder_in(file)
        });
        it.decoder.borrow_mut().push(Place {
            file: file.into(),
            at: w_dec.range.start,
            rows: 0..d_transcoder,
            form: Form::Raw(w_dec.dtype),
        });
        Ok(it)
    }

    /// A transcoder whose parts are kept packed; `vectors` is where its three vectors are. The halves are not there until
    /// [`DictionaryFile::add`] says so.
    ///
    /// Errors: a vector is not there or can't be read.
    pub async fn kept(
        source: Rc<dyn Source>,
        head: &DictionaryHead,
        vectors: (&str, &[PackedTensor]),
    ) -> Result<Self, WeightsError> {
        let mut out = Vec::new();
        for array in VECTORS {
            let packed = vectors.1.iter().find(|it| it.name == array.name());
            let packed = packed.ok_or_else(|| WeightsError::MissingArray {
                file: vectors.0.into(),
                array: array.name().into(),
            })?;
            let range = packed.at..packed.at + packed.size_bytes();
            let raw = read_exactly(&*source, vectors.0, range).await?;
            out.push(convert::to_f32(&label(&head.file, array), raw, DType::F32)?);
        }
        Ok(Self::with_vectors(source, head, out))
    }

    fn with_vectors(source: Rc<dyn Source>, head: &DictionaryHead, vectors: Vec<Vec<f32>>) -> Self {
        let mut hasher = Sha256::new();
        add_field(&mut hasher, head.print.as_bytes());
        for it in &vectors {
            add_field(&mut hasher, bytemuck::cast_slice(it));
        }
        let [b_enc, threshold, b_dec] = vectors.try_into().expect("there are three in VECTORS");
        Self {
            source,
            file: head.file.clone(),
            dictionary: head.dictionary.clone(),
            fingerprint: hex(&hasher.finalize()),
            encoder: RefCell::default(),
            decoder: RefCell::default(),
            b_enc,
            threshold,
            b_dec,
        }
    }

    /// A half is kept in `file` from now on.
    pub fn add(&self, file: &str, packed: &[PackedTensor]) {
        for it in packed {
            let (at, form) = (it.at, Form::Packed(it.packing));
            if it.name == DictionaryArray::WEnc.name() {
                *self.encoder.borrow_mut() = Some(Encoder {
                    order: Order::Stripes,
                    at,
                    form,
                    ..self.encoder_in(file)
                });
            }
            if it.name == DictionaryArray::WDec.name() {
                *self.decoder.borrow_mut() = vec![Place {
                    file: file.into(),
                    at,
                    rows: it.rows.clone(),
                    form,
                }];
            }
        }
    }

    /// What was kept in `file` is there no more.
    pub fn take_away(&self, file: &str) {
        let mut encoder = self.encoder.borrow_mut();
        if encoder.as_ref().is_some_and(|it| it.file == file) {
            *encoder = None;
        }
        self.decoder.borrow_mut().retain(|it| it.file != file);
    }

    /// Whether a half is there.
    pub fn has(&self, half: Half) -> bool {
        match half {
            Half::Encoder => self.encoder.borrow().is_some(),
            Half::Decoder => !self.decoder.borrow().is_empty(),
        }
    }

    /// Its sites and sizes.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The name of its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Hex sha256 of what its headers say and of its three vectors: its identity as far as it shows without
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

    /// The types in which encoder and decoder are stored; none of 8-bit blocks, or of what is not there.
    pub fn dtypes(&self) -> (Option<DType>, Option<DType>) {
        let (encoder, decoder) = (self.encoder.borrow(), self.decoder.borrow());
        let encoder = encoder.as_ref().and_then(|it| it.form.dtype());
        (encoder, decoder.first().and_then(|it| it.form.dtype()))
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
        if stripe >= self.dictionary.d_in / BLOCK {
            let rows = stripe * BLOCK..(stripe + 1) * BLOCK;
            return Err(self.no_features(rows, packing));
        }
        let mut pieces = self.pieces(std::slice::from_ref(&features), packing)?;
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
        self.pieces(tiles, packing)
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
        let places = self.decoder.borrow().clone();
        let found = among(&places, &features).ok_or_else(|| WeightsError::Missing {
            tensor: label.clone(),
        })?;
        let mut pieces = Vec::new();
        for (place, rows) in found {
            let raw = read_exactly(&*self.source, &place.file, place.range(&rows, d_out)).await?;
            let first_index = rows.start as u64 * d_out as u64;
            pieces.push(place.form.pack(&label, first_index, raw, d_out, packing)?);
        }
        Ok(Bytes::concat(pieces))
    }

    fn pieces(
        &self,
        tiles: &[Range<usize>],
        packing: Packing,
    ) -> Result<EncoderPieces<'_>, WeightsError> {
        let encoder = self.encoder.borrow().clone();
        let encoder = encoder.ok_or_else(|| WeightsError::Missing {
            tensor: label(&self.file, DictionaryArray::WEnc),
        })?;
        Ok(EncoderPieces::new(&*self.source, encoder, tiles, packing))
    }

    fn encoder_in(&self, file: &str) -> Encoder {
        Encoder {
            order: Order::Inputs,
            file: file.into(),
            at: 0,
            form: Form::Packed(Packing::F32),
            d_in: self.dictionary.d_in,
            d_transcoder: self.dictionary.d_transcoder,
            label: label(&self.file, DictionaryArray::WEnc),
        }
    }

    /// Stripes are of 32 inputs whatever the packing.
    fn check_features(
        &self,
        features: &Range<usize>,
        packing: Packing,
    ) -> Result<(), WeightsError> {
        let it = &self.dictionary;
        let there = features.start < features.end && features.end <= it.d_transcoder;
        match there && it.d_in.is_multiple_of(BLOCK) {
            true => Ok(()),
            false => Err(self.no_features(features.clone(), packing)),
        }
    }

    fn no_features(&self, rows: Range<usize>, packing: Packing) -> WeightsError {
        WeightsError::Rows {
            tensor: label(&self.file, DictionaryArray::WEnc),
            shape: vec![self.dictionary.d_in, self.dictionary.d_transcoder],
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
