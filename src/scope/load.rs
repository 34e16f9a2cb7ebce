//! Dictionaries on a device: the planned memory taken, then filled layer by layer.

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
    spec::{Bytes, Dictionary, Half, Layout, Plan, Splice},
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
}

/// What a dictionary has besides its matrices.
struct Vectors {
    b_enc: Buffer,
    threshold: Buffer,
    b_dec: Buffer,
}

impl Scope {
    /// Takes the planned memory and streams the halves in.
    ///
    /// Errors: [`ScopeError`]; nothing stays on the device.
    pub async fn load(
        gpu: Rc<Gpu>,
        (files, wanted): (BTreeMap<usize, Rc<DictionaryFile>>, Wanted),
        plan: &Plan,
        told: &mut dyn FnMut(Told),
        stop: &Stop,
    ) -> Result<Self, ScopeError> {
        let scope = Self::allocate(gpu, (files, wanted), plan).await?;
        let of_plan = plan.scope.as_ref();
        let total = of_plan.map_or(0, |it| it.encoder_bytes + it.decoder_bytes);
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
        scope.encoders.fill(&scope.gpu, &mut count, stop).await?;
        scope.decoders.fill(&scope.gpu, &mut count, stop).await?;
        scope.gpu.finish_uploads().await?;
        Ok(scope)
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
            vectors.insert(*layer, Vectors::new(&gpu, file).await?);
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
        })
    }

    /// Its dictionaries, by layer.
    pub fn dictionaries(&self) -> impl Iterator<Item = &Dictionary> {
        self.wanted.dictionaries.iter()
    }

    /// Layers whose half is there.
    pub fn layers(&self, half: Half) -> Vec<usize> {
        match half {
            Half::Encoder => self.encoders.layers(),
            Half::Decoder => self.decoders.layers(),
        }
    }

    /// Thresholds of a layer.
    pub(super) fn threshold(&self, layer: usize) -> Option<&[f32]> {
        self.files.get(&layer).map(|it| it.threshold())
    }

    /// The dictionary of a layer whose half is there.
    ///
    /// Errors: [`ScopeError::NotLoaded`].
    pub fn dictionary(&self, layer: usize, half: Half) -> Result<&Dictionary, ScopeError> {
        let layers = self.layers(half);
        let found = self.dictionaries().find(|it| it.layer == layer);
        let there = found.filter(|_| layers.contains(&layer));
        there.ok_or_else(|| ScopeError::NotLoaded {
            layer,
            half,
            loaded: words(&layers),
        })
    }

    /// The layers of a splice: all that have a decoder, or the one.
    ///
    /// Errors: [`ScopeError::NotLoaded`] if a half of one is missing, or nothing can be spliced at all.
    pub fn spliced(&self, splice: Splice) -> Result<BTreeSet<usize>, ScopeError> {
        let first = self.dictionaries().next().map_or(0, |it| it.layer);
        let layers = match splice {
            Splice::Layer(it) => vec![it],
            Splice::All if self.layers(Half::Decoder).is_empty() => vec![first],
            Splice::All => self.layers(Half::Decoder),
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
    async fn new(gpu: &Gpu, file: &DictionaryFile) -> Result<Self, GpuError> {
        let layer = file.dictionary().layer;
        let put = async |what: &str, values: &[f32]| -> Result<Buffer, GpuError> {
            let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
            let label = format!("{what} of layer {layer}");
            let buffer = gpu.buffer(&label, bytes.len() as u64, Use::Weights).await?;
            gpu.upload(&buffer, 0, &Bytes::from(bytes)).await?;
            Ok(buffer)
        };
        Ok(Self {
            b_enc: put("b_enc", file.b_enc()).await?,
            threshold: put("thresholds", file.threshold()).await?,
            b_dec: put("b_dec", file.b_dec()).await?,
        })
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
