//! A prompt through the model, block by block: from its tokens, or from what is kept of another run.

use super::{
    Model, ModelError,
    kept::{NormSlot, Rows},
    load::State,
    norms::Scales,
    pass::{Base, Capture, Course, Derivation, Pass, check},
};
use crate::{
    gpu::Buffer,
    spec::{Bytes, Site, Write},
    sys::Stop,
};

impl Model {
    /// Runs a prompt: its keys, values and final rows stay, and the sites wanted are told block by block.
    ///
    /// Writes are made before a site is told. [`Site::Embed`] and [`Site::ResidPre`]`(0)` are the same rows.
    ///
    /// Errors: [`ModelError`]; the state is then that of no prompt.
    pub async fn run(
        &mut self,
        ids: &[u32],
        want: &[Site],
        writes: &[Write],
        sink: &mut dyn FnMut(Capture),
        stop: &Stop,
    ) -> Result<(), ModelError> {
        let course = Course {
            want,
            writes,
            tap: None,
            sink,
            stop,
        };
        self.go(ids, course).await
    }

    /// Runs a prompt as [`Model::run`] does, with a tap. A run without writes is kept if the pool has room for it.
    ///
    /// Errors: [`ModelError`]; the state is then that of no prompt.
    pub async fn go(&mut self, ids: &[u32], course: Course<'_>) -> Result<(), ModelError> {
        self.begin(ids, &course).await?;
        let known = self.kept.find(ids);
        let keep = match course.writes.is_empty() && known.is_none() {
            true => self.kept.room(ids.len()),
            false => None,
        };
        self.pass(ids, course, (keep, None)).await?;
        if let Some(rows) = keep {
            self.kept.note(ids, rows);
        }
        Ok(())
    }

