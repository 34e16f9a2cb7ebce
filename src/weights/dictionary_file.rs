//! A file of a transcoder, open: its five arrays known to fit the model, its matrices read and packed piece by piece, each as soon as
//! it is there. Leaves which files there are to `dictionary_set`.

use super::{
    DictionaryHead, EncoderPieces, PackedTensor, WeightsError, convert,
    dictionary_head::label,
    form::{Form, Place, among},
    npz::read_exactly,
    stripes::{Encoder, Order},
};
use crate::{
    hub::Source,
    spec::{Bytes, DType, Dictionary, DictionaryArray, Half, Packing, gemma::BLOCK},
};
use std::{
    cell::{OnceCell, RefCell},
    fmt,
    ops::Range,
    rc::Rc,
};

/// An open transcoder. It holds the three vectors, once they are read, and the places of the two matrices, which are read when they
/// are asked for.
pub struct DictionaryFile {
    source: Rc<dyn Source>,
    file: String,
    dictionary: Dictionary,
    fingerprint: String,
    /// None while it is not there.
    encoder: RefCell<Option<Encoder>>,
    /// Where rows of the decoder lie.
    decoder: RefCell<Vec<Place>>,
    /// Where the vectors lie, in the order of `VECTORS`; empty while they are not there.
    places: RefCell<Vec<Place>>,
    /// The vectors, in the same order; empty until they are read.
    vectors: OnceCell<[Vec<f32>; 3]>,
}

/// The arrays that are held whole.
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
        let it = Self::awaited(source, &head);
        let place = |array: DictionaryArray, rows| -> Result<Place, WeightsError> {
            let entry = head.entry(array)?;
            Ok(Place {
                file: file.into(),
                at: entry.range.start,
                rows,
                form: Form::Raw(entry.dtype),
            })
        };
        for array in VECTORS {
            let place = place(array, 0..1)?;
            it.places.borrow_mut().push(place);
        }
        it.read_vectors().await?;
        let w_enc = head.entry(DictionaryArray::WEnc)?;
        *it.encoder.borrow_mut() = Some(Encoder {
            order: head.order()?,
            at: w_enc.range.start,
            form: Form::Raw(w_enc.dtype),
            ..it.encoder_in(file)
        });
        let w_dec = place(DictionaryArray::WDec, 0..head.dictionary.d_transcoder)?;
        it.decoder.borrow_mut().push(w_dec);
        Ok(it)
    }

    /// A transcoder whose parts are kept packed: nothing of it is there until [`DictionaryFile::add`] says so.
    pub fn awaited(source: Rc<dyn Source>, head: &DictionaryHead) -> Self {
        Self {
            source,
            file: head.file.clone(),
            dictionary: head.dictionary.clone(),
            fingerprint: head.print.clone(),
            encoder: RefCell::default(),
            decoder: RefCell::default(),
            places: RefCell::default(),
            vectors: OnceCell::new(),
        }
    }

    /// A transcoder as [`DictionaryFile::awaited`] makes it, with its vectors, which are in `vectors`.
    ///
    /// Errors: as [`DictionaryFile::read_vectors`].
    pub async fn kept(
        source: Rc<dyn Source>,
        head: &DictionaryHead,
        vectors: (&str, &[PackedTensor]),
    ) -> Result<Self, WeightsError> {
        let it = Self::awaited(source, head);
        it.add(vectors.0, vectors.1);
        it.read_vectors().await?;
        Ok(it)
    }

    /// Reads the vectors, unless that has been done.
    ///
    /// Errors: they are not there, can't be read, or are not finite.
    pub async fn read_vectors(&self) -> Result<(), WeightsError> {
        if self.vectors.get().is_some() {
            return Ok(());
        }
        let places = self.places.borrow().clone();
        let mut out: [Vec<f32>; 3] = Default::default();
        for (n, array) in VECTORS.into_iter().enumerate() {
            let label = label(&self.file, array);
            let missing = || WeightsError::Missing {
                tensor: label.clone(),
            };
            let place = places.get(n).ok_or_else(missing)?;
            let width = match array {
                DictionaryArray::BDec => self.dictionary.d_out,
                _ => self.dictionary.d_transcoder,
            };
            let raw = read_exactly(&*self.source, &place.file, place.range(&(0..1), width)).await?;
            let dtype = place.form.dtype().ok_or_else(missing)?;
            out[n] = convert::to_f32(&label, raw, dtype)?;
        }
        // Whoever came first has read the same.
        let _ = self.vectors.set(out);
        Ok(())
    }

    /// A part, the vectors or a half, is kept in `file` from now on.
    pub fn add(&self, file: &str, packed: &[PackedTensor]) {
        let of = |it: &PackedTensor| Place {
            file: file.into(),
            at: it.at,
            rows: it.rows.clone(),
            form: Form::Packed(it.packing),
        };
        let vector = |array: DictionaryArray| packed.iter().find(|it| it.name == array.name());
        let vectors: Vec<Place> = VECTORS.into_iter().filter_map(vector).map(of).collect();
        if vectors.len() == VECTORS.len() {
            *self.places.borrow_mut() = vectors;
        }
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
                *self.decoder.borrow_mut() = vec![of(it)];
            }
        }
    }

    /// What was kept in `file` is there no more. Vectors that have been read stay.
    pub fn take_away(&self, file: &str) {
        let mut encoder = self.encoder.borrow_mut();
        if encoder.as_ref().is_some_and(|it| it.file == file) {
            *encoder = None;
        }
        self.decoder.borrow_mut().retain(|it| it.file != file);
        self.places.borrow_mut().retain(|it| it.file != file);
    }

    /// Whether the vectors are there, or have been read.
    pub fn has_vectors(&self) -> bool {
        self.vectors.get().is_some() || !self.places.borrow().is_empty()
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

    /// Hex sha256 of what its headers say, of an npz with the checksums of its arrays: its identity as far as it shows without
    /// reading them. It is known before anything else is there.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Added to what the encoder makes; empty until it is read, as are the other two. Shapes: `[d_transcoder]`.
    pub fn b_enc(&self) -> &[f32] {
        self.vector(0)
    }

    /// A feature is active where its pre-activation is above this. Shapes: `[d_transcoder]`.
    pub fn threshold(&self) -> &[f32] {
        self.vector(1)
    }

    /// Added to what the decoder makes. Shapes: `[d_out]`.
    pub fn b_dec(&self) -> &[f32] {
        self.vector(2)
    }

    fn vector(&self, n: usize) -> &[f32] {
        self.vectors.get().map_or(&[], |it| &it[n])
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
