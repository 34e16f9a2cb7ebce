//! What one block of positions records: the parts of a layer as they stand, for any number of positions up to the block.

use super::{Model, buffers::CachePart, layers::Layer, sizes::ALIGNMENT};
use crate::{
    gpu::{Buffer, Recording, View},
    ops::{
        Matrix, attention, attention_apply, attention_pattern, embed, gelu_mul, matmul, matvec,
        rope,
    },
};
use std::ops::Range;

impl Model {
    /// Rows of the stream from tokens `first .. first + n_pos`.
    pub(super) fn record_embed(&self, recording: &mut Recording, first: usize, n_pos: usize) {
        let (ids, first_id) = aligned(&self.context.ids, first, n_pos);
        let scale = (self.config().d_model as f64).sqrt();
        let tokens = embed::Tokens {
            ids: &ids,
            first_id,
            n_pos,
            scale,
        };
        embed::record(recording, &self.ends.embed, tokens, &self.scratch.x.whole());
    }

    /// Queries, keys and values of normalised rows, not turned yet.
    pub(super) fn record_qkv(&self, recording: &mut Recording, layer: &Layer, n_pos: usize) {
        let (n, qkv) = (&self.scratch.n, &self.scratch.qkv);
        let gain = Some(layer.input.whole());
        self.linear(recording, &layer.qkv, (n, gain), qkv, n_pos);
    }

    /// Queries turned; keys, turned, and values into the cache.
    pub(super) fn record_cache(
        &self,
        recording: &mut Recording,
        n: usize,
        (first, n_pos): (usize, usize),
    ) {
        for part in &self.context.parts {
            let rows = overlap(first..first + n_pos, part.first..part.first + part.n_pos);
            if rows.is_empty() {
                continue;
            }
            let params = rope::Params {
                n_pos: rows.len() as u32,
                first_row: (rows.start - first) as u32,
                cache_row: (rows.start - part.first) as u32,
            };
            let (k, v) = &part.layers[n];
            let place = rope::Place {
                angles: &part.angles.whole(),
                k: &k.whole(),
                v: &v.whole(),
            };
            rope::record(
                recording,
                &self.heads,
                params,
                &self.scratch.qkv.whole(),
                place,
            );
        }
    }

    /// Attention's sums, from queries and cache.
    pub(super) fn record_sums(
        &self,
        recording: &mut Recording,
        n: usize,
        (first, n_pos): (usize, usize),
    ) {
        let parts = self.seen_parts(n, (first, n_pos));
        let (z, stats) = (self.scratch.z.whole(), self.scratch.stats.whole());
        for (i, part) in parts.iter().enumerate() {
            let (k, v) = &part.layers[n];
            let params = attention::Params {
                n_pos: n_pos as u32,
                first_pos: first as u32,
                first_key: part.first as u32,
                n_keys: part.n_pos.min(first + n_pos - part.first) as u32,
                window: self.window(n),
                is_first: u32::from(i == 0),
                is_last: u32::from(i + 1 == parts.len()),
            };
            let of_part = attention::Part {
                k: &k.whole(),
                v: &v.whole(),
            };
            let sums = attention::Sums {
                z: &z,
                stats: &stats,
            };
            attention::record(
                recording,
                &self.heads,
                params,
                &self.scratch.qkv.whole(),
                of_part,
                sums,
            );
        }
    }

    /// Parts of the cache that positions of a block see in layer `n`.
    pub(super) fn seen_parts(&self, n: usize, (first, n_pos): (usize, usize)) -> Vec<&CachePart> {
        let lowest = (first + 1).saturating_sub(self.config().window(n));
        let seen = |it: &&CachePart| it.first < first + n_pos && it.first + it.n_pos > lowest;
        self.context.parts.iter().filter(seen).collect()
    }

    fn window(&self, n: usize) -> u32 {
        u32::try_from(self.config().window(n)).unwrap_or(u32::MAX)
    }

