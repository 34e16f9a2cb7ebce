//! The last run against the clean one, position by position: how far the distributions are apart, and what the next tokens cost.

use super::{
    Model, ModelError,
    pass::{read_bytes, read_floats},
};
use crate::{gpu::Recording, ops::kl_rows, sys::Stop};
use std::ops::Range;

/// What a run changes at a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The position.
    pub pos: usize,
    /// KL(clean || run) of the next token, in nats.
    pub kl: f32,
    /// Cross entropy of the next token of the prompt, in the clean run and in this one, in nats; none at its end.
    pub ce: Option<[f32; 2]>,
}

impl Model {
    /// Compares the last run, of whatever kind, with the clean run of the same prompt, which is kept. Norms are those of each run.
    ///
    /// Errors: [`ModelError::NoRun`], [`ModelError::Awaited`], [`ModelError::Binding`] if not two rows of logits fit, [`ModelError::Gpu`].
    pub async fn compare(
        &mut self,
        positions: Range<usize>,
        stop: &Stop,
    ) -> Result<Vec<Compared>, ModelError> {
        self.need_table()?;
        let ids = self.whole_ids().to_vec();
        self.check_question(&positions, ids.len(), 0, &[])?;
        let most = self.sizes.n_logits / 2;
        if most == 0 {
            let bytes = 8 * self.config().d_vocab as u64;
            let max_binding_bytes = self.sizes.max_binding_bytes;
            let what = "two rows of logits";
            return Err(ModelError::Binding {
                what,
                bytes,
                max_binding_bytes,
            });
        }
        let mut out = Vec::new();
        for first in positions.clone().step_by(most) {
            let block = first..positions.end.min(first + most);
            out.extend(self.compare_block(&ids, block, stop).await?);
        }
        Ok(out)
    }

    async fn compare_block(
        &mut self,
        ids: &[u32],
        block: Range<usize>,
        stop: &Stop,
    ) -> Result<Vec<Compared>, ModelError> {
        let n = block.len();
        let next: Vec<u32> = block
            .clone()
            .map(|pos| ids.get(pos + 1).copied().unwrap_or_default())
            .collect();
        self.ask(&next).await?;
        let end = self.end();
        let kept = self.kept.find(ids).filter(|it| it.stage == end);
        let kept = kept.ok_or(ModelError::NoRun)?.rows;
        let row_bytes = 4 * self.config().d_model as u64;
        let mut recording = Recording::default();
        let x = &self.scratch.x;
        let clean = self.kept.last().view(kept, block.start, n);
        recording.copy(clean, x.view(0, n as u64 * row_bytes));
        let now = self
            .context
            .last
            .view(block.start as u64 * row_bytes, n as u64 * row_bytes);
        recording.copy(now, x.view(n as u64 * row_bytes, n as u64 * row_bytes));
        self.record_logits(&mut recording, 2 * n, self.own_scales());
        self.record_told(&mut recording, 2 * n, (n, 0));
        let params = kl_rows::Params {
            n: n as u32,
            n_vocab: self.config().d_vocab as u32,
            p_row: 0,
            q_row: n as u32,
        };
        let (logits, kl) = (self.scratch.logits.whole(), self.scratch.top.whole());
        kl_rows::record(&mut recording, params, &logits, &logits, &kl);
        self.gpu.play(&recording, stop).await?;
        let kl = read_floats(&self.gpu, &self.scratch.top, n, stop).await?;
        let width = 2 + n;
        let told = self.scratch.told.view(0, 4 * (2 * n * width) as u64);
        let told = read_bytes(&self.gpu, &told, stop).await?;
        let told: Vec<f32> = bytemuck::pod_collect_to_vec(&told);
        let ce = |row: usize, n: usize| {
            let of_row = &told[row * width..][..width];
            of_row[0] + of_row[1].ln() - of_row[2 + n]
        };
        let compared = |at: usize| {
            let pos = block.start + at;
            let is_last = pos + 1 >= ids.len();
            Compared {
                pos,
                kl: kl[at],
                ce: (!is_last).then(|| [ce(at, at), ce(n + at, at)]),
            }
        };
        Ok((0..n).map(compared).collect())
    }
}
