//! All sizes and times of getting files, in one place.

/// How much is asked for at once, how long is waited, how often it is tried.
#[derive(Clone, Debug, PartialEq)]
pub struct HubConfig {
    /// Bytes of one Range request at most: the Hub counts requests, 3,000 in five minutes for an address.
    pub most_range_bytes: u64,
    /// Bytes that are handed on at once, hashed, converted and stored.
    pub piece_bytes: usize,
    /// Bytes after which what has been stored is written down. A crash may cost 64 MiB beside a piece per open request; some of that is left
    /// for what a browser has received and not yet handed on (Firefox: 13 MiB were seen).
    pub journal_bytes: u64,
    /// Requests in flight at once.
    pub in_flight: usize,
    /// Without a byte for so long, a request counts as dead.
    pub stall_millis: f64,
    /// So long an answer about a single feature may take as a whole.
    pub answer_millis: f64,
    /// The first wait after a failure; each further one is twice as long.
    pub first_wait_millis: f64,
    /// The longest wait of our own choosing.
    pub most_wait_millis: f64,
    /// The longest wait that a server may ask for; beyond it the visitor is told instead.
    pub most_asked_wait_millis: f64,
    /// Tries in a row without a single new byte, the first included, until it is an error.
    pub attempts: u32,
    /// The same for questions about a repository, which somebody is waiting for.
    pub attempts_to_open: u32,
    /// A broken connection that had brought so many bytes is reopened at once.
    pub resume_at_once_bytes: u64,
    /// Redirects in a row at most.
    pub redirects: u32,
    /// Bytes of an answer about a repository at most, of each page of it.
    pub most_json_bytes: usize,
    /// Files of a repository at most.
    pub most_files: usize,
    /// Where the chances of waiting times begin; mixed with a chance of the system by [`super::Net::system`].
    pub seed: u64,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            most_range_bytes: 64 << 20,
            piece_bytes: 8 << 20,
            journal_bytes: 48 << 20,
            in_flight: 3,
            stall_millis: 20_000.0,
            answer_millis: 30_000.0,
            first_wait_millis: 5_000.0,
            most_wait_millis: 60_000.0,
            // Limits of the Hub count five minutes; three of them is more than it ever asks for.
            most_asked_wait_millis: 900_000.0,
            attempts: 8,
            attempts_to_open: 4,
            resume_at_once_bytes: 1 << 20,
            redirects: 5,
            most_json_bytes: 32 << 20,
            most_files: 100_000,
            seed: 0x6765_6d73_636f_7065,
        }
    }
}
