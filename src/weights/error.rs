//! Why a checkpoint can't be used. Every variant names the tensor or the file.

use crate::{
    hub::HubError,
    spec::{ConfigError, DType, Packing},
};
use std::ops::Range;

/// Why a checkpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file could not be had.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The config is not one of Gemma 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Neither one file of weights nor an index of several.
    #[error("{place} holds neither model.safetensors nor model.safetensors.index.json")]
    NoWeights {
        /// Where they were looked for.
        place: String,
    },
    /// A file that is read whole is larger than any of its kind.
    #[error("`{file}` has {size_bytes} bytes; files of its kind have at most {most_bytes}")]
    TooBig {
        /// The file.
        file: String,
        /// Its bytes.
        size_bytes: u64,
        /// What is read at most.
        most_bytes: u64,
    },
    /// The length at the head of a file can't be that of its header.
    #[error(
        "`{file}` is not a safetensors file: its header would have {header_bytes} bytes, the file has {file_bytes}"
    )]
    HeaderLength {
        /// The file.
        file: String,
        /// What its first 8 bytes say.
        header_bytes: u64,
        /// Bytes of the file.
        file_bytes: u64,
    },
    /// The header is not what safetensors has there.
    #[error("the header of `{file}` can't be read: {detail}")]
    HeaderJson {
        /// The file.
        file: String,
        /// What is wrong and where.
        detail: String,
    },
    /// A tensor of the same name twice.
    #[error("`{file}` holds `{tensor}`, which has been there before")]
    Duplicate {
        /// The file with the second one.
        file: String,
        /// The tensor.
        tensor: String,
    },
    /// An element type that no checkpoint of ours holds.
    #[error(
        "`{tensor}` in `{file}` is of the unknown type `{dtype}`; bf16, f16 and f32 can be read"
    )]
    UnknownDType {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What the header says.
        dtype: String,
    },
    /// An element type that is known, but not one of weights.
    #[error("`{tensor}` is of type {dtype:?}; weights are BF16, F16 or F32")]
    DType {
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: DType,
    },
    /// A tensor's bytes are not shape times type.
    #[error("`{tensor}` in `{file}` has {got_bytes} bytes, which is not {dtype:?} times {shape:?}")]
    Size {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: DType,
        /// Its shape.
        shape: Vec<u64>,
        /// Bytes between its offsets.
        got_bytes: u64,
    },
    /// A tensor does not begin where the one before it ends.
    #[error(
        "`{tensor}` in `{file}` lies at {begin} to {end}, but the tensor before it ends at {expected}"
    )]
    Offsets {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its first byte, counted from the end of the header.
        begin: u64,
        /// One after its last.
        end: u64,
        /// Where it should begin.
        expected: u64,
    },
    /// The file is shorter or longer than its header says.
    #[error("`{file}` should have {expected_bytes} bytes and has {got_bytes}")]
    Extent {
        /// The file.
        file: String,
        /// Header and tensors.
        expected_bytes: u64,
        /// Bytes of the file.
        got_bytes: u64,
    },
    /// The index is not what it should be.
    #[error("`{file}` can't be read: {detail}")]
    IndexJson {
        /// The file.
        file: String,
        /// What is wrong and where.
        detail: String,
    },
    /// The index names a file that is not simply beside it.
    #[error("the index puts `{tensor}` into `{shard}`, which is not the name of a file beside it")]
    ShardName {
        /// The tensor.
        tensor: String,
        /// The name given.
        shard: String,
    },
    /// The index names a file that is not there.
    #[error("the index names `{shard}`, which is not in {place}")]
    MissingShard {
        /// The file.
        shard: String,
        /// Where it was looked for.
        place: String,
    },
    /// The index puts a tensor into a file that does not hold it.
    #[error("the index puts `{tensor}` into `{shard}`, which does not hold it")]
    NotInShard {
        /// The tensor.
        tensor: String,
        /// The file.
        shard: String,
    },
    /// A file holds a tensor that the index does not put there.
    #[error("`{shard}` holds `{tensor}`, which the index does not put there")]
    NotInIndex {
        /// The tensor.
        tensor: String,
        /// The file.
        shard: String,
    },
    /// A tensor that the config asks for is not there.
    #[error("`{tensor}` is missing")]
    Missing {
        /// The tensor.
        tensor: String,
    },
    /// A tensor that no Gemma 2 of this config has.
    #[error("`{tensor}` in `{file}` is not a tensor of Gemma 2 with this config")]
    Extra {
        /// The tensor.
        tensor: String,
        /// The file that holds it.
        file: String,
    },
    /// A tensor of another shape than the config says.
    #[error("`{tensor}` has shape {got:?}; the config says {expected:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// By the config.
        expected: Vec<usize>,
        /// In the file.
        got: Vec<u64>,
    },
    /// A weight that is not a number, or infinite.
    #[error("`{tensor}`: the weight at {index} is not a finite number")]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// Its place, flat and row-major.
        index: u64,
    },
    /// A finite weight that the packing has no number for.
    #[error("`{tensor}`: a weight near {index} is too large for {packing:?}")]
    TooLarge {
        /// The tensor.
        tensor: String,
        /// Its place, or the place of its block, flat and row-major.
        index: u64,
        /// What it was to be packed as.
        packing: Packing,
    },
    /// Rows that the tensor does not have, or a row that can't be packed in blocks of 32.
    #[error("`{tensor}` of shape {shape:?} has no rows {} to {} to pack as {packing:?}", rows.start, rows.end)]
    Rows {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What was asked for.
        rows: Range<usize>,
        /// As what.
        packing: Packing,
    },
    /// There is no such synthetic checkpoint.
    #[error("there is no synthetic checkpoint `{preset}`; there are: nano, wide, full")]
    Preset {
        /// What was given.
        preset: String,
    },
    /// A file could not be written.
    #[error("`{file}` can't be written")]
    Write {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl WeightsError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Hub(it) => it.remedy(),
            Self::Config(_) | Self::Extra { .. } | Self::Shape { .. } => {
                "Open a checkpoint of Gemma 2 as its publisher made it, such as unsloth/gemma-2-2b, with its own config.json."
            }
            Self::NoWeights { .. } | Self::MissingShard { .. } | Self::Missing { .. } => {
                "Check that every file of the checkpoint is in the folder, then open it again."
            }
            Self::HeaderLength { .. } | Self::HeaderJson { .. } | Self::Extent { .. } => {
                "The file is damaged or its download was cut short: download it again."
            }
            Self::Size { .. } | Self::Offsets { .. } | Self::Duplicate { .. } => {
                "The file is damaged, or was written by a faulty program: download it from its publisher again."
            }
            Self::TooBig { .. } | Self::IndexJson { .. } | Self::ShardName { .. } => {
                "The file is not one of a checkpoint: download it from its publisher again."
            }
            Self::NotInShard { .. } | Self::NotInIndex { .. } => {
                "The files are of different checkpoints: download the index and every file from one place."
            }
            Self::UnknownDType { .. } | Self::DType { .. } => {
                "Open a checkpoint in bf16, f16 or f32; quantised ones can't be read."
            }
            Self::NotFinite { .. } => {
                "The weights are damaged: download the file again, and if it stays so, take another checkpoint."
            }
            Self::TooLarge { .. } => {
                "Open the checkpoint with the precision `reference`, or take another one."
            }
            Self::Rows { .. } => "This is a fault of the program: please report it.",
            Self::Preset { .. } => "Choose one of nano, wide and full.",
            Self::Write { .. } => {
                "Check that the folder may be written to and that its disk has room."
            }
        }
    }
}
