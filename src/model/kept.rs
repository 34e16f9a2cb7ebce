//! What is kept of runs on the GPU, so that others can be derived from them: one pool of rows, shared by several prompts.

use super::{ModelError, Stage};
use crate::{
    gpu::{Buffer, Gpu, Recording, Use, View},
    spec::Config,
};

/// Norms whose scales are kept, by layer; the final one is one more.
pub(super) const NORMS_OF_LAYER: usize = 4;

/// Rows of the pool that belong to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The first of them.
    pub first: usize,
    /// How many.
    pub n_pos: usize,
}

/// Which norm of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NormSlot {
    Input(usize),
    PostAttention(usize),
    PreFeedforward(usize),
    PostFeedforward(usize),
    Final,
}

/// The pool. Every buffer has a row per position.
pub(super) struct Kept {
    n_layers: usize,
    n_rows: usize,
    layers: Vec<KeptLayer>,
    /// The stream after the last layer: `[n_rows, d_model]`.
    last: Kind,
    /// 1 / rms of every norm: `[4 n_layers + 1, n_rows]`, each norm's at a multiple of the alignment.
    scales: Option<Buffer>,
    runs: Vec<KeptRun>,
    clock: u64,
}

/// A kind of rows of the pool.
pub(super) struct Kind {
    buffer: Buffer,
    width: usize,
}

pub(super) struct KeptLayer {
    /// Queries, keys, values before they are turned: `[n_rows, (n_heads + 2 n_kv_heads) d_head]`.
    pub qkv: Kind,
    /// `[n_rows, d_model]`.
    pub resid_mid: Kind,
    /// `[n_rows, d_model]`.
    pub mlp_out: Kind,
}

struct KeptRun {
    ids: Vec<u32>,
    found: Found,
    last_used: u64,
}

/// Where a run is kept, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub rows: Rows,
    /// Of later layers its rows hold nothing.
    pub stage: Stage,
}

/// Bytes of a pool of `n_rows`.
pub(super) fn kept_bytes(config: &Config, n_rows: usize) -> u64 {
    if n_rows == 0 {
        return 0;
    }
    let of_layer = config.d_q() + 2 * config.d_kv() + 2 * config.d_model;
    let floats = n_rows * (config.n_layers * of_layer + config.d_model)
        + (NORMS_OF_LAYER * config.n_layers + 1) * stride(n_rows);
    4 * floats as u64
}

/// From norm to norm of the scales: bindings start at multiples of 64 floats.
fn stride(n_rows: usize) -> usize {
    n_rows.next_multiple_of(64)
}

impl Kept {
    pub async fn new(gpu: &Gpu, config: &Config, n_rows: usize) -> Result<Self, ModelError> {
        let kind = async |label: &str, width: usize| -> Result<Kind, ModelError> {
            let bytes = 4 * (n_rows * width) as u64;
            let buffer = gpu.buffer(label, bytes, Use::Cache).await?;
            Ok(Kind { buffer, width })
        };
        let n_layers = if n_rows > 0 { config.n_layers } else { 0 };
        let mut layers = Vec::new();
        for layer in 0..n_layers {
            let width = config.d_q() + 2 * config.d_kv();
            layers.push(KeptLayer {
                qkv: kind(&format!("kept q, k, v of layer {layer}"), width).await?,
                resid_mid: kind(&format!("kept resid_mid of layer {layer}"), config.d_model)
                    .await?,
                mlp_out: kind(&format!("kept mlp_out of layer {layer}"), config.d_model).await?,
            });
        }
        let mut scales = None;
        if n_rows > 0 {
            let floats = (NORMS_OF_LAYER * n_layers + 1) * stride(n_rows);
            let bytes = 4 * floats as u64;
            scales = Some(
                gpu.buffer("kept scales of norms", bytes, Use::Cache)
                    .await?,
            );
        }
        let last = match n_rows {
            0 => Kind {
                buffer: Buffer::detached("none", 0),
                width: config.d_model,
            },
            _ => kind("kept final stream", config.d_model).await?,
        };
        Ok(Self {
            n_layers,
            n_rows,
            layers,
            last,
            scales,
            runs: Vec::new(),
            clock: 0,
        })
    }

