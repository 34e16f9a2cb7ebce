//! Synthetic checkpoints as repositories of the test Hub: their bytes are made when they are sent, so that nothing of 13 GB lies on a disk.

use anyhow::{Context, Result};
use gemscope::{
    hub::Source,
    sys::block_on,
    weights::synth::{Preset, Synthetic},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, thread};
use xtask::{
    hub::{Content, Repo, sha256},
    place,
};

/// A file of a repository, for who asks for it without a listing.
#[derive(Clone, Debug)]
pub struct MadeFile {
    /// `owner/name`.
    pub repo: String,
    /// Its name there.
    pub file: String,
    /// Its size.
    pub size_bytes: u64,
}

/// `synth/PRESET` and `synth/PRESET-transcoders`.
///
/// Their hashes are computed once and kept in `target/`.
///
/// Errors: a target folder that can't be written.
pub fn repos(preset: Preset) -> Result<Vec<Repo>> {
    let mut hashes = Hashes::open(preset);
    let mut out = Vec::new();
    for (name, source) in sources(preset) {
        let source = Arc::new(source);
        let mut files: BTreeMap<String, Arc<dyn Content>> = BTreeMap::new();
        for (file, made) in hashes.of(&name, &contents(&source)?)? {
            files.insert(file, Arc::new(made));
        }
        out.push(Repo::new(&name, files));
    }
    hashes.save()?;
    Ok(out)
}

/// The files of both, by repository and name.
///
/// Errors: none that a preset can cause.
pub fn files(preset: Preset) -> Result<Vec<MadeFile>> {
    let mut out = Vec::new();
    for (repo, source) in sources(preset) {
        for (file, made) in contents(&Arc::new(source))? {
            let (repo, size_bytes) = (repo.clone(), made.size_bytes);
            out.push(MadeFile {
                repo,
                file,
                size_bytes,
            });
        }
    }
    Ok(out)
}

fn sources(preset: Preset) -> [(String, Synthetic); 2] {
    let n_layers = preset.config().n_layers;
    [
        (format!("synth/{preset}"), Synthetic::new(preset)),
        (
            format!("synth/{preset}-transcoders"),
            Synthetic::transcoders(preset, n_layers),
        ),
    ]
}

/// A file of a synthetic checkpoint.
#[derive(Clone)]
struct Made {
    source: Arc<Synthetic>,
    file: String,
    size_bytes: u64,
    sha256: Option<String>,
}

impl Content for Made {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let range = at..at + out.len() as u64;
        let bytes = block_on(self.source.read(&self.file, range)).map_err(io::Error::other)?;
        out.copy_from_slice(&bytes.into_vec());
        Ok(())
    }

    fn known_sha256(&self) -> Option<String> {
        self.sha256.clone()
    }
}

fn contents(source: &Arc<Synthetic>) -> Result<Vec<(String, Made)>> {
    let made = |file: &str| {
        let size_bytes = block_on(source.size(file))?;
        let made = Made {
            source: Arc::clone(source),
            file: file.into(),
            size_bytes,
            sha256: None,
        };
        Ok((file.to_string(), made))
    };
    source.files().map(made).collect()
}

/// Hashes of an earlier start, by repository and file.
struct Hashes {
    path: PathBuf,
    kept: BTreeMap<String, Kept>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    size_bytes: u64,
    sha256: String,
}

impl Hashes {
    fn open(preset: Preset) -> Self {
        let path = place::target().join(format!("made.{preset}.sha256.json"));
        let text = fs::read(&path).unwrap_or_default();
        Self {
            path,
            // Missing or half written: all is hashed again.
            kept: serde_json::from_slice(&text).unwrap_or_default(),
        }
    }

    /// The files with their hashes; those that are not known are hashed on as many threads as there are processors.
    fn of(&mut self, repo: &str, files: &[(String, Made)]) -> Result<Vec<(String, Made)>> {
        let key = |file: &str| format!("{repo}/{file}");
        let is_known = |file: &str, size_bytes: u64| {
            let kept = self.kept.get(&key(file));
            kept.is_some_and(|it| it.size_bytes == size_bytes)
        };
        let unknown: Vec<&(String, Made)> = files
            .iter()
            .filter(|(file, it)| !is_known(file, it.size_bytes))
            .collect();
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let share = unknown.len().div_ceil(n_threads).max(1);
        let hashed = thread::scope(|scope| -> Result<Vec<(String, Kept)>> {
            let threads: Vec<_> = unknown
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().map(|it| hashed(it)).collect()))
                .collect();
            let mut out = Vec::new();
            for it in threads {
                let of: Result<Vec<_>> = it.join().ok().context("a hashing thread died")?;
                out.extend(of?);
            }
            Ok(out)
        })?;
        self.kept
            .extend(hashed.into_iter().map(|(file, it)| (key(&file), it)));
        let with_hash = |(file, it): &(String, Made)| {
            let sha256 = self.kept.get(&key(file)).map(|it| it.sha256.clone());
            let made = Made {
                sha256,
                ..it.clone()
            };
            (file.clone(), made)
        };
        Ok(files.iter().map(with_hash).collect())
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.kept)?;
        fs::write(&self.path, text).with_context(|| self.path.display().to_string())
    }
}

fn hashed((file, it): &(String, Made)) -> Result<(String, Kept)> {
    let kept = Kept {
        size_bytes: it.size_bytes,
        sha256: sha256(it)?,
    };
    Ok((file.clone(), kept))
}
