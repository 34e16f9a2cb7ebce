//! Why something could not be kept, or what is kept could not be had.

use std::ops::Range;

/// Why the store did not do what was asked. Every variant names the file or what was kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name that is not safe as part of a file's name everywhere.
    #[error(
        "`{key}` is no name for what is kept: lower-case letters, digits, dots, dashes and underscores, 1 to 100 of them"
    )]
    Key {
        /// What was given.
        key: String,
    },
    /// Pieces that can't be pieces of one file.
    #[error("the pieces of `{key}` do not fit together: {detail}")]
    Plan {
        /// What was to be kept.
        key: String,
        /// What is wrong.
        detail: String,
    },
    /// The disk is full, or this site's share of it.
    #[error("no room for `{file}` in {place}: {missing_bytes} bytes are missing")]
    NoRoom {
        /// The file.
        file: String,
        /// Where it was to be kept.
        place: String,
        /// How much more room it takes, as far as that can be found out.
        missing_bytes: u64,
    },
    /// A private window, which keeps nothing.
    #[error("this window keeps no files: {detail}")]
    Private {
        /// What the browser says.
        detail: String,
    },
    /// A browser without a file system of the site's own, or an insecure address.
    #[error("this browser has no file storage for this page")]
    NoOpfs,
    /// Another tab or process writes it.
    #[error("`{key}` is being written by another tab or program")]
    Busy {
        /// What is kept.
        key: String,
    },
    /// There is no such file.
    #[error("`{file}` is not in {place}")]
    Missing {
        /// The file.
        file: String,
        /// Where it was looked for.
        place: String,
    },
    /// The disk did not do it.
    #[error("`{file}` can't be read or written")]
    Io {
        /// The file.
        file: String,
        /// What the system or the browser says.
        source: std::io::Error,
    },
    /// A range beyond the end, or one that runs backwards.
    #[error("`{file}` has {size_bytes} bytes; bytes {} to {} were asked for", wanted.start, wanted.end)]
    Range {
        /// The file.
        file: String,
        /// What was asked for.
        wanted: Range<u64>,
        /// Bytes of the file.
        size_bytes: u64,
    },
    /// Fewer bytes came than are there.
    #[error("`{file}`: {got_bytes} bytes came where {wanted_bytes} were asked for")]
    Length {
        /// The file.
        file: String,
        /// What was asked for.
        wanted_bytes: u64,
        /// What came.
        got_bytes: u64,
    },
    /// The memory for a range was refused.
    #[error("no memory for {size_bytes} bytes of `{file}`")]
    Memory {
        /// The file.
        file: String,
        /// What was asked for.
        size_bytes: u64,
    },
    /// Bytes that have not arrived yet.
    #[error("bytes {} to {} of `{key}` are not here yet", wanted.start, wanted.end)]
    NotHere {
        /// What is kept.
        key: String,
        /// What was asked for.
        wanted: Range<u64>,
    },
    /// A piece that is kept must be forgotten before it is written again.
    #[error("piece {piece} of `{key}` is kept already and may not be written over")]
    Kept {
        /// What is kept.
        key: String,
        /// The piece.
        piece: u32,
    },
    /// A piece that is not there, or not yet.
    #[error("`{key}` has no piece {piece}, or not yet; it consists of {n_pieces}")]
    Piece {
        /// What is kept.
        key: String,
        /// The piece.
        piece: u32,
        /// How many there are.
        n_pieces: usize,
    },
    /// Pieces are missing where the whole is needed.
    #[error("`{key}` is not whole: {n_missing} pieces are missing")]
    Unfinished {
        /// What is kept.
        key: String,
        /// How many pieces are missing.
        n_missing: usize,
    },
    /// A copy whose record is damaged or does not belong to its data.
    #[error("the copy of `{key}` in {place} is damaged: {detail}")]
    Damaged {
        /// What is kept.
        key: String,
        /// Where the copy is.
        place: String,
        /// What is wrong.
        detail: String,
    },
    /// Both places for a store hold something that this version did not write.
    #[error("{place} holds what another version wrote ({found})")]
    Version {
        /// Where.
        place: String,
        /// What is there.
        found: String,
    },
}

impl StoreError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Key { .. } | Self::Plan { .. } | Self::Kept { .. } | Self::Piece { .. } => {
                "This is a fault of the program: please report it with the detail below."
            }
            Self::NoRoom { .. } => {
                "Remove models that are kept and no longer needed, choose the precision `compact`, or make room on the disk; \
                 what has arrived stays and the download goes on from there."
            }
            Self::Private { .. } => {
                "Open the page in an ordinary window, or use it without keeping the model."
            }
            Self::NoOpfs => {
                "Use a current browser and open the page by https, or use it without keeping the model."
            }
            Self::Busy { .. } => "Wait until the other tab or program is done, or close it.",
            Self::Missing { .. } => "It was removed meanwhile: download it again.",
            Self::Io { .. } => {
                "Check that the disk is connected and may be written, then try again."
            }
            Self::Range { .. } | Self::Length { .. } | Self::Damaged { .. } => {
                "The copy is damaged: verify and repair it, or remove it and download it again."
            }
            Self::Memory { .. } => "Close other programs or tabs and try again.",
            Self::NotHere { .. } | Self::Unfinished { .. } => {
                "Let the download come to its end first; it goes on where it stopped."
            }
            Self::Version { .. } => {
                "Remove what is kept there, or use the version of the program that wrote it."
            }
        }
    }
}