    /// Runs a prompt as a variation of its clean run, which is run first unless it is kept.
    ///
    /// Sites before the derivation's start are neither told nor tapped.
    ///
    /// Errors: [`ModelError::Keep`] for a prompt that the pool has no room for, ever; [`ModelError`].
    pub async fn derive<'a>(
        &mut self,
        ids: &[u32],
        derivation: &'a Derivation,
        course: Course<'a>,
    ) -> Result<(), ModelError> {
        self.begin(ids, &course).await?;
        let rows = self.keep(ids, course.stop).await?;
        let base = Base { rows, derivation };
        self.pass(ids, course, (None, Some(base))).await
    }

    /// The kept rows of a prompt's clean run, which is run unless it is kept.
    ///
    /// Errors: as [`Model::derive`].
    pub(super) async fn keep(&mut self, ids: &[u32], stop: &Stop) -> Result<Rows, ModelError> {
        if let Some(rows) = self.kept.find(ids) {
            return Ok(rows);
        }
        let course = Course {
            want: &[],
            writes: &[],
            tap: None,
            sink: &mut |_| (),
            stop,
        };
        self.go(ids, course).await?;
        self.kept.find(ids).ok_or(ModelError::Keep {
            n_pos: ids.len(),
            n_kept: self.kept.n_rows(),
        })
    }

    /// Whether the clean run of a prompt is kept.
    pub fn keeps(&mut self, ids: &[u32]) -> bool {
        self.kept.find(ids).is_some()
    }

    async fn begin(&mut self, ids: &[u32], course: &Course<'_>) -> Result<(), ModelError> {
        self.check_ids(ids)?;
        check(self.config(), course.want, course.writes, ids.len())?;
        self.make_room(ids.len()).await
    }

    async fn pass<'a>(
        &mut self,
        ids: &[u32],
        course: Course<'a>,
        (keep, base): (Option<Rows>, Option<Base<'a>>),
    ) -> Result<(), ModelError> {
        self.state = State::default();
        let bytes = Bytes::from(bytemuck::cast_slice(ids).to_vec());
        self.gpu.upload(&self.context.ids, 0, &bytes).await?;
        let (writes, stop) = (course.writes.to_vec(), course.stop);
        let mut pass = Pass {
            recording: Default::default(),
            course,
            keep,
            base,
            n_total: ids.len(),
            block: (0, 0),
        };
        for first in (0..ids.len()).step_by(self.sizes.n_block) {
            pass.block = (first, self.sizes.n_block.min(ids.len() - first));
            self.run_block(&mut pass).await?;
        }
        self.gpu.finish().await?;
        if !writes.is_empty() {
            self.gpu.forget_groups();
        }
        if stop.is_set() {
            return Err(ModelError::Stopped);
        }
        let frozen = base.filter(|it| it.derivation.norms);
        self.state = State {
            ids: ids.to_vec(),
            writes,
            label: base.map_or(0, |it| it.derivation.label),
            final_scales: frozen.map(|it| it.rows),
        };
        Ok(())
    }

    fn check_ids(&self, ids: &[u32]) -> Result<(), ModelError> {
        let d_vocab = self.config().d_vocab;
        if ids.is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        match ids.iter().find(|id| **id as usize >= d_vocab) {
            Some(id) => Err(ModelError::Id { id: *id, d_vocab }),
            None => Ok(()),
        }
    }

    /// One block of positions through all layers; its last rows go to the context.
    pub(super) async fn run_block(&mut self, pass: &mut Pass<'_>) -> Result<(), ModelError> {
        let ((first, n_pos), d_model) = (pass.block, self.config().d_model);
        let start = pass.base.and_then(|it| it.derivation.start);
        match (start, pass.base) {
            (Some(start), Some(base)) => self.record_start(pass, base, start),
            _ => {
                self.record_embed(&mut pass.recording, first, n_pos);
                let x = self.scratch.x.clone();
                pass.visit(self, Site::Embed, &x, d_model).await?;
            }
        }
        for n in start.unwrap_or(0)..self.config().n_layers {
            self.page_in(n, pass.course.stop).await?;
            if start != Some(n) {
                self.run_attention(pass, n).await?;
            }
            self.run_mlp(pass, n).await?;
            if self.is_paged(n) {
                pass.play(&self.gpu).await?;
            }
        }
        self.record_end(pass);
        if pass.touches(Site::Logits) {
            self.tell_logits(pass).await?;
        }
        pass.end_block(&self.gpu).await
    }

    /// The stream as the base had it before the MLP of layer `start`, and the cache as it left it up to there.
    fn record_start(&self, pass: &mut Pass<'_>, base: Base<'_>, start: usize) {
        let (block, recording) = (pass.block, &mut pass.recording);
        for n in 0..=start {
            let qkv = &self.kept.layer(n).qkv;
            qkv.copy_out(recording, base.rows, block, &self.scratch.qkv);
            self.record_cache(recording, n, block);
        }
        let resid_mid = &self.kept.layer(start).resid_mid;
        resid_mid.copy_out(recording, base.rows, block, &self.scratch.x);
    }

    fn record_end(&self, pass: &mut Pass<'_>) {
        let (first, n_pos) = pass.block;
        let row_bytes = 4 * self.config().d_model as u64;
        let (x, last) = (&self.scratch.x, &self.context.last);
        let to = last.view(first as u64 * row_bytes, n_pos as u64 * row_bytes);
        pass.recording.copy(x.view(0, n_pos as u64 * row_bytes), to);
        if let Some(rows) = pass.keep {
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
        match pass.base.filter(|it| it.derivation.attention) {
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
        if let Some(rows) = pass.keep {
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
        if let Some(rows) = pass.keep {
            let kept = &self.kept.layer(n).resid_mid;
            kept.copy_in(&mut pass.recording, rows, block, x);
        }
        Ok(())
    }

    async fn run_mlp(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let (block, d_model) = (pass.block, self.config().d_model);
        let (n_pos, layer, normed) = (block.1, self.layer(n)?, &self.scratch.n);
        let scales = self.scales_of(pass, NormSlot::PreFeedforward(n));
        self.record_norm(&mut pass.recording, n_pos, scales);
        pass.visit(self, Site::Ln2Normalized(n), normed, d_model)
            .await?;
        let as_it_was = |it: &Base<'_>| it.derivation.mlp.get(n) == Some(&true);
        match pass.base.filter(as_it_was) {
            Some(base) => {
                let kept = &self.kept.layer(n).mlp_out;
                kept.copy_out(&mut pass.recording, base.rows, block, normed);
                self.add_branch(pass, Site::MlpOut(n)).await?;
            }
            None => {
                self.record_mlp(&mut pass.recording, layer, n_pos);
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
        if let (Some(rows), Site::MlpOut(n)) = (pass.keep, site) {
            let kept = &self.kept.layer(n).mlp_out;
            kept.copy_in(&mut pass.recording, rows, pass.block, &self.scratch.n);
        }
        let params = crate::ops::add_rows::Params {
            n_pos: n_pos as u32,
            width: width as u32,
            first: 0,
            y_stride: width as u32,
        };
        let (n, x) = (self.scratch.n.whole(), self.scratch.x.whole());
        crate::ops::add_rows::record(&mut pass.recording, params, &n, &x);
        Ok(())
    }
}
