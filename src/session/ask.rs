//! Questions about a run: activations at sites, kept or computed again, and the distributions of the next token.

use super::{
    captures::{batches, pieces, row_bytes},
    courier::Courier,
    engine::Engine,
    inbox::Job,
    open::Ready,
    outbox::{Outbox, Piece},
    protocol::{Distribution, Outcome, Partial, RunKey, What},
    recipe::Extras,
    trouble::Trouble,
    words,
};
use crate::{
    model::{Capture, Distribution as Told, Tokenizer},
    spec::{Positions, Site, gemma},
    sys::Stop,
};
use std::ops::Range;

/// Activations held at once while they wait for credits.
const HELD_BYTES: usize = 64 << 20;

impl Engine {
    /// `Ask`.
    pub(super) async fn ask(
        &mut self,
        job: &Job,
        run: &RunKey,
        what: &What,
        positions: Positions,
    ) -> Result<Outcome, Trouble> {
        let range = positions.range(self.recipe_of(run)?.ids.len())?;
        match what {
            What::Site(sites) => self.ask_sites(job, run, sites, range).await?,
            What::Probs { top_k, asked } => {
                self.ask_probs(job, run, (*top_k, asked), range).await?
            }
            other => self.look(job, run, other, range).await?,
        }
        Ok(Outcome::Nothing)
    }

    /// Kept sites first, then the others, as many per pass as may be held at once.
    async fn ask_sites(
        &mut self,
        job: &Job,
        run: &RunKey,
        sites: &[Site],
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let mut courier = Courier::new(&outbox, job);
        let missing = self
            .tell_kept(&mut courier, run, sites, range.clone())
            .await?;
        if missing.is_empty() {
            return Ok(());
        }
        let recipe = self.recipe_of(run)?;
        let mut ready = self.ready(job).await?;
        for site in &missing {
            ready.model.need_site(*site)?;
        }
        let config = ready.book.checkpoint.config().clone();
        let row_bytes = |it| row_bytes(it, &config, recipe.ids.len());
        for batch in batches(&missing, range, row_bytes, HELD_BYTES) {
            let want: Vec<Site> = batch.iter().map(|it| it.0).collect();
            let mut sink = |it: Capture| {
                for (_, range) in batch.iter().filter(|of| of.0 == it.site) {
                    let pieces = pieces(it.site, it.first, &it.shape, &it.data, range.clone());
                    pieces.into_iter().for_each(|it| courier.take(it));
                }
            };
            let out = (&outbox, job);
            recipe
                .make(&mut ready, &want, &mut sink, Extras::default(), out)
                .await?;
            courier.flush().await?;
        }
        Ok(())
    }

    /// Tells the kept ones of `sites`; the others come back.
    async fn tell_kept(
        &mut self,
        courier: &mut Courier<'_>,
        run: &RunKey,
        sites: &[Site],
        range: Range<usize>,
    ) -> Result<Vec<Site>, Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let n_layers = book.checkpoint.config().n_layers;
        let unknown = || Trouble::UnknownRun { run: run.clone() };
        let kept = &book.runs.get(run).ok_or_else(unknown)?.sites;
        let mut missing = Vec::new();
        for site in sites {
            match kept.get(&site.within(n_layers)?) {
                None if missing.contains(site) => (),
                None => missing.push(*site),
                Some(slab) => {
                    for piece in pieces(*site, 0, &slab.shape, &slab.data, range.clone()) {
                        courier.take(piece);
                        courier.flush().await?;
                    }
                }
            }
        }
        Ok(missing)
    }

    async fn ask_probs(
        &mut self,
        job: &Job,
        run: &RunKey,
        (top_k, asked): (usize, &[u32]),
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let mut ready = self.weighing(job, run).await?;
        let mut courier = Courier::new(&outbox, job);
        for block in blocks(&outbox, job, range) {
            let told = ready.probs(block, (top_k, asked), &job.stop).await?;
            for it in told {
                courier.take(Piece {
                    partial: Partial::Probs(it),
                    parts: vec![],
                });
            }
            courier.flush().await?;
        }
        Ok(())
    }

    /// The distributions after some positions of a run.
    pub(super) async fn next_at(
        &mut self,
        job: &Job,
        run: &RunKey,
        range: Range<usize>,
        top_k: usize,
    ) -> Result<Vec<Distribution>, Trouble> {
        let outbox = self.outbox.clone();
        let mut ready = self.weighing(job, run).await?;
        let mut out = Vec::new();
        for block in blocks(&outbox, job, range) {
            out.extend(ready.probs(block, (top_k, &[]), &job.stop).await?);
        }
        Ok(out)
    }

    /// The model, which holds the run whole.
    async fn weighing(&mut self, job: &Job, run: &RunKey) -> Result<Ready<'_>, Trouble> {
        let outbox = self.outbox.clone();
        let recipe = self.recipe_of(run)?;
        self.ready(job).await?.model.need_all()?;
        self.bring(job, run, &recipe).await?;
        let mut ready = self.ready(job).await?;
        recipe.make_current(&mut ready, (&outbox, job)).await?;
        Ok(ready)
    }
}

impl Ready<'_> {
    /// The distributions after a block of positions of the run that the model holds.
    async fn probs(
        &mut self,
        block: Range<usize>,
        (top_k, asked): (usize, &[u32]),
        stop: &Stop,
    ) -> Result<Vec<Distribution>, Trouble> {
        let told = self.model.probs(block, top_k, asked, stop).await?;
        let tokenizer = self.book.tokenizer.as_ref();
        let told = told.into_iter().map(|it| distribution(it, tokenizer));
        Ok(told.collect())
    }

    /// What the model would say after a layer, at some positions of a clean run.
    pub(super) async fn lens(
        &mut self,
        ids: &[u32],
        place: (usize, Range<usize>),
        asked: (usize, &[u32]),
        stop: &Stop,
    ) -> Result<Vec<Distribution>, Trouble> {
        let told = self.model.lens(ids, place, asked, stop).await?;
        let tokenizer = self.book.tokenizer.as_ref();
        let told = told.into_iter().map(|it| distribution(it, tokenizer));
        Ok(told.collect())
    }
}

/// Positions in blocks that are weighed at once; how far that is, is told.
fn blocks(outbox: &Outbox, job: &Job, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let n = range.len() as u64;
    let firsts = range.clone().step_by(gemma::PREFILL_POSITIONS);
    firsts.map(move |first| {
        let done = (first - range.start) as u64;
        let phase = "Weighing the next token";
        outbox.progress(job.id, phase, done, Some(n), "positions");
        first..range.end.min(first + gemma::PREFILL_POSITIONS)
    })
}

pub(super) fn distribution(it: Told, tokenizer: Option<&Tokenizer>) -> Distribution {
    let probability = |token: &(u32, f32)| words::probability(tokenizer, token, it.log_sum_exp);
    Distribution {
        pos: it.pos,
        log_sum_exp: it.log_sum_exp,
        top: it.top.iter().map(probability).collect(),
        asked: it.asked.iter().map(probability).collect(),
    }
}
