//! sha256 of a file that comes over days: its state can be saved between pieces. Leaves whole runs of bytes to the store's hash.

use crate::{spec::Bytes, weights::checkpoint::hex};
use sha2::block_api::compress256;

const BLOCK_BYTES: usize = 64;
/// What is copied into the wasm heap at a time.
#[cfg(target_arch = "wasm32")]
const COPIED_BYTES: usize = 1 << 20;
/// Source: FIPS 180-4, 5.3.3.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A sha256 under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hasher {
    state: [u32; 8],
    /// Bytes so far.
    n_bytes: u64,
    /// Those that fill no block yet.
    rest: Vec<u8>,
}

impl Hasher {
    /// At the first byte.
    pub fn new() -> Self {
        Self {
            state: START,
            n_bytes: 0,
            rest: Vec::new(),
        }
    }

    /// Bytes so far.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Takes the next bytes, from `from` on; on the web through a small window.
    pub fn update(&mut self, bytes: &Bytes, from: usize) {
        match bytes {
            Bytes::Vec(it) => self.add(it.get(from..).unwrap_or_default()),
            #[cfg(target_arch = "wasm32")]
            Bytes::Js(it) => {
                let mut window = vec![0; COPIED_BYTES.min(bytes.len())];
                for at in (from..bytes.len()).step_by(COPIED_BYTES) {
                    let end = bytes.len().min(at + COPIED_BYTES);
                    let window = &mut window[..end - at];
                    it.subarray(at as u32, end as u32).copy_to(window);
                    self.add(window);
                }
            }
        }
    }

    /// The hash of what has come so far, in hexadecimal.
    pub fn finish(mut self) -> String {
        let n_bits = self.n_bytes.wrapping_mul(8);
        let n_zeros = (BLOCK_BYTES + 55 - self.rest.len()) % BLOCK_BYTES;
        let mut end = vec![0x80];
        end.resize(1 + n_zeros, 0);
        end.extend(n_bits.to_be_bytes());
        self.add(&end);
        let bytes: Vec<u8> = self.state.iter().flat_map(|it| it.to_be_bytes()).collect();
        hex(&bytes)
    }

    /// Its state as text.
    pub fn save(&self) -> String {
        let state: Vec<u8> = self.state.iter().flat_map(|it| it.to_be_bytes()).collect();
        format!("{}{}", hex(&state), hex(&self.rest))
    }

    /// A state that was saved after `n_bytes`; none for what is no state.
    pub fn load(text: &str, n_bytes: u64) -> Option<Self> {
        let bytes = unhex(text)?;
        let (state, rest) = bytes.split_at_checked(4 * START.len())?;
        let words = state.as_chunks::<4>().0.iter();
        let words: Vec<u32> = words.map(|it| u32::from_be_bytes(*it)).collect();
        (rest.len() as u64 == n_bytes % BLOCK_BYTES as u64).then_some(())?;
        Some(Self {
            state: words.try_into().ok()?,
            n_bytes,
            rest: rest.to_vec(),
        })
    }

    fn add(&mut self, mut bytes: &[u8]) {
        self.n_bytes += bytes.len() as u64;
        if !self.rest.is_empty() {
            let n_taken = bytes.len().min(BLOCK_BYTES - self.rest.len());
            self.rest.extend(&bytes[..n_taken]);
            bytes = &bytes[n_taken..];
            let Some((block, _)) = self.rest.split_first_chunk::<BLOCK_BYTES>() else {
                return;
            };
            compress256(&mut self.state, &[*block]);
            self.rest.clear();
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        compress256(&mut self.state, blocks);
        self.rest.extend(rest);
    }
}

/// Bytes of text in hexadecimal.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().as_chunks::<2>();
    let byte = |it: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok();
    match digits {
        (pairs, []) => pairs.iter().map(byte).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn hashes_are_those_of_the_standard_wherever_it_is_cut_and_saved() {
        let bytes: Vec<u8> = (0..1000u32).map(|it| (it * 7 + it / 251) as u8).collect();
        for n_bytes in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000] {
            let expected = hex(&Sha256::digest(&bytes[..n_bytes]));
            for cut in [0, 1, 63, 64, 65, 500]
                .into_iter()
                .filter(|it| *it <= n_bytes)
            {
                let mut hasher = Hasher::new();
                hasher.update(&bytes[..cut].to_vec().into(), 0);
                let saved = hasher.save();
                let mut hasher = Hasher::load(&saved, cut as u64).expect("a state");
                hasher.update(&bytes[..n_bytes].to_vec().into(), cut);
                assert_eq!(hasher.n_bytes(), n_bytes as u64);
                assert_eq!(hasher.finish(), expected, "{n_bytes} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let saved = Hasher::new().save();
        assert!(Hasher::load(&saved, 64).is_some());
        for (text, n_bytes) in [(saved.as_str(), 1), ("", 0), (&saved[1..], 0), ("zz", 0)] {
            assert_eq!(Hasher::load(text, n_bytes), None, "{text} {n_bytes}");
        }
    }
}
