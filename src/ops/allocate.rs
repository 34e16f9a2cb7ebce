//! Room for packed matrices, in parts that each fit a binding.

use super::{Matrix, Tile};
use crate::{
    gpu::{Gpu, GpuError, Use},
    spec::{Layout, Packing},
};

/// A buffer of weights is at most so large even where bindings may be larger: single huge buffers fail on some adapters.
const MAX_TILE_BYTES: u64 = 256 << 20;

/// How a matrix lies in buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How weights are packed.
    pub packing: Packing,
    /// How they lie in each part.
    pub layout: Layout,
    /// Largest storage binding.
    pub max_binding_bytes: u64,
}

impl Room {
    /// Rows of a part of a matrix with `n_in` inputs; 0 if not a single one fits.
    pub fn tile_rows(&self, n_in: usize) -> usize {
        let most = self.max_binding_bytes.min(MAX_TILE_BYTES);
        // Eight rows of a stripe are the fewest that are never padded.
        let step = match self.layout {
            Layout::Rows => 1,
            Layout::Stripes => 8,
        };
        let of_step = self.packing.matrix_bytes(self.layout, step, n_in) as u64;
        (most / of_step.max(1)) as usize * step
    }

    /// The rows of each part of a matrix `[n_out, n_in]`; none if not a single one fits.
    pub fn tiles(&self, [n_out, n_in]: [usize; 2]) -> Vec<std::ops::Range<usize>> {
        match self.tile_rows(n_in) {
            0 => Vec::new(),
            n => (0..n_out)
                .step_by(n)
                .map(|first| first..n_out.min(first + n))
                .collect(),
        }
    }
}

impl Matrix {
    /// A matrix of zeros on a device.
    ///
    /// Shapes: `[n_out, n_in]`.
    ///
    /// Errors: [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn allocate(
        gpu: &Gpu,
        room: Room,
        [n_out, n_in]: [usize; 2],
        label: &str,
    ) -> Result<Self, GpuError> {
        let mut tiles = Vec::new();
        for rows in room.tiles([n_out, n_in]) {
            let bytes = room.packing.matrix_bytes(room.layout, rows.len(), n_in);
            let buffer = gpu.buffer(label, bytes as u64, Use::Weights).await?;
            tiles.push(Tile {
                first_row: rows.start,
                n_rows: rows.len(),
                view: buffer.whole(),
            });
        }
        Ok(Self {
            packing: room.packing,
            layout: room.layout,
            n_out,
            n_in,
            tiles,
        })
    }
}
