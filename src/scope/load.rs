//! Dictionaries on a device: the planned memory taken, then filled layer by layer, as the files arrive.

use super::{
    ScopeError,
    lists::{Encoder, Lists, Shape},
    plan::{Wanted, list_entries},
    shelf::Shelf,
};
use crate::{
    gpu::{Buffer, Gpu, GpuError, Use, View},
    model::{At, ModelError, Told},
    ops::{Matrix, Room},
    spec::{Bytes, Dictionary, Half, Layout, Part, Plan, Splice},
    sys::Stop,
    weights::DictionaryFile,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Dictionaries on a device.
pub struct Scope {
    pub(super) gpu: Rc<Gpu>,
    pub(super) wanted: Wanted,
    pub(super) files: BTreeMap<usize, Rc<DictionaryFile>>,
    pub(super) lists: Lists,
    pub(super) encoders: Shelf,
    pub(super) decoders: Shelf,
    vectors: BTreeMap<usize, Vectors>,
    /// Norms of decoder rows, by layer, once somebody has asked.
    pub(super) decoder_norms: BTreeMap<usize, Vec<f32>>,
    /// The mean row of the table of tokens, once somebody has asked.
    pub(super) mean_embedding: Option<Vec<f32>>,
    /// Read once: what is asked of the source does not depend on how often an effect is told.
    pub(super) final_gain: Option<Vec<f32>>,
}

/// What a dictionary has besides its matrices.
struct Vectors {
    b_enc: Buffer,
    threshold: Buffer,
    b_dec: Buffer,
    /// Whether they have arrived.
    filled: bool,
}

impl Scope {
    /// Takes the planned memory and streams in the halves that are there; [`Scope::arrive`] takes up those that come later.
    ///
    /// Errors: [`ScopeError`]; nothing stays on the device.
    pub async fn load(
        gpu: Rc<Gpu>,
        (files, wanted): (BTreeMap<usize, Rc<DictionaryFile>>, Wanted),
        plan: &Plan,
        told: &mut dyn FnMut(Told),
        stop: &Stop,
    ) -> Result<Self, ScopeError> {
        let mut scope = Self::allocate(gpu, (files, wanted), plan).await?;
        scope.arrive(told, stop).await?;
        Ok(scope)
    }

    /// Takes up what the files have got since: vectors and halves. Halves that are paged are read when they are needed.
    ///
    /// Errors: [`ScopeError`]; what was taken up stays.
    pub async fn arrive(
        &mut self,
        told: &mut dyn FnMut(Told),
        stop: &Stop,
    ) -> Result<(), ScopeError> {
        for (layer, vectors) in &mut self.vectors {
            vectors.fill(&self.gpu, &self.files[layer]).await?;
        }
        let total = self.encoders.arrived_bytes() + self.decoders.arrived_bytes();
        let mut done = 0;
        let mut count = |bytes| {
            done += bytes;
            told(Told {
                phase: "loading transcoders",
                done,
                total,
                unit: "bytes",
            });
        };
        let gpu = &self.gpu;
        self.encoders.fill(gpu, &mut count, stop).await?;
        self.decoders.fill(gpu, &mut count, stop).await?;
        Ok(self.gpu.finish_uploads().await?)
    }

    async fn allocate(
        gpu: Rc<Gpu>,
        (files, wanted): (BTreeMap<usize, Rc<DictionaryFile>>, Wanted),
        plan: &Plan,
    ) -> Result<Self, ScopeError> {
        let (d_in, d_out) = wanted.widths();
        let (n_slots, d_transcoder) = (wanted.dictionaries.len(), wanted.d_transcoder());
        let n_block = plan.n_block;
        let shape = Shape {
            n_slots,
            n_block,
            d_transcoder,
            d_in,
            d_out,
            capacity: list_entries((n_block, d_transcoder, n_slots), plan.max_binding_bytes),
        };
        let lists = Lists::new(&gpu, shape).await?;
        let of_plan = plan.scope.as_ref();
        let room = |layout| Room {
            packing: plan.precision.of_dictionaries(),
            layout,
            max_binding_bytes: plan.max_binding_bytes,
        };
        let n = of_plan.map_or(0, |it| it.n_encoders_resident);
        let half = (Half::Encoder, room(Layout::Stripes));
        let encoders = Shelf::new(&gpu, half, &wanted, &files, n).await?;
        let n = of_plan.map_or(0, |it| it.n_decoders_resident);
        let half = (Half::Decoder, room(Layout::Rows));
        let decoders = Shelf::new(&gpu, half, &wanted, &files, n).await?;
        let mut vectors = BTreeMap::new();
        for (layer, file) in &files {
            vectors.insert(*layer, Vectors::new(&gpu, file.dictionary()).await?);
        }
        gpu.finish_uploads().await?;
        Ok(Self {
            gpu,
            wanted,
            files,
            lists,
            encoders,
            decoders,
            vectors,
            decoder_norms: BTreeMap::new(),
            mean_embedding: None,
            final_gain: None,
        })
    }

    /// Its dictionaries, by layer.
    pub fn dictionaries(&self) -> impl Iterator<Item = &Dictionary> {
        self.wanted.dictionaries.iter()
    }

    /// Layers whose half is there.
    pub fn layers(&self, half: Half) -> Vec<usize> {
        let layers = self.dictionaries().map(|it| it.layer);
        layers.filter(|it| self.has(*it, half)).collect()
    }

    fn has(&self, layer: usize, half: Half) -> bool {
        let shelf = match half {
            Half::Encoder => &self.encoders,
            Half::Decoder => &self.decoders,
        };
        let vectors = self.vectors.get(&layer);
        vectors.is_some_and(|it| it.filled) && shelf.has(layer)
    }

    /// Whether a part was opened and has not arrived.
    pub fn lacks(&self, part: Part) -> bool {
        let opened = |layer| self.dictionaries().any(|it| it.layer == layer);
        let half = |layer, half| {
            let shelf = match half {
                Half::Encoder => &self.encoders,
                Half::Decoder => &self.decoders,
            };
            opened(layer) && self.wanted.has(half) && !shelf.has(layer)
        };
        match part {
            Part::Vectors(it) => self.vectors.get(&it).is_some_and(|it| !it.filled),
            Part::Encoder(it) => half(it, Half::Encoder),
            Part::Decoder(it) => half(it, Half::Decoder),
            Part::Opening | Part::Embedding(_) | Part::Attention(_) | Part::Mlp(_) => false,
        }
    }

    /// What was opened of a half of a layer must have arrived.
    ///
    /// Errors: [`ScopeError::Awaited`]; none for what was not opened.
    pub fn need(&self, layer: usize, half: Half) -> Result<(), ScopeError> {
        let parts = [Part::Vectors(layer), Part::half(layer, half)];
        match parts.into_iter().find(|it| self.lacks(*it)) {
            Some(part) if self.wanted.has(half) => Err(ScopeError::Awaited {
                part,
                half,
                there: words(&self.layers(half)),
            }),
            _ => Ok(()),
        }
    }

    /// Thresholds of a layer.
    pub(super) fn threshold(&self, layer: usize) -> Option<&[f32]> {
        self.files.get(&layer).map(|it| it.threshold())
    }

    /// The dictionary of a layer whose half is there.
    ///
    /// Errors: [`ScopeError::Awaited`], [`ScopeError::NotLoaded`].
    pub fn dictionary(&self, layer: usize, half: Half) -> Result<&Dictionary, ScopeError> {
        self.need(layer, half)?;
        let found = self.dictionaries().find(|it| it.layer == layer);
        let there = found.filter(|_| self.has(layer, half));
        there.ok_or_else(|| ScopeError::NotLoaded {
            layer,
            half,
            loaded: words(&self.layers(half)),
        })
    }

    /// The layers of a splice: all that were opened with a decoder, or the one.
    ///
    /// Errors: [`ScopeError::NotLoaded`] or [`ScopeError::Awaited`] if a half of one is missing; if nothing can be spliced at all.
    pub fn spliced(&self, splice: Splice) -> Result<BTreeSet<usize>, ScopeError> {
        let all = || self.dictionaries().map(|it| it.layer);
        let layers: Vec<usize> = match splice {
            Splice::Layer(it) => vec![it],
            Splice::All if self.wanted.has(Half::Decoder) => all().collect(),
            Splice::All => all().take(1).collect(),
        };
        for layer in &layers {
            self.dictionary(*layer, Half::Encoder)?;
            self.dictionary(*layer, Half::Decoder)?;
        }
        Ok(layers.into_iter().collect())
    }

    /// The encoder of a layer, paged in if it is not there; what was recorded before is then played.
    pub(super) async fn encoder(
        &mut self,
        layer: usize,
        at: &mut At<'_>,
    ) -> Result<Encoder, ModelError> {
        if self.encoders.must_page(layer) {
            at.play().await?;
        }
        self.encoder_again(at.gpu, layer, at.stop).await
    }

    /// The encoder of a layer, where nothing is recorded and not played.
    pub(super) async fn encoder_again(
        &mut self,
        gpu: &Gpu,
        layer: usize,
        stop: &Stop,
    ) -> Result<Encoder, ModelError> {
        let w_enc = self.encoders.page_in(gpu, layer, stop).await?;
        let vectors = self.vectors.get(&layer).ok_or(ModelError::NoRun)?;
        Ok(Encoder {
            w_enc,
            b_enc: vectors.b_enc.whole(),
            threshold: vectors.threshold.whole(),
        })
    }

    /// The decoder of a layer and its bias, paged in if they are not there; what was recorded before is then played.
    pub(super) async fn decoder(
        &mut self,
        layer: usize,
        at: &mut At<'_>,
    ) -> Result<(Matrix, View), ModelError> {
        if self.decoders.must_page(layer) {
            at.play().await?;
        }
        let w_dec = self.decoders.page_in(at.gpu, layer, at.stop).await?;
        let vectors = self.vectors.get(&layer).ok_or(ModelError::NoRun)?;
        Ok((w_dec, vectors.b_dec.whole()))
    }
}

impl Vectors {
    async fn new(gpu: &Gpu, it: &Dictionary) -> Result<Self, GpuError> {
        let floats = async |what: &str, n: usize| {
            let label = format!("{what} of layer {}", it.layer);
            gpu.buffer(&label, 4 * n as u64, Use::Weights).await
        };
        Ok(Self {
            b_enc: floats("b_enc", it.d_transcoder).await?,
            threshold: floats("thresholds", it.d_transcoder).await?,
            b_dec: floats("b_dec", it.d_out).await?,
            filled: false,
        })
    }

    /// Takes them up, once, if they are there.
    async fn fill(&mut self, gpu: &Gpu, file: &DictionaryFile) -> Result<(), ScopeError> {
        if self.filled || !file.has_vectors() {
            return Ok(());
        }
        file.read_vectors().await?;
        let put = async |to: &Buffer, values: &[f32]| {
            let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
            gpu.upload(to, 0, &Bytes::from(bytes)).await
        };
        put(&self.b_enc, file.b_enc()).await?;
        put(&self.threshold, file.threshold()).await?;
        put(&self.b_dec, file.b_dec()).await?;
        self.filled = true;
        Ok(())
    }
}

/// Layers in words: `0-3, 5`.
pub(super) fn words(layers: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for layer in layers.iter().copied() {
        match parts.last_mut() {
            Some(part) if part.1 + 1 == layer => part.1 = layer,
            _ => parts.push((layer, layer)),
        }
    }
    let word = |&(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    match parts.is_empty() {
        true => "none".into(),
        false => parts.iter().map(word).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_in_words() {
        assert_eq!(words(&[0, 1, 2, 5, 7, 8]), "0-2, 5, 7-8");
        assert_eq!(words(&[]), "none");
    }
}
