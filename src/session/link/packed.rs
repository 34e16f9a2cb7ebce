//! The packed form: postcard, deflated where that is shorter, in letters that no address escapes. Leaves the fields to `wire`.

use super::{
    error::LinkError,
    notes::Notes,
    wire::{Wire, WireWitness},
};
use crate::spec::{View, Witness};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use miniz_oxide::{
    deflate::compress_to_vec,
    inflate::{TINFLStatus, decompress_to_vec_with_limit},
};
use sha2::{Digest, Sha256};

/// Bytes that a packed view may inflate to.
const MAX_INFLATED: usize = 256 << 10;
/// How hard deflate tries: as hard as it can, views are small.
const LEVEL: u8 = 10;

/// Bytes of a hash in front, by which a letter that was changed on the way is noticed.
const SUM_BYTES: usize = 2;

/// A view within bounds as letters.
pub fn write(view: &View) -> String {
    // Writing plain data into a Vec can't fail.
    let bytes = postcard::to_allocvec(&Wire::of(view)).unwrap_or_default();
    letters(&bytes)
}

/// Bytes deflated, as letters.
pub(super) fn letters(bytes: &[u8]) -> String {
    letters_as_they_are(&compress_to_vec(bytes, LEVEL))
}

/// Deflated bytes as letters, their sum in front.
pub(super) fn letters_as_they_are(deflated: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([&sum(deflated)[..], deflated].concat())
}

/// The view that letters hold.
///
/// Errors: [`LinkError::Damaged`], [`LinkError::TooLarge`].
pub fn read(text: &str, notes: &mut Notes) -> Result<View, LinkError> {
    let packed = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| LinkError::Damaged)?;
    let (told, deflated) = packed
        .split_at_checked(SUM_BYTES)
        .ok_or(LinkError::Damaged)?;
    if told != sum(deflated) {
        return Err(LinkError::Damaged);
    }
    let bytes =
        decompress_to_vec_with_limit(deflated, MAX_INFLATED).map_err(|it| match it.status {
            TINFLStatus::HasMoreOutput => LinkError::TooLarge,
            _ => LinkError::Damaged,
        })?;
    let wire: Wire = whole(&bytes).ok_or(LinkError::Damaged)?;
    Ok(wire.view(notes))
}

/// A witness as letters; it is too short to be deflated.
pub fn write_witness(it: &Witness) -> String {
    let bytes = postcard::to_allocvec(&WireWitness::of(it)).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The witness that letters hold.
pub fn read_witness(text: &str) -> Option<Witness> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    whole(&bytes).map(WireWitness::witness)
}

fn sum(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1]]
}

/// What all of the bytes say; more bytes than it takes are damage.
fn whole<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (it, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(it)
}
