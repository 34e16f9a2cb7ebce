//! `bench-store`: fetching from a test Hub on this machine into the store and starting from it, natively and in browsers, beside plain
//! yardsticks of the same run.

use super::{in_browser::World, made};
use anyhow::{Context, Result, anyhow, bail, ensure};
use gemscope::{
    spec::Precision,
    sys::{Stop, Stopwatch, block_on},
    weights::{
        library::Manifest,
        synth::{Preset, Synthetic},
    },
};
use sha2::{Digest, Sha256};
use std::{
    ffi::OsString,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{
    browser::this_program,
    hub::{Config, Hub},
    place,
};

/// Bytes that are read and written at once, as the engine's `HubConfig` has them.
const PIECE_BYTES: usize = 8 << 20;

/// Arguments of the command.
#[derive(clap::Args)]
pub struct Arguments {
    /// chromium or firefox, several with commas; natively without it.
    #[arg(long, value_delimiter = ',')]
    browser: Vec<String>,
    /// The set.
    #[arg(long, default_value = "wide")]
    preset: Preset,
    #[arg(long, default_value = "precise")]
    precision: Precision,
    /// How often everything is measured.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// In browsers: label search alone and beside a fetch, instead of the store.
    #[arg(long, requires = "browser")]
    labels: bool,
}

/// Measures and prints; whether the measuring went well.
///
/// Errors: what keeps it from being measured.
pub fn run(arguments: &Arguments) -> Result<bool> {
    if arguments.browser.is_empty() {
        return natively(arguments).map(|()| true);
    }
    let mut fine = true;
    for kind in &arguments.browser {
        let world = World::new(kind)?;
        if arguments.labels {
            let file = world.out.join(format!("labels.{kind}.json"));
            fine &= world.bench("label_bench.mjs", file.as_os_str(), &set(arguments))?;
            continue;
        }
        manifest(arguments.preset, &world.out.join("manifest.json"))?;
        let files = made::files(arguments.preset)?;
        let files: Vec<_> = files
            .iter()
            .map(|it| (&it.repo, &it.file, it.size_bytes))
            .collect();
        let more = [
            ("--files", serde_json::to_string(&files)?),
            (
                "--manifest",
                format!("{}tests/lab/manifest.json", world.base()),
            ),
        ];
        let more = [set(arguments), flags(more)].concat();
        let file = world.out.join(format!("store.{kind}.json"));
        fine &= world.bench("store_bench.mjs", file.as_os_str(), &more)?;
    }
    Ok(fine)
}

/// What is fetched and how often, for a script.
fn set(arguments: &Arguments) -> Vec<OsString> {
    flags([
        ("--preset", arguments.preset.to_string()),
        ("--precision", arguments.precision.to_string()),
        ("--rounds", arguments.rounds.to_string()),
    ])
}

fn flags<const N: usize>(all: [(&str, String); N]) -> Vec<OsString> {
    all.into_iter()
        .flat_map(|it| [it.0.into(), it.1.into()])
        .collect()
}

/// Writes the hashes of both repositories' pieces.
fn manifest(preset: Preset, path: &Path) -> Result<()> {
    let n_layers = preset.config().n_layers;
    let sources = [
        Synthetic::new(preset),
        Synthetic::transcoders(preset, n_layers),
    ];
    let mut whole = Manifest::default();
    for source in sources {
        let made = block_on(Manifest::make(&source, (&mut |_, _| (), &Stop::default())))?;
        whole = whole.merged(made);
    }
    fs::write(path, whole.to_json()).with_context(|| path.display().to_string())
}

fn natively(arguments: &Arguments) -> Result<()> {
    let hub = Hub::serve(Config::new(made::repos(arguments.preset)?))?;
    let folder = place::target().join("bench-store");
    let manifest_file = place::target().join("bench-store.manifest.json");
    manifest(arguments.preset, &manifest_file)?;
    let files = made::files(arguments.preset)?;
    let bytes: u64 = files.iter().map(|it| it.size_bytes).sum();
    println!("natively, {} at {}", arguments.preset, arguments.precision);
    for _ in 0..arguments.rounds {
        let copy = plain_copy(&hub, &files, &folder)?;
        let hash = hash_alone(bytes);
        let with = fetched(arguments, &hub, &folder, Some(&manifest_file))?;
        let without = fetched(arguments, &hub, &folder, None)?;
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "  plain copy {:.0} MB/s, hash alone {:.0} MB/s; fetched with a manifest {:.0} MB/s ({:.2} of the copy), without {:.0} MB/s ({:.2} of the hash)",
            rate(copy),
            rate(hash),
            rate(with),
            copy / with,
            rate(without),
            hash / without
        );
    }
    fs::remove_dir_all(&folder).ok();
    Ok(())
}

