//! A feature's own numbers, which need no text; and what active features do to a token's logit.

use super::{Features, Scope, ScopeError};
use crate::{
    gpu::{Buffer, Recording, Use},
    model::{Model, ModelError},
    ops::{Matrix, embed, matvec, row_norms},
    spec::{Bytes, FeatureId, FeatureQuestion, Half, Histogram, Part},
    sys::Stop,
};

/// Bins of a histogram over the vocabulary.
const N_BINS: usize = 50;

/// A direction against the whole vocabulary: (token, value), highest first and lowest first, and all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The highest.
    pub top: Vec<(u32, f32)>,
    /// The lowest.
    pub bottom: Vec<(u32, f32)>,
    /// All.
    pub histogram: Histogram,
}

/// A feature's own numbers; what needs a half, or a table of tokens, that is not there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// Features of its layer.
    pub n_features: usize,
    /// Norm of its column of `W_enc`.
    pub encoder_norm: Option<f32>,
    /// Norm of its row of `W_dec`.
    pub decoder_norm: Option<f32>,
    /// Cosine of the two.
    pub cosine: Option<f32>,
    /// Its entry of `b_enc`.
    pub b_enc: f32,
    /// Its threshold.
    pub threshold: f32,
    /// What it adds to each token's logit.
    pub logits: Option<Spread>,
    /// Which embeddings it looks for.
    pub de_embedding: Option<Spread>,
    /// (feature, cosine of the decoder rows), layer by layer, nearest first.
    pub nearest: Vec<(FeatureId, f32)>,
}

impl Scope {
    /// A feature's own numbers. Its tokens are one product of a row with the table of tokens.
    ///
    /// Source: facts of Gemma Scope, section 5; Neuronpedia's dashboards.
    ///
    /// Errors: [`ScopeError::NoFeature`], [`ScopeError::NotLoaded`] and [`ScopeError::Awaited`] for layers asked about,
    /// [`ScopeError::Model`].
    pub async fn card(
        &mut self,
        model: &mut Model,
        feature: FeatureId,
        question: &FeatureQuestion,
        stop: &Stop,
    ) -> Result<Card, ScopeError> {
        let file = self.checked(feature)?;
        for layer in &question.nearest_in {
            self.dictionary(*layer, Half::Decoder)?;
        }
        let encoder = self.row(feature, Half::Encoder, stop).await?;
        let decoder = self.row(feature, Half::Decoder, stop).await?;
        let mut nearest = Vec::new();
        if let Some(row) = &decoder {
            for layer in &question.nearest_in {
                let near = self
                    .near(feature, row, (*layer, question.n_nearest), stop)
                    .await?;
                nearest.extend(near);
            }
        }
        let n = question.n_tokens;
        let has_table = model.need_table().is_ok();
        let mut spread = async |row: &Option<Vec<f32>>, gained| -> Result<_, ScopeError> {
            Ok(match row.as_ref().filter(|_| has_table) {
                Some(row) => Some(spread(&model.unembed(row, gained, stop).await?, n)),
                None => None,
            })
        };
        let logits = spread(&decoder, true).await?;
        let de_embedding = match question.de_embedding {
            true => spread(&encoder, false).await?,
            false => None,
        };
        let of_both = encoder.as_deref().zip(decoder.as_deref());
        let same_width = of_both.filter(|(encoder, decoder)| encoder.len() == decoder.len());
        Ok(Card {
            n_features: file.dictionary().d_transcoder,
            encoder_norm: encoder.as_deref().map(norm),
            decoder_norm: decoder.as_deref().map(norm),
            cosine: same_width.map(|(encoder, decoder)| cosine(encoder, decoder)),
            b_enc: file.b_enc()[feature.index],
            threshold: file.threshold()[feature.index],
            logits,
            de_embedding,
            nearest,
        })
    }

