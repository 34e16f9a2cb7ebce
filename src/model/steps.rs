//! One block of positions through the layers, half by half. Leaves what the halves record to `block`, and where a run begins and
//! ends to `run`.

use super::{
    Model, ModelError, Stage,
    kept::{NormSlot, Rows},
    layers::LayerHalf,
    norms::Scales,
    pass::Pass,
};
use crate::{gpu::Buffer, spec::Site};

impl Model {
    /// One block of positions through the layers of its way; its last rows go to the context.
    pub(super) async fn run_block(&mut self, pass: &mut Pass<'_>) -> Result<(), ModelError> {
        let mut stage = self.begin_block(pass).await?;
        while stage < pass.way.to {
            self.step(pass, stage).await?;
            stage = stage.next();
        }
        if stage == self.end() {
            self.record_end(pass);
            if pass.touches(Site::Logits) && self.need_table().is_ok() {
                self.tell_logits(pass).await?;
            }
        }
        pass.end_block(&self.gpu).await
    }

    /// Brings the rows of the block to where the pass begins.
    async fn begin_block(&self, pass: &mut Pass<'_>) -> Result<Stage, ModelError> {
        let ((first, n_pos), d_model) = (pass.block, self.config().d_model);
        if let (Some(stage), Some(rows)) = (pass.way.from, pass.way.keep) {
            self.record_resumed(pass, rows, stage);
            return Ok(stage);
        }
        let base = pass.way.base;
        if let Some((base, start)) = base.and_then(|it| Some((it, it.derivation.start?))) {
            self.record_start(pass, base.rows, start);
            self.visit_normed(pass, start).await?;
            return Ok(Stage::before_mlp(start));
        }
        self.record_embed(&mut pass.recording, first, n_pos);
        let x = self.scratch.x.clone();
        pass.visit(self, Site::Embed, &x, d_model).await?;
        Ok(Stage::default())
    }

    /// The half of a layer that comes after `stage`.
    async fn step(&mut self, pass: &mut Pass<'_>, stage: Stage) -> Result<(), ModelError> {
        if stage.mlp == stage.attention {
            let n = stage.attention;
            self.page_in(n, LayerHalf::Attention, pass.course.stop)
                .await?;
            self.run_attention(pass, n).await?;
            return self.visit_normed(pass, n).await;
        }
        let n = stage.mlp;
        if !pass.is_as_it_was(n) {
            self.page_in(n, LayerHalf::Mlp, pass.course.stop).await?;
        }
        self.run_mlp(pass, n).await?;
        match self.is_paged(n) {
            true => pass.play(&self.gpu).await,
            false => Ok(()),
        }
    }

    /// The stream as it was kept before the MLP of layer `start`, and the cache as it was left up to there.
    fn record_start(&self, pass: &mut Pass<'_>, rows: Rows, start: usize) {
        let (block, recording) = (pass.block, &mut pass.recording);
        for n in 0..=start {
            let qkv = &self.kept.layer(n).qkv;
            qkv.copy_out(recording, rows, block, &self.scratch.qkv);
            self.record_cache(recording, n, block);
        }
        let resid_mid = &self.kept.layer(start).resid_mid;
        resid_mid.copy_out(recording, rows, block, &self.scratch.x);
    }

    /// The stream and the cache as they were where what is kept of the run ends.
    fn record_resumed(&self, pass: &mut Pass<'_>, rows: Rows, stage: Stage) {
        let Some(layer) = stage.attention.checked_sub(1) else {
            return;
        };
        self.record_start(pass, rows, layer);
        let (block, n_pos) = (pass.block, pass.block.1);
        if stage.mlp == stage.attention {
            let mlp_out = &self.kept.layer(layer).mlp_out;
            mlp_out.copy_out(&mut pass.recording, rows, block, &self.scratch.n);
            self.record_add(&mut pass.recording, n_pos);
        } else {
            let scales = self.scales_of(pass, NormSlot::PreFeedforward(layer));
            self.record_norm(&mut pass.recording, n_pos, scales);
        }
    }

    fn record_end(&self, pass: &mut Pass<'_>) {
        let (first, n_pos) = pass.block;
        let row_bytes = 4 * self.config().d_model as u64;
        let (x, last) = (&self.scratch.x, &self.context.last);
        let to = last.view(first as u64 * row_bytes, n_pos as u64 * row_bytes);
        pass.recording.copy(x.view(0, n_pos as u64 * row_bytes), to);
        if let Some(rows) = pass.way.keep {
            let kept = self.kept.last();
            kept.copy_in(&mut pass.recording, rows, pass.block, x);
            let scales = self.scales_of(pass, NormSlot::Final);
            self.record_norm(&mut pass.recording, n_pos, scales);
        }
    }

