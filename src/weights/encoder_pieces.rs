//! An encoder read in the order of its file and packed into tiles of features, piece by piece. Leaves the packing to `stripes`.

use super::{
    WeightsError,
    form::Form,
    npz::read_exactly,
    stripes::{Encoder, Order, Stripe, Within, from_features, from_inputs},
};
use crate::{
    hub::Source,
    spec::{Bytes, Packing, gemma::BLOCK},
};
use futures_util::future::try_join_all;
use std::{collections::VecDeque, ops::Range};

/// Bytes that are read at once at most.
const READ_BYTES: usize = 4 << 20;
/// Reads take whole multiples of so many features of a tile, so that quants and scales begin at multiples of 16 bytes.
const FEATURES_STEP: usize = 64;

/// Packed bytes and where they belong.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The tile, counted as they were given.
    pub tile: usize,
    /// Its first byte in the tile; a multiple of 16, as is the number of bytes of a piece in all packings.
    pub at: u64,
    /// The bytes.
    pub bytes: Bytes,
}

/// The pieces of an encoder in the order of its file: stripe by stripe from an npz, features by features from a safetensors file.
/// Together they fill every byte of every tile once.
///
/// A few MiB are held at a time, whatever the size of the encoder; nothing is read twice.
pub struct EncoderPieces<'a> {
    source: &'a dyn Source,
    encoder: Encoder,
    packing: Packing,
    /// Features of each tile.
    n_features: Vec<usize>,
    chunks: Vec<Chunk>,
    reads: Reads,
    /// Stripes that are wanted: all, or one.
    stripes: Range<usize>,
    /// Reads that are done.
    n_done: usize,
    ready: VecDeque<Piece>,
}

/// Features of a tile that are read together.
struct Chunk {
    tile: usize,
    /// Their first place in the tile.
    first: usize,
    features: Range<usize>,
}

/// What a read takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// 32 whole rows of inputs: a stripe of all chunks.
    WholeRows,
    /// Parts of 32 rows of inputs: a stripe of one chunk.
    PartsOfRows,
    /// Whole rows of features: one chunk of all stripes.
    Features,
    /// A chunk of one stripe, as it is kept.
    Kept,
    /// Everything from the first byte to the last, as it is kept and wanted.
    Plain,
}

impl<'a> EncoderPieces<'a> {
    /// `tiles` must be ranges of features that are there, none empty.
    pub(super) fn new(
        source: &'a dyn Source,
        encoder: Encoder,
        tiles: &[Range<usize>],
        packing: Packing,
    ) -> Self {
        let row_bytes = match encoder.order {
            Order::Inputs | Order::Stripes => BLOCK * encoder.weight_bytes(),
            Order::Features => encoder.d_in * encoder.weight_bytes(),
        };
        let at_once = (READ_BYTES / row_bytes / FEATURES_STEP).max(1) * FEATURES_STEP;
        let n_wanted: u64 = tiles.iter().map(|it| it.len() as u64).sum();
        let n_there = encoder.d_transcoder as u64;
        let fits = n_there * row_bytes as u64 <= READ_BYTES as u64;
        let reads = match encoder.order {
            Order::Features => Reads::Features,
            Order::Stripes if encoder.is_wanted_so(tiles, packing) => Reads::Plain,
            Order::Stripes => Reads::Kept,
            // One read of some more is sooner done than 32 small ones.
            Order::Inputs if fits && n_wanted * 8 >= n_there => Reads::WholeRows,
            Order::Inputs => Reads::PartsOfRows,
        };
        Self {
            source,
            packing,
            n_features: tiles.iter().map(Range::len).collect(),
            chunks: chunks(tiles, at_once),
            reads,
            stripes: 0..encoder.n_stripes(),
            encoder,
            n_done: 0,
            ready: VecDeque::new(),
        }
    }

    /// Only this stripe, and its places counted from its own start.
    pub(super) fn only(&mut self, stripe: usize) {
        if self.reads == Reads::Plain {
            self.reads = Reads::Kept;
        }
        self.stripes = stripe..stripe + 1;
    }

    /// The next piece; none when all have come.
    ///
    /// Errors: [`WeightsError::NotFinite`], [`WeightsError::TooLarge`], naming the weight; what the source says.
    pub async fn next(&mut self) -> Result<Option<Piece>, WeightsError> {
        loop {
            if let Some(it) = self.ready.pop_front() {
                return Ok(Some(it));
            }
            if self.n_done == self.n_reads() {
                return Ok(None);
            }
            match self.reads {
                Reads::WholeRows => self.read_stripe(self.stripes.start + self.n_done).await?,
                Reads::PartsOfRows => {
                    let n_chunks = self.chunks.len();
                    let stripe = self.stripes.start + self.n_done / n_chunks;
                    self.read_parts(stripe, self.n_done % n_chunks).await?;
                }
                Reads::Features => self.read_features(self.n_done).await?,
                Reads::Plain => self.read_plain(self.n_done).await?,
                Reads::Kept => {
                    let n_chunks = self.chunks.len();
                    let stripe = self.stripes.start + self.n_done / n_chunks;
                    self.read_kept(stripe, self.n_done % n_chunks).await?;
                }
            }
            self.n_done += 1;
        }
    }

