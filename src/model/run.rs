//! A prompt through the model: from its tokens, on from where it had come, or from what is kept of another run. Leaves the layers to
//! `steps`.

use super::{
    Model, ModelError, Stage,
    kept::Found,
    load::State,
    pass::{Base, Capture, Course, Derivation, Pass, Way, check},
};
use crate::{
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
    /// It goes as far as [`Model::reach`], if not all layers have arrived.
    ///
    /// Errors: [`ModelError::Awaited`] if the row of a token has not arrived; [`ModelError`]; the state is then that of no prompt.
    pub async fn go(&mut self, ids: &[u32], course: Course<'_>) -> Result<(), ModelError> {
        self.begin(ids, &course).await?;
        self.need_tokens(ids)?;
        let to = self.reach();
        let keep = match (course.writes.is_empty(), self.kept.find(ids)) {
            (false, _) => None,
            (true, Some(known)) => (known.stage < to).then_some(known.rows),
            (true, None) => self.kept.room(ids.len()),
        };
        let way = Way {
            keep,
            to,
            ..Way::default()
        };
        self.pass(ids, course, way).await
    }

    /// Goes on with the clean run of a prompt as far as it can go now, from where what is kept of it ends; from the tokens where
    /// nothing is kept. Sites that were passed before are neither told nor tapped.
    ///
    /// Errors: as [`Model::go`].
    pub async fn go_on(&mut self, ids: &[u32], course: Course<'_>) -> Result<(), ModelError> {
        let to = self.reach();
        let known = self.kept.find(ids).filter(|_| course.writes.is_empty());
        let known = match known {
            Some(known) if known.stage >= to => return Ok(()),
            // The tokens alone are as good a start.
            Some(known) if known.stage.attention > 0 => known,
            _ => return self.go(ids, course).await,
        };
        self.begin(ids, &course).await?;
        let way = Way {
            keep: Some(known.rows),
            base: None,
            from: Some(known.stage),
            to,
        };
        self.pass(ids, course, way).await
    }

    /// Runs a prompt as a variation of its clean run, which is run first unless it is kept.
    ///
    /// Sites before the derivation's start are neither told nor tapped.
    ///
    /// Errors: [`ModelError::Keep`] for a prompt that the pool has no room for, ever; [`ModelError::Awaited`] if a layer has not
    /// arrived; [`ModelError`].
    pub async fn derive<'a>(
        &mut self,
        ids: &[u32],
        derivation: &'a Derivation,
        course: Course<'a>,
    ) -> Result<(), ModelError> {
        self.begin(ids, &course).await?;
        let end = self.end();
        self.need(end)?;
        let rows = self.keep(ids, end, course.stop).await?.rows;
        let base = Base { rows, derivation };
        let way = Way {
            base: Some(base),
            to: end,
            ..Way::default()
        };
        self.pass(ids, course, way).await
    }

    /// Where a prompt's clean run is kept, as far as `needed` at least: it is run so far unless it was.
    ///
    /// Errors: as [`Model::derive`].
    pub(super) async fn keep(
        &mut self,
        ids: &[u32],
        needed: Stage,
        stop: &Stop,
    ) -> Result<Found, ModelError> {
        if let Some(found) = self.kept.find(ids).filter(|it| it.stage >= needed) {
            return Ok(found);
        }
        self.need(needed)?;
        let course = Course {
            want: &[],
            writes: &[],
            tap: None,
            sink: &mut |_| (),
            stop,
        };
        self.go_on(ids, course).await?;
        self.kept.find(ids).ok_or(ModelError::Keep {
            n_pos: ids.len(),
            n_kept: self.kept.n_rows(),
        })
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
        way: Way<'a>,
    ) -> Result<(), ModelError> {
        self.state = State::default();
        let bytes = Bytes::from(bytemuck::cast_slice(ids).to_vec());
        self.gpu.upload(&self.context.ids, 0, &bytes).await?;
        let (writes, stop) = (course.writes.to_vec(), course.stop);
        let mut pass = Pass {
            recording: Default::default(),
            course,
            way,
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
        if let Some(rows) = way.keep {
            self.kept.note(ids, rows, way.to);
        }
        let frozen = way.base.filter(|it| it.derivation.norms);
        self.state = State {
            ids: ids.to_vec(),
            writes,
            label: way.base.map_or(0, |it| it.derivation.label),
            stage: way.to,
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
}
