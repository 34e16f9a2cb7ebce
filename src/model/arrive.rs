//! Weights onto the device as they arrive, each once; and of a layer that is paged, what is there of it. Leaves what can be run with
//! them to `reach`.

use super::{
    Model, ModelError,
    layers::{Filler, Layer, LayerHalf},
    row_set::RowSet,
};
use crate::{spec::TensorName, sys::Stop};

/// How far loading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What is being done.
    pub phase: &'static str,
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
    /// Of what.
    pub unit: &'static str,
}

/// What is on the device of all that stays there.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrived {
    /// Rows of the table of tokens.
    pub rows: RowSet,
    /// The last gain.
    pub final_norm: bool,
    /// The layers that stay.
    pub layers: Vec<Halves>,
}

/// Which halves of a layer are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Halves {
    attention: bool,
    mlp: bool,
}

/// One layer's buffers that others take turns in.
pub(super) struct Slot {
    pub layer: Layer,
    /// Whose weights are in it.
    pub holds: Option<usize>,
    /// Which of them.
    pub halves: Halves,
}

impl Halves {
    pub fn has(self, half: LayerHalf) -> bool {
        match half {
            LayerHalf::Attention => self.attention,
            LayerHalf::Mlp => self.mlp,
        }
    }

    pub fn add(&mut self, half: LayerHalf) {
        match half {
            LayerHalf::Attention => self.attention = true,
            LayerHalf::Mlp => self.mlp = true,
        }
    }
}

impl Model {
    /// Takes up what the checkpoint has got since: rows of the table of tokens, the last gain, halves of layers. Layers that are paged
    /// are read when they are run.
    ///
    /// Errors: [`ModelError::Weights`], [`ModelError::Gpu`], [`ModelError::Stopped`]; what was taken up stays.
    pub async fn arrive(
        &mut self,
        told: &mut dyn FnMut(Told),
        stop: &Stop,
    ) -> Result<(), ModelError> {
        let total = self.awaiting_bytes();
        if total == 0 {
            return Ok(());
        }
        let mut done = 0;
        let mut count = |bytes| {
            done += bytes;
            told(Told {
                phase: "loading weights",
                done,
                total,
                unit: "bytes",
            });
        };
        let mut filler = Filler {
            gpu: &self.gpu,
            checkpoint: &self.checkpoint,
            stop,
            told: &mut count,
        };
        let (ends, arrived) = (&self.ends, &mut self.arrived);
        for run in self.checkpoint.rows(TensorName::Embed) {
            for gap in arrived.rows.gaps(run) {
                let rows = (TensorName::Embed, gap.clone());
                filler.rows(rows, &ends.embed, 0).await?;
                arrived.rows.add(gap);
            }
        }
        if !arrived.final_norm && self.checkpoint.has(TensorName::FinalNorm, 0..1) {
            filler.gain(TensorName::FinalNorm, &ends.final_norm).await?;
            arrived.final_norm = true;
        }
        for (n, layer) in self.layers.iter().enumerate() {
            for half in LayerHalf::BOTH {
                if !arrived.layers[n].has(half) && half.is_in(&self.checkpoint, n) {
                    layer.fill(&mut filler, (n, half)).await?;
                    arrived.layers[n].add(half);
                }
            }
        }
        Ok(self.gpu.finish_uploads().await?)
    }

    /// Bytes that the checkpoint has and the device not yet.
    fn awaiting_bytes(&self) -> u64 {
        let (ends, arrived) = (&self.ends, &self.arrived);
        let runs = self.checkpoint.rows(TensorName::Embed);
        let gaps = runs.into_iter().flat_map(|it| arrived.rows.gaps(it));
        let rows: usize = gaps.map(|it| it.len()).sum();
        let has_gain = self.checkpoint.has(TensorName::FinalNorm, 0..1);
        let gain = match has_gain && !arrived.final_norm {
            true => ends.final_norm.bytes(),
            false => 0,
        };
        let of_layer = |(n, layer): (usize, &Layer)| -> u64 {
            let comes =
                |it: &LayerHalf| !arrived.layers[n].has(*it) && it.is_in(&self.checkpoint, n);
            let halves = LayerHalf::BOTH.into_iter().filter(comes);
            halves.map(|it| layer.bytes(it)).sum()
        };
        let layers: u64 = self.layers.iter().enumerate().map(of_layer).sum();
        (rows * ends.embed.row_bytes()) as u64 + gain + layers
    }

    /// Whether a half of a layer is on the device, or can be paged in.
    pub(super) fn has_half(&self, layer: usize, half: LayerHalf) -> bool {
        match self.arrived.layers.get(layer) {
            Some(it) => it.has(half),
            None => half.is_in(&self.checkpoint, layer),
        }
    }

    /// A half of a layer, paged in if it is not on the device.
    ///
    /// Errors: as [`Model::arrive`].
    pub(super) async fn page_in(
        &mut self,
        layer: usize,
        half: LayerHalf,
        stop: &Stop,
    ) -> Result<(), ModelError> {
        let Some(slot) = &mut self.slot else {
            return Ok(());
        };
        if layer < self.layers.len() {
            return Ok(());
        }
        if slot.holds != Some(layer) {
            (slot.holds, slot.halves) = (Some(layer), Halves::default());
        }
        if slot.halves.has(half) {
            return Ok(());
        }
        let mut filler = Filler {
            gpu: &self.gpu,
            checkpoint: &self.checkpoint,
            stop,
            told: &mut |_| (),
        };
        slot.layer.fill(&mut filler, (layer, half)).await?;
        slot.halves.add(half);
        Ok(())
    }

    /// The buffers that hold a layer's weights.
    pub(super) fn layer(&self, layer: usize) -> Result<&Layer, ModelError> {
        let paged = self
            .slot
            .as_ref()
            .filter(|it| it.holds == Some(layer))
            .map(|it| &it.layer);
        self.layers.get(layer).or(paged).ok_or(ModelError::NoRun)
    }

    /// Whether a layer's weights give way to another's.
    pub(super) fn is_paged(&self, layer: usize) -> bool {
        layer >= self.layers.len()
    }
}
