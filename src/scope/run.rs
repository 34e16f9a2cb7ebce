//! Runs with features: the clean one, what is looked at again, and what is derived.

use super::{
    Features, ScopeError, Steering,
    eye::{Eye, Task},
    load::Scope,
};
use crate::{
    model::{Capture, Course, Derivation, Model},
    spec::{DensePart, Half, Mode, Sampling, Site, Write},
    sys::Stop,
};
use std::collections::BTreeSet;

/// A variation of a clean run.
#[derive(Default)]
pub struct Variation<'a> {
    /// What stays as it was.
    pub mode: Mode,
    /// What is done on the way.
    pub task: Task<'a>,
    /// Whether the run starts from the tokens, so that every site is passed.
    pub from_tokens: bool,
    /// What the caller calls it; not 0.
    pub label: u64,
}

/// A prompt and who wants to see what of the model's own sites.
pub struct Prompt<'a> {
    /// Tokens.
    pub ids: &'a [u32],
    /// Sites that are told.
    pub want: &'a [Site],
    /// Changes at sites.
    pub writes: &'a [Write],
    /// Takes what is told.
    pub sink: &'a mut dyn FnMut(Capture),
    /// Set to stop.
    pub stop: &'a Stop,
}

impl Scope {
    /// A forward pass, its active features listed on the way, in no pass of their own.
    ///
    /// Errors: [`ScopeError`].
    pub async fn run(
        &mut self,
        model: &mut Model,
        prompt: Prompt<'_>,
        task: Task<'_>,
    ) -> Result<Features, ScopeError> {
        self.check(&task)?;
        let mut eye = Eye::new(self, task);
        // Rows that somebody wrote are theirs: a large one, or zeros, is no fault of the device.
        eye.any_norm = !prompt.writes.is_empty();
        let course = Course {
            want: prompt.want,
            writes: prompt.writes,
            tap: Some(&mut eye),
            sink: prompt.sink,
            stop: prompt.stop,
        };
        model.go(prompt.ids, course).await?;
        eye.end()
    }

    /// Goes on with a prompt's clean run as far as it can go now, and lists `layers`: those that come on the way, and from what is kept
    /// those that it has passed before. Layers that it can't reach are left out.
    ///
    /// Errors: [`ScopeError`].
    pub async fn go_on(
        &mut self,
        model: &mut Model,
        prompt: Prompt<'_>,
        layers: &BTreeSet<usize>,
    ) -> Result<Features, ScopeError> {
        let listing = |list: BTreeSet<usize>| Task {
            list,
            ..Task::default()
        };
        let (ids, stop) = (prompt.ids, prompt.stop);
        let passed = model.kept_stage(ids).map_or(0, |it| it.attention);
        let task = listing(layers.clone());
        self.check(&task)?;
        let mut eye = Eye::new(self, task);
        let course = Course {
            want: prompt.want,
            writes: prompt.writes,
            tap: Some(&mut eye),
            sink: prompt.sink,
            stop,
        };
        model.go_on(ids, course).await?;
        let mut features = eye.end()?;
        let before: Vec<usize> = layers.range(..passed).copied().collect();
        if !before.is_empty() {
            let prompt = Prompt {
                ids,
                want: &[],
                writes: &[],
                sink: &mut |_| (),
                stop,
            };
            let task = listing(before.iter().copied().collect());
            features.replace(self.look(model, prompt, &before, task).await?);
        }
        Ok(features)
    }

    /// Looks again at layers of a clean run that is kept (and run if it is not).
    ///
    /// Errors: [`ScopeError`].
    pub async fn look(
        &mut self,
        model: &mut Model,
        prompt: Prompt<'_>,
        layers: &[usize],
        task: Task<'_>,
    ) -> Result<Features, ScopeError> {
        self.check(&task)?;
        let mut eye = Eye::new(self, task);
        let course = Course {
            want: prompt.want,
            writes: prompt.writes,
            tap: Some(&mut eye),
            sink: prompt.sink,
            stop: prompt.stop,
        };
        model.retrace(prompt.ids, layers, course).await?;
        eye.end()
    }