/// Seconds in which every file is taken from the Hub as it is and written, one after the other, without any code of ours.
fn plain_copy(hub: &Hub, files: &[made::MadeFile], folder: &Path) -> Result<f64> {
    fresh(folder)?;
    let watch = Stopwatch::start();
    for (n, it) in files.iter().enumerate() {
        let path = format!("/{}/resolve/main/{}", it.repo, it.file.replace(' ', "%20"));
        let mut out = fs::File::create(folder.join(format!("plain-{n}")))?;
        let n_bytes = get(&format!("{}{path}", hub.hub_origin()), &mut out)?;
        ensure!(n_bytes == it.size_bytes, "{path}: {n_bytes} bytes");
        out.sync_all()?;
    }
    Ok(watch.seconds())
}

/// The body of an answer, over one redirect; its bytes.
fn get(address: &str, out: &mut fs::File) -> Result<u64> {
    let rest = address
        .strip_prefix("http://")
        .context("an address of this machine")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut piece = vec![0; PIECE_BYTES];
    let (mut filled, mut body_at) = (0, None);
    while body_at.is_none() {
        let n = stream.read(&mut piece[filled..])?;
        ensure!(n > 0, "{address}: no answer");
        filled += n;
        body_at = piece[..filled].windows(4).position(|it| it == b"\r\n\r\n");
    }
    let body_at = body_at.unwrap_or_default() + 4;
    let head = String::from_utf8_lossy(&piece[..body_at]).into_owned();
    if head.starts_with("HTTP/1.1 302") {
        let location = head.lines().find_map(|it| it.strip_prefix("location: "));
        return get(location.context("where the redirect leads")?, out);
    }
    if !head.starts_with("HTTP/1.1 200") {
        bail!("{address}: {}", head.lines().next().unwrap_or_default());
    }
    let mut n_bytes = (filled - body_at) as u64;
    out.write_all(&piece[body_at..filled])?;
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(n_bytes),
            n => out.write_all(&piece[..n])?,
        }
        n_bytes = out.metadata()?.len();
    }
}

fn hash_alone(bytes: u64) -> f64 {
    let piece: Vec<u8> = (0..PIECE_BYTES)
        .map(|it| (it * 7 + it / 251) as u8)
        .collect();
    let mut hasher = Sha256::new();
    let watch = Stopwatch::start();
    let mut left = bytes;
    while left > 0 {
        let n = left.min(PIECE_BYTES as u64);
        hasher.update(&piece[..n as usize]);
        left -= n;
    }
    std::hint::black_box(hasher.finalize());
    watch.seconds()
}

/// Seconds as the process that fetches tells them.
fn fetched(
    arguments: &Arguments,
    hub: &Hub,
    folder: &Path,
    manifest: Option<&PathBuf>,
) -> Result<f64> {
    fresh(folder)?;
    let mut command = Command::new(this_program()?);
    command
        .args(["fetch", "--origin", hub.hub_origin(), "--name"])
        .arg(arguments.preset.to_string())
        .args(["--precision", &arguments.precision.to_string(), "--store"])
        .arg(folder);
    if let Some(it) = manifest {
        command.arg("--manifest").arg(it);
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = text
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok());
    seconds.ok_or_else(|| anyhow!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}
