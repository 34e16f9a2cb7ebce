//! Divergences of distributions, sums of columns and norms of rows, against their twins.

use crate::{
    gpu::{Lab, assert_close},
    packed::{LAYOUTS, MOST_WEIGHT, PACKINGS, in_rows, random_rows, upload_as},
    random::Random,
};
use gemscope::{
    gpu::Recording,
    ops::{column_sums, kl_rows, row_norms},
    spec::{Layout, Packing},
};

/// Divergences of rows `at ..` of the first half of `logits` from those of the second half.
fn kl(lab: &Lab, n_rows: usize, n_vocab: usize, logits: &[f32]) -> (Vec<f32>, Vec<f64>) {
    let params = kl_rows::Params {
        n: n_rows as u32,
        n_vocab: n_vocab as u32,
        p_row: 0,
        q_row: n_rows as u32,
    };
    let view = lab.put("logits", logits);
    let got = lab.twice(|| {
        let out = lab.blank("kl", n_rows);
        let mut recording = Recording::default();
        kl_rows::record(&mut recording, params, &view, &view, &out);
        lab.play(&recording);
        lab.read(&out)
    });
    (got, kl_rows::twin(params, logits, logits))
}

/// Rows of logits, then the same moved by up to `moved`, of which one in `one_in` is moved at all.
fn pair(n_rows: usize, n_vocab: usize, moved: f32, one_in: usize) -> Vec<f32> {
    let mut random = Random((n_vocab + one_in) as u64);
    let mut logits = random.values(n_rows * n_vocab, 15.0);
    let other: Vec<f32> = logits
        .iter()
        .map(|it| match random.below(one_in) {
            0 => it + random.value(moved),
            _ => *it,
        })
        .collect();
    logits.extend(other);
    logits
}

#[test]
fn divergences_are_those_of_the_twin_down_to_1e_minus_9() {
    Lab::each(|lab| {
        for (n_rows, n_vocab) in [
            (1, 1),
            (3, 255),
            (2, 256),
            (2, 257),
            (5, 2048),
            (1, 256_000),
        ] {
            for moved in [5e-5, 1e-3, 0.03, 1.0, 30.0] {
                for one_in in [1, 9] {
                    let logits = pair(n_rows, n_vocab, moved, one_in);
                    let (got, want) = kl(lab, n_rows, n_vocab, &logits);
                    let what = format!("kl {n_vocab}, moved by {moved}, one in {one_in}");
                    // Exponentials of differences up to 60 are right to about 1e-5; what f32 leaves of the norms is
                    // squared; the twin's own logarithms are right to about 1e-15.
                    assert_close(&what, &got, &want, (2e-13, 1e-4));
                }
            }
        }
    });
}

#[test]
fn small_divergences_are_small() {
    Lab::each(|lab| {
        let logits = pair(4, 2048, 5e-5, 1);
        let (got, want) = kl(lab, 4, 2048, &logits);
        assert!(want.iter().all(|it| (1e-10..5e-9).contains(it)), "{want:?}");
        assert_close("kl", &got, &want, (0.0, 1e-3));
    });
}

/// Equal rows are exactly 0 apart, and a constant that is added to all logits changes nothing that can be seen.
#[test]
fn equal_rows_do_not_diverge() {
    Lab::each(|lab| {
        let mut logits = Random(1).values(3 * 5001, 20.0);
        logits.extend(logits.clone());
        assert_eq!(kl(lab, 3, 5001, &logits).0, [0.0; 3]);
        for it in &mut logits[3 * 5001..] {
            *it = it.round() + 8.0;
        }
        for it in &mut logits[..3 * 5001] {
            *it = it.round();
        }
        let (got, _) = kl(lab, 3, 5001, &logits);
        assert!(got.iter().all(|it| it.abs() < 1e-12), "{got:?}");
    });
}

