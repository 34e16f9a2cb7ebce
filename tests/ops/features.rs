//! From what the encoder's product gives to lists of active features, against the twins.

use crate::{gpu::Lab, random::Random};
use gemscope::{
    gpu::{Recording, View},
    ops::{jump_count, jump_scan, jump_write},
};

/// Around the workgroup of 256, stretches that end early, and Gemma Scope's own.
const SIZES: [(usize, usize); 7] = [
    (1, 1),
    (2, 255),
    (3, 256),
    (5, 257),
    (64, 333),
    (65, 5001),
    (2, 16_384),
];

/// One layer: pre-activations without bias and what they are compared with.
struct Layer {
    n_pos: usize,
    n: usize,
    b_enc: Vec<f32>,
    threshold: Vec<f32>,
    pre: Vec<f32>,
}

/// Every kind of row: mostly quiet, all active, none active.
fn layer(n_pos: usize, n: usize, seed: u64) -> Layer {
    let mut random = Random(seed);
    let mut pre = random.values(n_pos * n, 4.0);
    for row in pre.chunks_mut(n).skip(1).step_by(3) {
        row.fill(9.0);
    }
    for row in pre.chunks_mut(n).skip(2).step_by(3) {
        row.fill(-9.0);
    }
    let b_enc = random.values(n, 0.5);
    let mut threshold: Vec<f32> = random.values(n, 1.0).iter().map(|it| 3.0 + it).collect();
    // Exactly at the threshold is not above it; what is no number is above nothing; infinity is.
    (pre[0], threshold[0]) = (2.0, 2.0 + b_enc[0]);
    if n > 4 {
        (pre[1], pre[2], pre[3]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    }
    Layer {
        n_pos,
        n,
        b_enc,
        threshold,
        pre,
    }
}

/// Its buffers.
struct Views {
    b_enc: View,
    threshold: View,
    pre: View,
    counts: View,
}

impl Layer {
    fn put(&self, lab: &Lab) -> Views {
        Views {
            b_enc: lab.put("b_enc", &self.b_enc),
            threshold: lab.put("threshold", &self.threshold),
            pre: lab.put("pre", &self.pre),
            counts: lab.blank("counts", self.n_pos),
        }
    }

    fn count(&self, add_bias: u32) -> jump_count::Params {
        jump_count::Params {
            n_pos: self.n_pos as u32,
            n: self.n as u32,
            add_bias,
        }
    }

    fn scan(&self, offsets_at: usize, is_first: bool) -> jump_scan::Params {
        jump_scan::Params {
            n_pos: self.n_pos as u32,
            offsets_at: offsets_at as u32,
            is_first: u32::from(is_first),
        }
    }

    fn write(&self, offsets_at: usize, capacity: usize) -> jump_write::Params {
        jump_write::Params {
            n_pos: self.n_pos as u32,
            n: self.n as u32,
            offsets_at: offsets_at as u32,
            capacity: capacity as u32,
        }
    }
}

impl Views {
    fn count(&self, recording: &mut Recording, params: jump_count::Params) {
        let encoder = jump_count::Encoder {
            b_enc: &self.b_enc,
            threshold: &self.threshold,
        };
        jump_count::record(recording, params, encoder, &self.pre, &self.counts);
    }

    fn write(&self, it: &mut Recording, params: jump_write::Params, to: (&View, &View)) {
        let active = jump_write::Active {
            threshold: &self.threshold,
            pre: &self.pre,
            header: to.0,
        };
        jump_write::record(it, params, active, to.1);
    }
}

/// Two layers into one list: with room, without, then again with room from a bias that is there already.
fn check_jump(lab: &Lab, n_pos: usize, n: usize) {
    let layers = [1, 2].map(|seed| layer(n_pos, n, seed * 100 + n as u64));
    let stride = n_pos + 1;
    let mut header = vec![u32::MAX; 1 + 2 * stride];
    let mut pre = layers.each_ref().map(|it| it.pre.clone());
    let mut entries = vec![[7_u32; 2]; 2 * n_pos * n + 1];
    for (slot, layer) in layers.iter().enumerate() {
        let at = 1 + slot * stride;
        let (b_enc, threshold) = (&layer.b_enc, &layer.threshold);
        let counts = jump_count::twin(layer.count(1), b_enc, threshold, &mut pre[slot]);
        jump_scan::twin(layer.scan(at, slot == 0), &counts, &mut header);
        let params = layer.write(at, entries.len());
        jump_write::twin(params, threshold, &pre[slot], &header, &mut entries);
    }
    let total = header[0] as usize;
    let views = layers.each_ref().map(|it| it.put(lab));
    // Without room for the last third, then with room for all and one more.
    for (add_bias, capacity) in [(1, total - total / 3), (0, total + 1)] {
        let header_view = lab.blank("header", header.len());
        let entries_view = lab.put("entries", &vec![[7_u32; 2]; capacity.max(1)]);
        let mut recording = Recording::default();
        for (slot, (layer, views)) in layers.iter().zip(&views).enumerate() {
            let at = 1 + slot * stride;
            views.count(&mut recording, layer.count(add_bias));
            let scan = layer.scan(at, slot == 0);
            jump_scan::record(&mut recording, scan, &views.counts, &header_view);
            let write = layer.write(at, capacity);
            views.write(&mut recording, write, (&header_view, &entries_view));
        }
        lab.play(&recording);
        let what = format!("{n_pos} x {n}, room for {capacity} of {total}");
        assert_eq!(lab.read::<u32>(&header_view), header, "{what}");
        let got: Vec<[u32; 2]> = lab.read(&entries_view);
        assert!(got[..capacity] == entries[..capacity], "{what}: entries");
    }
    for (views, want) in views.iter().zip(&pre) {
        let got = lab.read::<f32>(&views.pre);
        let differs =
            |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
        assert!(!got.iter().zip(want).any(differs), "{n_pos} x {n}: pre");
    }
}

#[test]
fn active_features_are_those_of_the_twins_in_order() {
    Lab::each(|lab| {
        for (n_pos, n) in SIZES {
            check_jump(lab, n_pos, n);
        }
    });
}
