//! What a Hub is made of.

use super::{repo::Repo, rule::Rule};
use std::path::PathBuf;

/// What a Hub is made of; [`Config::new`] is the real one's behaviour.
#[derive(Clone, Default)]
pub struct Config {
    /// What it has.
    pub repos: Vec<Repo>,
    /// Entries of a page of the tree, at most.
    pub page_size: usize,
    /// How long a signed address is valid.
    pub expiry_seconds: u64,
    /// All bodies together; as fast as it goes without.
    pub throttle_bytes_per_second: Option<u64>,
    /// What goes wrong.
    pub rules: Vec<Rule>,
    /// Repositories that ask for a token.
    pub gates: Vec<Gate>,
    /// Where the Hub listens; 0 takes a free port. In process it means nothing.
    pub port: u16,
    /// Where the signed origin listens.
    pub signed_port: u16,
    /// To which file the entries of the log are appended, as lines of JSON.
    pub log_file: Option<PathBuf>,
}

impl Config {
    /// Pages of 1,000, addresses that are valid for an hour, free ports, no faults.
    pub fn new(repos: Vec<Repo>) -> Self {
        Self {
            repos,
            page_size: 1000,
            expiry_seconds: 3600,
            ..Self::default()
        }
    }
}

/// A repository that asks for a token.
#[derive(Clone)]
pub struct Gate {
    /// `owner/name`.
    pub repo: String,
    /// The only right one.
    pub token: String,
    /// Whether the API answers without it, as the real Hub's listings do; files never come without.
    pub open_listing: bool,
}
