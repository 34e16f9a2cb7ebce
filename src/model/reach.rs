//! How far through the layers a run can go with what has arrived, and what is missing for a question. Leaves filling to `arrive`.

use super::{Model, ModelError, layers::LayerHalf};
use crate::{
    spec::{Part, Reached, Site},
    weights::embedding_tiles,
};

/// How far through the layers a run is: of each layer attention comes first, then its MLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage {
    /// Layers whose attention has run, and what their transcoder reads been told.
    pub attention: usize,
    /// Layers whose MLP has run: as many, or one fewer.
    pub mlp: usize,
}

impl Stage {
    /// The end of all layers.
    pub const fn whole(n_layers: usize) -> Self {
        Self {
            attention: n_layers,
            mlp: n_layers,
        }
    }

    /// Where a layer's transcoder has read.
    pub const fn before_mlp(layer: usize) -> Self {
        Self {
            attention: layer + 1,
            mlp: layer,
        }
    }

    /// The end of a layer.
    pub const fn after(layer: usize) -> Self {
        Self::whole(layer + 1)
    }

    /// One half further.
    pub(super) fn next(self) -> Self {
        match self.mlp < self.attention {
            true => Self {
                mlp: self.mlp + 1,
                ..self
            },
            false => Self {
                attention: self.attention + 1,
                ..self
            },
        }
    }

    /// The stage at which a site of a model has just been passed.
    pub const fn of(site: Site, n_layers: usize) -> Self {
        match site {
            Site::Embed => Self::whole(0),
            Site::ResidPre(it)
            | Site::Pattern(it)
            | Site::AttnOut(it)
            | Site::ResidMid(it)
            | Site::Ln2Normalized(it) => Self::before_mlp(it),
            Site::MlpOut(it) | Site::ResidPost(it) => Self::after(it),
            Site::Logits => Self::whole(n_layers),
        }
    }

    /// As it is told.
    pub fn reached(self, n_layers: usize) -> Reached {
        Reached {
            n_layers: self.attention,
            whole: self == Self::whole(n_layers),
        }
    }
}

impl Model {
    /// The end of all its layers.
    pub fn end(&self) -> Stage {
        Stage::whole(self.config().n_layers)
    }

    /// How far a run can go now.
    pub fn reach(&self) -> Stage {
        let mut stage = Stage::default();
        while stage < self.end() {
            let (layer, half) = half_after(stage);
            if !self.has_half(layer, half) {
                break;
            }
            stage = stage.next();
        }
        stage
    }

    /// Whether a part of the model has not arrived. Of the opening part the last gain, which comes with it, tells.
    pub fn lacks(&self, part: Part) -> bool {
        match part {
            Part::Opening => !self.arrived.final_norm,
            Part::Embedding(n) => {
                let mut tiles = embedding_tiles(self.config());
                let lacks = |it| !self.arrived.rows.gaps(it).is_empty();
                tiles.nth(n).is_some_and(lacks)
            }
            Part::Attention(it) => !self.has_half(it, LayerHalf::Attention),
            Part::Mlp(it) => !self.has_half(it, LayerHalf::Mlp),
            Part::Vectors(_) | Part::Encoder(_) | Part::Decoder(_) => false,
        }
    }

    /// A run must be able to go as far as this.
    ///
    /// Errors: [`ModelError::Awaited`] with the lowest part that is missing.
    pub fn need(&self, stage: Stage) -> Result<(), ModelError> {
        let reach = self.reach();
        if reach >= stage {
            return Ok(());
        }
        let (layer, half) = half_after(reach);
        Err(ModelError::Awaited {
            part: half.part(layer),
            n_layers: Some(layer),
        })
    }

    /// All of the table of tokens must be there, and the last gain: what logits take.
    ///
    /// Errors: [`ModelError::Awaited`].
    pub fn need_table(&self) -> Result<(), ModelError> {
        let n_tiles = embedding_tiles(self.config()).count();
        let tiles = (0..n_tiles).map(Part::Embedding);
        let mut parts = std::iter::once(Part::Opening).chain(tiles);
        match parts.find(|it| self.lacks(*it)) {
            None => Ok(()),
            Some(part) => Err(ModelError::Awaited {
                part,
                n_layers: Some(self.reach().attention),
            }),
        }
    }

    /// All of the model must be there.
    ///
    /// Errors: [`ModelError::Awaited`] with the lowest part that is missing.
    pub fn need_all(&self) -> Result<(), ModelError> {
        self.need(self.end())?;
        self.need_table()
    }

    /// The rows of these tokens must be there.
    ///
    /// Errors: [`ModelError::Awaited`].
    pub fn need_tokens(&self, ids: &[u32]) -> Result<(), ModelError> {
        let missing = ids.iter().map(|it| *it as usize);
        let missing = { missing }.find(|it| !self.arrived.rows.has(*it));
        let Some(row) = missing else {
            return Ok(());
        };
        let mut tiles = embedding_tiles(self.config());
        let tile = tiles.position(|it| it.contains(&row)).unwrap_or(0);
        Err(ModelError::Awaited {
            part: Part::Embedding(tile),
            n_layers: None,
        })
    }

    /// A run must be able to pass a site.
    ///
    /// Errors: [`ModelError::Awaited`]; [`ModelError::Site`] for a layer that there is not.
    pub fn need_site(&self, site: Site) -> Result<(), ModelError> {
        let n_layers = self.config().n_layers;
        self.need(Stage::of(site.within(n_layers)?, n_layers))?;
        match site {
            Site::Logits => self.need_table(),
            _ => Ok(()),
        }
    }

    /// How far the clean run of a prompt is kept; none if it is not.
    pub fn kept_stage(&mut self, ids: &[u32]) -> Option<Stage> {
        self.kept.find(ids).map(|it| it.stage)
    }
}

/// What a run takes next.
fn half_after(stage: Stage) -> (usize, LayerHalf) {
    match stage.mlp < stage.attention {
        true => (stage.mlp, LayerHalf::Mlp),
        false => (stage.attention, LayerHalf::Attention),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_one_another() {
        let mut stage = Stage::default();
        let mut all = vec![stage];
        while stage < Stage::whole(3) {
            stage = stage.next();
            all.push(stage);
        }
        assert_eq!(all.len(), 7);
        assert!(all.windows(2).all(|it| it[0] < it[1]));
        assert_eq!(all[3..5], [Stage::before_mlp(1), Stage::after(1)]);
        let reached = Stage::before_mlp(2).reached(3);
        assert_eq!((reached.n_layers, reached.whole), (3, false));
        assert!(Stage::after(2).reached(3).whole);
    }

    #[test]
    fn sites_are_passed_with_what_they_take() {
        assert_eq!(Stage::of(Site::Embed, 4), Stage::default());
        assert_eq!(Stage::of(Site::Ln2Normalized(2), 4), Stage::before_mlp(2));
        assert_eq!(Stage::of(Site::ResidPost(2), 4), Stage::after(2));
        assert_eq!(Stage::of(Site::Logits, 4), Stage::after(3));
    }
}