    /// The pattern of part `i` of those seen.
    pub(super) fn record_pattern(
        &self,
        recording: &mut Recording,
        n: usize,
        (first, n_pos): (usize, usize),
        i: usize,
    ) {
        let Some(part) = self.seen_parts(n, (first, n_pos)).get(i).copied() else {
            return;
        };
        let params = attention_pattern::Params {
            n_pos: n_pos as u32,
            first_pos: first as u32,
            first_key: part.first as u32,
            n_keys: part.n_pos.min(first + n_pos - part.first) as u32,
            window: self.window(n),
        };
        let (qkv, k, stats) = (
            self.scratch.qkv.whole(),
            part.layers[n].0.whole(),
            self.scratch.stats.whole(),
        );
        let scores = attention_pattern::Scores {
            qkv: &qkv,
            k: &k,
            stats: &stats,
        };
        attention_pattern::record(
            recording,
            &self.heads,
            params,
            scores,
            &self.scratch.pattern.whole(),
        );
    }

    /// Attention's sums again, from the pattern of part `i` of those seen.
    pub(super) fn record_pattern_applied(
        &self,
        recording: &mut Recording,
        n: usize,
        (first, n_pos): (usize, usize),
        i: usize,
    ) {
        let Some(part) = self.seen_parts(n, (first, n_pos)).get(i).copied() else {
            return;
        };
        let params = attention_apply::Params {
            n_pos: n_pos as u32,
            n_keys: part.n_pos.min(first + n_pos - part.first) as u32,
            is_first: u32::from(i == 0),
        };
        let (pattern, v, z) = (
            self.scratch.pattern.whole(),
            part.layers[n].1.whole(),
            self.scratch.z.whole(),
        );
        attention_apply::record(recording, &self.heads, params, &pattern, &v, &z);
    }

    /// `o = z W_o`.
    pub(super) fn record_attention_output(
        &self,
        recording: &mut Recording,
        layer: &Layer,
        n_pos: usize,
    ) {
        self.linear(
            recording,
            &layer.o,
            (&self.scratch.z, None),
            &self.scratch.o,
            n_pos,
        );
    }

    /// `o = MLP(n)`, from normalised rows.
    pub(super) fn record_mlp(&self, recording: &mut Recording, layer: &Layer, n_pos: usize) {
        let scratch = &self.scratch;
        let gain = Some(layer.pre_feedforward.whole());
        self.linear(
            recording,
            &layer.gate,
            (&scratch.n, gain.clone()),
            &scratch.h,
            n_pos,
        );
        self.linear(recording, &layer.up, (&scratch.n, gain), &scratch.up, n_pos);
        gelu_mul::record(
            recording,
            n_pos * self.config().d_mlp,
            &scratch.up.whole(),
            &scratch.h.whole(),
        );
        self.linear(
            recording,
            &layer.down,
            (&scratch.h, None),
            &scratch.o,
            n_pos,
        );
    }

    fn linear(
        &self,
        recording: &mut Recording,
        w: &Matrix,
        (x, gain): (&Buffer, Option<View>),
        y: &Buffer,
        n_pos: usize,
    ) {
        let (x, gain) = (x.whole(), gain.as_ref());
        if n_pos == 1 {
            let form = matvec::Form {
                norm_eps: None,
                gain,
                cap: 0.0,
            };
            matvec::record(recording, w, &x, form, &y.whole());
        } else {
            matmul::record(
                recording,
                w,
                matmul::Form {
                    x: &x,
                    n_pos,
                    gain,
                    cap: 0.0,
                },
                &y.whole(),
            );
        }
    }
}

/// A view of words `first .. first + n` that starts at a multiple of the alignment, and where in it they start.
pub(super) fn aligned(buffer: &Buffer, first: usize, n: usize) -> (View, usize) {
    let words = ALIGNMENT as usize / 4;
    let start = first / words * words;
    (
        buffer.view(4 * start as u64, 4 * (first - start + n) as u64),
        first - start,
    )
}

fn overlap(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}
