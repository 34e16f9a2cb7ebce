//! Weights on the GPU: buffers of the registry's tensors, filled piece by piece from a checkpoint.

use super::{ModelError, sizes::Sizes};
use crate::{
    gpu::{Buffer, Gpu, Use},
    ops::Matrix,
    spec::{self, Bytes, Config, Norm, Packing, TensorName},
    sys::Stop,
    weights::Checkpoint,
};

/// Bytes that are read, packed and uploaded at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Weights of one layer.
pub(super) struct Layer {
    /// q, k and v, one below the other: `[(n_heads + 2 n_kv_heads) d_head, d_model]`.
    pub qkv: Matrix,
    /// `[d_model, n_heads d_head]`.
    pub o: Matrix,
    /// `[d_mlp, d_model]`.
    pub gate: Matrix,
    /// `[d_mlp, d_model]`.
    pub up: Matrix,
    /// `[d_model, d_mlp]`.
    pub down: Matrix,
    /// Gains, each `[d_model]`.
    pub input: Buffer,
    /// After attention.
    pub post_attention: Buffer,
    /// Before the MLP.
    pub pre_feedforward: Buffer,
    /// After the MLP.
    pub post_feedforward: Buffer,
}

/// The table of tokens and the last gain.
pub(super) struct Ends {
    /// `[d_vocab, d_model]`.
    pub embed: Matrix,
    /// `[d_model]`.
    pub final_norm: Buffer,
}

/// Reads a checkpoint into buffers.
pub(super) struct Filler<'a> {
    pub gpu: &'a Gpu,
    pub checkpoint: &'a Checkpoint,
    pub stop: &'a Stop,
    /// Told how many bytes have gone up.
    pub told: &'a mut dyn FnMut(u64),
}

impl Layer {
    pub async fn new(
        gpu: &Gpu,
        config: &Config,
        sizes: &Sizes,
        packing: Packing,
        label: &str,
    ) -> Result<Self, ModelError> {
        let (d, q) = (config.d_model, config.d_q());
        let new = async |part: &str, n_out, n_in| {
            matrix(
                gpu,
                sizes,
                packing,
                [n_out, n_in],
                &format!("{part} of {label}"),
            )
            .await
        };
        let gain = async |part: &str| {
            gpu.buffer(
                &format!("{part} gain of {label}"),
                4 * d as u64,
                Use::Weights,
            )
            .await
        };
        Ok(Self {
            qkv: new("w_qkv", q + 2 * config.d_kv(), d).await?,
            o: new("w_o", d, q).await?,
            gate: new("w_gate", config.d_mlp, d).await?,
            up: new("w_up", config.d_mlp, d).await?,
            down: new("w_down", d, config.d_mlp).await?,
            input: gain("input").await?,
            post_attention: gain("post attention").await?,
            pre_feedforward: gain("pre feedforward").await?,
            post_feedforward: gain("post feedforward").await?,
        })
    }

    /// Fills the buffers with the weights of layer `layer`.
    pub async fn fill(&self, filler: &mut Filler<'_>, layer: usize) -> Result<(), ModelError> {
        let matrix = |it| TensorName::Matrix(layer, it);
        let mut first_row = 0;
        for part in [spec::Matrix::Q, spec::Matrix::K, spec::Matrix::V] {
            filler.rows(matrix(part), &self.qkv, first_row).await?;
            first_row += part.shape(filler.checkpoint.config())[0];
        }
        filler.rows(matrix(spec::Matrix::O), &self.o, 0).await?;
        filler
            .rows(matrix(spec::Matrix::Gate), &self.gate, 0)
            .await?;
        filler.rows(matrix(spec::Matrix::Up), &self.up, 0).await?;
        filler
            .rows(matrix(spec::Matrix::Down), &self.down, 0)
            .await?;
        let gains = [
            (Norm::Input, &self.input),
            (Norm::PostAttention, &self.post_attention),
            (Norm::PreFeedforward, &self.pre_feedforward),
            (Norm::PostFeedforward, &self.post_feedforward),
        ];
        for (norm, buffer) in gains {
            filler.gain(TensorName::Norm(layer, norm), buffer).await?;
        }
        Ok(())
    }
}

impl Ends {
    pub async fn new(
        gpu: &Gpu,
        config: &Config,
        sizes: &Sizes,
        packing: Packing,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            embed: matrix(
                gpu,
                sizes,
                packing,
                [config.d_vocab, config.d_model],
                "embedding",
            )
            .await?,
            final_norm: gpu
                .buffer("final gain", 4 * config.d_model as u64, Use::Weights)
                .await?,
        })
    }

    pub async fn fill(&self, filler: &mut Filler<'_>) -> Result<(), ModelError> {
        filler.rows(TensorName::Embed, &self.embed, 0).await?;
        filler.gain(TensorName::FinalNorm, &self.final_norm).await
    }
}

impl Filler<'_> {
    /// Puts a tensor's rows into a matrix, from row `first_row` of it on.
    async fn rows(
        &mut self,
        name: TensorName,
        to: &Matrix,
        first_row: usize,
    ) -> Result<(), ModelError> {
        let n_rows = name.shape(self.checkpoint.config())[0];
        let per_piece = (PIECE_BYTES / to.row_bytes()).max(1);
        let mut row = 0;
        while row < n_rows {
            let Some(tile) = to
                .tiles
                .iter()
                .find(|it| (it.first_row..it.first_row + it.n_rows).contains(&(first_row + row)))
            else {
                break;
            };
            let left_in_tile = tile.first_row + tile.n_rows - (first_row + row);
            let end = row + per_piece.min(left_in_tile).min(n_rows - row);
            let bytes = self
                .checkpoint
                .packed_rows(name, row..end, to.packing)
                .await?;
            let at = (first_row + row - tile.first_row) * to.row_bytes();
            self.put(&tile.view.buffer, at as u64, &bytes).await?;
            row = end;
        }
        Ok(())
    }

    async fn gain(&mut self, name: TensorName, to: &Buffer) -> Result<(), ModelError> {
        let gain = self.checkpoint.vector(name).await?;
        self.put(to, 0, &Bytes::from(bytemuck::cast_slice(&gain).to_vec()))
            .await
    }

    async fn put(&mut self, to: &Buffer, at: u64, bytes: &Bytes) -> Result<(), ModelError> {
        if self.stop.is_set() {
            return Err(ModelError::Stopped);
        }
        self.gpu.upload(to, at, bytes).await?;
        (self.told)(bytes.len() as u64);
        crate::sys::yield_now().await;
        Ok(())
    }
}

async fn matrix(
    gpu: &Gpu,
    sizes: &Sizes,
    packing: Packing,
    shape: [usize; 2],
    label: &str,
) -> Result<Matrix, ModelError> {
    let room = sizes.room(packing);
    Ok(Matrix::allocate(gpu, room, shape, label).await?)
}
