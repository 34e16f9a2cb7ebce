//! Synthetic checkpoints as files of the disk.

use super::{
    WeightsError,
    crc::Crc32,
    synth::Synthetic,
    synthetic_file::{Checksum, File},
};
use std::{
    fs,
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes that are made at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Writes every file into a folder, which is made if need be, and calls `progress` with bytes done and bytes in all.
///
/// Errors: [`WeightsError::Write`], naming the file.
pub fn write(
    source: &Synthetic,
    folder: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), WeightsError> {
    let error = |file: &str, source| WeightsError::Write {
        file: file.into(),
        source,
    };
    fs::create_dir_all(folder).map_err(|it| error(&folder.display().to_string(), it))?;
    let (mut done, total) = (0, source.size_bytes());
    for (name, file) in source.contents() {
        let told = |n_bytes| {
            done += n_bytes;
            progress(done, total);
        };
        write_file(file, &folder.join(name), told).map_err(|it| error(name, it))?;
    }
    Ok(())
}

/// Writes a file from its first byte to its last, then its checksums, which are known only then.
fn write_file(file: &File, path: &Path, mut told: impl FnMut(u64)) -> io::Result<()> {
    if let Some(it) = path.parent() {
        fs::create_dir_all(it)?;
    }
    let mut out = fs::File::create(path)?;
    let mut sums = vec![Crc32::new(); file.checksums.len()];
    let mut piece = Vec::new();
    for start in (0..file.size_bytes()).step_by(PIECE_BYTES) {
        let n_bytes = (PIECE_BYTES as u64).min(file.size_bytes() - start);
        piece.resize(n_bytes as usize, 0);
        file.fill(start, &mut piece);
        for (sum, Checksum { of, .. }) in sums.iter_mut().zip(&file.checksums) {
            let from = of.start.clamp(start, start + n_bytes) - start;
            let to = of.end.clamp(start, start + n_bytes) - start;
            sum.update(&piece[from as usize..to as usize]);
        }
        out.write_all(&piece)?;
        told(n_bytes);
    }
    for (sum, Checksum { at, .. }) in sums.iter().zip(&file.checksums) {
        for at in at {
            out.seek(SeekFrom::Start(*at))?;
            out.write_all(&sum.value().to_le_bytes())?;
        }
    }
    Ok(())
}
