//! `Derive`: a variation of a clean run, checked, named and made.

use super::{
    engine::Engine,
    inbox::Job,
    protocol::{CommandBody, Outcome, RunKey},
    recipe::{Derived, Extras, Recipe},
    trouble::Trouble,
};
use crate::{
    scope::{Features, ScopeError, Steering},
    spec::Site,
};
use std::rc::Rc;

impl Engine {
    /// `Derive`. A variation of a variation is one of the clean run, with the changes of both.
    pub(super) async fn derive(
        &mut self,
        job: &Job,
        run: &RunKey,
        want: &[Site],
    ) -> Result<Outcome, Trouble> {
        let CommandBody::Derive {
            interventions,
            splice,
            mode,
            ..
        } = &job.body
        else {
            return Err(Trouble::NoChange);
        };
        let of = self.recipe_of(run)?;
        if !of.writes.is_empty() {
            let run = run.clone();
            let what = "A derived run";
            return Err(Trouble::NotClean { what, run });
        }
        let (mut all, mut splice, mut base) = (Vec::new(), *splice, run.clone());
        if let Some(it) = of.derived.as_deref() {
            all.extend_from_slice(&it.interventions);
            splice = splice.or(it.splice);
            base = it.base.clone();
        }
        all.extend_from_slice(interventions);
        if all.is_empty() && splice.is_none() {
            return Err(Trouble::NoChange);
        }
        let clean = self.clean_features(job, &base, &of.ids).await?;
        let ready = self.ready(job).await?;
        let (book, _, scope) = ready.with_scope()?;
        let spliced = splice.map(|it| scope.spliced(it)).transpose()?;
        let mut derived = Derived {
            base,
            steering: Steering::new(&all, &clean, of.ids.len(), *mode)?,
            interventions: all,
            splice,
            mode: *mode,
            spliced: spliced.unwrap_or_default(),
            label: 0,
        };
        let recipe = |derived| Recipe {
            ids: of.ids.clone(),
            writes: Vec::new(),
            derived: Some(Rc::new(derived)),
        };
        let key = book.key(&recipe(derived.clone()));
        let tokens = book.tokens(&of.ids);
        // A name of 0 would be the clean run's.
        derived.label = u64::from_str_radix(&key.0, 16).unwrap_or(1).max(1);
        let kept = self.keep(job, &key, recipe(derived), want).await?;
        Ok(Outcome::Ran {
            run: key,
            tokens,
            kept,
        })
    }

    /// Active features of a prompt's clean run: kept, or computed again.
    pub(super) async fn clean_features(
        &mut self,
        job: &Job,
        run: &RunKey,
        ids: &[u32],
    ) -> Result<Features, Trouble> {
        let recipe = Recipe {
            ids: ids.to_vec(),
            ..Recipe::default()
        };
        self.features_of(job, run, &recipe).await
    }

    /// Active features of a run, in the layers that it passes: kept, or computed again.
    pub(super) async fn features_of(
        &mut self,
        job: &Job,
        run: &RunKey,
        recipe: &Recipe,
    ) -> Result<Features, Trouble> {
        let open = self.open.as_mut().ok_or(Trouble::NothingOpen)?;
        if open.book.transcoders.files.is_empty() {
            return Err(ScopeError::NoDictionaries.into());
        }
        let kept = open.book.runs.get(run).map(|it| &it.features);
        if let Some(features) = kept.filter(|it| it.layers().next().is_some()) {
            return Ok(features.clone());
        }
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        let out = (&outbox, job);
        recipe
            .make(&mut ready, &[], &mut |_| (), Extras::default(), out)
            .await
    }
}