/// A token that one row all but excludes, and logits beyond any exponential.
#[test]
fn far_rows_have_finite_divergences() {
    Lab::each(|lab| {
        let n = 300;
        let mut logits = vec![0.0_f32; 2 * n];
        (logits[0], logits[n + 1]) = (90.0, 150.0);
        let (got, want) = kl(lab, 1, n, &logits);
        assert_close("far", &got, &want, (0.0, 1e-5));
    });
}

fn check_column_sums(lab: &Lab, form: (Packing, Layout), n_out: usize, n_in: usize, tile: usize) {
    let mut random = Random((n_out + n_in) as u64);
    let bytes = random_rows(&mut random, form.0, n_out, n_in);
    let w = upload_as(lab, form, n_in, &bytes, tile);
    let n_chunks = column_sums::n_chunks(&w);
    let got = lab.twice(|| {
        let sums = lab.blank("sums", n_chunks * n_in);
        let mut recording = Recording::default();
        column_sums::record(&mut recording, &w, &sums);
        lab.play(&recording);
        lab.read(&sums)
    });
    let mut want = vec![0.0; n_chunks * n_in];
    let (of_rows, mut out_row) = (in_rows(&w), 0);
    for tile in &w.tiles {
        let params = column_sums::Params {
            n_rows: tile.n_rows as u32,
            chunk_rows: column_sums::CHUNK_ROWS as u32,
            out_row,
        };
        let part = &bytes[tile.first_row * of_rows.row_bytes()..];
        column_sums::twin(params, (&of_rows, part), &mut want);
        out_row += params.n_rows.div_ceil(params.chunk_rows);
    }
    // Sums that walk to about sqrt(n) weights, rounded n times, which walks as well.
    let n = n_out.min(column_sums::CHUNK_ROWS) as f64;
    let tolerance = 2.0 * f64::from(f32::EPSILON) * n * f64::from(MOST_WEIGHT);
    let what = format!("column_sums {form:?} {n_out}x{n_in}");
    assert_close(&what, &got, &want, (tolerance, 1e-6));
}

#[test]
fn column_sums_are_their_twin() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            check_column_sums(lab, (packing, Layout::Rows), 1, 32, 1);
            check_column_sums(lab, (packing, Layout::Rows), 77, 1056, 30);
        }
        for layout in LAYOUTS {
            check_column_sums(lab, (Packing::Q8, layout), 65, 1056, 40);
        }
        for n_out in [2047, 2048, 2049, 7000] {
            check_column_sums(lab, (Packing::Bf16, Layout::Rows), n_out, 64, 4500);
        }
        check_column_sums(lab, (Packing::Bf16, Layout::Rows), 300, 2304, 300);
    });
}

fn check_row_norms(lab: &Lab, form: (Packing, Layout), n_out: usize, n_in: usize, tile: usize) {
    let mut random = Random((n_out + n_in) as u64);
    let bytes = random_rows(&mut random, form.0, n_out, n_in);
    let w = upload_as(lab, form, n_in, &bytes, tile);
    let got = lab.twice(|| {
        let norms = lab.blank("norms", n_out);
        let mut recording = Recording::default();
        row_norms::record(&mut recording, &w, &norms);
        lab.play(&recording);
        lab.read(&norms)
    });
    let mut want = vec![0.0; n_out];
    let params = row_norms::Params {
        n_out: n_out as u32,
        out_offset: 0,
    };
    row_norms::twin(params, (&in_rows(&w), &bytes), &mut want);
    // Squares are of one sign: a few f32 epsilons, whatever the length.
    let what = format!("row_norms {form:?} {n_out}x{n_in}");
    assert_close(&what, &got, &want, (0.0, 2e-6));
}

#[test]
fn row_norms_are_their_twin() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            for (n_out, n_in, tile) in [(1, 32, 1), (65, 1056, 40)] {
                for layout in LAYOUTS {
                    check_row_norms(lab, (packing, layout), n_out, n_in, tile);
                }
            }
        }
        check_row_norms(lab, (Packing::F16, Layout::Stripes), 1000, 2304, 600);
        check_row_norms(lab, (Packing::F32, Layout::Rows), 40_000, 32, 40_000);
    });
}