    /// The direct effect of each active feature on a token's logit, in the order of the list:
    /// `a W_dec[f] . ((1 + w_final) (E[t] - mean E)) / rms_final[pos]`, the softcap left out.
    ///
    /// Errors: [`ScopeError::NotLoaded`], [`ScopeError::Awaited`], [`ScopeError::Model`].
    pub async fn effects(
        &mut self,
        model: &mut Model,
        (ids, features): (&[u32], &Features),
        (layer, token): (usize, u32),
        stop: &Stop,
    ) -> Result<Vec<f32>, ScopeError> {
        self.dictionary(layer, Half::Decoder)?;
        let direction = self.direction(model, token, stop).await?;
        let scales = model.final_scales_kept(ids, stop).await?;
        let dots = self.dots(layer, &direction, stop).await?;
        let of_layer = features.of(layer).unwrap_or_default();
        let effect =
            |it: &super::Active| it.activation * dots[it.index as usize] * scales[it.pos as usize];
        Ok(of_layer.iter().map(effect).collect())
    }

    /// What the unembedding makes of a token, before the norm: `(1 + w_final) (E[t] - mean E)`.
    async fn direction(
        &mut self,
        model: &mut Model,
        token: u32,
        stop: &Stop,
    ) -> Result<Vec<f32>, ScopeError> {
        let row = model.embedding(token, stop).await?;
        if self.mean_embedding.is_none() {
            self.mean_embedding = Some(model.mean_embedding(stop).await?);
        }
        let mean = self.mean_embedding.as_deref().unwrap_or_default();
        if self.final_gain.is_none() {
            self.final_gain = Some(model.final_gain().await?);
        }
        let gain = self.final_gain.as_deref().unwrap_or_default();
        let parts = row.iter().zip(mean).zip(gain);
        Ok(parts.map(|((e, mean), gain)| gain * (e - mean)).collect())
    }

    fn checked(
        &self,
        feature: FeatureId,
    ) -> Result<std::rc::Rc<crate::weights::DictionaryFile>, ScopeError> {
        let file = self.files.get(&feature.layer).cloned();
        let file = file.ok_or_else(|| ScopeError::NotLoaded {
            layer: feature.layer,
            half: Half::Encoder,
            loaded: super::load::words(&self.files.keys().copied().collect::<Vec<_>>()),
        })?;
        let n_features = file.dictionary().d_transcoder;
        if feature.index >= n_features {
            return Err(ScopeError::NoFeature {
                feature,
                n_features,
            });
        }
        let part = Part::Vectors(feature.layer);
        match self.lacks(part) {
            false => Ok(file),
            true => Err(ScopeError::Awaited {
                part,
                half: Half::Encoder,
                there: super::load::words(&self.layers(Half::Encoder)),
            }),
        }
    }

    /// A feature's column of the encoder or row of the decoder; none if that half is not loaded.
    async fn row(
        &mut self,
        feature: FeatureId,
        half: Half,
        stop: &Stop,
    ) -> Result<Option<Vec<f32>>, ScopeError> {
        if !self.layers(half).contains(&feature.layer) {
            return Ok(None);
        }
        let matrix = self.half(feature.layer, half, stop).await?;
        let ids = self.put(&[feature.index as u32]).await?.whole();
        let out = self.put(&vec![0.0_f32; matrix.n_in]).await?;
        let tokens = embed::Tokens {
            ids: &ids,
            first_id: 0,
            n_pos: 1,
            scale: 1.0,
        };
        let mut recording = Recording::default();
        embed::record(&mut recording, &matrix, tokens, &out.whole());
        Ok(Some(self.play_and_read(&recording, &out, stop).await?))
    }

    async fn half(&mut self, layer: usize, half: Half, stop: &Stop) -> Result<Matrix, ModelError> {
        let gpu = self.gpu.clone();
        match half {
            Half::Encoder => self.encoders.page_in(&gpu, layer, stop).await,
            Half::Decoder => self.decoders.page_in(&gpu, layer, stop).await,
        }
    }

    /// A layer's decoder rows against a direction: `[d_transcoder]`.
    async fn dots(
        &mut self,
        layer: usize,
        direction: &[f32],
        stop: &Stop,
    ) -> Result<Vec<f32>, ScopeError> {
        let matrix = self.half(layer, Half::Decoder, stop).await?;
        let x = self.put(direction).await?;
        let out = self.put(&vec![0.0_f32; matrix.n_out]).await?;
        let mut recording = Recording::default();
        let form = matvec::Form::default();
        matvec::record(&mut recording, &matrix, &x.whole(), form, &out.whole());
        self.play_and_read(&recording, &out, stop).await
    }

