//! One tensor out of a safetensors file, for `dump --add` and `--replace`; the rest of the file is not read.

use super::report::{failure, file_failure};
use crate::session::protocol::Failure;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A header above this is none. Source: the crate `safetensors`, `MAX_HEADER_SIZE`.
const MAX_HEADER_BYTES: u64 = 100_000_000;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The numbers of a tensor of type F32, row-major.
///
/// Errors: the file can't be read or is no safetensors file, has no such tensor, or one of another type.
pub fn read(path: &Path, name: &str) -> Result<Vec<f32>, Failure> {
    let shown = path.display();
    let remedy = "Give a safetensors file, such as `gemscope dump` writes.";
    let unreadable = |it| file_failure(format!("`{shown}` can't be read."), remedy, &it);
    let mut file = File::open(path).map_err(unreadable)?;
    let header = header(&mut file).map_err(unreadable)?;
    let Some((first, header)) = header else {
        return Err(failure(
            format!("`{shown}` is no safetensors file."),
            remedy,
        ));
    };
    let Some(entry) = header.get(name) else {
        let names: Vec<&str> = header
            .keys()
            .map(String::as_str)
            .filter(|it| *it != "__metadata__")
            .take(10)
            .collect();
        let remedy = format!("It has {}.", names.join(", "));
        return Err(failure(
            format!("`{shown}` has no tensor `{name}`."),
            remedy,
        ));
    };
    let entry = Entry::deserialize(entry)
        .ok()
        .filter(|it| it.dtype == "F32");
    let Some(entry) = entry else {
        return Err(failure(
            format!("`{name}` of `{shown}` is not of type F32."),
            "Convert it to F32.",
        ));
    };
    let size = file.metadata().map_err(unreadable)?.len();
    let range = entry.range(first, size);
    let Some((start, n_bytes)) = range else {
        return Err(failure(
            format!("`{name}` of `{shown}` reaches beyond the file."),
            "Write or fetch the file again.",
        ));
    };
    let mut bytes = vec![0; n_bytes];
    let read = file
        .seek(SeekFrom::Start(start))
        .and_then(|_| file.read_exact(&mut bytes));
    read.map_err(unreadable)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().map(|it| f32::from_le_bytes(*it)).collect())
}

/// Where the numbers start, and the header; none for what is no safetensors file.
fn header(file: &mut File) -> std::io::Result<Option<(u64, Map<String, Value>)>> {
    let size = file.metadata()?.len();
    let mut n = [0; 8];
    if size < 8 {
        return Ok(None);
    }
    file.read_exact(&mut n)?;
    let n = u64::from_le_bytes(n);
    if n > MAX_HEADER_BYTES.min(size - 8) {
        return Ok(None);
    }
    let mut text = vec![0; n as usize];
    file.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text).ok().map(|it| (8 + n, it)))
}

impl Entry {
    /// First byte in the file and number of bytes, if they fit each other and the file.
    fn range(&self, first: u64, size: u64) -> Option<(u64, usize)> {
        let [start, end] = self.data_offsets;
        let n_bytes = end.checked_sub(start)?;
        let n = self
            .shape
            .iter()
            .try_fold(4u64, |all, it| all.checked_mul(*it))?;
        let inside = first.checked_add(end)? <= size;
        (inside && n == n_bytes).then_some((first + start, n_bytes as usize))
    }
}
