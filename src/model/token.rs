//! What one token records while generating: the fused pass, 8 dispatches a layer, nothing read back.

use super::{Model, ModelError, block::aligned, layers::Layer};
use crate::{
    gpu::Recording,
    ops::{argmax, argmax_slices, gate_up, matvec, sample},
    spec::Sampling,
};

impl Model {
    /// Layer `n` for the token at position `pos`, from the stream to the stream.
    pub(super) fn record_token(
        &self,
        recording: &mut Recording,
        layer: &Layer,
        n: usize,
        pos: usize,
    ) {
        let scratch = &self.scratch;
        let (eps, x, h) = (self.config().eps, scratch.x.whole(), scratch.h.whole());
        let input = layer.input.whole();
        let form = matvec::Form {
            norm_eps: Some(eps),
            gain: Some(&input),
            cap: 0.0,
        };
        matvec::record(recording, &layer.qkv, &x, form, &scratch.qkv.whole());
        self.record_cache(recording, n, (pos, 1));
        self.record_sums(recording, n, (pos, 1));
        let plain = matvec::Form::default();
        matvec::record(
            recording,
            &layer.o,
            &scratch.z.whole(),
            plain,
            &scratch.o.whole(),
        );
        self.record_post_norm(recording, &layer.post_attention, 1, self.own_scales());
        let gain = layer.pre_feedforward.whole();
        let stream = gate_up::Stream {
            x: &x,
            gain: &gain,
            eps,
        };
        gate_up::record(recording, &layer.gate, &layer.up, stream, &h);
        matvec::record(recording, &layer.down, &h, plain, &scratch.o.whole());
        self.record_post_norm(recording, &layer.post_feedforward, 1, self.own_scales());
    }

    /// Logits of the first row of the stream, and the token after position `pos` from them.
    pub(super) fn record_choice(
        &self,
        recording: &mut Recording,
        sampling: &Sampling,
        pos: usize,
        step: u32,
    ) {
        let (gain, logits) = (self.ends.final_norm.whole(), self.scratch.logits.whole());
        let config = self.config();
        let form = matvec::Form {
            norm_eps: Some(config.eps),
            gain: Some(&gain),
            cap: config.final_softcap,
        };
        matvec::record(
            recording,
            &self.ends.embed,
            &self.scratch.x.whole(),
            form,
            &logits,
        );
        let (ids, at) = aligned(&self.context.ids, pos + 1, 1);
        let n = config.d_vocab;
        if sampling.temperature == 0.0 {
            let best = self.scratch.best.whole();
            argmax_slices::record(recording, n, &logits, &best);
            let n_slices = argmax_slices::n_slices(n) as u32;
            argmax::record(
                recording,
                argmax::Params {
                    n_slices,
                    at: at as u32,
                },
                &best,
                &ids,
            );
            return;
        }
        let params = sample::Params {
            n: n as u32,
            at: at as u32,
            top_k: sampling.top_k,
            step,
            seed_low: sampling.seed as u32,
            seed_high: (sampling.seed >> 32) as u32,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
        };
        sample::record(recording, params, &logits, &ids);
    }

    /// The recording of a whole token at position `pos` with its choice, greedy and resident: to be counted, by tests and bench.
    ///
    /// Errors: [`ModelError::NoRun`] if layers are paged in.
    pub fn recording_of_token(&self, pos: usize) -> Result<Recording, ModelError> {
        let mut recording = Recording::default();
        self.record_embed(&mut recording, pos, 1);
        for n in 0..self.config().n_layers {
            self.record_token(&mut recording, self.layer(n)?, n, pos);
        }
        self.record_choice(&mut recording, &Sampling::GREEDY, pos, 0);
        Ok(recording)
    }
}