    /// Positions there is room for.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub fn layer(&self, layer: usize) -> &KeptLayer {
        &self.layers[layer]
    }

    pub fn last(&self) -> &Kind {
        &self.last
    }

    /// Where a run is kept, which is thereby used.
    pub fn find(&mut self, ids: &[u32]) -> Option<Found> {
        self.clock += 1;
        let run = self.runs.iter_mut().find(|it| it.ids == ids)?;
        run.last_used = self.clock;
        Some(run.found)
    }

    /// Notes that rows hold a run, as far as `stage`.
    pub fn note(&mut self, ids: &[u32], rows: Rows, stage: Stage) {
        self.clock += 1;
        let found = Found { rows, stage };
        if let Some(run) = self.runs.iter_mut().find(|it| it.ids == ids) {
            (run.found, run.last_used) = (found, self.clock);
            return;
        }
        self.runs.push(KeptRun {
            ids: ids.to_vec(),
            found,
            last_used: self.clock,
        });
    }

    /// Makes room for `n_pos` rows in a row, the least recently used runs going first; none if there never is.
    pub fn room(&mut self, n_pos: usize) -> Option<Rows> {
        if n_pos > self.n_rows || n_pos == 0 {
            return None;
        }
        loop {
            let mut taken: Vec<Rows> = self.runs.iter().map(|it| it.found.rows).collect();
            taken.sort_by_key(|it| it.first);
            let mut first = 0;
            for it in &taken {
                if it.first - first >= n_pos {
                    return Some(Rows { first, n_pos });
                }
                first = it.first + it.n_pos;
            }
            if self.n_rows - first >= n_pos {
                return Some(Rows { first, n_pos });
            }
            let oldest = (0..self.runs.len()).min_by_key(|it| self.runs[*it].last_used)?;
            self.runs.swap_remove(oldest);
        }
    }

    /// The scales of a norm, for all rows of the pool; none without a pool.
    pub fn scales(&self, slot: NormSlot) -> Option<View> {
        let n = slot.index(self.n_layers);
        let stride_bytes = 4 * stride(self.n_rows) as u64;
        let buffer = self.scales.as_ref()?;
        Some(buffer.view(n as u64 * stride_bytes, stride_bytes))
    }
}

impl NormSlot {
    fn index(self, n_layers: usize) -> usize {
        match self {
            Self::Input(it) => NORMS_OF_LAYER * it,
            Self::PostAttention(it) => NORMS_OF_LAYER * it + 1,
            Self::PreFeedforward(it) => NORMS_OF_LAYER * it + 2,
            Self::PostFeedforward(it) => NORMS_OF_LAYER * it + 3,
            Self::Final => NORMS_OF_LAYER * n_layers,
        }
    }
}

impl Kind {
    /// Positions `first .. first + n_pos` of a run.
    pub fn view(&self, rows: Rows, first: usize, n_pos: usize) -> View {
        let row_bytes = 4 * self.width as u64;
        let at = (rows.first + first) as u64;
        self.buffer.view(at * row_bytes, n_pos as u64 * row_bytes)
    }

    /// Copies them out, to the start of a buffer.
    pub fn copy_out(
        &self,
        recording: &mut Recording,
        rows: Rows,
        (first, n_pos): (usize, usize),
        to: &Buffer,
    ) {
        let from = self.view(rows, first, n_pos);
        let bytes = from.bytes;
        recording.copy(from, to.view(0, bytes));
    }

    /// Copies the first `width` columns of each row out, into rows of `to` of the same full width.
    pub fn copy_columns_out(
        &self,
        recording: &mut Recording,
        rows: Rows,
        (first, n_pos): (usize, usize),
        (to, width): (&Buffer, usize),
    ) {
        let row_bytes = 4 * self.width as u64;
        for pos in 0..n_pos {
            let from = self.view(rows, first + pos, 1);
            let part = from.buffer.view(from.offset, 4 * width as u64);
            recording.copy(part, to.view(pos as u64 * row_bytes, 4 * width as u64));
        }
    }

    /// Copies them in, from the start of a buffer.
    pub fn copy_in(
        &self,
        recording: &mut Recording,
        rows: Rows,
        (first, n_pos): (usize, usize),
        from: &Buffer,
    ) {
        let to = self.view(rows, first, n_pos);
        let bytes = to.bytes;
        recording.copy(from.view(0, bytes), to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(n_rows: usize) -> Kept {
        Kept {
            n_layers: 0,
            n_rows,
            layers: Vec::new(),
            last: Kind {
                buffer: Buffer::detached("none", 0),
                width: 1,
            },
            scales: None,
            runs: Vec::new(),
            clock: 0,
        }
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let mut kept = pool(10);
        for (id, n_pos) in [(1, 4), (2, 3), (3, 3)] {
            let rows = kept.room(n_pos).expect("room");
            kept.note(&[id], rows, Stage::default());
        }
        assert!(kept.find(&[1]).is_some());
        // The two of three rows are older now than the one of four.
        assert_eq!(kept.room(5).map(|it| it.first), Some(4));
        assert!(kept.find(&[1]).is_some() && kept.find(&[2]).is_none());
        assert_eq!(kept.room(11), None);
    }
}
