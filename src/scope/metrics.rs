//! How well dictionaries explain a prompt: the metrics of a splice, and those of several prompts pooled by tokens.
//!
//! Source: Gemma Scope paper (arXiv:2408.05147), section 4; SAELens `evals.py`. Position 0 keeps the model's own output and counts
//! nowhere.

use super::{Prompt, Scope, ScopeError, Task, Variation};
use crate::{
    model::{Capture, Compared, Model},
    spec::{DensePart, Half, Site, Splice, SpliceMetrics},
    sys::Stop,
};

/// Sums of one prompt, or of several: what metrics are the quotients of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    n_pos: usize,
    n_targets: usize,
    n_active: f64,
    /// Squares of what is not explained.
    unexplained: f64,
    /// By column of the site predicted: the sum, and over all of them the sum of squares.
    column_sums: Vec<f64>,
    squares: f64,
    ce_clean: f64,
    ce_spliced: f64,
    ce_zero_ablated: f64,
    kl: f64,
}

impl Sums {
    /// Adds another prompt's.
    pub fn add(&mut self, other: &Self) {
        self.n_pos += other.n_pos;
        self.n_targets += other.n_targets;
        self.n_active += other.n_active;
        self.unexplained += other.unexplained;
        self.squares += other.squares;
        self.column_sums.resize(other.column_sums.len(), 0.0);
        for (sum, more) in self.column_sums.iter_mut().zip(&other.column_sums) {
            *sum += more;
        }
        self.ce_clean += other.ce_clean;
        self.ce_spliced += other.ce_spliced;
        self.ce_zero_ablated += other.ce_zero_ablated;
        self.kl += other.kl;
    }

    /// The metrics.
    pub fn metrics(&self, splice: Splice) -> SpliceMetrics {
        let (n_pos, n) = (self.n_pos as f64, self.n_targets as f64);
        let (clean, spliced, zero) = (
            self.ce_clean / n,
            self.ce_spliced / n,
            self.ce_zero_ablated / n,
        );
        let of_layer = matches!(splice, Splice::Layer(_));
        let means: f64 = self.column_sums.iter().map(|it| it * it / n_pos).sum();
        SpliceMetrics {
            splice,
            n_pos: self.n_pos,
            n_targets: self.n_targets,
            l0: of_layer.then(|| self.n_active / n_pos),
            fvu: of_layer.then(|| self.unexplained / (self.squares - means)),
            ce_clean: clean,
            ce_spliced: spliced,
            ce_zero_ablated: of_layer.then_some(zero),
            delta_loss: spliced - clean,
            ce_loss_score: of_layer.then(|| (zero - spliced) / (zero - clean)),
            kl: self.kl / n_pos,
        }
    }

    fn count(&mut self, compared: &[Compared]) {
        for it in compared {
            self.n_pos += 1;
            self.kl += f64::from(it.kl);
            if let Some([clean, now]) = it.ce {
                self.n_targets += 1;
                self.ce_clean += f64::from(clean);
                self.ce_spliced += f64::from(now);
            }
        }
    }

    fn explain(&mut self, outputs: &[f32], rebuilt: &[f32], width: usize) {
        self.column_sums.resize(width, 0.0);
        for (row, guess) in outputs.chunks(width).zip(rebuilt.chunks(width)) {
            for (i, (y, guess)) in row.iter().zip(guess).enumerate() {
                let (y, guess) = (f64::from(*y), f64::from(*guess));
                self.unexplained += (y - guess).powi(2);
                self.squares += y * y;
                self.column_sums[i] += y;
            }
        }
    }
}

