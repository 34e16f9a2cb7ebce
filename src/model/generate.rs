//! A prompt continued: the token is chosen on the GPU, and ids are read back a few at a time.

use super::{
    Model, ModelError,
    block::aligned,
    layers::LayerHalf,
    pass::{Course, Pass, Way, read_bytes},
    tap::Tap,
};
use crate::{
    gpu::Recording,
    spec::{Sampling, gemma},
    sys::Stop,
};

/// Tokens that are chosen between readbacks when nobody watches each.
const UNWATCHED: usize = 16;

impl Model {
    /// Continues the last run by `n` tokens at most, ending at the end of sequence (which is told too).
    ///
    /// The run stays as it was: it can be asked, and continued in another way.
    ///
    /// Errors: [`ModelError::NoRun`], [`ModelError::Awaited`], [`ModelError::Sampling`], [`ModelError::TooLong`].
    pub async fn generate(
        &mut self,
        n: usize,
        sampling: Sampling,
        watch: bool,
        on_token: &mut dyn FnMut(u32),
        stop: &Stop,
    ) -> Result<Vec<u32>, ModelError> {
        check(&sampling)?;
        let prompt = self.whole_ids().to_vec();
        let writes = self.state.writes.clone();
        if prompt.is_empty() {
            return Err(ModelError::NoRun);
        }
        self.need_table()?;
        if prompt.len() + n > self.context.n_ctx {
            self.make_room(prompt.len() + n).await?;
            self.run(&prompt, &[], &writes, &mut |_| (), stop).await?;
        }
        let mut tokens = Vec::new();
        while tokens.len() < n && tokens.last() != Some(&gemma::EOS) {
            let most = if watch { 1 } else { UNWATCHED };
            let n_more = most.min(n - tokens.len());
            let first = prompt.len() + tokens.len();
            for step in 0..n_more {
                let is_first = tokens.is_empty() && step == 0;
                self.play_token(
                    first + step,
                    is_first,
                    &sampling,
                    (first + step - prompt.len()) as u32,
                    stop,
                )
                .await?;
            }
            let more = self.read_ids(first, n_more, stop).await?;
            let end = more
                .iter()
                .position(|it| *it == gemma::EOS)
                .map_or(more.len(), |it| it + 1);
            more[..end].iter().for_each(|it| on_token(*it));
            tokens.extend_from_slice(&more[..end]);
        }
        Ok(tokens)
    }

    /// Chooses the token at position `at`: from the prompt's final row if it is the first, else after a pass of the
    /// token before it.
    async fn play_token(
        &mut self,
        at: usize,
        is_first: bool,
        sampling: &Sampling,
        step: u32,
        stop: &Stop,
    ) -> Result<(), ModelError> {
        let mut recording = Recording::default();
        let pos = at - 1;
        if is_first {
            self.record_final_rows(&mut recording, pos, 1);
        } else {
            self.record_embed(&mut recording, pos, 1);
            for n in 0..self.config().n_layers {
                for half in LayerHalf::BOTH {
                    self.page_in(n, half, stop).await?;
                }
                self.record_token(&mut recording, self.layer(n)?, n, pos);
                if self.is_paged(n) {
                    self.gpu.play(&std::mem::take(&mut recording), stop).await?;
                }
            }
        }
        self.record_choice(&mut recording, sampling, pos, step);
        Ok(self.gpu.play(&recording, stop).await?)
    }

    /// Continues the last run as [`Model::generate`] does, with somebody at the sites of every token generated, and one readback
    /// for each. There must be room for `n` more positions ([`Model::make_room`] before the run).
    ///
    /// Errors: as [`Model::generate`]; [`ModelError::TooLong`].
    pub async fn generate_tapped(
        &mut self,
        (n, sampling): (usize, Sampling),
        tap: &mut dyn Tap,
        on_token: &mut dyn FnMut(u32),
        stop: &Stop,
    ) -> Result<Vec<u32>, ModelError> {
        check(&sampling)?;
        let n_prompt = self.whole_ids().len();
        if n_prompt == 0 {
            return Err(ModelError::NoRun);
        }
        self.need_table()?;
        if n_prompt + n > self.context.n_ctx {
            let (n_pos, n_ctx) = (n_prompt + n, self.context.n_ctx);
            return Err(ModelError::TooLong { n_pos, n_ctx });
        }
        let mut tokens: Vec<u32> = Vec::new();
        while tokens.len() < n && tokens.last() != Some(&gemma::EOS) {
            let at = n_prompt + tokens.len();
            if tokens.is_empty() {
                self.play_token(at, true, &sampling, 0, stop).await?;
            } else {
                let mut pass = Pass {
                    recording: Recording::default(),
                    course: Course {
                        want: &[],
                        writes: &[],
                        tap: Some(&mut *tap),
                        sink: &mut |_| (),
                        stop,
                    },
                    way: Way {
                        to: self.end(),
                        ..Way::default()
                    },
                    n_total: at,
                    block: (at - 1, 1),
                };
                self.run_block(&mut pass).await?;
                let mut recording = Recording::default();
                self.record_choice(&mut recording, &sampling, at - 1, tokens.len() as u32);
                self.gpu.play(&recording, stop).await?;
            }
            let more = self.read_ids(at, 1, stop).await?;
            more.iter().for_each(|it| on_token(*it));
            tokens.extend(more);
        }
        Ok(tokens)
    }

    async fn read_ids(&self, first: usize, n: usize, stop: &Stop) -> Result<Vec<u32>, ModelError> {
        let (view, skipped) = aligned(&self.context.ids, first, n);
        let bytes = read_bytes(&self.gpu, &view, stop).await?;
        let ids: Vec<u32> = bytemuck::pod_collect_to_vec(&bytes);
        Ok(ids[skipped..].to_vec())
    }
}

fn check(sampling: &Sampling) -> Result<(), ModelError> {
    let refuse = |what, value: f32, must| {
        Err(ModelError::Sampling {
            what,
            value: value.to_string(),
            must,
        })
    };
    if !(sampling.temperature.is_finite() && sampling.temperature >= 0.0) {
        return refuse("temperature", sampling.temperature, "0 (greedy) or more");
    }
    if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
        return refuse("top-p", sampling.top_p, "above 0 and at most 1");
    }
    Ok(())
}
