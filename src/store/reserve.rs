//! Room for a file before its first byte, and how much is missing where there is none.

use super::{DiskFile, StoreError};

/// How finely missing room is measured.
const STEP_BYTES: u64 = 1 << 20;

/// Makes an empty file as long as it will be.
///
/// Errors: [`StoreError::NoRoom`] with what is missing, found by trying: what systems and browsers say is free is not what can be had.
pub(super) async fn reserve(file: &dyn DiskFile, size_bytes: u64) -> Result<(), StoreError> {
    match file.truncate(size_bytes).await {
        Err(StoreError::NoRoom {
            file: name, place, ..
        }) => Err(StoreError::NoRoom {
            file: name,
            place,
            missing_bytes: size_bytes - most(file, size_bytes).await?,
        }),
        it => it,
    }
}

/// The most that can be reserved, less than what can't; the file is empty again.
async fn most(file: &dyn DiskFile, too_many_bytes: u64) -> Result<u64, StoreError> {
    let step_bytes = STEP_BYTES.min(too_many_bytes / 64).max(1);
    let (mut fits, mut too_many) = (0, too_many_bytes);
    while too_many - fits > step_bytes {
        let middle = fits + (too_many - fits) / 2;
        match file.truncate(middle).await {
            Ok(()) => fits = middle,
            Err(StoreError::NoRoom { .. }) => too_many = middle,
            Err(it) => return Err(it),
        }
    }
    file.truncate(0).await?;
    Ok(fits)
}
