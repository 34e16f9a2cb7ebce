//! The most probable token, the k largest, and what is read back of logits, against their twins.

use crate::{
    gpu::{Lab, assert_close},
    random::Random,
};
use gemscope::{
    gpu::Recording,
    ops::{argmax, argmax_slices, logits_stats, top_k},
};

/// Gemma's vocabulary.
const D_VOCAB: usize = 256_000;

fn check_argmax(lab: &Lab, what: &str, logits: &[f32]) {
    let n_slices = argmax_slices::n_slices(logits.len());
    let best = lab.blank("best", 2 * n_slices);
    let ids = lab.put("ids", &[9_u32; 3]);
    let params = argmax::Params {
        n_slices: n_slices as u32,
        at: 1,
    };
    let mut recording = Recording::default();
    argmax_slices::record(
        &mut recording,
        logits.len(),
        &lab.put("logits", logits),
        &best,
    );
    argmax::record(&mut recording, params, &best, &ids);
    lab.play(&recording);
    let slices = argmax_slices::Params {
        n: logits.len() as u32,
        slice: argmax_slices::SLICE,
    };
    let of_slices = argmax_slices::twin(slices, logits);
    let mut want = [9; 3];
    argmax::twin(&of_slices, params, &mut want);
    let got: Vec<u32> = lab.read(&best);
    let pairs: Vec<u32> = of_slices
        .iter()
        .flat_map(|it| [it.0.to_bits(), it.1])
        .collect();
    // Comparisons round nothing: the same bits.
    assert_eq!(got, pairs, "{what}: slices");
    assert_eq!(lab.read::<u32>(&ids), want, "{what}");
}

#[test]
fn argmax_is_its_twin() {
    Lab::each(|lab| {
        for n in [1, 63, 65, 2047, 2048, 2049, 5001, D_VOCAB] {
            let mut random = Random(n as u64);
            let logits = random.values(n, 20.0);
            check_argmax(lab, &format!("{n} values"), &logits);
            let negative: Vec<f32> = logits.iter().map(|it| -it.abs() - 1.0).collect();
            check_argmax(lab, &format!("{n} negative values"), &negative);
            // Few distinct values: ties within and across slices, which go to the lowest token.
            let tied: Vec<f32> = (0..n).map(|_| random.below(3) as f32).collect();
            check_argmax(lab, &format!("{n} ties"), &tied);
            check_argmax(lab, &format!("{n} equal values"), &vec![-2.5; n]);
            let mut last = negative;
            last[n - 1] = -0.5;
            check_argmax(lab, &format!("the last of {n}"), &last);
        }
    });
}

#[test]
fn argmax_of_what_is_no_number_stays_inside_the_table() {
    Lab::each(|lab| {
        let n = 5000;
        let best = lab.blank("best", 2 * argmax_slices::n_slices(n));
        let ids = lab.put("ids", &[9_u32]);
        let params = argmax::Params { n_slices: 3, at: 0 };
        let mut recording = Recording::default();
        argmax_slices::record(&mut recording, n, &lab.blank("logits", n), &best);
        argmax::record(&mut recording, params, &best, &ids);
        lab.play(&recording);
        assert!(lab.read::<u32>(&ids)[0] < n as u32);
    });
}

fn check_top_k(lab: &Lab, what: &str, params: top_k::Params, logits: &[f32]) {
    let best = lab.blank("best", (params.n_pos * params.k * 2) as usize);
    let mut recording = Recording::default();
    top_k::record(&mut recording, params, &lab.put("logits", logits), &best);
    lab.play(&recording);
    let got: Vec<u32> = lab.read(&best);
    let want = top_k::twin(params, logits);
    for (pos, (got, want)) in got.chunks(2 * params.k as usize).zip(want).enumerate() {
        let mut got: Vec<(f32, u32)> = got
            .chunks(2)
            .map(|it| (f32::from_bits(it[0]), it[1]))
            .collect();
        top_k::sort(&mut got);
        assert_eq!(got, want, "{what}, {params:?}, row {pos}");
    }
}

#[test]
fn top_k_is_its_twin() {
    Lab::each(|lab| {
        for (n_pos, n, k) in [
            (1, 1, 1),
            (2, 255, 1),
            (3, 257, 10),
            (1, 257, 257),
            (2, 5001, 64),
            (1, D_VOCAB as u32, 10),
        ] {
            let params = top_k::Params { n_pos, n, k };
            let n_values = (n_pos * n) as usize;
            let mut random = Random(u64::from(n + k));
            let values = random.values(n_values, 9.0);
            check_top_k(lab, "values", params, &values);
            let tied: Vec<f32> = (0..n_values)
                .map(|_| random.below(4) as f32 - 2.0)
                .collect();
            check_top_k(lab, "ties", params, &tied);
            check_top_k(lab, "equal rows", params, &vec![-1.5; n_values]);
            let mut zeros = vec![0.0; n_values];
            zeros.iter_mut().step_by(2).for_each(|it| *it = -0.0);
            check_top_k(lab, "zeros of both signs", params, &zeros);
        }
    });
}

#[test]
fn logits_stats_are_their_twin() {
    Lab::each(|lab| {
        for (n_pos, n, n_asked) in [(1, 1, 0), (3, 255, 2), (2, 257, 300), (1, D_VOCAB, 5)] {
            let mut random = Random((n + n_asked) as u64);
            let logits = random.values(n_pos * n, 20.0);
            let asked: Vec<u32> = (0..n_asked.max(1))
                .map(|_| random.below(n) as u32)
                .collect();
            let params = logits_stats::Params {
                n_pos: n_pos as u32,
                n: n as u32,
                n_asked: n_asked as u32,
            };
            let (logits_view, asked_view) = (lab.put("logits", &logits), lab.put("asked", &asked));
            let got = lab.twice(|| {
                let stats = lab.blank("stats", n_pos * (2 + n_asked));
                let mut recording = Recording::default();
                logits_stats::record(&mut recording, params, &logits_view, &asked_view, &stats);
                lab.play(&recording);
                lab.read(&stats)
            });
            let mut want = vec![0.0; got.len()];
            logits_stats::twin(params, &logits, &asked[..n_asked], &mut want);
            // Exponentials of differences up to 40, all positive: their own relative error.
            assert_close("logits_stats", &got, &want, (0.0, 2e-5));
        }
    });
}
