//! Attention, its pattern and a written pattern against their twins.

use crate::{
    gpu::{Lab, assert_close},
    random::Random,
};
use gemscope::{
    gpu::{Recording, View},
    ops::{Heads, attention, attention_apply, attention_pattern},
};

/// Scores of a few tens are exponentiated: their f32 rounding comes out as a relative error of about 1e-5.
const TOLERANCE: (f64, f64) = (1e-5, 3e-5);

/// One question to attention: rows at positions, keys in parts.
struct Case {
    heads: Heads,
    n_pos: usize,
    first_pos: usize,
    part_keys: usize,
    window: u32,
}

/// Its random data, on the device too.
struct Data {
    qkv: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    qkv_view: View,
    parts: Vec<(usize, View, View)>,
}

fn heads(n_heads: usize, n_kv_heads: usize, d_head: usize, cap: f64) -> Heads {
    let scale = 1.0 / (d_head as f64).sqrt();
    Heads {
        n_heads,
        n_kv_heads,
        d_head,
        scale,
        cap,
    }
}

/// Sizes around the workgroup of 64, GQA, windows, caps, parts carried on, positions 0 and deep.
fn cases() -> Vec<Case> {
    let small = heads(4, 2, 32, 50.0);
    let case = |heads, n_pos, first_pos, part_keys, window| Case {
        heads,
        n_pos,
        first_pos,
        part_keys,
        window,
    };
    vec![
        case(small, 1, 0, 64, 4096),
        case(small, 7, 0, 64, 4096),
        case(small, 63, 0, 100, 4096),
        case(small, 65, 0, 30, 4096),
        case(small, 64, 65, 40, 17),
        case(small, 3, 127, 64, 64),
        case(small, 5, 200, 50, 1),
        case(heads(2, 2, 4, 0.0), 9, 20, 11, 4096),
        case(heads(6, 2, 64, 2.0), 4, 129, 33, 100),
        case(heads(3, 1, 68, 50.0), 2, 66, 67, 4096),
        case(heads(8, 4, 256, 50.0), 1, 0, 512, 4096),
        case(heads(8, 4, 256, 50.0), 1, 511, 512, 4096),
        case(heads(8, 4, 256, 50.0), 2, 4600, 2048, 4096),
    ]
}

fn data(lab: &Lab, case: &Case) -> Data {
    let heads = &case.heads;
    let n_keys = case.first_pos + case.n_pos;
    let mut random = Random((n_keys + heads.d_head) as u64);
    let qkv = random.values(case.n_pos * heads.qkv_width(), 4.0);
    let k = random.values(n_keys * heads.kv_width(), 4.0);
    let v = random.values(n_keys * heads.kv_width(), 2.0);
    let width = case.part_keys * heads.kv_width();
    let parts = k.chunks(width).zip(v.chunks(width)).enumerate();
    Data {
        qkv_view: lab.put("qkv", &qkv),
        parts: parts
            .map(|(n, (k, v))| (n * case.part_keys, lab.put("k", k), lab.put("v", v)))
            .collect(),
        qkv,
        k,
        v,
    }
}

impl Data {
    fn n_keys(&self, n: usize, heads: &Heads) -> u32 {
        (self.parts[n].1.bytes / (heads.kv_width() as u64 * 4)) as u32
    }

    fn params(&self, case: &Case, n: usize) -> attention::Params {
        attention::Params {
            n_pos: case.n_pos as u32,
            first_pos: case.first_pos as u32,
            first_key: self.parts[n].0 as u32,
            n_keys: self.n_keys(n, &case.heads),
            window: case.window,
            is_first: u32::from(n == 0),
            is_last: u32::from(n + 1 == self.parts.len()),
        }
    }

    fn pattern_params(&self, case: &Case, n: usize) -> attention_pattern::Params {
        attention_pattern::Params {
            n_pos: case.n_pos as u32,
            first_pos: case.first_pos as u32,
            first_key: self.parts[n].0 as u32,
            n_keys: self.n_keys(n, &case.heads),
            window: case.window,
        }
    }

    /// z, then stats.
    fn attend(&self, lab: &Lab, case: &Case) -> (View, View) {
        let z = lab.blank("z", case.n_pos * case.heads.q_width());
        let stats = lab.blank("stats", case.n_pos * case.heads.n_heads * 2);
        let sums = attention::Sums {
            z: &z,
            stats: &stats,
        };
        let mut recording = Recording::default();
        for (n, (_, k, v)) in self.parts.iter().enumerate() {
            let part = attention::Part { k, v };
            let params = self.params(case, n);
            attention::record(
                &mut recording,
                &case.heads,
                params,
                &self.qkv_view,
                part,
                sums,
            );
        }
        lab.play(&recording);
        (z, stats)
    }

    fn twin(&self, case: &Case) -> (Vec<f64>, Vec<f64>) {
        let mut z = vec![0.0; case.n_pos * case.heads.q_width()];
        let mut stats = vec![0.0; case.n_pos * case.heads.n_heads * 2];
        for n in 0..self.parts.len() {
            let at = self.parts[n].0 * case.heads.kv_width();
            let params = self.params(case, n);
            let kv = (&self.k[at..], &self.v[at..]);
            attention::twin(params, &case.heads, &self.qkv, kv, (&mut z, &mut stats));
        }
        (z, stats)
    }
}

