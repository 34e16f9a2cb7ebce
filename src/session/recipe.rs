//! How a kept run is made, and made again: its prompt, the changes in it, and what it is derived from.

use super::{
    inbox::Job,
    open::Ready,
    outbox::Outbox,
    protocol::{Intervention, Mode, RunKey, Splice, Write},
    trouble::Trouble,
};
use crate::{
    model::{Capture, Course, Model},
    scope::{Dense, Features, Prompt, Scope, Steering, Task, Variation},
    spec::{DensePart, Half, Sampling, Site},
    sys::Stop,
};
use std::{collections::BTreeSet, rc::Rc};

/// How a run is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Recipe {
    pub ids: Vec<u32>,
    pub writes: Vec<Write>,
    /// What it is a variation of, if it is one.
    pub derived: Option<Rc<Derived>>,
}

/// A variation of a clean run.
#[derive(Clone, Debug)]
pub(super) struct Derived {
    pub base: RunKey,
    pub interventions: Vec<Intervention>,
    pub splice: Option<Splice>,
    pub mode: Mode,
    pub steering: Steering,
    /// The layers spliced.
    pub spliced: BTreeSet<usize>,
    /// Its name on the device; not 0.
    pub label: u64,
}

/// What is wanted of a pass besides that it is made.
#[derive(Default)]
pub(super) struct Extras<'a> {
    /// Dense arrays of transcoders.
    pub dense: BTreeSet<(usize, DensePart)>,
    /// Takes them.
    pub dense_sink: Option<&'a mut dyn FnMut(Dense)>,
}

impl Derived {
    /// The lowest layer that is touched.
    pub fn start(&self) -> usize {
        let steered = self.steering.lowest_layer();
        let lowest = self.spliced.first().copied().into_iter().chain(steered);
        lowest.min().unwrap_or(0)
    }
}

impl Recipe {
    /// What the run is called on the device.
    pub fn label(&self) -> u64 {
        self.derived.as_ref().map_or(0, |it| it.label)
    }

    /// Whether it is a prompt as it stands, without changes.
    pub fn is_clean(&self) -> bool {
        self.writes.is_empty() && self.derived.is_none()
    }

    /// Makes the run: afterwards the model holds it. Gives its active features, of the layers that are touched if it is derived.
    pub async fn make<'a>(
        &'a self,
        ready: &mut Ready<'_>,
        want: &[Site],
        sink: &mut dyn FnMut(Capture),
        extras: Extras<'a>,
        (outbox, job): (&Outbox, &Job),
    ) -> Result<Features, Trouble> {
        let total = Some(self.ids.len() as u64);
        outbox.progress(job.id, "Reading the prompt", 0, total, "tokens");
        let Some(scope) = ready.scope.as_deref_mut() else {
            let (ids, writes) = (&self.ids, &self.writes);
            ready.model.run(ids, want, writes, sink, &job.stop).await?;
            return Ok(Features::default());
        };
        let prompt = Prompt {
            ids: &self.ids,
            want,
            writes: &self.writes,
            sink,
            stop: &job.stop,
        };
        let lowest_dense = extras.dense.first().map(|it| it.0);
        let task = self.task(scope, extras);
        match &self.derived {
            None => Ok(scope.run(ready.model, prompt, task).await?),
            Some(derived) => {
                let start = derived.start();
                let below = |it: &Site| !is_passed(*it, start);
                let variation = Variation {
                    mode: derived.mode,
                    from_tokens: want.iter().any(below)
                        || lowest_dense.is_some_and(|it| it < start),
                    label: derived.label,
                    task,
                };
                Ok(scope.vary(ready.model, prompt, variation).await?)
            }
        }
    }

    /// Goes on with a clean run as far as it can go now; what it passes is told, and of `layers` the features are given.
    pub async fn go_on(
        &self,
        ready: &mut Ready<'_>,
        (want, layers): (&[Site], &BTreeSet<usize>),
        sink: &mut dyn FnMut(Capture),
        (outbox, job): (&Outbox, &Job),
    ) -> Result<Features, Trouble> {
        let total = Some(self.ids.len() as u64);
        outbox.progress(job.id, "Going on with the prompt", 0, total, "tokens");
        let (ids, writes, stop) = (&self.ids, &self.writes, &job.stop);
        if let Some(scope) = ready.scope.as_deref_mut() {
            let prompt = Prompt {
                ids,
                want,
                writes,
                sink,
                stop,
            };
            return Ok(scope.go_on(ready.model, prompt, layers).await?);
        }
        let course = Course {
            want,
            writes,
            tap: None,
            sink,
            stop,
        };
        ready.model.go_on(ids, course).await?;
        Ok(Features::default())
    }

    /// Makes the run unless the model holds it.
    pub async fn make_current(
        &self,
        ready: &mut Ready<'_>,
        out: (&Outbox, &Job),
    ) -> Result<(), Trouble> {
        if ready.model.holds(&self.ids, &self.writes, self.label()) {
            return Ok(());
        }
        self.make(ready, &[], &mut |_| (), Extras::default(), out)
            .await
            .map(|_| ())
    }

    /// Tokens after the run, which the model holds: under its changes if it is derived.
    pub async fn continued(
        &self,
        model: &mut Model,
        scope: Option<&mut Scope>,
        (going, watch): ((usize, Sampling), bool),
        on_token: &mut dyn FnMut(u32),
        stop: &Stop,
    ) -> Result<Vec<u32>, Trouble> {
        let Some(scope) = scope.filter(|_| self.derived.is_some()) else {
            let (n, sampling) = going;
            return Ok(model.generate(n, sampling, watch, on_token, stop).await?);
        };
        let task = Task {
            list: Default::default(),
            ..self.task(scope, Extras::default())
        };
        let (ids, _) = scope.generate(model, going, task, on_token, stop).await?;
        Ok(ids)
    }

    /// What the scope does on the way.
    pub fn task<'a>(&'a self, scope: &Scope, extras: Extras<'a>) -> Task<'a> {
        let derived = self.derived.as_deref();
        Task {
            list: scope.layers(Half::Encoder).into_iter().collect(),
            dense: extras.dense,
            splice: derived.map(|it| it.spliced.clone()).unwrap_or_default(),
            steering: derived
                .filter(|it| !it.interventions.is_empty())
                .map(|it| &it.steering),
            sink: extras.dense_sink,
            ..Task::default()
        }
    }
}

/// Whether a run that starts at the MLP of layer `start` passes a site.
fn is_passed(site: Site, start: usize) -> bool {
    match site {
        Site::Embed => false,
        Site::Logits => true,
        Site::Ln2Normalized(layer) | Site::MlpOut(layer) | Site::ResidPost(layer) => layer >= start,
        Site::ResidPre(layer)
        | Site::Pattern(layer)
        | Site::AttnOut(layer)
        | Site::ResidMid(layer) => layer > start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_starts_in_the_middle_passes_what_comes_after() {
        let passed: Vec<_> = Site::all(3)
            .into_iter()
            .filter(|it| is_passed(*it, 1))
            .map(|it| it.to_string())
            .collect();
        assert_eq!(passed.len(), 3 + 7 + 1);
        assert_eq!(passed[0], "blocks.1.ln2.hook_normalized");
    }
}
