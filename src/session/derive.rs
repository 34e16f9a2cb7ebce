//! `Derive`: a variation of a clean run, checked, named and made.

use super::{
    engine::Engine,
    inbox::Job,
    protocol::{CommandBody, Intervention, Outcome, RunKey, Splice},
    recipe::{Derived, Recipe},
    trouble::Trouble,
};
use crate::{
    scope::{Features, Steering},
    spec::{Half, Site},
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
        let (base, all, splice) = joined((run, &of), interventions, *splice);
        if all.is_empty() && splice.is_none() {
            return Err(Trouble::NoChange);
        }
        self.has_arrived(job, &all).await?;
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
        let (kept, reached) = self.keep(job, &key, recipe(derived), want).await?;
        Ok(Outcome::Ran {
            run: key,
            tokens,
            kept,
            reached,
        })
    }

    /// All layers of the model must be there, and both halves of those that are touched.
    async fn has_arrived(&mut self, job: &Job, all: &[Intervention]) -> Result<(), Trouble> {
        let (_, model, scope) = self.ready(job).await?.with_scope()?;
        model.need(model.end())?;
        for it in all {
            scope.need(it.feature.layer, Half::Encoder)?;
            scope.need(it.feature.layer, Half::Decoder)?;
        }
        Ok(())
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
}

/// The clean run, and the changes of a run with those that come on top.
fn joined(
    (run, of): (&RunKey, &Recipe),
    interventions: &[Intervention],
    splice: Option<Splice>,
) -> (RunKey, Vec<Intervention>, Option<Splice>) {
    let Some(it) = of.derived.as_deref() else {
        return (run.clone(), interventions.to_vec(), splice);
    };
    let all = [&it.interventions, interventions].concat();
    (it.base.clone(), all, splice.or(it.splice))
}
