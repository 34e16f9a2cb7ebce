//! What the open model makes of the figures' inputs. A question that fails is a line that does not pass, so that the others are told.

use super::compare::Measured;
use super::figures::{EncoderCase, Prompt};
use super::randn::randn;
use crate::{
    gpu::GpuError,
    model::Stage,
    scope::Features,
    session::{
        ask::distribution,
        engine::Engine,
        inbox::Job,
        protocol::{Change, Probability, RunKey, Write},
        recipe::Recipe,
        trouble::Trouble,
    },
    spec::{Half, Positions, Site, gemma},
};

/// Tokens told of a distribution; ranks beyond are not looked for.
const TOP_K: usize = 50;

/// What is measured of a prompt.
pub struct OfPrompt {
    /// The most probable next tokens, and those asked for.
    pub next: Measured<(Vec<Probability>, Vec<Probability>)>,
    /// Those of the layers that are open.
    pub features: Measured<Features>,
    /// The stream at the last position.
    pub stream: Measured<Vec<f32>>,
}

impl Engine {
    /// Active features of an encoder on a vector, as (feature, activation).
    ///
    /// The vector is put in place of what the transcoder of that layer reads at BOS.
    pub(super) async fn measured_case(
        &mut self,
        job: &Job,
        case: &EncoderCase,
        d_model: usize,
    ) -> Result<Measured<Vec<(usize, f32)>>, Trouble> {
        let write = Write {
            site: Site::Ln2Normalized(case.layer),
            positions: Positions::Span(0, 0),
            change: Change::Replace(randn(case.seed, d_model)),
        };
        let recipe = Recipe {
            ids: vec![gemma::BOS],
            writes: vec![write],
            derived: None,
        };
        let run = self.made(job, &recipe, &[]).await;
        let found = match run {
            Ok(run) => self.encoded(job, (&run, &recipe), case.layer).await,
            Err(it) => Err(it),
        };
        self.clear(&recipe);
        self.measured(found)
    }

    async fn encoded(
        &mut self,
        job: &Job,
        (run, recipe): (&RunKey, &Recipe),
        layer: usize,
    ) -> Result<Vec<(usize, f32)>, Trouble> {
        let features = self.features_of(job, run, recipe).await?;
        let (_, model, scope) = self.ready(job).await?.with_scope()?;
        scope.dictionary(layer, Half::Encoder)?;
        model.need(Stage::before_mlp(layer))?;
        let of_layer = features.of(layer).unwrap_or_default().iter();
        Ok(of_layer
            .map(|it| (it.index as usize, it.activation))
            .collect())
    }

    /// Ids that the open model's tokenizer makes of a text.
    pub(super) fn measured_tokens(&self, text: &str) -> Measured<Vec<u32>> {
        let tokens = match &self.open {
            Some(it) => it.book.encode(text),
            None => Err(Trouble::NothingOpen),
        };
        let tokens = tokens.map_err(|it| it.failure().what)?;
        Ok(tokens.iter().map(|it| it.id).collect())
    }

    /// All that the figures say of a prompt. It leaves no run behind that was not there before.
    pub(super) async fn measured_prompt(
        &mut self,
        job: &Job,
        figure: &Prompt,
    ) -> Result<OfPrompt, Trouble> {
        let want: Vec<Site> = figure.residual.iter().map(|it| it.site).collect();
        let recipe = Recipe {
            ids: figure.ids.clone(),
            ..Recipe::default()
        };
        let was_there = self.has(&recipe);
        let made = self.made(job, &recipe, &want).await;
        let run = match self.measured(made)? {
            Ok(it) => it,
            Err(why) => {
                return Ok(OfPrompt {
                    next: Err(why.clone()),
                    features: Err(why.clone()),
                    stream: Err(why),
                });
            }
        };
        let stream = self.stream(&run, &want);
        let stream = self.measured(stream)?;
        let features = match figure.n_active.is_some() || figure.firing.is_some() {
            true => self.features_of(job, &run, &recipe).await,
            false => Ok(Features::default()),
        };
        let features = self.measured(features)?;
        let next = self.next_tokens(job, &recipe, figure).await;
        let next = self.measured(next)?;
        if !was_there {
            self.clear(&recipe);
        }
        Ok(OfPrompt {
            next,
            features,
            stream,
        })
    }

    async fn next_tokens(
        &mut self,
        job: &Job,
        recipe: &Recipe,
        figure: &Prompt,
    ) -> Result<(Vec<Probability>, Vec<Probability>), Trouble> {
        let asked = figure.probabilities.iter().flat_map(|it| &it.tokens);
        let asked: Vec<u32> = asked.map(|it| it.0).collect();
        if asked.is_empty() && figure.rank.is_none() {
            return Ok((vec![], vec![]));
        }
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        ready.model.need_all()?;
        recipe.make_current(&mut ready, (&outbox, job)).await?;
        let (book, model) = (ready.book, ready.model);
        let end = recipe.ids.len();
        let top_k = TOP_K.min(model.config().d_vocab);
        let told = model.probs(end - 1..end, top_k, &asked, &job.stop).await?;
        let tokenizer = book.tokenizer.as_ref();
        let told = told.into_iter().map(|it| distribution(it, tokenizer));
        let mut both = told.map(|it| (it.top, it.asked));
        Ok(both.next().unwrap_or_default())
    }

    /// The last position's numbers of a kept site.
    fn stream(&mut self, run: &RunKey, want: &[Site]) -> Result<Vec<f32>, Trouble> {
        let Some(site) = want.first() else {
            return Ok(Vec::new());
        };
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let site = site.within(book.checkpoint.config().n_layers)?;
        let kept = book.runs.get(run).and_then(|it| it.sites.get(&site));
        let kept = kept.ok_or_else(|| Trouble::UnknownRun { run: run.clone() })?;
        let width = kept.shape.last().copied().unwrap_or(0);
        let start = kept.data.len().saturating_sub(width);
        Ok(kept.data[start..].to_vec())
    }

    async fn made(&mut self, job: &Job, recipe: &Recipe, want: &[Site]) -> Result<RunKey, Trouble> {
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let key = book.key(recipe);
        self.keep(job, &key, recipe.clone(), want).await?;
        Ok(key)
    }

    fn has(&mut self, recipe: &Recipe) -> bool {
        let book = self.open.as_mut().map(|it| &mut it.book);
        book.is_some_and(|it| {
            let key = it.key(recipe);
            it.runs.get(&key).is_some()
        })
    }

    /// Forgets a run that was made for the figures alone.
    fn clear(&mut self, recipe: &Recipe) {
        if let Some(it) = &mut self.open {
            let key = it.book.key(recipe);
            it.book.runs.drop_run(&key);
        }
    }

    /// What was measured, or why it could not be. What stops the whole check, or makes it begin anew, is passed on.
    fn measured<T>(&self, it: Result<T, Trouble>) -> Result<Measured<T>, Trouble> {
        let gone = || self.gpu.as_ref().and_then(|it| it.lost());
        match it {
            Ok(it) => Ok(Ok(it)),
            Err(Trouble::Stopped) => Err(Trouble::Stopped),
            Err(it) if it.lost().is_some() || it.is_out_of_memory() => Err(it),
            Err(it) => match gone() {
                Some(reason) => Err(GpuError::Lost { reason }.into()),
                None => Ok(Err(it.failure().what)),
            },
        }
    }
}
