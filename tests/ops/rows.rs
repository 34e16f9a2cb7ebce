//! Norms, additions, the gate and rope against their twins.

use crate::{
    gpu::{Lab, assert_close},
    random::Random,
};
use gemscope::{
    gpu::{Recording, View},
    ops::{Heads, add_rows, gelu, gelu_mul, norm_add, rms_norm, rope, softcap},
};

const EPS: f64 = 1e-6;
/// Around the norms' workgroup of 128, odd, and Gemma's.
const WIDTHS: [usize; 6] = [1, 127, 128, 129, 333, 2304];
/// Sums of squares of one sign: their error is a few f32 epsilons, whatever the length. A gain near -1 cancels: an f32
/// epsilon of the values, at most 3, is left.
const NORM_TOLERANCE: (f64, f64) = (1e-6, 2e-6);

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// From the third place on.
fn scales(view: &View, given: bool) -> rms_norm::Scales<'_> {
    rms_norm::Scales { view, at: 2, given }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter()
        .map(|it| it.to_bits())
        .eq(b.iter().map(|it| it.to_bits()))
}

/// Given scales are used, whatever the rows.
#[test]
fn norms_use_the_scales_they_are_given() {
    Lab::each(|lab| {
        let (n_pos, d_model) = (3, 129);
        let mut random = Random(8);
        let x = random.values(n_pos * d_model, 3.0);
        let gain = random.values(d_model, 1.0);
        let given = [9.0_f32, 9.0, 0.5, 2.0, 30.0];
        let (kept, gain_view) = (lab.put("scales", &given), lab.put("gain", &gain));
        let (x_view, y) = (lab.put("x", &x), lab.blank("y", x.len()));
        let sum = lab.put("sum", &x);
        let mut recording = Recording::default();
        let form = rms_norm::Form {
            d_model,
            eps: EPS,
            gain: None,
            scales: scales(&kept, true),
        };
        rms_norm::record(&mut recording, form, n_pos, &x_view, &y);
        let form = norm_add::Form {
            d_model,
            eps: EPS,
            gain: &gain_view,
            scales: scales(&kept, true),
        };
        norm_add::record(&mut recording, form, n_pos, &x_view, &sum);
        lab.play(&recording);
        let (n_pos, scales_at) = (n_pos as u32, 2);
        let (fixed, mut scales) = ((d_model, EPS, true), doubles(&given));
        let (mut want, mut want_sum) = (vec![0.0; x.len()], doubles(&x));
        let params = rms_norm::Params { n_pos, scales_at };
        rms_norm::twin(params, fixed, &x, None, &mut want, &mut scales);
        let params = norm_add::Params { n_pos, scales_at };
        norm_add::twin(params, fixed, &x, &gain, &mut want_sum, &mut scales);
        // A product or two of values up to 180, and their sum.
        assert_close("rms_norm", &lab.read(&y), &want, (0.0, 1e-6));
        assert_close("norm_add", &lab.read(&sum), &want_sum, (4e-5, 1e-6));
        assert_eq!(lab.read::<f32>(&kept), given);
    });
}

#[test]
fn rms_norm_is_its_twin() {
    Lab::each(|lab| {
        for (n, d_model) in WIDTHS.into_iter().enumerate() {
            let n_pos = [1, 3][n % 2];
            let mut random = Random(d_model as u64);
            let (x, gain) = (
                random.values(n_pos * d_model, 3.0),
                random.values(d_model, 1.0),
            );
            let (x_view, gain_view) = (lab.put("x", &x), lab.put("gain", &gain));
            for with_gain in [false, true] {
                let kept = lab.blank("scales", 2 + n_pos);
                let run = |given: bool| {
                    let form = rms_norm::Form {
                        d_model,
                        eps: EPS,
                        gain: with_gain.then_some(&gain_view),
                        scales: scales(&kept, given),
                    };
                    let y = lab.blank("y", n_pos * d_model);
                    let mut recording = Recording::default();
                    rms_norm::record(&mut recording, form, n_pos, &x_view, &y);
                    lab.play(&recording);
                    lab.read(&y)
                };
                let got = lab.twice(|| run(false));
                let params = rms_norm::Params {
                    n_pos: n_pos as u32,
                    scales_at: 2,
                };
                let mut want = vec![0.0; n_pos * d_model];
                let mut want_scales = vec![0.0; 2 + n_pos];
                let (fixed, gain) = ((d_model, EPS, false), with_gain.then_some(&gain[..]));
                rms_norm::twin(params, fixed, &x, gain, &mut want, &mut want_scales);
                assert_close(&format!("rms_norm {d_model}"), &got, &want, NORM_TOLERANCE);
                let got_scales = lab.read::<f32>(&kept);
                assert_close("scales", &got_scales[2..], &want_scales[2..], (0.0, 2e-6));
                assert!(
                    got_scales[..2].iter().all(|it| it.is_nan()),
                    "what comes before"
                );
                assert!(same_bits(&got, &run(true)), "scales given back");
            }
        }
    });
}

