//! How far kept runs are, and going on with them as more of the model arrives. Leaves the passes to `recipe`.

use super::{
    captures::Slab,
    engine::Engine,
    inbox::Job,
    open::{Book, Ready},
    protocol::RunKey,
    recipe::{Extras, Recipe},
    runs::Made,
    trouble::Trouble,
};
use crate::{
    model::{Capture, Stage},
    scope::{Features, ScopeError},
    spec::{Half, Reached, Site},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a run lacks of what it can have now.
struct Lack {
    /// Sites that are wanted and not kept.
    sites: Vec<Site>,
    /// Layers whose features have not been listed.
    layers: BTreeSet<usize>,
    /// Whether it can go further.
    way: bool,
    /// Whether all of this can be had from what the device keeps of it, without running anything again.
    goes_on: bool,
}

impl Engine {
    /// Makes a run, or goes on with it, unless it is kept with all that it can have of what is wanted; whether it was, and how far it
    /// is.
    pub(super) async fn keep(
        &mut self,
        job: &Job,
        key: &RunKey,
        recipe: Recipe,
        want: &[Site],
    ) -> Result<(bool, Reached), Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let n_layers = book.checkpoint.config().n_layers;
        let want = book.keepable(want, recipe.ids.len())?;
        if book.has_all(key, &recipe, &want) {
            return Ok((true, Stage::whole(n_layers).reached(n_layers)));
        }
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        if let Some(kept) = ready.book.runs.get(key) {
            let (stage, listed) = (kept.stage, kept.listed.clone());
            let lacks = |it: &&Site| !kept.sites.contains_key(it);
            let sites = want.iter().filter(lacks).copied().collect();
            let lack = ready.lack(&recipe, (sites, listed), stage);
            if lack.is_nothing() {
                return Ok((true, stage.reached(n_layers)));
            }
            if lack.goes_on {
                let (mut slabs, mut told) = (ready.slabs(&lack.sites, &recipe), BTreeSet::new());
                let mut sink = |it: Capture| put(&mut slabs, &mut told, &it);
                let wanted = (&lack.sites[..], &lack.layers);
                let features = recipe
                    .go_on(&mut ready, wanted, &mut sink, (&outbox, job))
                    .await?;
                slabs.retain(|it, _| told.contains(it));
                let reached = ready.note(key, recipe, (features, slabs));
                return Ok((false, reached));
            }
        }
        let want: Vec<Site> = (want.into_iter())
            .filter(|it| ready.model.need_site(*it).is_ok())
            .collect();
        let (mut slabs, mut told) = (ready.slabs(&want, &recipe), BTreeSet::new());
        let mut sink = |it: Capture| put(&mut slabs, &mut told, &it);
        let out = (&outbox, job);
        let features = recipe
            .make(&mut ready, &want, &mut sink, Extras::default(), out)
            .await?;
        slabs.retain(|it, _| told.contains(it));
        Ok((false, ready.note(key, recipe, (features, slabs))))
    }

    /// Active features of a run, in the layers that it passes and that can be told now: kept, or computed again.
    pub(super) async fn features_of(
        &mut self,
        job: &Job,
        run: &RunKey,
        recipe: &Recipe,
    ) -> Result<Features, Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        if book.transcoders.files.is_empty() {
            return Err(ScopeError::NoDictionaries.into());
        }
        if book.runs.get(run).is_some() {
            self.keep(job, run, recipe.clone(), &[]).await?;
        }
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        let layers = ready.can_be_listed(recipe);
        if let Some(kept) = ready.book.runs.get(run) {
            let there: BTreeSet<usize> = kept.features.layers().collect();
            if layers.is_subset(&there) {
                return Ok(kept.features.clone());
            }
        }
        let out = (&outbox, job);
        recipe
            .make(&mut ready, &[], &mut |_| (), Extras::default(), out)
            .await
    }
}

impl Lack {
    fn is_nothing(&self) -> bool {
        self.sites.is_empty() && self.layers.is_empty() && !self.way
    }
}

impl Ready<'_> {
    /// What a kept run lacks of what it can have now, of the wanted sites that it does not have.
    fn lack(
        &mut self,
        recipe: &Recipe,
        (mut sites, listed): (Vec<Site>, BTreeSet<usize>),
        stage: Stage,
    ) -> Lack {
        sites.retain(|it| self.model.need_site(*it).is_ok());
        let n_layers = self.model.config().n_layers;
        let ahead = match self.model.kept_stage(&recipe.ids) {
            Some(passed) => (sites.iter()).all(|it| Stage::of(*it, n_layers) > passed),
            None => sites.is_empty(),
        };
        Lack {
            goes_on: recipe.is_clean() && ahead,
            sites,
            layers: &self.can_be_listed(recipe) - &listed,
            way: self.model.reach() > stage,
        }
    }

    /// Layers whose features a run can have now.
    pub(super) fn can_be_listed(&self, recipe: &Recipe) -> BTreeSet<usize> {
        let start = recipe.derived.as_deref().map_or(0, |it| it.start());
        let layers = self.layers_to_tell(Half::Encoder).into_iter();
        layers.filter(|it| *it >= start).collect()
    }

    /// Layers that can be asked about now: a run reaches them, and their half is there.
    pub(super) fn layers_to_tell(&self, half: Half) -> Vec<usize> {
        let reached = self.model.reach().attention;
        let layers = self.scope.as_ref().map(|it| it.layers(half));
        let layers = layers.unwrap_or_default().into_iter();
        layers.filter(|it| *it < reached).collect()
    }

    fn slabs(&self, want: &[Site], recipe: &Recipe) -> BTreeMap<Site, Slab> {
        let config = self.book.checkpoint.config();
        let slab = |it: &Site| (*it, Slab::new(*it, config, recipe.ids.len()));
        want.iter().map(slab).collect()
    }

    /// Notes in the book what was made of a run just now, as far as it could go; how far that is.
    fn note(
        &mut self,
        key: &RunKey,
        recipe: Recipe,
        (features, sites): (Features, BTreeMap<Site, Slab>),
    ) -> Reached {
        let stage = self.model.reach();
        let made = Made {
            features,
            sites,
            stage,
        };
        self.book.runs.keep(key.clone(), recipe, made);
        stage.reached(self.model.config().n_layers)
    }
}

impl Book {
    /// Whether a run is kept whole, with these sites, and with its features in all layers that were opened with an encoder.
    fn has_all(&mut self, key: &RunKey, recipe: &Recipe, want: &[Site]) -> bool {
        let end = Stage::whole(self.checkpoint.config().n_layers);
        let Some(kept) = self.runs.get(key).filter(|it| it.stage == end) else {
            return false;
        };
        let start = recipe.derived.as_deref().map_or(0, |it| it.start());
        let wanted = &self.transcoders.wanted;
        let mut layers = wanted.dictionaries.iter().map(|it| it.layer);
        let is_listed = |it: usize| it < start || kept.listed.contains(&it);
        want.iter().all(|it| kept.sites.contains_key(it))
            && (!wanted.has(Half::Encoder) || layers.all(is_listed))
    }
}

fn put(slabs: &mut BTreeMap<Site, Slab>, told: &mut BTreeSet<Site>, it: &Capture) {
    if let Some(slab) = slabs.get_mut(&it.site) {
        slab.put(it);
        told.insert(it.site);
    }
}
