//! Why a file or a range of it could not be had.

use std::ops::Range;

/// Why a place did not give what was asked. Every variant names the file or the address.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no such file.
    #[error("`{file}` is not in {place}")]
    NotFound {
        /// The file.
        file: String,
        /// Where it was looked for.
        place: String,
    },
    /// There is no such folder.
    #[error("{place} is not there")]
    NoFolder {
        /// What was looked for.
        place: String,
    },
    /// A folder that no model could fill.
    #[error("{place} holds more than {most} files, or folders more than {most_depth} deep")]
    TooManyFiles {
        /// The folder.
        place: String,
        /// Files that are listed at most.
        most: usize,
        /// Folders inside each other that are listed at most.
        most_depth: usize,
    },
    /// A place of the web that does not say which files it holds.
    #[error("{place} does not say which files it holds: `{file}` is not there")]
    NoListing {
        /// Where it was looked for.
        place: String,
        /// The file that would say it.
        file: String,
    },
    /// The list of a place's files is none.
    #[error("`{file}` is not a list of files: {detail}")]
    Listing {
        /// The file.
        file: String,
        /// What is wrong and where.
        detail: String,
    },
    /// A file name that leaves the place, or that means something else on some system.
    #[error("`{file}` is not a name of a file inside the folder")]
    Name {
        /// What was given.
        file: String,
    },
    /// A range beyond the end.
    #[error("`{file}` has {size_bytes} bytes; bytes {} to {} were asked for", wanted.start, wanted.end)]
    Range {
        /// The file.
        file: String,
        /// What was asked for.
        wanted: Range<u64>,
        /// Bytes of the file.
        size_bytes: u64,
    },
    /// Another number of bytes came than was asked for.
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
        size_bytes: usize,
    },
    /// The disk did not do it.
    #[error("`{file}` can't be read")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server answered, but not with the file.
    #[error("the server answered {status} for `{file}`")]
    Status {
        /// The file.
        file: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server sends whole files only.
    #[error("the server does not send ranges of `{file}`")]
    NoRanges {
        /// The file.
        file: String,
    },
    /// The file is another one than it was.
    #[error("`{file}` changed while it was being read: {was_bytes} bytes, now {is_bytes}")]
    Changed {
        /// The file.
        file: String,
        /// Bytes of the file at first.
        was_bytes: u64,
        /// Bytes of the file now.
        is_bytes: u64,
    },
    /// No answer came.
    #[error("`{file}` can't be fetched: {detail}")]
    Network {
        /// The file.
        file: String,
        /// What the browser says.
        detail: String,
    },
    /// Not an address of this site.
    #[error("`{address}` is not an address of this site: {detail}")]
    Address {
        /// What was given.
        address: String,
        /// Why not.
        detail: String,
    },
}

impl HubError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => {
                "Check the folder: it must hold config.json and the safetensors files of a model, or all files of its transcoders."
            }
            Self::NoFolder { .. } => "Check the path of the folder.",
            Self::TooManyFiles { .. } => {
                "Give the folder that holds the files itself, not one far above it."
            }
            Self::NoListing { .. } | Self::Listing { .. } => {
                "Put a files.json into the folder: a JSON array with the name of every file in it, such as \"layer_0/params.npz\"."
            }
            Self::Name { .. } => {
                "Files must lie in the model's own folder; take the checkpoint from its publisher again."
            }
            Self::Range { .. } | Self::Length { .. } => {
                "The file is shorter than it should be: download it again."
            }
            Self::Memory { .. } => "Close other programs or tabs and try again.",
            Self::Io { .. } => "Check that the file may be read and that its disk is connected.",
            Self::Status { .. } | Self::Network { .. } => {
                "Check the connection and the server, then try again."
            }
            Self::NoRanges { .. } => {
                "Serve the folder with a server that answers Range requests, such as `cargo xtask serve`."
            }
            Self::Changed { .. } => "Wait until the file is complete, then open the model again.",
            Self::Address { .. } => "Give a folder of the site that this page came from.",
        }
    }
}
