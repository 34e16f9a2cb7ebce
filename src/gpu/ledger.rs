//! Counts live bytes of GPU memory by use, independently of the plan.

use std::cell::Cell;

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Weights and gains.
    Weights,
    /// Keys and values.
    Cache,
    /// Activations, uniforms, results.
    Scratch,
    /// Uploads under way and readbacks.
    Staging,
}

/// Live bytes, and the most they have been.
#[derive(Debug, Default)]
pub struct Ledger {
    live: [Cell<u64>; 4],
    peak: Cell<u64>,
}

impl Ledger {
    /// Counts bytes in.
    pub fn add(&self, usage: Use, bytes: u64) {
        let cell = &self.live[usage as usize];
        cell.set(cell.get() + bytes);
        self.peak.set(self.peak.get().max(self.live_bytes()));
    }

    /// Counts bytes out.
    pub fn remove(&self, usage: Use, bytes: u64) {
        let cell = &self.live[usage as usize];
        cell.set(cell.get().saturating_sub(bytes));
    }

    /// Live bytes of one use.
    pub fn live_bytes_of(&self, usage: Use) -> u64 {
        self.live[usage as usize].get()
    }

    /// Live bytes of all uses.
    pub fn live_bytes(&self) -> u64 {
        self.live.iter().map(Cell::get).sum()
    }

    /// The most that were live at once.
    pub fn peak_bytes(&self) -> u64 {
        self.peak.get()
    }
}
