//! Asks the run and the open model for what tables and pictures hold. Leaves their columns to `rows` and their marks to `charts`.

use super::super::{
    engine::Engine,
    inbox::Job,
    look::clean,
    protocol::{
        Distribution, DocumentWhat, FeatureCard, FeatureId, FeatureQuestion, Half, Splice,
        SpliceMetrics,
    },
    trouble::Trouble,
};
use super::{
    charts,
    drawing::Legend,
    make::{Chart, Subject},
    map::check_cells,
    rows::{self, Content},
    trouble::DocumentTrouble,
};
use crate::scope::Sums;

/// Most probable tokens of each place in a table.
const N_TOLD: usize = 10;
const N_LENS: usize = 5;
/// Of a feature: tokens of each end, nearest features, examples.
const N_TOKENS: usize = 50;
const N_NEAREST: usize = 20;
const N_EXAMPLES: usize = 100;

impl Engine {
    /// What stands in a table.
    pub(super) async fn content_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        what: &DocumentWhat,
    ) -> Result<Content, Trouble> {
        let tokens = &it.tokens;
        Ok(match what {
            DocumentWhat::Next => {
                let all = 0..it.recipe.ids.len();
                let told = self.next_at(job, it.run()?, all, N_TOLD).await?;
                rows::next(tokens, &told)
            }
            DocumentWhat::Lens => rows::lens(tokens, &self.lens_of(job, it, N_LENS).await?),
            DocumentWhat::Figures => {
                let told = self.figures_of(job, it).await?;
                let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
                rows::figures(&told, &book.transcoders.declared_l0())
            }
            DocumentWhat::Strip(feature) => {
                rows::strip(tokens, &self.strip_of(job, it, *feature).await?)
            }
            DocumentWhat::Nearest(feature) => {
                let question = FeatureQuestion {
                    nearest_in: vec![feature.layer],
                    n_nearest: N_NEAREST,
                    ..FeatureQuestion::default()
                };
                let card = self.card(job, *feature, &question).await?;
                rows::nearest(&card, &self.desk.labels.all())
            }
            DocumentWhat::Examples(feature) => {
                let question = FeatureQuestion {
                    n_examples: N_EXAMPLES,
                    ..FeatureQuestion::default()
                };
                let card = self.card(job, *feature, &question).await?;
                if card.examples.is_empty() {
                    let feature = *feature;
                    return Err(DocumentTrouble::NoExamples { feature }.into());
                }
                rows::examples(&card)
            }
            DocumentWhat::Promotes(feature) => rows::promotes(&self.ends_of(job, *feature).await?),
            // These are written otherwise.
            DocumentWhat::Features
            | DocumentWhat::Sites(_)
            | DocumentWhat::Summary
            | DocumentWhat::Map(_) => Content::default(),
        })
    }

    /// What is drawn.
    pub(super) async fn chart_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        what: &DocumentWhat,
    ) -> Result<Chart, Trouble> {
        let names = it.names();
        Ok(match what {
            DocumentWhat::Strip(feature) => {
                let told = self.strip_of(job, it, *feature).await?;
                check_cells(told.len())?;
                // The first token dwarfs the others.
                let first = usize::from(told.len() > 1);
                let most = told.iter().skip(first).copied().fold(0.0, f32::max);
                Chart {
                    title: self.called(*feature),
                    body: charts::strip(&names, &told, most),
                    legend: Legend {
                        shades: Some((most, false)),
                        words: "activation".into(),
                    },
                }
            }
            DocumentWhat::Promotes(feature) => {
                let card = self.ends_of(job, *feature).await?;
                Chart {
                    title: self.called(*feature),
                    body: card.logits.as_ref().map(charts::spread).unwrap_or_default(),
                    legend: Legend {
                        shades: None,
                        words: "effect on the logits of all tokens: how many have how large a one, logarithmic".into(),
                    },
                }
            }
            DocumentWhat::Figures => Chart {
                title: it.title(),
                body: charts::figures(&self.figures_of(job, it).await?),
                legend: Legend {
                    shades: None,
                    words: "how well transcoders explain this prompt, its first token left out"
                        .into(),
                },
            },
            _ => {
                let told = self.lens_of(job, it, 1).await?;
                check_cells(told.len() * names.len())?;
                Chart {
                    title: it.title(),
                    body: charts::lens(&names, &told),
                    legend: Legend {
                        shades: Some((1.0, false)),
                        words:
                            "probability; what the model would say after each layer, approximate"
                                .into(),
                    },
                }
            }
        })
    }

    /// Layer by layer, the distribution at each position.
    async fn lens_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        top_k: usize,
    ) -> Result<Vec<(usize, Vec<Distribution>)>, Trouble> {
        clean("The logit lens", (it.run()?, &it.recipe))?;
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        ready.model.need_table()?;
        let n_layers = ready.model.reach().mlp;
        let mut out = Vec::new();
        for layer in 0..n_layers {
            let (done, total) = (layer as u64, Some(n_layers as u64));
            outbox.progress(job.id, "Looking through the lens", done, total, "layers");
            let place = (layer, 0..it.recipe.ids.len());
            let asked = (top_k, &[][..]);
            let told = ready.lens(&it.recipe.ids, place, asked, &job.stop).await?;
            out.push((layer, told));
        }
        Ok(out)
    }

    /// Of each layer that has both halves, and of all together.
    async fn figures_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
    ) -> Result<Vec<SpliceMetrics>, Trouble> {
        clean("Metrics", (it.run()?, &it.recipe))?;
        let outbox = self.outbox.clone();
        let (_, model, scope) = self.ready(job).await?.with_scope()?;
        model.need_all()?;
        let decoders = scope.layers(Half::Decoder);
        let layers = scope.layers(Half::Encoder).into_iter();
        let layers = layers.filter(|it| decoders.contains(it));
        let splices: Vec<Splice> = layers.map(Splice::Layer).chain([Splice::All]).collect();
        let total = Some(splices.len() as u64);
        let mut out = Vec::new();
        for (done, splice) in splices.into_iter().enumerate() {
            outbox.progress(job.id, "Measuring splices", done as u64, total, "splices");
            let mut sums = Sums::default();
            let ids = &it.recipe.ids;
            sums.add(&scope.measure(model, ids, splice, &job.stop).await?);
            out.push(sums.metrics(splice));
        }
        Ok(out)
    }

    /// How strongly a feature fires at each position.
    async fn strip_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        feature: FeatureId,
    ) -> Result<Vec<f32>, Trouble> {
        // It says what is wrong with a feature that is not there.
        self.card(job, feature, &FeatureQuestion::default()).await?;
        let (_, _, scope) = self.ready(job).await?.with_scope()?;
        scope.dictionary(feature.layer, Half::Encoder)?;
        let mut out = vec![0.0; it.recipe.ids.len()];
        let firings = self.firings(job, it.run()?).await?;
        for it in firings.iter().filter(|it| it.feature() == feature) {
            if let Some(slot) = out.get_mut(it.pos) {
                *slot = it.activation;
            }
        }
        Ok(out)
    }

    /// A feature with the tokens whose logits it moves most.
    async fn ends_of(&mut self, job: &Job, feature: FeatureId) -> Result<FeatureCard, Trouble> {
        let question = FeatureQuestion {
            n_tokens: N_TOKENS,
            ..FeatureQuestion::default()
        };
        let card = self.card(job, feature, &question).await?;
        let (_, model, scope) = self.ready(job).await?.with_scope()?;
        scope.dictionary(feature.layer, Half::Decoder)?;
        model.need_table()?;
        Ok(card)
    }

    /// A feature and its label, as a picture is headed.
    fn called(&self, feature: FeatureId) -> String {
        let label = self.desk.labels.called(feature);
        let FeatureId { layer, index } = feature;
        match label.is_empty() {
            true => format!("Feature {layer}/{index}"),
            false => format!("Feature {layer}/{index}: {label}"),
        }
    }
}