    async fn norms(&mut self, layer: usize, stop: &Stop) -> Result<Vec<f32>, ScopeError> {
        if let Some(norms) = self.decoder_norms.get(&layer) {
            return Ok(norms.clone());
        }
        let matrix = self.half(layer, Half::Decoder, stop).await?;
        let out = self.put(&vec![0.0_f32; matrix.n_out]).await?;
        let mut recording = Recording::default();
        row_norms::record(&mut recording, &matrix, &out.whole());
        let norms = self.play_and_read(&recording, &out, stop).await?;
        self.decoder_norms.insert(layer, norms.clone());
        Ok(norms)
    }

    /// The features of a layer whose decoder rows point most nearly where `row` points, without the feature itself.
    async fn near(
        &mut self,
        feature: FeatureId,
        row: &[f32],
        (layer, n): (usize, usize),
        stop: &Stop,
    ) -> Result<Vec<(FeatureId, f32)>, ScopeError> {
        let dots = self.dots(layer, row, stop).await?;
        let norms = self.norms(layer, stop).await?;
        let own = norm(row);
        let cosine = |at: usize| dots[at] / (norms[at] * own).max(f32::MIN_POSITIVE);
        let id = |index| FeatureId { layer, index };
        let others = (0..dots.len()).filter(|it| id(*it) != feature);
        let mut all: Vec<(FeatureId, f32)> = others.map(|it| (id(it), cosine(it))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(n);
        Ok(all)
    }

    async fn put<T: bytemuck::NoUninit>(&self, values: &[T]) -> Result<Buffer, ScopeError> {
        let bytes: Vec<u8> = bytemuck::cast_slice(values).to_vec();
        let n_bytes = bytes.len() as u64;
        let buffer = self
            .gpu
            .buffer("a feature's numbers", n_bytes, Use::Scratch);
        let buffer = buffer.await?;
        self.gpu.upload(&buffer, 0, &Bytes::from(bytes)).await?;
        Ok(buffer)
    }

    async fn play_and_read(
        &self,
        recording: &Recording,
        out: &Buffer,
        stop: &Stop,
    ) -> Result<Vec<f32>, ScopeError> {
        self.gpu.play(recording, stop).await?;
        let bytes = self.gpu.read(&out.whole(), stop).await?;
        self.gpu.forget_groups();
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}

fn norm(row: &[f32]) -> f32 {
    row.iter()
        .map(|it| f64::from(*it).powi(2))
        .sum::<f64>()
        .sqrt() as f32
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum();
    (dot / (f64::from(norm(a)) * f64::from(norm(b))).max(f64::MIN_POSITIVE)) as f32
}

/// The ends of a list of numbers by token, and all of them in bins.
fn spread(values: &[f32], n: usize) -> Spread {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let value = |it: &u32| values[*it as usize];
    order.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.cmp(b)));
    let pair = |it: &u32| (*it, value(it));
    let n = n.min(order.len());
    let (low, high) = match (order.last(), order.first()) {
        (Some(low), Some(high)) => (value(low), value(high)),
        _ => (0.0, 0.0),
    };
    let mut counts = vec![0; N_BINS];
    let step = (high - low) / N_BINS as f32;
    for it in values {
        let bin = if step > 0.0 {
            ((it - low) / step) as usize
        } else {
            0
        };
        counts[bin.min(N_BINS - 1)] += 1;
    }
    Spread {
        top: order[..n].iter().map(pair).collect(),
        bottom: order.iter().rev().take(n).map(pair).collect(),
        histogram: Histogram { low, high, counts },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_both_ends_and_everything_between() {
        let values = [0.5, -1.0, 3.0, 3.0, 0.0];
        let it = spread(&values, 2);
        assert_eq!(it.top, [(2, 3.0), (3, 3.0)]);
        assert_eq!(it.bottom, [(1, -1.0), (4, 0.0)]);
        assert_eq!((it.histogram.low, it.histogram.high), (-1.0, 3.0));
        assert_eq!(it.histogram.counts.iter().sum::<u32>(), 5);
        assert_eq!(
            (it.histogram.counts[0], it.histogram.counts[N_BINS - 1]),
            (1, 2)
        );
        assert_eq!(spread(&[2.0; 3], 5).histogram.counts[0], 3);
    }
}