fn told(case: &Case) -> String {
    format!(
        "{} rows at {} of {:?}, parts of {}, window {}",
        case.n_pos, case.first_pos, case.heads, case.part_keys, case.window
    )
}

#[test]
fn attention_is_its_twin() {
    Lab::each(|lab| {
        for case in cases() {
            let data = data(lab, &case);
            let got = lab.twice(|| {
                let (z, stats) = data.attend(lab, &case);
                [lab.read::<f32>(&z), lab.read(&stats)].concat()
            });
            let (z, stats) = data.twin(&case);
            let (got_z, got_stats) = got.split_at(z.len());
            assert_close(&format!("z of {}", told(&case)), got_z, &z, TOLERANCE);
            assert_close(
                &format!("stats of {}", told(&case)),
                got_stats,
                &stats,
                TOLERANCE,
            );
        }
    });
}

#[test]
fn the_pattern_is_its_twin_and_sums_to_one() {
    Lab::each(|lab| {
        for case in cases() {
            let data = data(lab, &case);
            let heads = &case.heads;
            let (_, stats) = data.attend(lab, &case);
            let mut sums = vec![0.0_f32; case.n_pos * heads.n_heads];
            for (n, (first_key, k, _)) in data.parts.iter().enumerate() {
                let params = data.pattern_params(&case, n);
                let n_keys = params.n_keys as usize;
                let pattern = lab.blank("pattern", sums.len() * n_keys);
                let scores = attention_pattern::Scores {
                    qkv: &data.qkv_view,
                    k,
                    stats: &stats,
                };
                let mut recording = Recording::default();
                attention_pattern::record(&mut recording, heads, params, scores, &pattern);
                lab.play(&recording);
                let got: Vec<f32> = lab.read(&pattern);
                let mut want = vec![0.0; got.len()];
                let k = &data.k[first_key * heads.kv_width()..];
                let stats: Vec<f32> = lab.read(&stats);
                attention_pattern::twin(params, heads, &data.qkv, k, &stats, &mut want);
                assert_close(
                    &format!("pattern of {}", told(&case)),
                    &got,
                    &want,
                    TOLERANCE,
                );
                for (sum, row) in sums.iter_mut().zip(got.chunks(n_keys)) {
                    *sum += row.iter().sum::<f32>();
                }
            }
            assert_close("sums", &sums, &vec![1.0; sums.len()], (1e-4, 0.0));
        }
    });
}

#[test]
fn a_written_pattern_is_applied_as_its_twin_says() {
    Lab::each(|lab| {
        for case in cases() {
            let data = data(lab, &case);
            let heads = &case.heads;
            let z = lab.blank("z", case.n_pos * heads.q_width());
            let mut want = vec![0.0; case.n_pos * heads.q_width()];
            let mut random = Random(1);
            for (n, (first_key, _, v)) in data.parts.iter().enumerate() {
                let params = attention_apply::Params {
                    n_pos: case.n_pos as u32,
                    n_keys: data.n_keys(n, heads),
                    is_first: u32::from(n == 0),
                };
                let n_values = case.n_pos * heads.n_heads * params.n_keys as usize;
                let pattern = random.values(n_values, 1.0);
                let mut recording = Recording::default();
                let pattern_view = lab.put("pattern", &pattern);
                attention_apply::record(&mut recording, heads, params, &pattern_view, v, &z);
                lab.play(&recording);
                let v = &data.v[first_key * heads.kv_width()..];
                attention_apply::twin(params, heads, &pattern, v, &mut want);
            }
            // Sums of up to 4600 products of at most 2, in order.
            assert_close(&told(&case), &lab.read(&z), &want, (2e-4, 1e-5));
        }
    });
}

/// The op on its own pattern gives what attention gave.
#[test]
fn the_pattern_applied_is_attention() {
    Lab::each(|lab| {
        let case = Case {
            heads: heads(4, 2, 32, 50.0),
            n_pos: 33,
            first_pos: 0,
            part_keys: 64,
            window: 9,
        };
        let data = data(lab, &case);
        let (z, stats) = data.attend(lab, &case);
        let (_, k, v) = &data.parts[0];
        let pattern = lab.blank("pattern", case.n_pos * case.heads.n_heads * case.n_pos);
        let again = lab.blank("z", case.n_pos * case.heads.q_width());
        let scores = attention_pattern::Scores {
            qkv: &data.qkv_view,
            k,
            stats: &stats,
        };
        let params = data.pattern_params(&case, 0);
        let apply = attention_apply::Params {
            n_pos: params.n_pos,
            n_keys: params.n_keys,
            is_first: 1,
        };
        let mut recording = Recording::default();
        attention_pattern::record(&mut recording, &case.heads, params, scores, &pattern);
        attention_apply::record(&mut recording, &case.heads, apply, &pattern, v, &again);
        lab.play(&recording);
        let want: Vec<f64> = lab.read::<f32>(&z).into_iter().map(f64::from).collect();
        assert_close("z", &lab.read(&again), &want, TOLERANCE);
    });
}
