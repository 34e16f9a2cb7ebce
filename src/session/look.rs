//! Questions about a run that transcoders answer: features, dense arrays, the lens, metrics, effects; and a feature's own numbers.

use super::{
    courier::Courier,
    engine::Engine,
    inbox::Job,
    listed::{self, Listed},
    outbox::Piece,
    protocol::{FeatureQuestion, Partial, RunKey, What},
    recipe::{Extras, Recipe},
    trouble::Trouble,
    words,
};
use crate::{
    model::Stage,
    scope::{Dense, ScopeError, Spread, Sums, side_by_side},
    spec::{DensePart, FeatureCard, FeatureId, Half, NearFeature, Splice, TokenSpread, TokenValue},
};
use std::ops::Range;

impl Engine {
    /// The part of `Ask` that needs transcoders or what is kept beside them.
    pub(super) async fn look(
        &mut self,
        job: &Job,
        run: &RunKey,
        what: &What,
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let recipe = self.recipe_of(run)?;
        let of = (run, &recipe);
        match what {
            What::Features { layers } => self.ask_features(job, of, layers.as_deref(), range).await,
            What::Dense { layers, parts } => {
                self.ask_dense(job, of, (layers.as_deref(), parts), range)
                    .await
            }
            What::Lens {
                layers,
                top_k,
                asked,
            } => {
                clean("The logit lens", of)?;
                self.ask_lens(job, &recipe, (layers.as_deref(), *top_k, asked), range)
                    .await
            }
            What::Metrics {
                splices,
                pooled_with,
            } => {
                clean("Metrics", of)?;
                let mut prompts = vec![recipe.ids.clone()];
                for run in pooled_with {
                    let other = self.recipe_of(run)?;
                    clean("Metrics", (run, &other))?;
                    prompts.push(other.ids);
                }
                self.ask_metrics(job, &prompts, splices).await
            }
            What::Effects { token, layers } => {
                clean("Effects", of)?;
                self.ask_effects(job, of, (*token, layers.as_deref()), range)
                    .await
            }
            What::Site(_) | What::Probs { .. } => Ok(()),
        }
    }

    async fn ask_features(
        &mut self,
        job: &Job,
        (run, recipe): (&RunKey, &Recipe),
        layers: Option<&[usize]>,
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let now = self.features_of(job, run, recipe).await?;
        let clean = match recipe.derived.as_deref() {
            Some(it) => Some(self.clean_features(job, &it.base, &recipe.ids).await?),
            None => None,
        };
        let ready = self.ready(job).await?;
        let layers = match layers {
            Some(it) => it.to_vec(),
            None => ready.layers_to_tell(Half::Encoder),
        };
        let (_, model, scope) = ready.with_scope()?;
        let mut courier = Courier::new(&outbox, job);
        for layer in layers {
            scope.dictionary(layer, Half::Encoder)?;
            model.need(Stage::before_mlp(layer))?;
            let before = clean.as_ref().and_then(|it| it.of(layer));
            // Layers below the lowest that is touched are as they were.
            let of_layer = now.of(layer).or(before).unwrap_or_default();
            let listed = match (recipe.derived.as_deref(), before) {
                (Some(derived), Some(before)) => Listed::changed(
                    layer,
                    &side_by_side(of_layer, before),
                    &derived.steering,
                    range.clone(),
                ),
                _ => Listed::active(layer, of_layer, range.clone()),
            };
            for piece in listed.pieces() {
                courier.take(piece);
                courier.flush().await?;
            }
        }
        Ok(())
    }

    async fn ask_dense(
        &mut self,
        job: &Job,
        (_, recipe): (&RunKey, &Recipe),
        (layers, parts): (Option<&[usize]>, &[DensePart]),
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        let Some(scope) = ready.scope.as_deref() else {
            return Err(ScopeError::NoDictionaries.into());
        };
        let outs = parts.contains(&DensePart::Out);
        let needed = |it| match outs {
            true => Stage::after(it),
            false => Stage::before_mlp(it),
        };
        let is_there = |it: &usize| {
            let decoder = !outs || scope.need(*it, Half::Decoder).is_ok();
            decoder && ready.model.need(needed(*it)).is_ok()
        };
        let layers: Vec<usize> = match layers {
            Some(it) => it.to_vec(),
            None => { ready.layers_to_tell(Half::Encoder).into_iter() }
                .filter(is_there)
                .collect(),
        };
        for layer in &layers {
            ready.model.need(needed(*layer))?;
        }
        let mut courier = Courier::new(&outbox, job);
        // A layer at a time, so that little is held while pieces wait for credits.
        for layer in layers {
            let mut take = |it: Dense| {
                listed::dense_pieces(&it, range.clone())
                    .into_iter()
                    .for_each(|it| courier.take(it));
            };
            let extras = Extras {
                dense: parts.iter().map(|it| (layer, *it)).collect(),
                dense_sink: Some(&mut take),
            };
            let out = (&outbox, job);
            recipe
                .make(&mut ready, &[], &mut |_| (), extras, out)
                .await?;
            courier.flush().await?;
        }
        Ok(())
    }

