//! Sizes of the pieces that a visitor downloads, and what they may be.

use crate::{hashed, parts};
use anyhow::{Context, Result};
use std::{fs, io::Write, path::Path};

/// What compressing ahead of time comes to; hosts that compress as they send reach about a tenth less.
const BROTLI_QUALITY: u32 = 11;
const BROTLI_WINDOW: u32 = 22;

/// What a visitor's browser fetches in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The page's program, without which nothing can be clicked.
    Page,
    /// What hears the engine and what lies over the page, fetched after it.
    Later,
    /// What computes.
    Engine,
}

/// The size of one piece: its wasm and the JavaScript beside it.
pub struct Size {
    /// Which piece.
    pub piece: Piece,
    /// As on disk.
    pub raw_bytes: usize,
    /// As sent.
    pub brotli_bytes: usize,
}

impl Piece {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Page, Self::Later, Self::Engine];

    fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Later => "later",
            Self::Engine => "engine",
        }
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["page_bg.wasm", "page.js", parts::JOINER],
            Self::Later => &[parts::LATER],
            Self::Engine => &["engine_bg.wasm", "engine.js"],
        }
    }

    /// Bytes that it may be, compressed.
    pub fn budget_bytes(self) -> usize {
        match self {
            // The page shows itself before anything else has come.
            Self::Page => 260_000,
            // Comes after it, and is there before anybody has read the page.
            Self::Later => 110_000,
            // Comes while the page is read; wgpu, the tokenizer, the kernels, fetching and the store. A thousandth of the smallest
            // model download would be 1.2 MB.
            Self::Engine => 1_600_000,
        }
    }
}

impl Size {
    /// Measures a piece of the built site.
    pub fn of(piece: Piece, dist: &Path) -> Result<Self> {
        let mut out = Self {
            piece,
            raw_bytes: 0,
            brotli_bytes: 0,
        };
        for file in piece.files() {
            let bytes = fs::read(hashed::find(dist, file)?).with_context(|| *file)?;
            out.raw_bytes += bytes.len();
            out.brotli_bytes += brotli_bytes(&bytes)?;
        }
        Ok(out)
    }

    /// Whether it keeps its budget.
    pub fn fits(&self) -> bool {
        self.brotli_bytes <= self.piece.budget_bytes()
    }

    /// A line for the terminal.
    pub fn line(&self) -> String {
        format!(
            "{:<7} {:>8.1} kB raw {:>8.1} kB brotli, budget {:.0} kB{}",
            self.piece.name(),
            kilobytes(self.raw_bytes),
            kilobytes(self.brotli_bytes),
            kilobytes(self.piece.budget_bytes()),
            if self.fits() { "" } else { "  TOO LARGE" }
        )
    }
}

fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}

fn brotli_bytes(bytes: &[u8]) -> Result<usize> {
    let mut out = Vec::new();
    let mut writer =
        brotli::CompressorWriter::new(&mut out, 1 << 16, BROTLI_QUALITY, BROTLI_WINDOW);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(out.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_compresses() {
        let size = brotli_bytes(&[7; 100_000]).expect("memory");
        assert!(size > 0 && size < 100);
    }

    #[test]
    fn a_budget_is_kept_or_not() {
        let mut size = Size {
            piece: Piece::Page,
            raw_bytes: 0,
            brotli_bytes: 0,
        };
        size.brotli_bytes = size.piece.budget_bytes();
        assert!(size.fits());
        size.brotli_bytes += 1;
        assert!(!size.fits() && size.line().contains("TOO LARGE"));
    }
}
