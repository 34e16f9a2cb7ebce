//! How tensors are cut to the binding that an adapter allows; plan and allocator both start from these numbers.

use super::ModelError;
use crate::{
    ops::Room,
    spec::{Config, Layout, Packing, gemma},
};

/// Offsets of bindings are multiples of this. Source: WebGPU, minStorageBufferOffsetAlignment default.
pub(super) const ALIGNMENT: u64 = 256;

/// Cuts of a model under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Positions of a pass.
    pub n_block: usize,
    /// Positions whose logits are held at once.
    pub n_logits: usize,
    /// Positions of a part of the cache.
    pub n_part: usize,
    /// Largest storage binding.
    pub max_binding_bytes: u64,
}

impl Sizes {
    /// With dictionaries of `d_transcoder` features (or 0), a list of all features of a block must fit too.
    ///
    /// Errors: [`ModelError::Binding`] when a single row does not fit.
    pub fn new(
        config: &Config,
        n_ctx: usize,
        max_binding_bytes: u64,
        d_transcoder: usize,
    ) -> Result<Self, ModelError> {
        let rows = |what, bytes: usize| match max_binding_bytes / bytes as u64 {
            0 => Err(ModelError::Binding {
                what,
                bytes: bytes as u64,
                max_binding_bytes,
            }),
            n => Ok(n as usize),
        };
        let angle_bytes = config.d_head * 4;
        let step = ALIGNMENT as usize / gcd(ALIGNMENT as usize, angle_bytes);
        let n_part = rows("keys", step * config.d_kv() * 4)? * step;
        let n_part = n_part.min(n_ctx.next_multiple_of(step));
        let widest = config
            .d_mlp
            .max(config.d_q() + 2 * config.d_kv())
            .max(config.d_model)
            .max(2 * d_transcoder);
        let n_block = rows("activations", widest * 4)?
            .min(rows("the attention pattern", config.n_heads * n_part * 4)?)
            .min(gemma::PREFILL_POSITIONS);
        let n_logits = rows("logits", config.d_vocab * 4)?.min(n_block);
        Ok(Self {
            n_block,
            n_logits,
            n_part,
            max_binding_bytes,
        })
    }

    /// How matrices of rows lie in buffers.
    pub fn room(&self, packing: Packing) -> Room {
        Room {
            packing,
            layout: Layout::Rows,
            max_binding_bytes: self.max_binding_bytes,
        }
    }

    /// Rows of a matrix in each of its buffers.
    ///
    /// Errors: [`ModelError::Binding`].
    pub fn tile_rows(&self, packing: Packing, n_in: usize) -> Result<usize, ModelError> {
        match self.room(packing).tile_rows(n_in) {
            0 => Err(ModelError::Binding {
                what: "weights",
                bytes: packing.row_bytes(n_in) as u64,
                max_binding_bytes: self.max_binding_bytes,
            }),
            n => Ok(n),
        }
    }

    /// Parts of the cache, as (first position, positions).
    pub fn parts(&self, n_ctx: usize) -> impl Iterator<Item = (usize, usize)> {
        let n_part = self.n_part;
        (0..n_ctx)
            .step_by(n_part)
            .map(move |first| (first, n_part.min(n_ctx - first)))
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
