//! Questions that what is kept of a run answers without another pass: the logit lens, a layer looked at again, directions
//! against the vocabulary.

use super::{
    Distribution, Model, ModelError, Stage,
    kept::NormSlot,
    norms::Scales,
    pass::{Course, Pass, Way, read_bytes, read_floats, upload_floats},
};
use crate::{
    gpu::Recording,
    ops::{add_rows, column_sums, embed, matvec},
    spec::{Site, TensorName},
    sys::Stop,
};
use std::ops::Range;

impl Model {
    /// The logit lens: distributions that the final norm and the unembedding make of the stream after a layer.
    ///
    /// The run is computed if it is not kept.
    ///
    /// Errors: as [`Model::probs`] and [`Model::derive`].
    pub async fn lens(
        &mut self,
        ids: &[u32],
        (layer, positions): (usize, Range<usize>),
        (top_k, asked): (usize, &[u32]),
        stop: &Stop,
    ) -> Result<Vec<Distribution>, ModelError> {
        Site::ResidPost(layer).within(self.config().n_layers)?;
        self.check_question(&positions, ids.len(), top_k, asked)?;
        self.need_table()?;
        let kept = self.keep(ids, Stage::after(layer), stop).await?.rows;
        let rows = |model: &Self, recording: &mut Recording, first, n_pos| {
            let of_layer = model.kept.layer(layer);
            let (x, n) = (&model.scratch.x, &model.scratch.n);
            of_layer
                .resid_mid
                .copy_out(recording, kept, (first, n_pos), x);
            of_layer
                .mlp_out
                .copy_out(recording, kept, (first, n_pos), n);
            model.record_add(recording, n_pos);
            model.own_scales()
        };
        self.told_of(positions, (top_k, asked), &rows, stop).await
    }

    /// `x += n`.
    pub(super) fn record_add(&self, recording: &mut Recording, n_pos: usize) {
        let d_model = self.config().d_model as u32;
        let params = add_rows::Params {
            n_pos: n_pos as u32,
            width: d_model,
            first: 0,
            y_stride: d_model,
        };
        let (n, x) = (self.scratch.n.whole(), self.scratch.x.whole());
        add_rows::record(recording, params, &n, &x);
    }

    /// Passes the sites around the MLPs of `layers` again, from what is kept of the clean run, layer by layer. Nothing of it
    /// changes the run. Where an MLP has not run, the sites after it are left out, unless somebody wants them.
    ///
    /// Errors: as [`Model::derive`].
    pub async fn retrace(
        &mut self,
        ids: &[u32],
        layers: &[usize],
        course: Course<'_>,
    ) -> Result<(), ModelError> {
        let d_model = self.config().d_model;
        let mut pass = Pass {
            recording: Recording::default(),
            course,
            way: Way::default(),
            n_total: ids.len(),
            block: (0, 0),
        };
        let mut needed = Stage::default();
        for &layer in layers {
            Site::MlpOut(layer).within(self.config().n_layers)?;
            let after = [Site::MlpOut(layer), Site::ResidPost(layer)];
            needed = needed.max(match after.into_iter().any(|it| pass.touches(it)) {
                true => Stage::after(layer),
                false => Stage::before_mlp(layer),
            });
        }
        let found = self.keep(ids, needed, pass.course.stop).await?;
        let kept = found.rows;
        for &layer in layers {
            for first in (0..ids.len()).step_by(self.sizes.n_block) {
                pass.block = (first, self.sizes.n_block.min(ids.len() - first));
                let (block, n_pos) = (pass.block, pass.block.1);
                let (x, n) = (&self.scratch.x, &self.scratch.n);
                let of_layer = self.kept.layer(layer);
                of_layer
                    .resid_mid
                    .copy_out(&mut pass.recording, kept, block, x);
                pass.visit(self, Site::ResidMid(layer), x, d_model).await?;
                let scales = self.kept_scales(NormSlot::PreFeedforward(layer), kept.first + first);
                self.record_norm(&mut pass.recording, n_pos, scales);
                pass.visit(self, Site::Ln2Normalized(layer), n, d_model)
                    .await?;
                if found.stage.mlp > layer {
                    of_layer
                        .mlp_out
                        .copy_out(&mut pass.recording, kept, block, n);
                    pass.visit(self, Site::MlpOut(layer), n, d_model).await?;
                }
                if pass.touches(Site::ResidPost(layer)) {
                    self.record_add(&mut pass.recording, n_pos);
                    pass.visit(self, Site::ResidPost(layer), x, d_model).await?;
                }
                pass.end_block(&self.gpu).await?;
            }
        }
        self.gpu.finish().await?;
        Ok(())
    }

