//! One half of every dictionary on the GPU: those that stay, each filled when it has arrived, and a slot that the others take turns in.

use super::plan::Wanted;
use crate::{
    gpu::{Gpu, GpuError},
    model::ModelError,
    ops::{Matrix, Room},
    spec::{Dictionary, Half},
    sys::{Stop, yield_now},
    weights::DictionaryFile,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Bytes of decoder rows that are read, packed and uploaded at a time.
const PIECE_BYTES: usize = 4 << 20;

/// The encoders, or the decoders.
pub(super) struct Shelf {
    half: Half,
    room: Room,
    files: BTreeMap<usize, Rc<DictionaryFile>>,
    resident: BTreeMap<usize, Matrix>,
    /// Those of them that are filled.
    filled: BTreeSet<usize>,
    /// The layer whose half is in the slot.
    slot: Option<(usize, Matrix)>,
}

impl Shelf {
    /// Takes memory for the first `n_resident` layers.
    pub async fn new(
        gpu: &Gpu,
        (half, room): (Half, Room),
        wanted: &Wanted,
        files: &BTreeMap<usize, Rc<DictionaryFile>>,
        n_resident: usize,
    ) -> Result<Self, GpuError> {
        let mut resident = BTreeMap::new();
        let there = wanted.has(half);
        for it in wanted.dictionaries.iter().take(n_resident) {
            let label = format!("{half} of layer {}", it.layer);
            let matrix = Matrix::allocate(gpu, room, shape(it, half), &label).await?;
            resident.insert(it.layer, matrix);
        }
        Ok(Self {
            half,
            room,
            files: if there {
                files.clone()
            } else {
                BTreeMap::new()
            },
            resident,
            filled: BTreeSet::new(),
            slot: None,
        })
    }

    /// Whether a layer's half is filled, or can be paged in.
    pub fn has(&self, layer: usize) -> bool {
        match self.resident.contains_key(&layer) {
            true => self.filled.contains(&layer),
            false => self.can_be_read(layer),
        }
    }

    fn can_be_read(&self, layer: usize) -> bool {
        let file = self.files.get(&layer);
        file.is_some_and(|it| it.has(self.half))
    }

    /// Those that stay, have arrived and are not filled.
    fn arrived(&self) -> impl Iterator<Item = (&usize, &Matrix)> {
        let comes = |it: &usize| !self.filled.contains(it) && self.can_be_read(*it);
        self.resident.iter().filter(move |it| comes(it.0))
    }

    /// Bytes that filling would read.
    pub fn arrived_bytes(&self) -> u64 {
        let tiles = self.arrived().flat_map(|it| &it.1.tiles);
        tiles.map(|it| it.view.bytes).sum()
    }

    /// Fills those that stay and have arrived, each once; `told` hears of bytes.
    pub async fn fill(
        &mut self,
        gpu: &Gpu,
        told: &mut dyn FnMut(u64),
        stop: &Stop,
    ) -> Result<(), ModelError> {
        let layers: Vec<usize> = self.arrived().map(|it| *it.0).collect();
        for layer in layers {
            let mut filler = Filler { gpu, told, stop };
            let (file, matrix) = (&self.files[&layer], &self.resident[&layer]);
            filler.fill(self.half, file, matrix).await?;
            self.filled.insert(layer);
        }
        Ok(())
    }

    /// Whether a layer's half must be paged in first, and what is recorded with the slot be played before.
    pub fn must_page(&self, layer: usize) -> bool {
        let in_slot = self.slot.as_ref().is_some_and(|it| it.0 == layer);
        !in_slot && !self.resident.contains_key(&layer)
    }

    /// A layer's half, paged in if it is not there.
    ///
    /// Errors: [`ModelError::Weights`], [`ModelError::Gpu`], [`ModelError::Stopped`].
    pub async fn page_in(
        &mut self,
        gpu: &Gpu,
        layer: usize,
        stop: &Stop,
    ) -> Result<Matrix, ModelError> {
        if let Some(matrix) = self.resident.get(&layer) {
            return Ok(matrix.clone());
        }
        if let Some((holds, matrix)) = &self.slot
            && *holds == layer
        {
            return Ok(matrix.clone());
        }
        let file = self.files.get(&layer).ok_or(ModelError::NoRun)?.clone();
        let shape = shape(file.dictionary(), self.half);
        let matrix = match self.slot.take() {
            Some((_, it)) if [it.n_out, it.n_in] == shape => it,
            other => {
                drop(other);
                gpu.forget_groups();
                let label = format!("the {} paged in", self.half);
                Matrix::allocate(gpu, self.room, shape, &label).await?
            }
        };
        let mut filler = Filler {
            gpu,
            told: &mut |_| (),
            stop,
        };
        filler.fill(self.half, &file, &matrix).await?;
        self.slot = Some((layer, matrix.clone()));
        Ok(matrix)
    }
}

/// `[n_out, n_in]` of a half as a matrix: features are rows of both.
fn shape(it: &Dictionary, half: Half) -> [usize; 2] {
    match half {
        Half::Encoder => [it.d_transcoder, it.d_in],
        Half::Decoder => [it.d_transcoder, it.d_out],
    }
}

/// Reads a half into buffers.
struct Filler<'a> {
    gpu: &'a Gpu,
    told: &'a mut dyn FnMut(u64),
    stop: &'a Stop,
}

impl Filler<'_> {
    async fn fill(
        &mut self,
        half: Half,
        file: &DictionaryFile,
        to: &Matrix,
    ) -> Result<(), ModelError> {
        match half {
            Half::Encoder => self.encoder(file, to).await,
            Half::Decoder => self.decoder(file, to).await,
        }
    }

    async fn encoder(&mut self, file: &DictionaryFile, to: &Matrix) -> Result<(), ModelError> {
        let tiles = to.tiles.iter();
        let tiles: Vec<_> = tiles
            .map(|it| it.first_row..it.first_row + it.n_rows)
            .collect();
        let mut pieces = file.encoder_pieces(&tiles, to.packing)?;
        while let Some(piece) = pieces.next().await? {
            let buffer = &to.tiles[piece.tile].view.buffer;
            self.go_on()?;
            self.gpu.upload(buffer, piece.at, &piece.bytes).await?;
            (self.told)(piece.bytes.len() as u64);
            yield_now().await;
        }
        Ok(())
    }

    async fn decoder(&mut self, file: &DictionaryFile, to: &Matrix) -> Result<(), ModelError> {
        let per_piece = (PIECE_BYTES / to.row_bytes()).max(1);
        for tile in &to.tiles {
            for row in (0..tile.n_rows).step_by(per_piece) {
                let end = tile.n_rows.min(row + per_piece);
                let features = tile.first_row + row..tile.first_row + end;
                let bytes = file.decoder_rows(features, to.packing).await?;
                self.go_on()?;
                let at = (row * to.row_bytes()) as u64;
                self.gpu.upload(&tile.view.buffer, at, &bytes).await?;
                (self.told)(bytes.len() as u64);
                yield_now().await;
            }
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), ModelError> {
        match self.stop.is_set() {
            true => Err(ModelError::Stopped),
            false => Ok(()),
        }
    }
}
