//! What is done with an open model: describe it, tokenize, run a prompt, continue it. Leaves questions about a run to `ask`.

use super::{
    captures::row_bytes,
    courier::Courier,
    engine::Engine,
    inbox::Job,
    open::{self, Book, Open},
    outbox::Piece,
    protocol::{Description, Input, Opened, Outcome, Partial, RunKey, Token, Write},
    recipe::Recipe,
    runs::run_key,
    trouble::Trouble,
    words,
};
use crate::{
    model::{Model, Tokenizer},
    spec::{Sampling, Site},
    sys::Stopwatch,
};

impl Engine {
    /// `Describe`.
    pub(super) async fn describe(&mut self) -> Result<Outcome, Trouble> {
        let gpu = self.gpu().await?;
        let about = gpu.about();
        Ok(Outcome::Described(Description {
            adapter: about.adapter.clone(),
            backend: about.backend.clone(),
            driver: about.driver.clone(),
            software: about.software,
            max_binding_bytes: about.max_binding_bytes,
            features: about.features.clone(),
            gpu_bytes: gpu.live_bytes(),
            peak_gpu_bytes: gpu.peak_bytes(),
            heap_bytes: crate::sys::heap_bytes(),
            n_submits: gpu.n_submits(),
            open: self.open.as_ref().map(opened),
            last_errors: gpu.last_errors(),
        }))
    }

    /// `Tokenize`.
    pub(super) async fn tokenize(
        &mut self,
        text: &str,
        file: Option<&str>,
    ) -> Result<Outcome, Trouble> {
        let tokens = match file {
            Some(path) => {
                let tokenizer = Tokenizer::from_json(&open::file(path).await?)?;
                words::typed(&tokenizer, &tokenizer.encode(text)?)
            }
            None => self
                .open
                .as_ref()
                .ok_or(Trouble::NothingOpen)?
                .book
                .encode(text)?,
        };
        Ok(Outcome::Tokens(tokens))
    }

    /// `Run`: computes unless the same run is kept with all that it could have.
    pub(super) async fn run_prompt(
        &mut self,
        job: &Job,
        input: &Input,
        want: &[Site],
        writes: &[Write],
    ) -> Result<Outcome, Trouble> {
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let tokens = match input {
            Input::Text(text) => book.encode(text)?,
            Input::Ids(ids) => book.tokens(ids),
        };
        let recipe = Recipe {
            ids: tokens.iter().map(|it| it.id).collect(),
            writes: writes.to_vec(),
            derived: None,
        };
        let key = book.key(&recipe);
        let (kept, reached) = self.keep(job, &key, recipe, want).await?;
        Ok(Outcome::Ran {
            run: key,
            tokens,
            kept,
            reached,
        })
    }

    /// `Generate`: continues a run.
    pub(super) async fn generate(
        &mut self,
        job: &Job,
        run: &RunKey,
        (n, sampling): (usize, Sampling),
        watch: bool,
    ) -> Result<Outcome, Trouble> {
        let outbox = self.outbox.clone();
        let recipe = self.recipe_of(run)?;
        self.ready(job).await?.model.need_all()?;
        self.bring(job, run, &recipe).await?;
        let mut ready = self.ready(job).await?;
        ready.model.make_room(recipe.ids.len() + n).await?;
        recipe.make_current(&mut ready, (&outbox, job)).await?;
        let book = ready.book;
        let clock = Stopwatch::start();
        let mut courier = Courier::new(&outbox, job);
        let mut so_far = Vec::new();
        let mut on_token = |id: u32| {
            so_far.push(id);
            outbox.progress(
                job.id,
                "Generating",
                so_far.len() as u64,
                Some(n as u64),
                "tokens",
            );
            let token = words::last(book.tokenizer.as_ref(), &so_far);
            if let Some(token) = token.filter(|_| watch) {
                courier.take(Piece {
                    partial: Partial::Token(token),
                    parts: vec![],
                });
            }
        };
        let going = (n, sampling);
        let ids = recipe
            .continued(
                ready.model,
                ready.scope,
                (going, watch),
                &mut on_token,
                &job.stop,
            )
            .await?;
        courier.flush().await?;
        let text = book
            .tokenizer
            .as_ref()
            .map(|it| it.decode(&ids))
            .transpose()?;
        Ok(Outcome::Generated {
            tokens: book.tokens(&ids),
            text: text.unwrap_or_default(),
            seconds: clock.seconds(),
        })
    }

    /// Goes on with a kept run that began when less was there.
    pub(super) async fn bring(
        &mut self,
        job: &Job,
        run: &RunKey,
        recipe: &Recipe,
    ) -> Result<(), Trouble> {
        self.keep(job, run, recipe.clone(), &[]).await.map(|_| ())
    }

    /// How a kept run is made.
    pub(super) fn recipe_of(&mut self, run: &RunKey) -> Result<Recipe, Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let kept = book.runs.get(run);
        let kept = kept.ok_or_else(|| Trouble::UnknownRun { run: run.clone() })?;
        Ok(kept.recipe.clone())
    }
}

impl Book {
    /// The tokens of a text, one BOS before it.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<Token>, Trouble> {
        let tokenizer = self.tokenizer.as_ref().ok_or(Trouble::NoTokenizer)?;
        Ok(words::typed(tokenizer, &tokenizer.encode(text)?))
    }

    /// Tokens as they are shown.
    pub(super) fn tokens(&self, ids: &[u32]) -> Vec<Token> {
        words::in_a_row(self.tokenizer.as_ref(), ids)
    }

    /// The name of a run.
    pub(super) fn key(&self, recipe: &Recipe) -> RunKey {
        let prints = self.transcoders.files.values().map(|it| it.fingerprint());
        let prints: Vec<&str> = std::iter::once(self.checkpoint.fingerprint())
            .chain(prints)
            .collect();
        run_key(&prints, self.plan.precision, recipe)
    }

    /// Those of the wanted sites that the budget can keep; the others are computed again when asked for.
    pub(super) fn keepable(&self, want: &[Site], n_pos: usize) -> Result<Vec<Site>, Trouble> {
        let config = self.checkpoint.config();
        let mut room = self.runs.budget_bytes();
        let mut out = Vec::new();
        for site in want {
            let site = site.within(config.n_layers)?;
            let bytes = (n_pos * row_bytes(site, config, n_pos)) as u64;
            if bytes <= room && !out.contains(&site) {
                room -= bytes;
                out.push(site);
            }
        }
        Ok(out)
    }
}

fn opened(open: &Open) -> Opened {
    let book = &open.book;
    // The context grows with the prompts.
    let plan = open.model.as_ref().map_or(&book.plan, Model::plan);
    Opened {
        model: book.request.model.clone(),
        config: book.checkpoint.config().clone(),
        plan: plan.clone(),
        runs: book.runs.keys(),
    }
}
