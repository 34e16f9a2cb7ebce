//! The bytes of a file, read in pieces: from memory, from the disk, or made on the way.
//!
//! What a file is called and which commit it belongs to is left to `history`.

use anyhow::Result;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
};

/// How much is read at once while hashing.
const HASHED_BYTES: u64 = 1 << 20;

/// Bytes that can be read anywhere, a piece at a time.
pub trait Content: Send + Sync {
    /// How many there are.
    fn size_bytes(&self) -> u64;
    /// Fills `out` with what stands from `at` on; all of it lies within the size.
    ///
    /// Errors: what the disk says.
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()>;
    /// The hash, in hexadecimal, where it is known without reading.
    fn known_sha256(&self) -> Option<String> {
        None
    }
}

impl Content for Arc<[u8]> {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let at = at as usize;
        let bytes = self
            .get(at..at + out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }
}

/// A file of the disk; it is opened for each piece, so thousands of them cost no handles.
pub struct DiskFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size when it was found.
    pub size_bytes: u64,
    /// Its hash when it was found.
    pub sha256: Option<String>,
}

impl Content for DiskFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(out)
    }

    fn known_sha256(&self) -> Option<String> {
        self.sha256.clone()
    }
}

/// Bytes that a function makes, so that a file may be larger than memory and lie nowhere.
pub struct Generated<F> {
    /// How many.
    pub size_bytes: u64,
    /// Fills a piece that begins at an offset; the same bytes each time.
    pub fill: F,
}

impl<F: Fn(u64, &mut [u8]) + Send + Sync> Content for Generated<F> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        (self.fill)(at, out);
        Ok(())
    }
}

/// Other content of the same size: every thousandth byte and the last one are one more than before.
///
/// So little differs that only a hash tells old and new apart, and a mixture from either.
pub struct Altered(pub Arc<dyn Content>);

impl Altered {
    const EVERY: u64 = 1000;
}

impl Content for Altered {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(at, out)?;
        let last = self.size_bytes().saturating_sub(1);
        for (offset, byte) in (at..).zip(out) {
            if offset % Self::EVERY == Self::EVERY - 1 || offset == last {
                *byte = byte.wrapping_add(1);
            }
        }
        Ok(())
    }
}

/// The sha256 in hexadecimal: the known one, or read in pieces.
///
/// Errors: what the disk says.
pub fn sha256(content: &dyn Content) -> Result<String> {
    match content.known_sha256() {
        Some(it) => Ok(it),
        None => hash_after(b"", content),
    }
}

/// The id of a small file, 40 hexadecimal digits. Git has a sha1 of `blob SIZE\0BYTES` here; this is the start of a sha256 of the same.
///
/// Errors: what the disk says.
pub fn blob_id(content: &dyn Content) -> Result<String> {
    let head = format!("blob {}\0", content.size_bytes());
    let mut id = hash_after(head.as_bytes(), content)?;
    id.truncate(40);
    Ok(id)
}

/// The sha256 of some text, in hexadecimal.
pub fn sha256_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hash_after(head: &[u8], content: &dyn Content) -> Result<String> {
    let mut hasher = Sha256::new_with_prefix(head);
    let mut piece = vec![0; HASHED_BYTES.min(content.size_bytes()) as usize];
    let mut at = 0;
    while at < content.size_bytes() {
        let n_bytes = HASHED_BYTES.min(content.size_bytes() - at) as usize;
        content.read(at, &mut piece[..n_bytes])?;
        hasher.update(&piece[..n_bytes]);
        at += n_bytes as u64;
    }
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_are_those_of_the_bytes() {
        let abc: Arc<[u8]> = Arc::from(*b"abc");
        assert_eq!(sha256(&abc).unwrap(), ABC);
        assert_eq!(sha256_of("abc"), ABC);
        assert_eq!(blob_id(&abc).unwrap(), sha256_of("blob 3\0abc")[..40]);
    }

    #[test]
    fn a_large_file_is_hashed_in_pieces() {
        let n_bytes = HASHED_BYTES + 3;
        let fill = |at: u64, out: &mut [u8]| {
            (at..).zip(out).for_each(|(i, it)| *it = i as u8);
        };
        let made = Generated {
            size_bytes: n_bytes,
            fill,
        };
        let held: Arc<[u8]> = (0..n_bytes).map(|i| i as u8).collect();
        assert_eq!(sha256(&made).unwrap(), hex(&Sha256::digest(&held)));
    }

    #[test]
    fn altered_content_has_the_size_and_other_bytes_wherever_it_is_read() {
        let old: Arc<[u8]> = vec![255; 1500].into();
        let new = Altered(Arc::new(old));
        let mut out = [9; 501];
        new.read(999, &mut out).unwrap();
        assert_eq!((out[0], out[1], out[500]), (0, 255, 0));
        assert_eq!(new.size_bytes(), 1500);
    }

    #[test]
    fn a_file_that_shrank_is_an_error() {
        let missing = DiskFile {
            path: "no/such/file".into(),
            size_bytes: 4,
            sha256: None,
        };
        assert!(sha256(&missing).is_err());
        let short: Arc<[u8]> = Arc::from(*b"abc");
        assert!(short.read(2, &mut [0; 2]).is_err());
    }
}
