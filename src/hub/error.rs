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
    /// More than anybody wants of it.
    #[error("`{file}` has more than {} MiB", most_bytes >> 20)]
    TooLong {
        /// The file.
        file: String,
        /// What is read at most.
        most_bytes: usize,
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
    /// A text that is no access token; the text itself is not repeated.
    #[error("this is no access token that could be used: {detail}")]
    Token {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// No host of the table tells about single features.
    #[error("this installation asks nobody about single features")]
    NobodyTold,
    /// A host that this installation does not ask.
    #[error("{address} is not among the hosts that this page may ask")]
    OffTable {
        /// Its origin.
        address: String,
    },
    /// There is no such repository, or nobody may know of it.
    #[error("there is no repository {repo}, or it is private")]
    RepoNotFound {
        /// The repository.
        repo: String,
    },
    /// There is no such branch, tag or commit.
    #[error("{repo} has no revision `{revision}`")]
    RevisionNotFound {
        /// The repository.
        repo: String,
        /// What was asked for.
        revision: String,
    },
    /// A repository for which one must have agreed to its licence, asked without a token.
    #[error("{repo} is gated: its files need an access token")]
    Gated {
        /// The repository.
        repo: String,
    },
    /// The token is good, but its account may not read the repository.
    #[error("the token's account may not read {repo}: the repository is gated")]
    NotAccepted {
        /// The repository.
        repo: String,
    },
    /// The server does not know the token.
    #[error("the server does not accept the access token for {repo}")]
    WrongToken {
        /// The repository.
        repo: String,
    },
    /// An answer about a repository that is not what it should be.
    #[error("what the server says about {place} can't be used: {detail}")]
    Answer {
        /// The repository.
        place: String,
        /// What is wrong.
        detail: String,
    },
    /// A page where data should be.
    #[error("a web page came instead of `{file}`")]
    NotData {
        /// The file.
        file: String,
    },
    /// Other bytes of the file than asked for.
    #[error("`{file}`: bytes {} to {} were asked for, the server sends {} to {}", wanted.start, wanted.end, got.start, got.end)]
    OtherRange {
        /// The file.
        file: String,
        /// What was asked for.
        wanted: Range<u64>,
        /// What the server says it sends.
        got: Range<u64>,
    },
    /// The file is another one than it was, though not by its size.
    #[error("`{file}` is another file now: its {what} was {was} and is {is}")]
    Replaced {
        /// The file.
        file: String,
        /// Which mark differs.
        what: &'static str,
        /// What it was.
        was: String,
        /// What it is.
        is: String,
    },
    /// The storage behind the server refuses, also by a fresh address.
    #[error("the storage answered {status} for `{file}`: {said}")]
    Refused {
        /// The file.
        file: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        said: String,
    },
    /// The server asks to wait, longer or more often than one would.
    #[error("the server asks to wait before `{file}` is fetched{}", seconds.map(|it| format!(": {it} seconds")).unwrap_or_default())]
    RateLimited {
        /// The file or repository.
        file: String,
        /// How long it asks to wait, where it says so.
        seconds: Option<u64>,
    },
    /// The server was tried again and again.
    #[error("`{file}` could not be fetched in {attempts} attempt{}: {detail}", if *attempts == 1 { "" } else { "s" })]
    GaveUp {
        /// The file or repository.
        file: String,
        /// How often in a row nothing came.
        attempts: u32,
        /// What went wrong the last time.
        detail: String,
    },
    /// This program can't ask anything at all.
    #[error("there is no way to the network: {detail}")]
    NoNetwork {
        /// What the system says.
        detail: String,
    },
    /// Redirects without end, or to nowhere.
    #[error("`{file}`: the server sends on and on, or to no address")]
    Redirects {
        /// The file or repository.
        file: String,
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