    async fn run_attention(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let (block, d_model) = (pass.block, self.config().d_model);
        let (n_pos, layer, x) = (block.1, self.layer(n)?, &self.scratch.x);
        pass.visit(self, Site::ResidPre(n), x, d_model).await?;
        let scales = self.scales_of(pass, NormSlot::Input(n));
        self.record_norm(&mut pass.recording, n_pos, scales);
        match pass.way.base.filter(|it| it.derivation.attention) {
            Some(base) => {
                // Queries and keys of the base, turned again; values of this run.
                let qkv = &self.kept.layer(n).qkv;
                self.record_qkv(&mut pass.recording, layer, n_pos);
                qkv.copy_columns_out(
                    &mut pass.recording,
                    base.rows,
                    block,
                    (
                        &self.scratch.qkv,
                        self.config().d_q() + self.config().d_kv(),
                    ),
                );
            }
            None => self.record_qkv(&mut pass.recording, layer, n_pos),
        }
        if let Some(rows) = pass.way.keep {
            let kept = &self.kept.layer(n).qkv;
            kept.copy_in(&mut pass.recording, rows, block, &self.scratch.qkv);
        }
        self.record_cache(&mut pass.recording, n, block);
        self.record_sums(&mut pass.recording, n, block);
        if pass.touches(Site::Pattern(n)) {
            self.visit_pattern(pass, n).await?;
        }
        self.record_attention_output(&mut pass.recording, layer, n_pos);
        let scales = self.scales_of(pass, NormSlot::PostAttention(n));
        let branch = (Site::AttnOut(n), &layer.post_attention);
        self.run_branch(pass, branch, scales).await?;
        pass.visit(self, Site::ResidMid(n), x, d_model).await?;
        if let Some(rows) = pass.way.keep {
            let kept = &self.kept.layer(n).resid_mid;
            kept.copy_in(&mut pass.recording, rows, block, x);
        }
        Ok(())
    }

    /// What the MLP of layer `n` reads, and a transcoder beside it.
    async fn visit_normed(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let (n_pos, d_model) = (pass.block.1, self.config().d_model);
        let scales = self.scales_of(pass, NormSlot::PreFeedforward(n));
        self.record_norm(&mut pass.recording, n_pos, scales);
        let site = Site::Ln2Normalized(n);
        pass.visit(self, site, &self.scratch.n, d_model).await
    }

    async fn run_mlp(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let (block, d_model) = (pass.block, self.config().d_model);
        match pass.way.base.filter(|_| pass.is_as_it_was(n)) {
            Some(base) => {
                let (kept, normed) = (&self.kept.layer(n).mlp_out, &self.scratch.n);
                kept.copy_out(&mut pass.recording, base.rows, block, normed);
                self.add_branch(pass, Site::MlpOut(n)).await?;
            }
            None => {
                let layer = self.layer(n)?;
                self.record_mlp(&mut pass.recording, layer, block.1);
                let scales = self.scales_of(pass, NormSlot::PostFeedforward(n));
                let branch = (Site::MlpOut(n), &layer.post_feedforward);
                self.run_branch(pass, branch, scales).await?;
            }
        }
        let x = &self.scratch.x;
        pass.visit(self, Site::ResidPost(n), x, d_model).await
    }

    /// Adds a branch to the stream: in one kernel if nobody asks, by way of its own rows if somebody does, or if this is a run
    /// that others are derived from and compared with.
    async fn run_branch(
        &self,
        pass: &mut Pass<'_>,
        (site, gain): (Site, &Buffer),
        scales: Scales,
    ) -> Result<(), ModelError> {
        let n_pos = pass.block.1;
        let is_kept = self.kept.n_rows() > 0 && matches!(site, Site::MlpOut(_));
        if !pass.touches(site) && !is_kept {
            self.record_post_norm(&mut pass.recording, gain, n_pos, scales);
            return Ok(());
        }
        self.record_branch(&mut pass.recording, gain, n_pos, scales);
        self.add_branch(pass, site).await
    }

    /// Adds the rows of a branch to the stream, once everybody has seen them.
    async fn add_branch(&self, pass: &mut Pass<'_>, site: Site) -> Result<(), ModelError> {
        let (n_pos, width) = (pass.block.1, self.config().d_model);
        pass.visit(self, site, &self.scratch.n, width).await?;
        if let (Some(rows), Site::MlpOut(n)) = (pass.way.keep, site) {
            let kept = &self.kept.layer(n).mlp_out;
            kept.copy_in(&mut pass.recording, rows, pass.block, &self.scratch.n);
        }
        self.record_add(&mut pass.recording, n_pos);
        Ok(())
    }
}