impl Scope {
    /// The sums of a splice on a prompt, whose clean run is kept (and run if it is not).
    ///
    /// Errors: [`ScopeError::TooShort`], [`ScopeError::NotLoaded`], [`ScopeError::Awaited`], [`ScopeError::Model`].
    pub async fn measure(
        &mut self,
        model: &mut Model,
        ids: &[u32],
        splice: Splice,
        stop: &Stop,
    ) -> Result<Sums, ScopeError> {
        if ids.len() < 3 {
            return Err(ScopeError::TooShort { n_pos: ids.len() });
        }
        let layers = self.spliced(splice)?;
        let mut sums = Sums::default();
        if let Splice::Layer(layer) = splice {
            let zero = Task {
                zero: [layer].into(),
                ..Task::default()
            };
            let compared = self.replaced(model, ids, zero, stop).await?;
            let told = compared.iter().filter_map(|it| it.ce);
            sums.ce_zero_ablated = told.map(|it| f64::from(it[1])).sum();
            self.explain(model, ids, layer, &mut sums, stop).await?;
        }
        let splice = Task {
            splice: layers,
            ..Task::default()
        };
        let compared = self.replaced(model, ids, splice, stop).await?;
        sums.count(&compared);
        Ok(sums)
    }

    /// A run with something in place of what MLPs add, against the clean one.
    async fn replaced(
        &mut self,
        model: &mut Model,
        ids: &[u32],
        task: Task<'_>,
        stop: &Stop,
    ) -> Result<Vec<Compared>, ScopeError> {
        let prompt = Prompt {
            ids,
            want: &[],
            writes: &[],
            sink: &mut |_| (),
            stop,
        };
        let variation = Variation {
            task,
            label: u64::MAX,
            ..Variation::default()
        };
        self.vary(model, prompt, variation).await?;
        Ok(model.compare(1..ids.len(), stop).await?)
    }

    /// What a layer's reconstruction explains, and how many features it takes.
    async fn explain(
        &mut self,
        model: &mut Model,
        ids: &[u32],
        layer: usize,
        sums: &mut Sums,
        stop: &Stop,
    ) -> Result<(), ScopeError> {
        let dictionary = self.dictionary(layer, Half::Decoder)?;
        let (site, width) = (dictionary.predicts, dictionary.d_out);
        let (mut outputs, mut rebuilt) = (Vec::new(), Vec::new());
        let mut take = |it: super::Dense| rebuilt.extend(it.data);
        let task = Task {
            list: [layer].into(),
            dense: [(layer, DensePart::Out)].into(),
            sink: Some(&mut take),
            ..Task::default()
        };
        let mut keep = |it: Capture| outputs.extend(it.data);
        let want: [Site; 1] = [site];
        let prompt = Prompt {
            ids,
            want: &want,
            writes: &[],
            sink: &mut keep,
            stop,
        };
        let features = self.look(model, prompt, &[layer], task).await?;
        let of_layer = features.of(layer).unwrap_or_default();
        sums.n_active = of_layer.iter().filter(|it| it.pos > 0).count() as f64;
        sums.explain(&outputs[width..], &rebuilt[width..], width);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two prompts pooled are one long prompt.
    #[test]
    fn sums_are_pooled_by_tokens() {
        let compared = |pos, kl, clean, now| Compared {
            pos,
            kl,
            ce: Some([clean, now]),
        };
        let mut first = Sums::default();
        first.count(&[compared(1, 0.5, 1.0, 2.0)]);
        first.explain(&[1.0, 2.0], &[1.0, 0.0], 2);
        let mut second = Sums::default();
        second.count(&[compared(1, 0.1, 3.0, 5.0), compared(2, 0.3, 2.0, 2.0)]);
        second.explain(&[3.0, 2.0, 5.0, 2.0], &[3.0, 2.0, 4.0, 2.0], 2);
        let mut pooled = first.clone();
        pooled.add(&second);
        let it = pooled.metrics(Splice::Layer(0));
        assert_eq!((it.n_pos, it.n_targets), (3, 3));
        assert!((it.kl - 0.3).abs() < 1e-7 && (it.delta_loss - 1.0).abs() < 1e-12);
        // Columns 1, 3, 5 and 2, 2, 2: a variance of 8 in all, of which 4 + 1 are not explained.
        assert!((it.fvu.expect("of a layer") - 5.0 / 8.0).abs() < 1e-12);
    }
}
