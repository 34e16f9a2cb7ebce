//! What is fetched and how far that is, as plain data; who fetches is `weights`.

use super::{OpenRequest, Part, RepoRef, Trust};
use serde::{Deserialize, Serialize};

/// A set to be fetched into the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchRequest {
    /// What is to be opened from the store later: a model of a hub, transcoders of a hub or none, and their precision. How it is held
    /// on the GPU does not count here.
    pub set: OpenRequest,
    /// Where the bytes come from.
    pub from: FetchFrom,
    /// A manifest by which pieces are proven as they come: a file natively, a same-origin address on the web.
    pub manifest: Option<String>,
    /// Whether a revision that was resolved to a commit earlier is asked for again; otherwise a set stays at its commit.
    pub update: bool,
}

/// Where bytes come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FetchFrom {
    /// The hub.
    #[default]
    Hub,
    /// Folders as `huggingface-cli download` leaves them, in its cache or in a folder of one's own. What has no folder is left out.
    Folders {
        /// The model's.
        model: Option<String>,
        /// The transcoders'.
        transcoders: Option<String>,
    },
    /// Files beside the command, in this order: a page hands over what the visitor has chosen. Where among them a model and its
    /// transcoders lie, their names tell.
    Beside {
        /// Their names, folders included.
        files: Vec<HandedFile>,
    },
}

/// A file that is handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedFile {
    /// With `/` between folders.
    pub name: String,
    /// When it was changed last, in milliseconds since 1970; a file that was changed meanwhile is another one.
    pub modified_millis: u64,
}

/// What is told while a set is fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FetchTold {
    /// What will be fetched. Told before the first byte of weights, and again whenever more is known.
    Plan(FetchPlan),
    /// How far it is.
    Progress(FetchProgress),
    /// A part is whole and of use from now on.
    Part {
        /// Which.
        part: Part,
        /// What it has been compared with so far.
        trust: Trust,
    },
}

/// What will be fetched, and what it takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchPlan {
    /// The repositories and the commits they are pinned to.
    pub repos: Vec<PinnedRepo>,
    /// The files, in the order of their first byte.
    pub files: Vec<FetchFile>,
    /// Bytes that are still to come from the network.
    pub download_bytes: u64,
    /// Bytes that the set takes in the store once it is whole.
    pub disk_bytes: u64,
    /// Bytes of it that are there.
    pub kept_bytes: u64,
    /// Bytes that may wait in the store for their turn to be proven, at most.
    pub waiting_bytes: u64,
    /// Bytes for which there is no room, as far as reserving has shown; none before it was tried.
    pub missing_bytes: Option<u64>,
    /// Whether all headers have been read; before, sizes of layers are taken to be those of the first.
    pub certain: bool,
}

/// A repository and its commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedRepo {
    /// The repository, at the revision that was asked for.
    pub repo: RepoRef,
    /// 40 hexadecimal digits.
    pub commit: String,
}

/// A file of which something is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchFile {
    /// Its repository: a place in [`FetchPlan::repos`].
    pub repo: usize,
    /// Its name there.
    pub file: String,
    /// Bytes of it that are needed.
    pub size_bytes: u64,
    /// Bytes of these that are there.
    pub done_bytes: u64,
    /// The least that is known of them; none as long as none is there.
    pub trust: Option<Trust>,
}

/// How far fetching is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchProgress {
    /// Bytes that are there, of the network's.
    pub done_bytes: u64,
    /// Of how many.
    pub total_bytes: u64,
    /// Bytes that have come through the network since the start.
    pub received_bytes: u64,
    /// A moving mean over the last seconds.
    pub bytes_per_second: f64,
    /// Seconds that are left at this rate, where there is one.
    pub eta_seconds: Option<f64>,
    /// What is being done, besides receiving.
    pub phase: FetchPhase,
    /// Files that are worked at: places in [`FetchPlan::files`], and their bytes that are there.
    pub files: Vec<(usize, u64)>,
    /// Why nothing comes, if nothing does.
    pub waiting: Option<FetchWait>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FetchPhase {
    /// Listings and headers are read.
    #[default]
    Asking,
    /// Bytes come, are packed and kept.
    Downloading,
    /// A lower precision is made from a higher one that is kept.
    Converting,
    /// What is kept is compared with what was published.
    Verifying,
}

/// Why nothing comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchWait {
    /// What is waited for, in the visitor's words.
    pub why: String,
    /// Seconds until it is tried again, where that is known.
    pub seconds: Option<f64>,
}

/// How fetching ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    /// The repositories and the commits they are pinned to.
    pub repos: Vec<PinnedRepo>,
    /// Bytes that came through the network.
    pub received_bytes: u64,
    /// Bytes that the set takes in the store.
    pub disk_bytes: u64,
    /// The least that is known of any part.
    pub trust: Trust,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A transcoder that a repository has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscoderVariant {
    /// Its layer.
    pub layer: usize,
    /// Features, where its folder says it.
    pub width: Option<usize>,
    /// Features that are active per token in the mean, where its folder says it.
    pub average_l0: Option<usize>,
    /// Where its file is.
    pub repo: RepoRef,
    /// Its file there.
    pub file: String,
    /// Bytes of the file; none where it lies in another repository, which was not asked.
    pub size_bytes: Option<u64>,
}