    /// A variation of a clean run, from the lowest layer that it touches; only layers from there on are listed.
    ///
    /// Errors: [`ScopeError`].
    pub async fn vary(
        &mut self,
        model: &mut Model,
        prompt: Prompt<'_>,
        variation: Variation<'_>,
    ) -> Result<Features, ScopeError> {
        self.check(&variation.task)?;
        let n_layers = model.config().n_layers;
        let derivation = variation.derivation(n_layers);
        let start = derivation.start.unwrap_or(0);
        let mut task = variation.task;
        task.list.retain(|it| *it >= start);
        let mut eye = Eye::new(self, task);
        eye.any_norm = derivation.norms;
        let course = Course {
            want: prompt.want,
            writes: prompt.writes,
            tap: Some(&mut eye),
            sink: prompt.sink,
            stop: prompt.stop,
        };
        model.derive(prompt.ids, &derivation, course).await?;
        eye.end()
    }

    /// Continues the last run with a task at the sites of every token generated.
    ///
    /// Errors: [`ScopeError`].
    pub async fn generate(
        &mut self,
        model: &mut Model,
        (n, sampling): (usize, Sampling),
        task: Task<'_>,
        on_token: &mut dyn FnMut(u32),
        stop: &Stop,
    ) -> Result<(Vec<u32>, Features), ScopeError> {
        self.check(&task)?;
        let mut eye = Eye::new(self, task);
        let ids = model
            .generate_tapped((n, sampling), &mut eye, on_token, stop)
            .await?;
        Ok((ids, eye.end()?))
    }

    /// Everything that a task needs must be there before anything runs.
    fn check(&self, task: &Task<'_>) -> Result<(), ScopeError> {
        let rebuilt = task.dense.iter().map(|it| it.0);
        for layer in task.list.iter().copied().chain(rebuilt) {
            self.dictionary(layer, Half::Encoder)?;
        }
        let outs = task.dense.iter().filter(|it| it.1 == DensePart::Out);
        for layer in outs.map(|it| it.0).chain(task.splice.iter().copied()) {
            self.dictionary(layer, Half::Encoder)?;
            self.dictionary(layer, Half::Decoder)?;
        }
        for it in task.steering.iter().flat_map(|it| it.features()) {
            self.dictionary(it.layer, Half::Encoder)?;
            let dictionary = self.dictionary(it.layer, Half::Decoder)?;
            if it.index >= dictionary.d_transcoder {
                return Err(ScopeError::NoFeature {
                    feature: it,
                    n_features: dictionary.d_transcoder,
                });
            }
        }
        Ok(())
    }
}

impl Variation<'_> {
    /// What a model must do for it.
    fn derivation(&self, n_layers: usize) -> Derivation {
        let task = &self.task;
        let steered = task.steering.and_then(Steering::lowest_layer);
        let replaced = task.splice.iter().chain(&task.zero).copied();
        let lowest = replaced.clone().chain(steered).min();
        let steers = steered.is_some();
        // A splice leaves attention and norms free, and its layers' MLPs count at position 0 only, where nothing changes.
        let mlp = (0..n_layers)
            .map(|it| {
                let replaced = task.splice.contains(&it) || task.zero.contains(&it);
                replaced || (steers && self.mode == Mode::Direct)
            })
            .collect();
        Derivation {
            start: lowest.filter(|_| !self.from_tokens),
            attention: steers && self.mode != Mode::Free,
            norms: steers && self.mode == Mode::Direct,
            mlp,
            label: self.label,
        }
    }
}

impl Eye<'_, '_> {
    fn end(self) -> Result<Features, ScopeError> {
        match self.off {
            None => Ok(self.features),
            Some((site, pos, got)) => {
                let dictionary = self.scope.dictionaries().find(|it| it.reads == site);
                Err(ScopeError::Norm {
                    site,
                    pos,
                    got,
                    expected: dictionary.map_or(0.0, |it| (it.d_in as f32).sqrt()),
                })
            }
        }
    }
}
