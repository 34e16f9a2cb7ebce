//! Why a set could not be fetched, and why what is kept could not be used, copied or taken away.

use crate::spec::Part;

/// Why a set could not be fetched, or what is kept not be used, copied or taken away.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A folder or a formula where a repository of a hub should be.
    #[error("{what} is not a repository of a hub")]
    NotAHub {
        /// What was given.
        what: &'static str,
    },
    /// A layer that the model does not have.
    #[error("there is no layer {layer}: the model has layers 0 to {}", n_layers.saturating_sub(1))]
    LayerOf {
        /// The layer.
        layer: usize,
        /// How many there are.
        n_layers: usize,
    },
    /// Not all of a set found room.
    #[error("{missing_bytes} bytes more are needed in {place}; what found room is kept")]
    NoRoom {
        /// Where it was to be kept.
        place: String,
        /// How much more room it takes in all.
        missing_bytes: u64,
    },
    /// A file or a piece of it is not what its publisher or a manifest says, also when it is fetched once more.
    #[error("`{file}` is not what was published: its sha256 should be {expected} and is {got}")]
    Mismatch {
        /// The file, with the range where it is a piece.
        file: String,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// Another tab or program took away what this one had put there.
    #[error("`{key}` was removed while the rest of it was being fetched")]
    Removed {
        /// What was kept.
        key: String,
    },
    /// What this program keeps of its own makes no sense to it.
    #[error("`{key}` can't be read: {detail}")]
    Document {
        /// Its name in the store.
        key: String,
        /// What is wrong.
        detail: String,
    },
    /// A place with neither a model nor transcoders.
    #[error("{place} holds neither the files of a model nor transcoders")]
    NoSet {
        /// Where they were looked for.
        place: String,
    },
    /// A place in which it is not clear what is meant.
    #[error("{place} hold several {what}: in {first} and {second}")]
    SeveralSets {
        /// Where they were found.
        place: String,
        /// Models or transcoders.
        what: &'static str,
        /// A folder of one.
        first: String,
        /// Of another.
        second: String,
    },
    /// A place that lacks what belongs to what it holds.
    #[error("`{file}` is missing in {place}")]
    MissingFile {
        /// Where it was looked for.
        place: String,
        /// The file.
        file: String,
    },
    /// Transcoders that are asked for are not where the model is.
    #[error("{place} hold no transcoders, and some are asked for")]
    NoTranscoders {
        /// Where they were looked for.
        place: String,
    },
    /// Bytes that are not those that are kept of a piece.
    #[error("what was read of `{part}` is not what is kept of its piece {piece}")]
    KeptPiece {
        /// The part.
        part: Part,
        /// The piece.
        piece: usize,
    },
    /// A piece that is no longer what it was when it was kept.
    #[error("piece {piece} of what is kept as `{key}` is damaged")]
    DamagedPiece {
        /// Its name in the store.
        key: String,
        /// The piece.
        piece: usize,
    },
    /// Nothing that is kept is meant by a selection.
    #[error("nothing that is kept in {place} is {what}")]
    NothingSelected {
        /// Where it was looked for.
        place: String,
        /// What was selected, in words.
        what: String,
    },
    /// Other tabs or programs write some of it; the rest was done.
    #[error("{} being written by another tab or program: {}; everything else is done", if keys.len() == 1 { "one part is" } else { "some parts are" }, keys.join(", "))]
    BusyParts {
        /// Their names in the store.
        keys: Vec<String>,
        /// Bytes that were freed beside them.
        freed_bytes: u64,
    },
    /// A place without copies.
    #[error("{place} holds no copies of what a library keeps")]
    NoCopies {
        /// Where they were looked for.
        place: String,
    },
    /// A folder of another repository, or of another commit, than it is said to be.
    #[error("{place} holds {found}, not {wanted}")]
    OtherFolder {
        /// The folder.
        place: String,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A place where no folders of the disk can be read.
    #[error("folders of the disk can be read by the native program alone")]
    NoFolders,
}

impl LibraryError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotAHub { .. } => "Name a repository as OWNER/NAME, or open the folder itself.",
            Self::LayerOf { .. } => "Choose layers that the model has.",
            Self::NoRoom { .. } => {
                "Remove models that are kept and no longer needed, choose the precision `compact`, or make room on the disk; \
                 then the download goes on from there."
            }
            Self::Mismatch { .. } => {
                "The server or something before it does not send what was published: try another network or a mirror, then go on. What is stored already is kept."
            }
            Self::Removed { .. } => "Get it again: what is still here does not come a second time.",
            Self::Document { .. } => "Remove what is kept of this model and download it again.",
            Self::NoSet { .. } => {
                "Give the folder with config.json and model.safetensors, or the one with layer_0/width_16k/average_l0_76/params.npz and so on."
            }
            Self::SeveralSets { .. } => "Choose the folder of one of them.",
            Self::MissingFile { .. } => {
                "Choose a folder that holds all files of the repository, as its page on the hub lists them."
            }
            Self::NoTranscoders { .. } => {
                "Choose a folder that holds them too, as layer_0/width_16k/average_l0_76/params.npz and so on, or ask for no layers: write none."
            }
            Self::KeptPiece { .. } => "This is a fault of the program: please report it.",
            Self::DamagedPiece { .. } => {
                "Verify and repair what is kept, then go on with the download: what is damaged is fetched again."
            }
            Self::NothingSelected { .. } => {
                "Look at the list of what is kept, and choose something that is there."
            }
            Self::BusyParts { .. } => {
                "Stop the download there, or wait until it is done, then do it again."
            }
            Self::NoCopies { .. } => "Give the folder that was exported to.",
            Self::OtherFolder { .. } => {
                "Give the folder that belongs to the repository, or name the repository that it holds."
            }
            Self::NoFolders => {
                "Download from the hub here, or use `gemscope fetch` with the folder."
            }
        }
    }
}