#[test]
fn norm_add_is_its_twin() {
    Lab::each(|lab| {
        for (n, d_model) in WIDTHS.into_iter().enumerate() {
            let n_pos = [3, 1][n % 2];
            let mut random = Random(d_model as u64);
            let (x, y) = (
                random.values(n_pos * d_model, 3.0),
                random.values(n_pos * d_model, 30.0),
            );
            let gain = random.values(d_model, 1.0);
            let (y_view, gain_view) = (lab.put("y", &y), lab.put("gain", &gain));
            let kept = lab.blank("scales", 2 + n_pos);
            let run = |given: bool| {
                let form = norm_add::Form {
                    d_model,
                    eps: EPS,
                    gain: &gain_view,
                    scales: scales(&kept, given),
                };
                let x = lab.put("x", &x);
                let mut recording = Recording::default();
                norm_add::record(&mut recording, form, n_pos, &y_view, &x);
                lab.play(&recording);
                lab.read(&x)
            };
            let got = lab.twice(|| run(false));
            assert!(same_bits(&got, &run(true)), "scales given back");
            let mut want = doubles(&x);
            let params = norm_add::Params {
                n_pos: n_pos as u32,
                scales_at: 2,
            };
            let (fixed, mut kept) = ((d_model, EPS, false), vec![0.0; 2 + n_pos]);
            norm_add::twin(params, fixed, &y, &gain, &mut want, &mut kept);
            // Values up to 5 are rounded once more by the addition, and may cancel.
            assert_close(&format!("norm_add {d_model}"), &got, &want, (1e-5, 2e-6));
        }
    });
}

#[test]
fn add_rows_is_its_twin() {
    Lab::each(|lab| {
        for width in [1, 63, 64, 65, 333, 2304] {
            for (n_pos, first, one_row) in [(1, 0, false), (5, 2, false), (5, 1, true)] {
                let mut random = Random(width as u64);
                let n_rows = if one_row { 1 } else { n_pos };
                let y = random.values(n_rows * width, 2.0);
                let x = random.values((first + n_pos + 1) * width, 2.0);
                let params = add_rows::Params {
                    n_pos: n_pos as u32,
                    width: width as u32,
                    first: first as u32,
                    y_stride: if one_row { 0 } else { width as u32 },
                };
                let x_view = lab.put("x", &x);
                let mut recording = Recording::default();
                add_rows::record(&mut recording, params, &lab.put("y", &y), &x_view);
                lab.play(&recording);
                let mut want = doubles(&x);
                add_rows::twin(params, &y, &mut want);
                // One addition of values up to 4, which may cancel.
                assert_close("add_rows", &lab.read(&x_view), &want, (3e-7, 0.0));
            }
        }
    });
}

fn play_gelu_mul(lab: &Lab, up: &[f32], h: &[f32]) -> Vec<f32> {
    lab.twice(|| {
        let h_view = lab.put("h", h);
        let mut recording = Recording::default();
        gelu_mul::record(&mut recording, h.len(), &lab.put("up", up), &h_view);
        lab.play(&recording);
        lab.read(&h_view)
    })
}

#[test]
fn gelu_mul_is_its_twin() {
    Lab::each(|lab| {
        for n in [1, 63, 65, 9216, 64 * 9216] {
            let mut random = Random(n as u64);
            let (up, h) = (random.values(n, 2.0), random.values(n, 6.0));
            let got = play_gelu_mul(lab, &up, &h);
            let mut want = doubles(&h);
            gelu_mul::twin(gelu_mul::Params { n: n as u32 }, &up, &mut want);
            // 1 + tanh cancels for negative h: an f32 epsilon or two of h * up, at most 12.
            assert_close("gelu_mul", &got, &want, (5e-6, 1e-5));
        }
    });
}

#[test]
fn gelu_holds_far_from_zero() {
    Lab::each(|lab| {
        let mut h = vec![0.0, -0.0, 9.9, 10.1, 14.9, 15.1, 1e4, 1e10, 1e30, 3e38];
        h.extend(h.clone().iter().map(|it: &f32| -it));
        let got = play_gelu_mul(lab, &vec![1.0; h.len()], &h);
        let want: Vec<f64> = h.iter().map(|it| gelu(f64::from(*it))).collect();
        assert_close("gelu", &got, &want, (1e-6, 1e-6));
    });
}

