//! How rows of a matrix lie in GPU buffers; the shader's side is `shaders/lib/packed.wgsl`.

use super::gemma::BLOCK;

/// How the rows of a matrix are packed. Every row is a whole number of 16-byte words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// f32, as in the file.
    F32,
    /// Two bf16 per u32, the lower half first: the bytes of a bf16 file.
    Bf16,
    /// Four signed bytes per u32, then the row's f16 scales, one per block of 32, two per u32, padded to 16 bytes.
    /// A weight is `byte * scale`.
    Q8,
}

impl Packing {
    /// Bytes of a row of `n_in` weights, `n_in` a multiple of 32.
    pub const fn row_bytes(self, n_in: usize) -> usize {
        match self {
            Self::F32 => n_in * 4,
            Self::Bf16 => n_in * 2,
            Self::Q8 => n_in + (n_in / BLOCK * 2).next_multiple_of(16),
        }
    }

    /// The number by which shaders know it (`PACKING`).
    pub const fn index(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Bf16 => 1,
            Self::Q8 => 2,
        }
    }
}