    async fn ask_lens(
        &mut self,
        job: &Job,
        recipe: &Recipe,
        (layers, top_k, asked): (Option<&[usize]>, usize, &[u32]),
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        ready.model.need_table()?;
        let layers = match layers {
            Some(it) => it.to_vec(),
            None => (0..ready.model.reach().mlp).collect(),
        };
        let mut courier = Courier::new(&outbox, job);
        let n = layers.len() as u64;
        for (done, layer) in layers.into_iter().enumerate() {
            outbox.progress(
                job.id,
                "Looking through the lens",
                done as u64,
                Some(n),
                "layers",
            );
            let place = (layer, range.clone());
            let told = ready
                .lens(&recipe.ids, place, (top_k, asked), &job.stop)
                .await?;
            for told in told {
                courier.take(plain(Partial::Lens { layer, told }));
            }
            courier.flush().await?;
        }
        Ok(())
    }

    async fn ask_metrics(
        &mut self,
        job: &Job,
        prompts: &[Vec<u32>],
        splices: &[Splice],
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let ready = self.ready(job).await?;
        let (_, model, scope) = ready.with_scope()?;
        model.need_all()?;
        let mut courier = Courier::new(&outbox, job);
        let n = splices.len() as u64;
        for (done, splice) in splices.iter().enumerate() {
            outbox.progress(job.id, "Measuring splices", done as u64, Some(n), "splices");
            let mut sums = Sums::default();
            for ids in prompts {
                sums.add(&scope.measure(model, ids, *splice, &job.stop).await?);
            }
            courier.take(plain(Partial::Metrics(sums.metrics(*splice))));
            courier.flush().await?;
        }
        Ok(())
    }

    async fn ask_effects(
        &mut self,
        job: &Job,
        (run, recipe): (&RunKey, &Recipe),
        (token, layers): (u32, Option<&[usize]>),
        range: Range<usize>,
    ) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        self.ready(job).await?.model.need_all()?;
        let features = self.features_of(job, run, recipe).await?;
        let ready = self.ready(job).await?;
        let (_, model, scope) = ready.with_scope()?;
        let is_there = |it: &usize| scope.need(*it, Half::Encoder).is_ok();
        let layers = match layers {
            Some(it) => it.to_vec(),
            None => { scope.layers(Half::Decoder).into_iter() }
                .filter(is_there)
                .collect(),
        };
        let mut courier = Courier::new(&outbox, job);
        for layer in layers {
            scope.need(layer, Half::Encoder)?;
            let of = (recipe.ids.as_slice(), &features);
            let effects = scope.effects(model, of, (layer, token), &job.stop).await?;
            let of_layer = features.of(layer).unwrap_or_default();
            for piece in listed::effect_pieces(layer, of_layer, &effects, range.clone()) {
                courier.take(piece);
                courier.flush().await?;
            }
        }
        Ok(())
    }

    /// A feature's own numbers, and what is known of it.
    pub(super) async fn card(
        &mut self,
        job: &Job,
        feature: FeatureId,
        question: &FeatureQuestion,
    ) -> Result<FeatureCard, Trouble> {
        let ready = self.ready(job).await?;
        let (book, model, scope) = ready.with_scope()?;
        let card = scope.card(model, feature, question, &job.stop).await?;
        let token = |&(id, value): &(u32, f32)| TokenValue {
            id,
            piece: words::piece(book.tokenizer.as_ref(), id),
            value,
        };
        let spread = |it: Spread| TokenSpread {
            top: it.top.iter().map(token).collect(),
            bottom: it.bottom.iter().map(token).collect(),
            histogram: it.histogram,
        };
        let near = |(feature, cosine)| NearFeature { feature, cosine };
        Ok(FeatureCard {
            feature,
            n_features: card.n_features,
            encoder_norm: card.encoder_norm,
            decoder_norm: card.decoder_norm,
            cosine: card.cosine,
            b_enc: card.b_enc,
            threshold: card.threshold,
            logits: card.logits.map(spread),
            de_embedding: card.de_embedding.map(spread),
            nearest: card.nearest.into_iter().map(near).collect(),
            label: self.desk.labels.label(feature),
            yours: self.desk.labels.yours(feature),
            examples: self.desk.labels.examples(feature, question.n_examples),
        })
    }
}

pub(super) fn clean(what: &'static str, (run, recipe): (&RunKey, &Recipe)) -> Result<(), Trouble> {
    match recipe.is_clean() {
        true => Ok(()),
        false => Err(Trouble::NotClean {
            what,
            run: run.clone(),
        }),
    }
}

fn plain(partial: Partial) -> Piece {
    Piece {
        partial,
        parts: vec![],
    }
}
