//! What can be done about each error of this room.

use super::WeightsError;

impl WeightsError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Hub(it) => it.remedy(),
            Self::Store(it) => it.remedy(),
            Self::Library(it) => it.remedy(),
            Self::Set { source, .. } => source.remedy(),
            Self::NotKept { .. } => "Download it first; it goes on where it stopped.",
            Self::Manifest { .. } => {
                "Give a manifest as `gemscope manifest` writes it, or go on without one."
            }
            Self::Stopped => "Start it again: it goes on where it stopped.",
            Self::Config(_) | Self::Extra { .. } | Self::Shape { .. } => {
                "Open a checkpoint of Gemma 2 as its publisher made it, such as unsloth/gemma-2-2b, with its own config.json."
            }
            Self::NoWeights { .. } | Self::MissingShard { .. } | Self::Missing { .. } => {
                "Check that every file of the checkpoint is in the folder, then open it again."
            }
            Self::HeaderLength { .. }
            | Self::HeaderJson { .. }
            | Self::Extent { .. }
            | Self::NotZip { .. } => {
                "The file is damaged or its download was cut short: download it again."
            }
            Self::Size { .. }
            | Self::Offsets { .. }
            | Self::Duplicate { .. }
            | Self::ZipDirectory { .. }
            | Self::ZipEntry { .. }
            | Self::Npy { .. } => {
                "The file is damaged, or was written by a faulty program: download it from its publisher again."
            }
            Self::TooBig { .. } | Self::IndexJson { .. } | Self::ShardName { .. } => {
                "The file is not one of a checkpoint: download it from its publisher again."
            }
            Self::NotInShard { .. } | Self::NotInIndex { .. } => {
                "The files are of different checkpoints: download the index and every file from one place."
            }
            Self::UnknownDType { .. } | Self::DType { .. } => {
                "Take weights in bf16, f16 or f32; quantised ones can't be read."
            }
            Self::Coarse { .. } => "Choose the precision in which it is kept, or fetch it again.",
            Self::NotFinite { .. } => {
                "The weights are damaged: download the file again, and if it stays so, take another checkpoint."
            }
            Self::TooLarge { .. } => "Open it with the precision `reference`, or take another one.",
            Self::Rows { .. } => "This is a fault of the program: please report it.",
            Self::Compressed { .. } | Self::Encrypted { .. } | Self::FortranOrder { .. } => {
                "Take the file from its publisher again, or write it anew with numpy.savez, from arrays in C order."
            }
            Self::Preset { .. } => "Choose one of nano, wide and full.",
            Self::Write { .. } => {
                "Check that the folder may be written to and that its disk has room."
            }
            _ => self.remedy_of_dictionaries(),
        }
    }

    /// The same for transcoders.
    fn remedy_of_dictionaries(&self) -> &'static str {
        match self {
            Self::NotDictionary { .. }
            | Self::MissingArray { .. }
            | Self::ExtraArray { .. }
            | Self::ArrayShape { .. } => {
                "Take the transcoders that were made for this very model, such as those of google/gemma-scope-2b-pt-transcoders for Gemma 2 2B."
            }
            Self::NoDictionaries { .. } => {
                "Give the folder with the files layer_0/width_16k/average_l0_76/params.npz and so on, or with layer_0.safetensors and so on."
            }
            _ => "Choose one that is there, or download the file into its folder.",
        }
    }
}
