//! The buffers that kernels are measured on.

use crate::{
    gpu::{Buffer, Gpu, GpuError, Use},
    ops::{Heads, Matrix, Tile},
    spec::{Bytes, Config, Layout, Packing},
};

/// Every byte of the buffers: a small number as f32, f16, bf16 and 8 bit, so that nothing is infinite or subnormal.
const FILL: u8 = 0x3c;
/// Bytes filled at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Weights, activations and results.
pub struct Bench {
    /// Read as activations, keys and values.
    pub source: Buffer,
    /// Written.
    pub target: Buffer,
    /// Statistics of attention.
    pub stats: Buffer,
    /// Attention's sizes.
    pub heads: Heads,
    /// Floats of source and target.
    pub floats: usize,
    weights: Vec<Buffer>,
}

impl Bench {
    /// Takes buffers for Gemma's largest matrix in bf16 and for activations of 64 positions.
    ///
    /// Errors: [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let config = Config::gemma_2_2b();
        let most = gpu.max_binding_bytes();
        let floats = (4 << 20).min(most as usize / 4);
        let matrix_bytes = (config.d_mlp * Packing::Bf16.row_bytes(config.d_model)) as u64;
        let mut weights = Vec::new();
        let mut left = matrix_bytes;
        while left > 0 {
            let bytes = left.min(most);
            weights.push(filled(gpu, "measured weights", bytes).await?);
            left -= bytes;
        }
        gpu.finish_uploads().await?;
        Ok(Self {
            source: filled(gpu, "measured activations", 4 * floats as u64).await?,
            target: filled(gpu, "measured results", 4 * floats as u64).await?,
            stats: filled(gpu, "measured statistics", 4096).await?,
            heads: Heads {
                n_heads: config.n_heads,
                n_kv_heads: config.n_kv_heads,
                d_head: config.d_head,
                scale: config.query_pre_attn_scalar.powf(-0.5),
                cap: config.attn_softcap,
            },
            floats,
            weights,
        })
    }

    /// A matrix in these buffers; each holds whole rows, as many as fit.
    pub fn matrix(&self, packing: Packing, [n_out, n_in]: [usize; 2]) -> Matrix {
        let row_bytes = packing.row_bytes(n_in);
        let mut tiles = Vec::new();
        let mut first_row = 0;
        for buffer in self.weights.iter().cycle() {
            let n_rows = (buffer.bytes() as usize / row_bytes).min(n_out - first_row);
            if n_rows == 0 {
                break;
            }
            let view = buffer.view(0, (n_rows * row_bytes) as u64);
            tiles.push(Tile {
                first_row,
                n_rows,
                view,
            });
            first_row += n_rows;
        }
        Matrix {
            packing,
            layout: Layout::Rows,
            n_out: first_row,
            n_in,
            tiles,
        }
    }
}

async fn filled(gpu: &Gpu, label: &str, bytes: u64) -> Result<Buffer, GpuError> {
    let buffer = gpu.buffer(label, bytes, Use::Scratch).await?;
    for at in (0..buffer.bytes()).step_by(PIECE_BYTES) {
        let n = PIECE_BYTES.min((buffer.bytes() - at) as usize);
        gpu.upload(&buffer, at, &Bytes::from(vec![FILL; n])).await?;
    }
    Ok(buffer)
}
