//! What all requests of a Hub share: repositories, rules, the log, the clock.
//!
//! How a request is answered is left to `answer`.

use super::{
    address::Addresses,
    clock::Clock,
    config::{Config, Gate},
    flow::Pace,
    history::History,
    log::Log,
    rule::Rules,
};
use anyhow::{Context, Result, ensure};
use std::{
    fs::OpenOptions,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

/// One Hub.
pub struct Shared {
    /// `http://…`, without a path: listings, small files, redirects.
    pub hub_origin: String,
    /// Where the redirects lead.
    pub signed_origin: String,
    /// What every wait goes through.
    pub clock: Arc<dyn Clock>,
    /// When the Hub began.
    pub started_millis: f64,
    /// How long a connection is left alone before it breaks, so that what was sent before has gone out. Zero without sockets.
    pub linger_millis: f64,
    /// Entries of a page of the tree.
    pub page_size: usize,
    /// How long a signed address is valid.
    pub expiry_seconds: u64,
    /// Repositories that ask for a token.
    pub gates: Vec<Gate>,
    /// What was signed.
    pub addresses: Addresses,
    /// Of all bodies together.
    pub pace: Pace,
    /// Of all requests.
    pub log: Arc<Log>,
    /// True once the Hub is to end.
    pub stopped: watch::Sender<bool>,
    repos: Mutex<Vec<History>>,
    rules: Mutex<Rules>,
    away: AtomicBool,
}

impl Shared {
    /// For the two origins.
    ///
    /// Errors: a repository that can't be served, two of one name, a gate without a repository, a log that can't be written.
    pub fn new(config: Config, origins: [String; 2], clock: Arc<dyn Clock>) -> Result<Self> {
        let mut repos: Vec<History> = Vec::new();
        for it in &config.repos {
            let twice = repos.iter().any(|kept| kept.name == it.name);
            ensure!(!twice, "two repositories are called {}", it.name);
            repos.push(History::new(it)?);
        }
        for it in &config.gates {
            let there = repos.iter().any(|kept| kept.name == it.repo);
            ensure!(there, "no repository {} to stand behind a gate", it.repo);
        }
        let log = match &config.log_file {
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                Log::into_file(file.with_context(|| format!("writing {}", path.display()))?)
            }
            None => Log::default(),
        };
        let [hub_origin, signed_origin] = origins;
        Ok(Self {
            hub_origin,
            signed_origin,
            started_millis: clock.now_millis(),
            clock,
            linger_millis: 0.0,
            page_size: config.page_size.max(1),
            expiry_seconds: config.expiry_seconds,
            gates: config.gates,
            addresses: Addresses::default(),
            pace: Pace::new(config.throttle_bytes_per_second),
            log: Arc::new(log),
            stopped: watch::Sender::new(false),
            repos: Mutex::new(repos),
            rules: Mutex::new(Rules::new(config.rules)),
            away: AtomicBool::new(false),
        })
    }

    /// The repositories, for as long as they are held.
    pub fn repos(&self) -> MutexGuard<'_, Vec<History>> {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A repository by name, for a change.
    ///
    /// Errors: none of that name; what the change says.
    pub fn change<T>(&self, repo: &str, how: impl FnOnce(&mut History) -> Result<T>) -> Result<T> {
        let mut repos = self.repos();
        let it = repos.iter_mut().find(|it| it.name == repo);
        how(it.with_context(|| format!("no repository {repo}"))?)
    }

    /// The rules, for as long as they are held.
    pub fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the network to the Hub is gone.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Takes the network away, or brings it back.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}
