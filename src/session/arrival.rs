//! The open model while it arrives: taking up what has come, and what can be asked. Leaves fetching to others, and how far runs are to
//! `onward`.

use super::{engine::Engine, inbox::Job, open::Open, trouble::Trouble};
use crate::{
    model::Told,
    spec::{Half, Part, Readiness},
    weights::embedding_tiles,
};

impl Engine {
    /// Takes up what the open checkpoint and the files of transcoders have got since.
    ///
    /// Errors: no model is open; a stop, the device, what is kept; what was taken up stays.
    pub(super) async fn arrived(&mut self, job: &Job) -> Result<(), Trouble> {
        let outbox = self.outbox.clone();
        let mut told =
            |it: Told| outbox.progress(job.id, it.phase, it.done, Some(it.total), it.unit);
        let ready = self.ready(job).await?;
        ready.model.arrive(&mut told, &job.stop).await?;
        if let Some(scope) = ready.scope {
            scope.arrive(&mut told, &job.stop).await?;
        }
        Ok(())
    }

    /// What can be asked now; none without a model on a device.
    pub(super) fn readiness(&self) -> Option<Readiness> {
        self.open.as_ref()?.readiness()
    }
}

impl Open {
    fn readiness(&self) -> Option<Readiness> {
        let (model, scope) = (self.model.as_ref()?, self.scope.as_ref());
        let lacks = |it: &Part| model.lacks(*it) || scope.is_some_and(|of| of.lacks(*it));
        let layers = |half| scope.map(|it| it.layers(half)).unwrap_or_default();
        let n_tiles = embedding_tiles(model.config()).count();
        let parts = in_order(model.config().n_layers, n_tiles);
        let missing: Vec<Part> = parts.into_iter().filter(lacks).collect();
        Some(Readiness {
            opening: !lacks(&Part::Opening),
            embedding: !(0..n_tiles).any(|it| lacks(&Part::Embedding(it))),
            n_layers: model.reach().attention,
            encoders: layers(Half::Encoder),
            decoders: layers(Half::Decoder),
            whole: missing.is_empty(),
            missing,
        })
    }
}

/// All parts that there may be, in the order in which they are of use from below: layer 0's features for the opening set, then the
/// table of tokens, then layer by layer.
fn in_order(n_layers: usize, n_tiles: usize) -> Vec<Part> {
    let mut parts = vec![Part::Opening];
    for layer in 0..n_layers {
        parts.push(Part::Attention(layer));
        parts.push(Part::Vectors(layer));
        parts.push(Part::Encoder(layer));
        if layer == 0 {
            parts.extend((0..n_tiles).map(Part::Embedding));
        }
        parts.push(Part::Mlp(layer));
        parts.push(Part::Decoder(layer));
    }
    parts
}