    /// 1 / rms of the final norm at every position of a prompt's clean run.
    ///
    /// Errors: as [`Model::derive`].
    pub async fn final_scales_kept(
        &mut self,
        ids: &[u32],
        stop: &Stop,
    ) -> Result<Vec<f32>, ModelError> {
        let kept = self.keep(ids, self.end(), stop).await?.rows;
        let Some(view) = self.kept.scales(NormSlot::Final) else {
            return Err(ModelError::NoRun);
        };
        let at = view.offset + 4 * kept.first as u64;
        let part = view.buffer.view(at, 4 * kept.n_pos as u64);
        let bytes = read_bytes(&self.gpu, &part, stop).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    fn kept_scales(&self, slot: NormSlot, at: usize) -> Scales {
        match self.kept.scales(slot) {
            Some(view) => Scales {
                view,
                at,
                given: true,
            },
            None => self.own_scales(),
        }
    }

    /// A direction of the stream against every token: `E row`, `[d_vocab]`; with the gain of the final norm if `gained`.
    ///
    /// Shapes: `row [d_model]`.
    ///
    /// Errors: [`ModelError::Awaited`], [`ModelError::Gpu`], [`ModelError::Stopped`].
    pub async fn unembed(
        &mut self,
        row: &[f32],
        gained: bool,
        stop: &Stop,
    ) -> Result<Vec<f32>, ModelError> {
        self.need_table()?;
        let x = upload_floats(&self.gpu, row).await?;
        let gain = self.ends.final_norm.whole();
        let form = matvec::Form {
            norm_eps: None,
            gain: gained.then_some(&gain),
            cap: 0.0,
        };
        let mut recording = Recording::default();
        let logits = self.scratch.logits.whole();
        matvec::record(&mut recording, &self.ends.embed, &x.whole(), form, &logits);
        self.gpu.play(&recording, stop).await?;
        let d_vocab = self.config().d_vocab;
        let told = read_floats(&self.gpu, &self.scratch.logits, d_vocab, stop).await;
        self.gpu.forget_groups();
        told
    }

    /// The row of a token in the table, unscaled: `[d_model]`.
    ///
    /// Errors: [`ModelError::Id`], [`ModelError::Awaited`], [`ModelError::Gpu`].
    pub async fn embedding(&mut self, id: u32, stop: &Stop) -> Result<Vec<f32>, ModelError> {
        let d_vocab = self.config().d_vocab;
        if id as usize >= d_vocab {
            return Err(ModelError::Id { id, d_vocab });
        }
        self.need_tokens(&[id])?;
        self.ask(&[id]).await?;
        let asked = self.scratch.asked.whole();
        let tokens = embed::Tokens {
            ids: &asked,
            first_id: 0,
            n_pos: 1,
            scale: 1.0,
        };
        let mut recording = Recording::default();
        embed::record(
            &mut recording,
            &self.ends.embed,
            tokens,
            &self.scratch.x.whole(),
        );
        self.gpu.play(&recording, stop).await?;
        read_floats(&self.gpu, &self.scratch.x, self.config().d_model, stop).await
    }

    /// The mean row of the table of tokens: `[d_model]`.
    ///
    /// Errors: [`ModelError::Awaited`], [`ModelError::Gpu`], [`ModelError::Stopped`].
    pub async fn mean_embedding(&mut self, stop: &Stop) -> Result<Vec<f32>, ModelError> {
        self.need_table()?;
        let (table, d_model) = (&self.ends.embed, self.config().d_model);
        let n_chunks = column_sums::n_chunks(table);
        let sums = upload_floats(&self.gpu, &vec![0.0; n_chunks * d_model]).await?;
        let mut recording = Recording::default();
        column_sums::record(&mut recording, table, &sums.whole());
        self.gpu.play(&recording, stop).await?;
        let sums = read_floats(&self.gpu, &sums, n_chunks * d_model, stop).await?;
        self.gpu.forget_groups();
        let of_column = |i: usize| -> f64 {
            let chunks = sums.chunks(d_model);
            chunks.map(|it| f64::from(it[i])).sum()
        };
        let n = table.n_out as f64;
        Ok((0..d_model).map(|i| (of_column(i) / n) as f32).collect())
    }

    /// The gain of the final norm, 1 included: `[d_model]`.
    ///
    /// Errors: [`ModelError::Awaited`], [`ModelError::Weights`].
    pub async fn final_gain(&self) -> Result<Vec<f32>, ModelError> {
        self.need_table()?;
        let stored = self.checkpoint.vector(TensorName::FinalNorm).await?;
        Ok(stored.into_iter().map(|it| 1.0 + it).collect())
    }

    /// The device.
    pub fn gpu(&self) -> &std::rc::Rc<crate::gpu::Gpu> {
        &self.gpu
    }

    /// Positions of one pass.
    pub fn n_block(&self) -> usize {
        self.sizes.n_block
    }
}
