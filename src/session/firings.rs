//! The active features of a run as one list, for what is made of all of them: witnesses, documents, pictures.

use super::{
    engine::Engine,
    inbox::Job,
    protocol::{FeatureId, RunKey},
    trouble::Trouble,
};
use crate::{scope::side_by_side, spec::Half};

/// A feature that is active at a position, in the run or in the clean one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Firing {
    pub layer: usize,
    pub pos: usize,
    pub index: usize,
    /// 0 where it is active in the clean run only.
    pub activation: f32,
    /// Of a derived run.
    pub clean: Option<f32>,
}

impl Firing {
    /// Which feature.
    pub fn feature(&self) -> FeatureId {
        FeatureId {
            layer: self.layer,
            index: self.index,
        }
    }
}

impl Engine {
    /// All that are active, BOS included, by layer, position and index; of the layers that can be told now.
    pub(super) async fn firings(
        &mut self,
        job: &Job,
        run: &RunKey,
    ) -> Result<Vec<Firing>, Trouble> {
        let recipe = self.recipe_of(run)?;
        let now = self.features_of(job, run, &recipe).await?;
        let clean = match recipe.derived.as_deref() {
            Some(it) => Some(self.clean_features(job, &it.base, &recipe.ids).await?),
            None => None,
        };
        let layers = self.ready(job).await?.layers_to_tell(Half::Encoder);
        let mut out = Vec::new();
        for layer in layers {
            let before = clean.as_ref().and_then(|it| it.of(layer));
            // Layers below the lowest that is touched are as they were.
            let of_layer = now.of(layer).or(before).unwrap_or_default();
            let firing = |pos: u32, index: u32, activation: f32, clean: Option<f32>| Firing {
                layer,
                pos: pos as usize,
                index: index as usize,
                activation,
                clean,
            };
            match before {
                Some(before) => {
                    let both = side_by_side(of_layer, before);
                    out.extend(
                        both.iter()
                            .map(|it| firing(it.pos, it.index, it.activation, Some(it.clean))),
                    );
                }
                None => out.extend(
                    of_layer
                        .iter()
                        .map(|it| firing(it.pos, it.index, it.activation, None)),
                ),
            }
        }
        Ok(out)
    }
}
