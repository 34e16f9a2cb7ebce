//! From final rows to logits, and what is told of them.

use super::{
    Model, ModelError,
    norms::Scales,
    pass::{Capture, Pass, read_floats},
    probs::{MAX_ASKED, MAX_TOP_K},
};
use crate::{
    gpu::Recording,
    ops::{logits_stats, matmul, matvec, top_k},
    spec::Site,
};

impl Model {
    /// Logits of the first rows of the stream.
    pub(super) fn record_logits(&self, recording: &mut Recording, n_pos: usize, scales: Scales) {
        self.record_norm(recording, n_pos, scales);
        let gain = self.ends.final_norm.whole();
        let (n, logits) = (self.scratch.n.whole(), self.scratch.logits.whole());
        let cap = self.config().final_softcap;
        if n_pos == 1 {
            let form = matvec::Form {
                norm_eps: None,
                gain: Some(&gain),
                cap,
            };
            matvec::record(recording, &self.ends.embed, &n, form, &logits);
        } else {
            let form = matmul::Form {
                x: &n,
                n_pos,
                gain: Some(&gain),
                cap,
            };
            matmul::record(recording, &self.ends.embed, form, &logits);
        }
    }

    /// What is told of rows of logits: their sums, `n_asked` tokens, the `k` most probable.
    pub(super) fn record_told(
        &self,
        recording: &mut Recording,
        n_pos: usize,
        (n_asked, k): (usize, usize),
    ) {
        debug_assert!(n_asked <= MAX_ASKED && k <= MAX_TOP_K);
        let (logits, n) = (self.scratch.logits.whole(), self.config().d_vocab as u32);
        let params = logits_stats::Params {
            n_pos: n_pos as u32,
            n,
            n_asked: n_asked as u32,
        };
        logits_stats::record(
            recording,
            params,
            &logits,
            &self.scratch.asked.whole(),
            &self.scratch.told.whole(),
        );
        if k > 0 {
            let params = top_k::Params {
                n_pos: n_pos as u32,
                n,
                k: k as u32,
            };
            top_k::record(recording, params, &logits, &self.scratch.top.whole());
        }
    }

    /// Logits of every position of the block. The stream's rows are not needed any more and make room.
    pub(super) async fn tell_logits(&self, pass: &mut Pass<'_>) -> Result<(), ModelError> {
        let (first, n_block) = pass.block;
        let d_vocab = self.config().d_vocab;
        for start in (0..n_block).step_by(self.sizes.n_logits) {
            let n_pos = self.sizes.n_logits.min(n_block - start);
            self.record_final_rows(&mut pass.recording, first + start, n_pos);
            let scales = self.final_scales_of(pass, first + start);
            self.record_logits(&mut pass.recording, n_pos, scales);
            pass.play(&self.gpu).await?;
            let data = read_floats(
                &self.gpu,
                &self.scratch.logits,
                n_pos * d_vocab,
                pass.course.stop,
            )
            .await?;
            (pass.course.sink)(Capture {
                site: Site::Logits,
                first: first + start,
                shape: vec![n_pos, d_vocab],
                data,
            });
        }
        Ok(())
    }

    /// Brings kept final rows back into the stream's buffer.
    pub(super) fn record_final_rows(
        &self,
        recording: &mut crate::gpu::Recording,
        first: usize,
        n_pos: usize,
    ) {
        let row_bytes = 4 * self.config().d_model as u64;
        let from = self
            .context
            .last
            .view(first as u64 * row_bytes, n_pos as u64 * row_bytes);
        recording.copy(from, self.scratch.x.view(0, n_pos as u64 * row_bytes));
    }
}
