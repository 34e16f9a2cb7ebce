//! A prompt through the model, block by block.

use super::{
    Model, ModelError,
    load::State,
    pass::{Capture, Pass, check, read_floats, upload_floats},
};
use crate::{
    gpu::Buffer,
    spec::{Bytes, Change, Site, Write},
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
        self.check_ids(ids)?;
        check(self.config(), want, writes, ids.len())?;
        self.state = State::default();
        self.make_room(ids.len()).await?;
        self.gpu
            .upload(
                &self.context.ids,
                0,
                &Bytes::from(bytemuck::cast_slice(ids).to_vec()),
            )
            .await?;
        for first in (0..ids.len()).step_by(self.sizes.n_block) {
            let n_pos = self.sizes.n_block.min(ids.len() - first);
            let mut pass = Pass {
                recording: Default::default(),
                want,
                writes,
                sink,
                stop,
                n_total: ids.len(),
                block: (first, n_pos),
            };
            self.run_block(&mut pass).await?;
        }
        self.gpu.finish().await?;
        if !writes.is_empty() {
            self.gpu.forget_groups();
        }
        if stop.is_set() {
            return Err(ModelError::Stopped);
        }
        self.state = State {
            ids: ids.to_vec(),
            writes: writes.to_vec(),
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

    async fn run_block(&mut self, pass: &mut Pass<'_>) -> Result<(), ModelError> {
        let ((first, n_pos), d_model) = (pass.block, self.config().d_model);
        self.record_embed(&mut pass.recording, first, n_pos);
        pass.visit(self, Site::Embed, &self.scratch.x, d_model)
            .await?;
        for n in 0..self.config().n_layers {
            self.page_in(n, pass.stop).await?;
            self.run_layer(pass, n).await?;
            if self.is_paged(n) {
                pass.play(&self.gpu).await?;
            }
        }
        let row_bytes = 4 * d_model as u64;
        let to = self
            .context
            .last
            .view(first as u64 * row_bytes, n_pos as u64 * row_bytes);
        pass.recording
            .copy(self.scratch.x.view(0, n_pos as u64 * row_bytes), to);
        if pass.touches(Site::Logits) {
            self.tell_logits(pass).await?;
        }
        pass.play(&self.gpu).await
    }

    async fn run_layer(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let (block, d_model) = (pass.block, self.config().d_model);
        let (n_pos, layer, x) = (block.1, self.layer(n)?, &self.scratch.x);
        pass.visit(self, Site::ResidPre(n), x, d_model).await?;
        self.record_attention(&mut pass.recording, layer, n, block);
        if pass.touches(Site::Pattern(n)) {
            self.visit_pattern(pass, n).await?;
        }
        self.record_attention_output(&mut pass.recording, layer, n_pos);
        self.run_branch(pass, Site::AttnOut(n), &layer.post_attention)
            .await?;
        pass.visit(self, Site::ResidMid(n), x, d_model).await?;
        self.record_norm(&mut pass.recording, n_pos);
        pass.visit(self, Site::Ln2Normalized(n), &self.scratch.n, d_model)
            .await?;
        self.record_mlp(&mut pass.recording, layer, n_pos);
        self.run_branch(pass, Site::MlpOut(n), &layer.post_feedforward)
            .await?;
        pass.visit(self, Site::ResidPost(n), x, d_model).await
    }

    /// Adds a branch to the stream: in one kernel if nobody asks, by way of its own rows if somebody does.
    async fn run_branch(
        &self,
        pass: &mut Pass<'_>,
        site: Site,
        gain: &Buffer,
    ) -> Result<(), ModelError> {
        let n_pos = pass.block.1;
        if !pass.touches(site) {
            self.record_post_norm(&mut pass.recording, gain, n_pos);
            return Ok(());
        }
        self.record_branch(&mut pass.recording, gain, n_pos);
        let width = self.config().d_model;
        pass.visit(self, site, &self.scratch.n, width).await?;
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

    /// The pattern of layer `n`, part by part: written, applied again, told.
    async fn visit_pattern(&self, pass: &mut Pass<'_>, n: usize) -> Result<(), ModelError> {
        let site = Site::Pattern(n);
        let (first, n_pos) = pass.block;
        let n_heads = self.config().n_heads;
        let mut data = vec![0.0; n_heads * n_pos * pass.n_total];
        let is_written = pass.writes.iter().any(|it| it.site == site);
        let parts = self.seen_parts(n, pass.block);
        for (i, part) in parts.iter().enumerate() {
            let n_keys = part.n_pos.min(first + n_pos - part.first);
            self.record_pattern(&mut pass.recording, n, pass.block, i);
            if is_written {
                self.write_pattern(pass, site, (part.first, n_keys)).await?;
                self.record_pattern_applied(&mut pass.recording, n, pass.block, i);
            }
            pass.play(&self.gpu).await?;
            if pass.want.contains(&site) {
                let rows = read_floats(
                    &self.gpu,
                    &self.scratch.pattern,
                    n_pos * n_heads * n_keys,
                    pass.stop,
                )
                .await?;
                for (at, of_row) in rows.chunks(n_keys).enumerate() {
                    let (dst, head) = (at / n_heads, at % n_heads);
                    let to = (head * n_pos + dst) * pass.n_total + part.first;
                    data[to..to + n_keys].copy_from_slice(of_row);
                }
            }
        }
        if pass.want.contains(&site) {
            (pass.sink)(Capture {
                site,
                first,
                shape: vec![n_heads, n_pos, pass.n_total],
                data,
            });
        }
        Ok(())
    }

    async fn write_pattern(
        &self,
        pass: &mut Pass<'_>,
        site: Site,
        (first_key, n_keys): (usize, usize),
    ) -> Result<(), ModelError> {
        let n_heads = self.config().n_heads;
        for write in pass.writes.iter().filter(|it| it.site == site) {
            let (asked, positions) = (write.positions.range(pass.n_total)?, pass.written(write)?);
            let Change::Replace(values) = &write.change else {
                continue;
            };
            if positions.is_empty() {
                continue;
            }
            // From [head, position, key] of the whole prompt to [position, head, key] of this part.
            let mut rows = Vec::with_capacity(positions.len() * n_heads * n_keys);
            for pos in positions.clone() {
                for head in 0..n_heads {
                    let at = (head * asked.len() + pos - asked.start) * pass.n_total + first_key;
                    rows.extend_from_slice(&values[at..at + n_keys]);
                }
            }
            let new = upload_floats(&self.gpu, &rows).await?;
            let offset = 4 * (positions.start - pass.block.0) * n_heads * n_keys;
            pass.recording.copy(
                new.whole(),
                self.scratch.pattern.view(offset as u64, new.bytes()),
            );
        }
        Ok(())
    }

    /// Logits of every position of the block. The stream's rows are not needed any more and make room.
    async fn tell_logits(&self, pass: &mut Pass<'_>) -> Result<(), ModelError> {
        let (first, n_block) = pass.block;
        let d_vocab = self.config().d_vocab;
        for start in (0..n_block).step_by(self.sizes.n_logits) {
            let n_pos = self.sizes.n_logits.min(n_block - start);
            self.record_final_rows(&mut pass.recording, first + start, n_pos);
            self.record_logits(&mut pass.recording, n_pos);
            pass.play(&self.gpu).await?;
            let data =
                read_floats(&self.gpu, &self.scratch.logits, n_pos * d_vocab, pass.stop).await?;
            (pass.sink)(Capture {
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
