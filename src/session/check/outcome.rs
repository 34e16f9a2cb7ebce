//! Goes through the figures and gathers how they came out. Leaves measuring to `measured`, what passes to `compare`.

use super::{
    compare::{self, Measured, Place},
    figures::{Figures, Prompt},
    measured::OfPrompt,
};
use crate::{
    scope::Features,
    session::{
        engine::Engine,
        inbox::Job,
        protocol::{BUILD, CheckLine, Checked, FigureSet, Outcome},
        trouble::Trouble,
    },
    spec::{Config, Positions, Precision},
};
use std::ops::Range;

impl Engine {
    /// `Check`. A figure that can't be measured does not pass, and is no failure.
    ///
    /// Errors: nothing is open; no figures are known of it; a stop; a device that is lost.
    pub(in crate::session) async fn check(
        &mut self,
        job: &Job,
        asked: Option<FigureSet>,
    ) -> Result<Outcome, Trouble> {
        let book = &*self.ready(job).await?.book;
        let (config, precision) = (book.checkpoint.config().clone(), book.plan.precision);
        let has_tokenizer = book.tokenizer.is_some();
        let figures = match asked {
            Some(it) => Figures::of(it),
            None => known(&config)?,
        };
        let total = (figures.encoder.cases.len() + figures.prompts.len()) as u64;
        let (outbox, mut done) = (self.outbox.clone(), 0);
        let mut next = || {
            outbox.progress(
                job.id,
                "Comparing with known figures",
                done,
                Some(total),
                "figures",
            );
            done += 1;
        };
        let mut lines = vec![compare::sizes(&figures.model, &config)];
        for case in &figures.encoder.cases {
            next();
            let measured = self.measured_case(job, case, config.d_model).await?;
            lines.extend(compare::encoder(&figures.encoder, case, &measured));
        }
        for prompt in &figures.prompts {
            next();
            if has_tokenizer {
                let ids = self.measured_tokens(&prompt.text);
                lines.push(compare::tokens(prompt, &ids));
            }
            let measured = self.measured_prompt(job, prompt).await?;
            lines.extend(of_prompt(prompt, &measured, (precision, config.n_layers)));
        }
        self.checked(job, &figures, lines).await
    }

    async fn checked(
        &mut self,
        job: &Job,
        figures: &Figures,
        lines: Vec<CheckLine>,
    ) -> Result<Outcome, Trouble> {
        let about = self.gpu().await?.about().clone();
        let book = &*self.ready(job).await?.book;
        let n_failed = lines.iter().filter(|it| !it.passed).count();
        Ok(Outcome::Checked(Checked {
            passed: n_failed == 0,
            n_passed: lines.len() - n_failed,
            n_failed,
            lines,
            figures: figures.set,
            is_for_precision: figures.precisions.contains(&book.plan.precision),
            model: book.request.model.clone(),
            fingerprint: book.checkpoint.fingerprint().into(),
            precision: book.plan.precision,
            adapter: about.adapter,
            backend: about.backend,
            driver: about.driver,
            build: BUILD.into(),
        }))
    }
}

/// The figures of a model of these sizes.
fn known(config: &Config) -> Result<Figures, Trouble> {
    let all = [FigureSet::Published, FigureSet::Demo].map(Figures::of);
    let mut fitting = all.into_iter().filter(|it| it.model.are_sizes_of(config));
    fitting.next().ok_or(Trouble::NoFigures {
        n_layers: config.n_layers,
        d_model: config.d_model,
    })
}

fn of_prompt(
    prompt: &Prompt,
    it: &OfPrompt,
    (precision, n_layers): (Precision, usize),
) -> Vec<CheckLine> {
    let mut out = Vec::new();
    let next = |part: usize| {
        let both = it.next.clone();
        both.map(|(top, asked)| if part == 0 { top } else { asked })
    };
    if let Some(figure) = &prompt.probabilities {
        out.extend(compare::probabilities(figure, precision, &next(1)));
    }
    if let Some(figure) = &prompt.n_active {
        let n_active = count(
            &it.features,
            &figure.positions,
            (prompt.ids.len(), n_layers),
        );
        out.push(compare::n_active(figure, precision, &n_active));
    }
    if let Some(figure) = &prompt.firing {
        out.extend(compare::firing(figure, &|layer| {
            places(&it.features, layer)
        }));
    }
    if let Some(figure) = &prompt.residual {
        out.extend(compare::residual(figure, &it.stream));
    }
    if let Some(figure) = &prompt.rank {
        out.push(compare::rank(figure, &next(0)));
    }
    out
}

/// How many features are active at positions, of all layers of the model.
fn count(
    features: &Measured<Features>,
    positions: &str,
    (n_pos, n_layers): (usize, usize),
) -> Measured<usize> {
    let positions = positions
        .parse::<Positions>()
        .and_then(|it| it.range(n_pos));
    let positions: Range<usize> = positions.map_err(|it| it.to_string())?;
    let features = features.as_ref().map_err(Clone::clone)?;
    let mut n_active = 0;
    for layer in 0..n_layers {
        let of_layer = features.of(layer).ok_or_else(|| not_open(layer))?;
        let there = |pos: u32| positions.contains(&(pos as usize));
        n_active += of_layer.iter().filter(|it| there(it.pos)).count();
    }
    Ok(n_active)
}

/// Active features of a layer and their activations.
fn places(features: &Measured<Features>, layer: usize) -> Measured<Vec<(Place, f32)>> {
    let features = features.as_ref().map_err(Clone::clone)?;
    let of_layer = features.of(layer).ok_or_else(|| not_open(layer))?;
    let place = |it: &crate::scope::Active| {
        let place = (layer, it.index as usize, it.pos as usize);
        (place, it.activation)
    };
    Ok(of_layer.iter().map(place).collect())
}

fn not_open(layer: usize) -> String {
    format!("The transcoder of layer {layer} is not open.")
}
