//! A download whose process is killed at random moments, again and again, natively: what comes twice, and what is there in the end.

use super::made;
use anyhow::{Context, Result, bail, ensure};
use gemscope::weights::synth::Preset;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use xtask::{
    browser::this_program,
    hub::{Config, Entry, Hub, bytes_served_twice},
    place,
};

/// How often the Hub's log is looked at.
const LOOK: Duration = Duration::from_millis(3);
/// A fetch that has not ended by then has failed.
const MOST: Duration = Duration::from_secs(1200);
/// Requests in flight at once: the default of the engine's `HubConfig`.
const IN_FLIGHT: u64 = 3;

/// What is killed, and how often.
pub struct Kills {
    /// Which set.
    pub preset: Preset,
    /// How often.
    pub n: usize,
    /// Begins the moments.
    pub seed: u64,
    /// Bytes of a range, of a piece and between two entries of the journal.
    pub sizes: [u64; 3],
    /// What a kill may cost beside the pieces in flight: at least what is between two entries of the journal.
    pub crash_bytes: u64,
    /// So that a download takes long enough to be killed in.
    pub bytes_per_second: u64,
}

impl Kills {
    /// At the sizes that are in use.
    pub fn large(n: usize, seed: u64) -> Self {
        Self {
            preset: Preset::Wide,
            n,
            seed,
            sizes: [64 << 20, 8 << 20, 48 << 20],
            crash_bytes: 64 << 20,
            bytes_per_second: 100_000_000,
        }
    }

    /// At sizes for a test of seconds.
    pub fn small(n: usize, seed: u64) -> Self {
        Self {
            preset: Preset::Nano,
            n,
            seed,
            sizes: [256 << 10, 64 << 10, 256 << 10],
            crash_bytes: 256 << 10,
            bytes_per_second: 600_000,
        }
    }

    /// Fetches, is killed, goes on; prints what came twice.
    ///
    /// Errors: a bound that is broken, an end state that is not that of a fetch that nothing happened to.
    pub fn run(&self) -> Result<()> {
        let hub = Hub::serve(Config::new(made::repos(self.preset)?))?;
        let folder = place::target().join(format!("kills.{}", self.preset));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let [straight, killed] = ["straight", "killed"].map(|it| folder.join(it));
        finish(self.fetch(&hub, &straight)?)?;
        let all = served(&hub.log());
        hub.clear_log();
        hub.set_throttle(Some(self.bytes_per_second));
        let twice = self.killed(&hub, &killed, all)?;
        hub.set_throttle(None);
        finish(self.fetch(&hub, &killed)?)?;
        self.judge(&twice, bytes_served_twice(&hub.log()))?;
        let (expected, got) = (state(&straight)?, state(&killed)?);
        ensure!(!expected.is_empty(), "nothing is kept");
        ensure!(
            expected == got,
            "the files are not those of a fetch that nothing happened to: {expected:?} and {got:?}"
        );
        println!(
            "  {} kills of {all} bytes, {} files alike, sha256 {}",
            self.n,
            got.len(),
            &hash_of(&got)[..16]
        );
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    /// Kills at the moments; bytes served twice so far after each.
    fn killed(&self, hub: &Hub, store: &Path, all: u64) -> Result<Vec<u64>> {
        let mut moments: Vec<u64> = (0..self.n as u64)
            .map(|it| (all as f64 * (0.02 + 0.93 * chance(self.seed, it))) as u64)
            .collect();
        moments.sort_unstable();
        let mut out = Vec::new();
        for at in moments {
            let mut child = self.fetch(hub, store)?;
            let start = Instant::now();
            while served(&hub.log()) < at {
                if let Some(status) = child.try_wait()? {
                    bail!("the fetch ended before {at} bytes of {all} were served: {status}");
                }
                ensure!(start.elapsed() < MOST, "{at} bytes are not served");
                thread::sleep(LOOK);
            }
            child.kill()?;
            child.wait()?;
            // What is still on its way into the broken connection belongs to this life.
            thread::sleep(Duration::from_millis(50));
            out.push(bytes_served_twice(&hub.log()));
        }
        Ok(out)
    }

    /// What came again after each kill keeps its bound.
    fn judge(&self, twice: &[u64], in_all: u64) -> Result<()> {
        let [_, piece, _] = self.sizes;
        let most = self.crash_bytes + IN_FLIGHT * piece;
        let after = twice.iter().skip(1).copied().chain([in_all]);
        let again: Vec<u64> = twice.iter().zip(after).map(|it| it.1 - it.0).collect();
        println!("  bytes that came again after each kill: {again:?}, {in_all} in all; {most} may");
        match again.iter().position(|it| *it > most) {
            Some(n) => bail!("after kill {n}, {} bytes came again", again[n]),
            None => Ok(()),
        }
    }

    fn fetch(&self, hub: &Hub, store: &Path) -> Result<Child> {
        let sizes = self.sizes.map(|it| it.to_string()).join(",");
        let mut command = Command::new(this_program()?);
        command
            .args(["fetch", "--precision", "precise", "--sizes", &sizes])
            .args(["--origin", hub.hub_origin(), "--name"])
            .arg(self.preset.to_string())
            .arg("--store")
            .arg(store)
            .stdout(Stdio::null());
        Ok(command.spawn()?)
    }
}

fn finish(mut child: Child) -> Result<()> {
    let start = Instant::now();
    loop {
        match child.try_wait()? {
            Some(it) if it.success() => return Ok(()),
            Some(it) => bail!("the fetch ended with {it}"),
            None if start.elapsed() > MOST => {
                child.kill()?;
                bail!("the fetch does not end")
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn served(log: &[Entry]) -> u64 {
    let data = log.iter().filter(|it| matches!(it.status, 200 | 206));
    data.map(|it| it.bytes_sent).sum()
}

/// Hashes of the bytes of all parts, by name. What only tells how far something has come is left out.
fn state(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).with_context(|| at.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let last = name.file_name().unwrap_or_default().to_string_lossy();
            let is_state = ["pin-", "proof-", "spill-"].map(|it| last.starts_with(it));
            if last.ends_with(".data") && !is_state.contains(&true) {
                out.insert(name.to_string_lossy().into_owned(), file_hash(&path)?);
            }
        }
    }
    Ok(out)
}

fn file_hash(path: &PathBuf) -> Result<String> {
    let (mut file, mut hasher) = (fs::File::open(path)?, Sha256::new());
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&piece[..n]),
        }
    }
}

fn hash_of(state: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = state
        .iter()
        .map(|it| format!("{} {}\n", it.0, it.1))
        .collect();
    hex(&Sha256::digest(lines.concat()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// A number in [0, 1) that a seed and a count give: splitmix64.
fn chance(seed: u64, n: u64) -> f64 {
    let step = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut z = seed.wrapping_add(step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}
