//! Weights on the GPU: buffers of the registry's tensors, filled piece by piece from a checkpoint.

use super::{ModelError, sizes::Sizes};
use crate::{
    gpu::{Buffer, Gpu, Use},
    ops::Matrix,
    spec::{self, Bytes, Config, Norm, Packing, Part, TensorName},
    sys::Stop,
    weights::Checkpoint,
};
use std::ops::Range;

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

/// Halves of a layer, each filled and run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerHalf {
    /// q, k, v, o and the gains before and after.
    Attention,
    /// gate, up, down and the gains before and after.
    Mlp,
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

    /// Fills the buffers of a half with the weights of layer `layer`.
    pub async fn fill(
        &self,
        filler: &mut Filler<'_>,
        (layer, half): (usize, LayerHalf),
    ) -> Result<(), ModelError> {
        let mut last: Option<(&Matrix, usize)> = None;
        for it in half.matrices() {
            let to = self.matrix(*it);
            let n_rows = it.shape(filler.checkpoint.config())[0];
            // q, k and v lie one below the other.
            let first_row = match last {
                Some((matrix, end)) if std::ptr::eq(matrix, to) => end,
                _ => 0,
            };
            let name = TensorName::Matrix(layer, *it);
            filler.rows((name, 0..n_rows), to, first_row).await?;
            last = Some((to, first_row + n_rows));
        }
        for it in half.norms() {
            let name = TensorName::Norm(layer, it);
            filler.gain(name, self.gain(it)).await?;
        }
        Ok(())
    }

    /// Bytes of a half.
    pub fn bytes(&self, half: LayerHalf) -> u64 {
        let of_qkv = |it: &&spec::Matrix| !matches!(it, spec::Matrix::K | spec::Matrix::V);
        let matrices = half.matrices().iter().filter(of_qkv);
        let tiles = matrices.flat_map(|it| &self.matrix(*it).tiles);
        let gains = half.norms().into_iter().map(|it| self.gain(it).bytes());
        tiles.map(|it| it.view.bytes).sum::<u64>() + gains.sum::<u64>()
    }

    fn matrix(&self, it: spec::Matrix) -> &Matrix {
        match it {
            spec::Matrix::Q | spec::Matrix::K | spec::Matrix::V => &self.qkv,
            spec::Matrix::O => &self.o,
            spec::Matrix::Gate => &self.gate,
            spec::Matrix::Up => &self.up,
            spec::Matrix::Down => &self.down,
        }
    }

    fn gain(&self, it: Norm) -> &Buffer {
        match it {
            Norm::Input => &self.input,
            Norm::PostAttention => &self.post_attention,
            Norm::PreFeedforward => &self.pre_feedforward,
            Norm::PostFeedforward => &self.post_feedforward,
        }
    }
}

impl LayerHalf {
    /// Both, in the order in which they run.
    pub const BOTH: [Self; 2] = [Self::Attention, Self::Mlp];

    /// The part that it comes in.
    pub fn part(self, layer: usize) -> Part {
        match self {
            Self::Attention => Part::Attention(layer),
            Self::Mlp => Part::Mlp(layer),
        }
    }

    /// Whether all its tensors of a layer can be read.
    pub fn is_in(self, checkpoint: &Checkpoint, layer: usize) -> bool {
        let has_matrix = |it: &spec::Matrix| {
            let n_rows = it.shape(checkpoint.config())[0];
            checkpoint.has(TensorName::Matrix(layer, *it), 0..n_rows)
        };
        let has_gain = |it| checkpoint.has(TensorName::Norm(layer, it), 0..1);
        self.matrices().iter().all(has_matrix) && self.norms().into_iter().all(has_gain)
    }

    fn matrices(self) -> &'static [spec::Matrix] {
        match self {
            Self::Attention => &[
                spec::Matrix::Q,
                spec::Matrix::K,
                spec::Matrix::V,
                spec::Matrix::O,
            ],
            Self::Mlp => &[spec::Matrix::Gate, spec::Matrix::Up, spec::Matrix::Down],
        }
    }

    fn norms(self) -> [Norm; 2] {
        match self {
            Self::Attention => [Norm::Input, Norm::PostAttention],
            Self::Mlp => [Norm::PreFeedforward, Norm::PostFeedforward],
        }
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
}

impl Filler<'_> {
    /// Puts a tensor's rows into a matrix whose row `first_row` is the tensor's first.
    pub async fn rows(
        &mut self,
        (name, rows): (TensorName, Range<usize>),
        to: &Matrix,
        first_row: usize,
    ) -> Result<(), ModelError> {
        let per_piece = (PIECE_BYTES / to.row_bytes()).max(1);
        let mut row = rows.start;
        while row < rows.end {
            let Some(tile) = to
                .tiles
                .iter()
                .find(|it| (it.first_row..it.first_row + it.n_rows).contains(&(first_row + row)))
            else {
                break;
            };
            let left_in_tile = tile.first_row + tile.n_rows - (first_row + row);
            let end = row + per_piece.min(left_in_tile).min(rows.end - row);
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

    pub async fn gain(&mut self, name: TensorName, to: &Buffer) -> Result<(), ModelError> {
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
