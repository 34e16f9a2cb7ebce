//! A file of some bytes that are kept and some that are made when they are read. Leaves what the bytes mean to `synthetic` and
//! `synthetic_npz`.

use super::synth::Uniform;
use std::ops::Range;

/// How weights that are made stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Rounded to bf16.
    Bf16,
    /// Rounded to bf16 and widened again: f32 with zeros in the lower half.
    Bf16AsF32,
    /// As they are.
    F32,
}

/// A file, made of parts.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// One behind the other, from 0 on.
    parts: Vec<Part>,
    /// Checksums that stand in the file; 0 there until it is written.
    pub checksums: Vec<Checksum>,
}

/// A CRC-32 of some bytes of a file, and the two places at which it stands.
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    /// The bytes.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "files are written natively alone")
    )]
    pub of: Range<u64>,
    /// Where it stands: before them and behind them.
    pub at: [u64; 2],
}

#[derive(Clone, Debug)]
struct Part {
    /// Its bytes in the file.
    range: Range<u64>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Kept(Vec<u8>),
    Made(Uniform, Element),
}

impl File {
    /// Adds bytes.
    pub fn keep(&mut self, bytes: Vec<u8>) {
        let n_bytes = bytes.len() as u64;
        self.push(n_bytes, Content::Kept(bytes));
    }

    /// Adds weights from the first on.
    pub fn make(&mut self, uniform: Uniform, element: Element, n_weights: u64) {
        let n_bytes = n_weights * element.size_bytes();
        self.push(n_bytes, Content::Made(uniform, element));
    }

    fn push(&mut self, n_bytes: u64, content: Content) {
        let range = self.size_bytes()..self.size_bytes() + n_bytes;
        self.parts.push(Part { range, content });
    }

    /// Bytes so far.
    pub fn size_bytes(&self) -> u64 {
        self.parts.last().map_or(0, |it| it.range.end)
    }

    /// Makes the bytes from `start` on, which must lie in the file.
    pub fn fill(&self, start: u64, out: &mut [u8]) {
        let end = start + out.len() as u64;
        let first = self.parts.partition_point(|it| it.range.end <= start);
        for Part { range, content } in &self.parts[first..] {
            if range.start >= end {
                break;
            }
            let from = range.start.max(start);
            let piece = &mut out[(from - start) as usize..(range.end.min(end) - start) as usize];
            let at = from - range.start;
            match content {
                Content::Kept(it) => piece.copy_from_slice(&it[at as usize..][..piece.len()]),
                Content::Made(uniform, element) => element.fill_bytes(uniform, at, piece),
            }
        }
    }
}

impl Element {
    /// Bytes of one.
    pub fn size_bytes(self) -> u64 {
        match self {
            Self::Bf16 => 2,
            Self::Bf16AsF32 | Self::F32 => 4,
        }
    }

    /// Makes bytes from byte `at` of a tensor on, which may lie inside a weight.
    fn fill_bytes(self, uniform: &Uniform, at: u64, out: &mut [u8]) {
        let size = self.size_bytes();
        let (first, skipped) = (at / size, (at % size) as usize);
        if skipped == 0 && (out.len() as u64).is_multiple_of(size) {
            return self.fill(uniform, first, out);
        }
        let mut whole = vec![0; (skipped + out.len()).next_multiple_of(size as usize)];
        self.fill(uniform, first, &mut whole);
        out.copy_from_slice(&whole[skipped..skipped + out.len()]);
    }

    /// Makes weights from place `first` on; `out` is a whole number of them.
    fn fill(self, uniform: &Uniform, first: u64, out: &mut [u8]) {
        // A range with an end counts without checks, one without an end does not.
        let places = first..first + out.len() as u64 / self.size_bytes();
        match self {
            Self::Bf16 => {
                for (index, it) in places.zip(out.as_chunks_mut::<2>().0) {
                    *it = uniform.bf16_bits_at(index).to_le_bytes();
                }
            }
            Self::Bf16AsF32 => {
                for (index, it) in places.zip(out.as_chunks_mut::<4>().0) {
                    *it = (u32::from(uniform.bf16_bits_at(index)) << 16).to_le_bytes();
                }
            }
            Self::F32 => {
                for (index, it) in places.zip(out.as_chunks_mut::<4>().0) {
                    *it = uniform.at(index).to_le_bytes();
                }
            }
        }
    }
}
