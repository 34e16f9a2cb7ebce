//! The sizes of attention.

use crate::{gpu::Kernel, spec::gemma::MASKED_SCORE};

/// Sizes of attention: of heads, scores and rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heads {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; query head h reads h * n_kv_heads / n_heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Scores are multiplied by this,
    pub scale: f64,
    /// then capped.
    pub cap: f64,
}

impl Heads {
    /// Width of a row of queries, keys and values.
    pub fn qkv_width(&self) -> usize {
        (self.n_heads + 2 * self.n_kv_heads) * self.d_head
    }

    /// Width of a row of keys, or of values.
    pub fn kv_width(&self) -> usize {
        self.n_kv_heads * self.d_head
    }

    /// Width of a row of queries.
    pub fn q_width(&self) -> usize {
        self.n_heads * self.d_head
    }

    pub(super) fn kernel(&self, shader: &'static str) -> Kernel {
        let mut constants = vec![
            ("N_HEADS", self.n_heads as f64),
            ("N_KV_HEADS", self.n_kv_heads as f64),
            ("D_HEAD", self.d_head as f64),
        ];
        if matches!(shader, "attention" | "attention_pattern") {
            constants.extend([
                ("Q_STRIDE", self.qkv_width() as f64),
                ("SCALE", self.scale),
                ("CAP", self.cap),
            ]);
        }
        Kernel { shader, constants }
    }

    /// The capped score of a query row against a key row, or none where the key is not seen.
    pub(super) fn score(&self, query: &[f32], key: &[f32]) -> f64 {
        let dot: f64 = query
            .iter()
            .zip(key)
            .map(|(q, k)| f64::from(*q) * f64::from(*k))
            .sum();
        super::softcap(dot * self.scale, self.cap)
    }

    /// The kv head that a query head reads.
    pub(super) fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads)
    }
}

/// Whether position `pos` sees key `key` through a window.
pub(super) fn sees(pos: usize, key: usize, window: u32) -> bool {
    key <= pos && key as u64 + u64::from(window) > pos as u64
}

/// The lowest carried score.
pub(super) const LOWEST: f32 = MASKED_SCORE;
