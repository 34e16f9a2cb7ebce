//! Tries what only a browser has, for its tests: files of the origin in a worker, and how fast it hashes.

use crate::{
    store::{self, Disk, HandedFiles, HandedFolder, OpfsDisk, StoreError},
    sys::Stopwatch,
};
use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use std::{error::Error, rc::Rc};

/// Bytes that lie in the JavaScript heap at a time, as a piece of a fetch does.
const PIECE_BYTES: u32 = 8 << 20;
/// Bytes that are copied into the heap of this program at a time.
const COPIED_BYTES: u32 = 1 << 20;

/// Walks the store through all that it asks of this browser, in a folder of its own; what was seen, a line each.
///
/// Errors: what is not as it must be, with what can be done about it.
pub async fn selftest() -> Result<String, String> {
    let walked = async {
        let disk = Rc::new(OpfsDisk::open().await?);
        let walked = store::selftest(disk.clone()).await?;
        Ok::<_, StoreError>(format!("{walked}\n{}", copies(disk).await?))
    };
    walked.await.map_err(|it| {
        let source = it.source().map(|it| format!(" ({it})"));
        format!("{it}{}. {}", source.unwrap_or_default(), it.remedy())
    })
}

/// Copies out to a folder as a page hands it over, and back from it and from its files.
async fn copies(disk: Rc<OpfsDisk>) -> Result<String, StoreError> {
    let nothing = || StoreError::NoOpfs;
    let handed = store::hand_over("selftest-handed").await?;
    let folder = HandedFolder::among(&[handed]).ok_or_else(nothing)?;
    let chosen = async || {
        let files = HandedFiles::among(&folder.chosen().await?).ok_or_else(nothing)?;
        Ok(Rc::new(files) as Rc<dyn Disk>)
    };
    store::selftest_copies(disk, &folder, chosen).await
}

/// Seconds in which this program hashes so many bytes of the JavaScript heap in file order, and does nothing else.
pub fn hash_seconds(bytes: u64) -> f64 {
    let piece = Uint8Array::new_with_length(PIECE_BYTES);
    let mut copied = vec![0; COPIED_BYTES as usize];
    let mut hasher = Sha256::new();
    let watch = Stopwatch::start();
    let mut left = bytes;
    while left > 0 {
        let n_bytes = left.min(PIECE_BYTES.into()) as u32;
        for at in (0..n_bytes).step_by(COPIED_BYTES as usize) {
            let end = n_bytes.min(at + COPIED_BYTES);
            let into = &mut copied[..(end - at) as usize];
            piece.subarray(at, end).copy_to(into);
            hasher.update(into);
        }
        left -= u64::from(n_bytes);
    }
    std::hint::black_box(hasher.finalize());
    watch.seconds()
}
