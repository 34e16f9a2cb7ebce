//! How rows of a matrix lie in GPU buffers; the shader's side is `shaders/lib/packed.wgsl`.

use super::gemma::BLOCK;
use serde::{Deserialize, Serialize};

/// How the rows of a matrix are packed. Every row is a whole number of 16-byte words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// f32, as in the file.
    F32,
    /// Two bf16 per u32, the lower half first: the bytes of a bf16 file.
    Bf16,
    /// Four signed bytes per u32, then the row's f16 scales, one per block of 32, two per u32, padded to 16 bytes.
    /// A weight is `byte * scale`.
    Q8,
    /// Two f16 per u32, the lower half first.
    F16,
}

/// How a matrix `[n_out, n_in]` lies in a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Row after row, each of [`Packing::row_bytes`].
    #[default]
    Rows,
    /// Stripe after stripe of 32 inputs, each `[n_out][32]` and of [`Packing::stripe_bytes`]: a file whose rows are inputs
    /// streams in. With [`Packing::Q8`] the f16 scales of a stripe, one per row, follow its quants.
    Stripes,
}

impl Packing {
    /// Bytes of a row of `n_in` weights, `n_in` a multiple of 32.
    pub const fn row_bytes(self, n_in: usize) -> usize {
        match self {
            Self::F32 => n_in * 4,
            Self::Bf16 | Self::F16 => n_in * 2,
            Self::Q8 => n_in + (n_in / BLOCK * 2).next_multiple_of(16),
        }
    }

    /// Bytes of a stripe: 32 inputs of `n_out` rows, see [`Layout::Stripes`].
    pub const fn stripe_bytes(self, n_out: usize) -> usize {
        match self {
            Self::F32 => n_out * BLOCK * 4,
            Self::Bf16 | Self::F16 => n_out * BLOCK * 2,
            Self::Q8 => n_out * BLOCK + (n_out * 2).next_multiple_of(16),
        }
    }

    /// Bytes of a matrix `[n_out, n_in]`, `n_in` a multiple of 32.
    pub const fn matrix_bytes(self, layout: Layout, n_out: usize, n_in: usize) -> usize {
        match layout {
            Layout::Rows => n_out * self.row_bytes(n_in),
            Layout::Stripes => n_in / BLOCK * self.stripe_bytes(n_out),
        }
    }

    /// The number by which shaders know it (`PACKING`).
    pub const fn index(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Bf16 => 1,
            Self::Q8 => 2,
            Self::F16 => 3,
        }
    }
}