    fn n_reads(&self) -> usize {
        match self.reads {
            Reads::WholeRows if self.chunks.is_empty() => 0,
            Reads::WholeRows => self.stripes.len(),
            Reads::PartsOfRows | Reads::Kept => self.stripes.len() * self.chunks.len(),
            Reads::Features => self.chunks.len(),
            Reads::Plain => self.encoder.packed_bytes().div_ceil(READ_BYTES),
        }
    }

    async fn read_stripe(&mut self, stripe: usize) -> Result<(), WeightsError> {
        let range = self.encoder.rows(stripe * BLOCK..(stripe + 1) * BLOCK);
        let bytes = self.read(range).await?;
        let size = self.encoder.weight_bytes();
        for chunk in 0..self.chunks.len() {
            let features = &self.chunks[chunk].features;
            let columns = features.start * size..features.end * size;
            let rows = bytes.chunks_exact(self.encoder.d_transcoder * size);
            let rows: Vec<&[u8]> = rows.map(|it| &it[columns.clone()]).collect();
            let raw = from_inputs(&rows, self.encoder.dtype(self.packing)?);
            self.push(stripe, chunk, raw)?;
        }
        Ok(())
    }

    async fn read_parts(&mut self, stripe: usize, chunk: usize) -> Result<(), WeightsError> {
        let features = &self.chunks[chunk].features;
        let rows = stripe * BLOCK..(stripe + 1) * BLOCK;
        let rows = rows.map(|it| self.read(self.encoder.range(it, features.clone())));
        let rows = try_join_all(rows).await?;
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let raw = from_inputs(&rows, self.encoder.dtype(self.packing)?);
        self.push(stripe, chunk, raw)
    }

    async fn read_features(&mut self, chunk: usize) -> Result<(), WeightsError> {
        let range = self.encoder.rows(self.chunks[chunk].features.clone());
        let bytes = self.read(range).await?;
        let (row_bytes, dtype) = (
            self.encoder.d_in * self.encoder.weight_bytes(),
            self.encoder.dtype(self.packing)?,
        );
        for stripe in self.stripes.clone() {
            let raw = from_features(&bytes, row_bytes, stripe, dtype);
            self.push(stripe, chunk, raw)?;
        }
        Ok(())
    }

    async fn read_plain(&mut self, n: usize) -> Result<(), WeightsError> {
        let end = self.encoder.packed_bytes().min((n + 1) * READ_BYTES);
        let range = (n * READ_BYTES) as u64..end as u64;
        let (at, from) = (range.start, self.encoder.at);
        let range = from + range.start..from + range.end;
        let bytes = read_exactly(self.source, &self.encoder.file, range).await?;
        self.ready.push_back(Piece { tile: 0, at, bytes });
        Ok(())
    }

    async fn read_kept(&mut self, stripe: usize, chunk: usize) -> Result<(), WeightsError> {
        let features = self.chunks[chunk].features.clone();
        let (weights, scales) = self.encoder.in_stripe(stripe, &features);
        let weights = read_exactly(self.source, &self.encoder.file, weights).await?;
        if self.encoder.form != Form::Packed(self.packing) {
            return self.push(stripe, chunk, weights.into_vec());
        }
        let scales = match scales.is_empty() {
            true => Vec::new().into(),
            false => read_exactly(self.source, &self.encoder.file, scales).await?,
        };
        let packed = match scales.is_empty() {
            true => weights,
            false => Bytes::concat(vec![weights, scales]),
        };
        self.put(stripe, chunk, packed);
        Ok(())
    }

    /// Packs `[features][32]` weights of a chunk and puts them where they belong in their tile.
    fn push(&mut self, stripe: usize, chunk: usize, raw: Vec<u8>) -> Result<(), WeightsError> {
        let of = Stripe {
            stripe,
            features: self.chunks[chunk].features.clone(),
        };
        let packed = self.encoder.pack(&of, raw, self.packing)?;
        self.put(stripe, chunk, packed);
        Ok(())
    }

    fn put(&mut self, stripe: usize, chunk: usize, packed: Bytes) {
        let Chunk {
            tile,
            first,
            ref features,
        } = self.chunks[chunk];
        let within = Within {
            packing: self.packing,
            n_tile: self.n_features[tile],
            first,
            n: features.len(),
        };
        let places = within.places(stripe - self.stripes.start, packed);
        let pieces = places
            .into_iter()
            .map(|(at, bytes)| Piece { tile, at, bytes });
        self.ready.extend(pieces);
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, WeightsError> {
        let bytes = read_exactly(self.source, &self.encoder.file, range).await?;
        Ok(bytes.into_vec())
    }
}

/// Tiles cut into runs of at most `at_once` features.
fn chunks(tiles: &[Range<usize>], at_once: usize) -> Vec<Chunk> {
    let of_tile = |(tile, all): (usize, &Range<usize>)| {
        let (start, end) = (all.start, all.end);
        let firsts = (0..end - start).step_by(at_once);
        firsts.map(move |first| Chunk {
            tile,
            first,
            features: start + first..end.min(start + first + at_once),
        })
    };
    tiles.iter().enumerate().flat_map(of_tile).collect()
}