#[test]
fn softcap_holds_far_from_zero() {
    use gemscope::{
        ops::{Matrix, Tile, matvec},
        spec::Packing,
    };
    Lab::each(|lab| {
        for value in [1e4_f32, -1e4, 1e30, -1e30, 3e38] {
            let mut row = vec![0.0_f32; 32];
            row[7] = value;
            let tile = Tile {
                first_row: 0,
                n_rows: 1,
                view: lab.put("w", &row),
            };
            let w = Matrix {
                packing: Packing::F32,
                layout: gemscope::spec::Layout::Rows,
                n_out: 1,
                n_in: 32,
                tiles: vec![tile],
            };
            let y = lab.blank("y", 1);
            let form = matvec::Form {
                cap: 30.0,
                ..Default::default()
            };
            let mut recording = Recording::default();
            matvec::record(&mut recording, &w, &lab.put("x", &[1.0_f32; 32]), form, &y);
            lab.play(&recording);
            let want = softcap(f64::from(value), 30.0);
            assert_close("softcap", &lab.read(&y), &[want], (0.0, 1e-6));
        }
    });
}

struct Turn {
    heads: Heads,
    n_pos: usize,
    first_pos: usize,
    first_row: usize,
    cache_row: usize,
}

fn check_rope(lab: &Lab, turn: &Turn) {
    let heads = &turn.heads;
    let n_rows = turn.first_row + turn.n_pos + 1;
    let n_cached = turn.cache_row + turn.n_pos + 1;
    let mut random = Random((turn.first_pos + heads.d_head) as u64);
    let qkv = random.values(n_rows * heads.qkv_width(), 4.0);
    let half = heads.d_head / 2;
    // This part of the cache begins at `first_pos`.
    let n_ctx = turn.first_pos + n_cached;
    let angles = rope::angles(n_ctx, heads.d_head, 10_000.0);
    let angles = &angles[turn.first_pos * half * 2..];
    let cache = vec![7.0_f32; n_cached * heads.kv_width()];
    let params = rope::Params {
        n_pos: turn.n_pos as u32,
        first_row: turn.first_row as u32,
        cache_row: turn.cache_row as u32,
    };
    let views: Vec<View> = [&qkv, &cache, &cache]
        .iter()
        .map(|it| lab.put("rows", it))
        .collect();
    let place = rope::Place {
        angles: &lab.put("angles", angles),
        k: &views[1],
        v: &views[2],
    };
    let mut recording = Recording::default();
    rope::record(&mut recording, heads, params, &views[0], place);
    lab.play(&recording);
    let (mut want_qkv, mut want_k, mut want_v) = (doubles(&qkv), doubles(&cache), doubles(&cache));
    rope::twin(
        params,
        heads,
        angles,
        &mut want_qkv,
        (&mut want_k, &mut want_v),
    );
    // Two products of at most 4 and their sum.
    let tolerance = (1e-6, 0.0);
    assert_close("rope qkv", &lab.read(&views[0]), &want_qkv, tolerance);
    assert_close("rope k", &lab.read(&views[1]), &want_k, tolerance);
    assert_close("rope v", &lab.read(&views[2]), &want_v, (0.0, 0.0));
}

#[test]
fn rope_is_its_twin_at_any_position() {
    let heads = |n_heads, n_kv_heads, d_head| Heads {
        n_heads,
        n_kv_heads,
        d_head,
        scale: 1.0,
        cap: 0.0,
    };
    Lab::each(|lab| {
        for (n_pos, first_pos, first_row, cache_row) in
            [(1, 0, 0, 0), (3, 0, 1, 2), (5, 4093, 0, 7), (2, 8190, 0, 0)]
        {
            for heads in [heads(1, 1, 4), heads(4, 2, 32), heads(8, 4, 256)] {
                let turn = Turn {
                    heads,
                    n_pos,
                    first_pos,
                    first_row,
                    cache_row,
                };
                check_rope(lab, &turn);
            }
        }
    });
}

#[test]
fn angles_are_those_of_the_formula() {
    let angles = rope::angles(8192, 256, 10_000.0);
    for (pos, i) in [(0, 0), (1, 0), (8191, 0), (8191, 127), (4096, 64)] {
        let frequency = 10_000_f64.powf(-2.0 * i as f64 / 256.0);
        let (got, want) = (angles[2 * (pos * 128 + i)], (pos as f64 * frequency).cos());
        // The angle is an f32 as in the reference: half a unit in its last place.
        let tolerance = pos as f64 * frequency * 2e-7 + 1e-7;
        assert!(
            (f64::from(got) - want).abs() <= tolerance,
            "{pos} {i}: {got} {want}"
        );
    }
}
