//! The distribution of the next token, reduced on the GPU.

use super::{Model, ModelError, norms::Scales, pass::read_bytes};
use crate::{gpu::Recording, ops::top_k, spec::Bytes, sys::Stop};
use std::ops::Range;

/// The most probable tokens that one question may ask for.
pub const MAX_TOP_K: usize = 256;
/// Tokens that one question may ask for besides.
pub const MAX_ASKED: usize = 256;

/// The distribution after a position.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The position.
    pub pos: usize,
    /// log(sum(exp(logits))).
    pub log_sum_exp: f32,
    /// (token, logit), the most probable first.
    pub top: Vec<(u32, f32)>,
    /// (token, logit) of those asked for, in the order asked.
    pub asked: Vec<(u32, f32)>,
}

impl Model {
    /// Distributions after positions of the last run.
    ///
    /// Errors: [`ModelError::NoRun`] if there is none or it did not come to the end, [`ModelError::Awaited`], [`ModelError::Id`],
    /// [`ModelError::TooMany`], [`ModelError::Positions`].
    pub async fn probs(
        &mut self,
        positions: Range<usize>,
        top_k: usize,
        asked: &[u32],
        stop: &Stop,
    ) -> Result<Vec<Distribution>, ModelError> {
        self.check_question(&positions, self.whole_ids().len(), top_k, asked)?;
        let rows = |model: &Self, recording: &mut Recording, first, n_pos| {
            model.record_final_rows(recording, first, n_pos);
            model.final_scales(first)
        };
        self.told_of(positions, (top_k, asked), &rows, stop).await
    }

    /// Distributions that the final norm and the unembedding make of rows; `rows` records them into the stream's buffer.
    pub(super) async fn told_of(
        &mut self,
        positions: Range<usize>,
        (top_k, asked): (usize, &[u32]),
        rows: &dyn Fn(&Self, &mut Recording, usize, usize) -> Scales,
        stop: &Stop,
    ) -> Result<Vec<Distribution>, ModelError> {
        self.need_table()?;
        let k = top_k.min(self.config().d_vocab);
        self.ask(asked).await?;
        let mut out = Vec::new();
        for first in positions.clone().step_by(self.sizes.n_logits) {
            let n_pos = self.sizes.n_logits.min(positions.end - first);
            let mut recording = Recording::default();
            let scales = rows(self, &mut recording, first, n_pos);
            self.record_logits(&mut recording, n_pos, scales);
            self.record_told(&mut recording, n_pos, (asked.len(), k));
            self.gpu.play(&recording, stop).await?;
            out.extend(self.read_told((first, n_pos), k, asked, stop).await?);
        }
        Ok(out)
    }

    /// Puts the tokens asked for where kernels read them.
    pub(super) async fn ask(&self, asked: &[u32]) -> Result<(), ModelError> {
        if !asked.is_empty() {
            let bytes = Bytes::from(bytemuck::cast_slice(asked).to_vec());
            self.gpu.upload(&self.scratch.asked, 0, &bytes).await?;
        }
        Ok(())
    }

    pub(super) fn check_question(
        &self,
        positions: &Range<usize>,
        n_pos: usize,
        top_k: usize,
        asked: &[u32],
    ) -> Result<(), ModelError> {
        let d_vocab = self.config().d_vocab;
        if n_pos == 0 {
            return Err(ModelError::NoRun);
        }
        if positions.start >= positions.end || positions.end > n_pos {
            return Err(ModelError::TooLong {
                n_pos: positions.end,
                n_ctx: n_pos,
            });
        }
        for (what, asked, most) in [
            ("most probable tokens", top_k, MAX_TOP_K),
            ("tokens asked for", asked.len(), MAX_ASKED),
        ] {
            if asked > most {
                return Err(ModelError::TooMany { what, asked, most });
            }
        }
        match asked.iter().find(|id| **id as usize >= d_vocab) {
            Some(id) => Err(ModelError::Id { id: *id, d_vocab }),
            None => Ok(()),
        }
    }

    async fn read_told(
        &self,
        (first, n_pos): (usize, usize),
        k: usize,
        asked: &[u32],
        stop: &Stop,
    ) -> Result<Vec<Distribution>, ModelError> {
        let width = 2 + asked.len();
        let told = read_bytes(
            &self.gpu,
            &self.scratch.told.view(0, 4 * (n_pos * width) as u64),
            stop,
        )
        .await?;
        let told: Vec<f32> = bytemuck::pod_collect_to_vec(&told);
        let top = read_bytes(
            &self.gpu,
            &self.scratch.top.view(0, 8 * (n_pos * k) as u64),
            stop,
        )
        .await?;
        let top: Vec<[u32; 2]> = bytemuck::pod_collect_to_vec(&top);
        let of_row = |row: usize| {
            let (stats, of_asked) = told[row * width..][..width].split_at(2);
            let mut pairs: Vec<(f32, u32)> = top[row * k..][..k]
                .iter()
                .map(|it| (f32::from_bits(it[0]), it[1]))
                .collect();
            top_k::sort(&mut pairs);
            Distribution {
                pos: first + row,
                log_sum_exp: stats[0] + stats[1].ln(),
                top: pairs.into_iter().map(|(logit, id)| (id, logit)).collect(),
                asked: asked
                    .iter()
                    .copied()
                    .zip(of_asked.iter().copied())
                    .collect(),
            }
        };
        Ok((0..n_pos).map(of_row).collect())
    }
}
