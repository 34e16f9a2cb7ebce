//! Lists of features through the decoder, and what steering adds, against the twins.

use crate::{
    gpu::{Lab, assert_close},
    packed::{LAYOUTS, MOST_WEIGHT, PACKINGS, in_rows, random_rows, upload_as},
    random::Random,
};
use gemscope::{
    gpu::{Recording, View},
    ops::{Matrix, decode, steer},
    spec::{Layout, Packing},
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|it| it.to_bits()).collect()
}

/// A list of entries: how many of each position, random features in ascending order.
fn entries(random: &mut Random, counts: &[usize], n_features: usize) -> (Vec<[u32; 2]>, Vec<u32>) {
    let mut out = Vec::new();
    // The offsets do not begin at the header's beginning.
    let mut header = vec![u32::MAX, 0];
    for count in counts {
        let mut left = *count;
        for feature in 0..n_features {
            if random.below(n_features - feature) < left {
                left -= 1;
                out.push([feature as u32, random.value(3.0).to_bits()]);
            }
        }
        header.push(out.len() as u32);
    }
    (out, header)
}

/// What a decoder is asked for.
struct Sum<'a> {
    w: &'a Matrix,
    entries: &'a View,
    header: &'a View,
    n_pos: usize,
}

impl Sum<'_> {
    fn play(&self, lab: &Lab, start: decode::Start<'_>, y: &[f32]) -> Vec<f32> {
        lab.twice(|| {
            let y = lab.put("y", y);
            let list = decode::Entries {
                entries: self.entries,
                header: self.header,
                offsets_at: 1,
                n_pos: self.n_pos,
            };
            let mut recording = Recording::default();
            decode::record(&mut recording, self.w, list, start, &y);
            lab.play(&recording);
            lab.read(&y)
        })
    }
}

/// Rounding of n additions of values up to 3 * MOST_WEIGHT walks like sqrt(n), of sums that walk so themselves.
fn sum_tolerance(n: usize) -> f64 {
    4.0 * f64::from(f32::EPSILON) * (n as f64 + 4.0) * 3.0 * f64::from(MOST_WEIGHT) + 3e-7
}

fn check_decode(lab: &Lab, form: (Packing, Layout), (n_features, d_out): (usize, usize)) {
    let mut random = Random((n_features * 3 + d_out) as u64);
    let bytes = random_rows(&mut random, form.0, n_features, d_out);
    let counts = [0, 1, n_features, n_features / 3, 0, 2.min(n_features)];
    let (list, header) = entries(&mut random, &counts, n_features);
    let (b_dec, y) = (
        random.values(d_out, 1.0),
        random.values(counts.len() * d_out, 2.0),
    );
    let views = (
        lab.put("entries", &list),
        lab.put("header", &header),
        lab.put("b_dec", &b_dec),
    );
    let starts = [
        (0, decode::Start::Kept),
        (1, decode::Start::Zero),
        (2, decode::Start::Bias(&views.2)),
    ];
    for (number, start) in starts {
        let got = [n_features, n_features.div_ceil(3), 1.max(n_features / 7)].map(|tile_rows| {
            let w = upload_as(lab, form, d_out, &bytes, tile_rows);
            let sum = Sum {
                w: &w,
                entries: &views.0,
                header: &views.1,
                n_pos: counts.len(),
            };
            (sum.play(lab, start, &y), w)
        });
        let params = decode::Params {
            n_pos: counts.len() as u32,
            first_row: 0,
            n_rows: n_features as u32,
            offsets_at: 1,
            capacity: list.len() as u32,
            start: number,
        };
        let mut want: Vec<f64> = y.iter().map(|it| f64::from(*it)).collect();
        let w = in_rows(&got[0].1);
        decode::twin(params, (&w, &bytes), (&list, &header), &b_dec, &mut want);
        let what = format!("decode {form:?} {n_features} -> {d_out}, start {number}");
        assert_close(&what, &got[0].0, &want, (sum_tolerance(n_features), 1e-6));
        assert_eq!(bits(&got[0].0), bits(&got[1].0), "{what}: three parts");
        assert_eq!(bits(&got[0].0), bits(&got[2].0), "{what}: more parts");
        if number == 0 {
            assert_eq!(bits(&got[0].0[..d_out]), bits(&y[..d_out]), "{what}: empty");
        }
    }
}

#[test]
fn decode_is_its_twin_however_the_decoder_is_split() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            check_decode(lab, (packing, Layout::Rows), (77, 1056));
            check_decode(lab, (packing, Layout::Rows), (1, 32));
        }
        for layout in LAYOUTS {
            check_decode(lab, (Packing::Q8, layout), (300, 992));
        }
        check_decode(lab, (Packing::F16, Layout::Rows), (2000, 2304));
    });
}

/// Every feature of a transcoder active at once, and a list that is longer than the room for it.
#[test]
fn decode_takes_as_many_entries_as_there_are() {
    Lab::each(|lab| {
        let (n_features, d_out) = (16_384, 64);
        let mut random = Random(3);
        let bytes = random_rows(&mut random, Packing::Bf16, n_features, d_out);
        let (list, mut header) = entries(&mut random, &[n_features], n_features);
        // The host sees that the list was cut; nothing past its end is read.
        header[2] += 1000;
        let w = upload_as(lab, (Packing::Bf16, Layout::Rows), d_out, &bytes, 5000);
        let sum = Sum {
            w: &w,
            entries: &lab.put("entries", &list),
            header: &lab.put("header", &header),
            n_pos: 1,
        };
        let got = sum.play(lab, decode::Start::Zero, &vec![f32::NAN; d_out]);
        let params = decode::Params {
            n_pos: 1,
            first_row: 0,
            n_rows: n_features as u32,
            offsets_at: 1,
            capacity: n_features as u32,
            start: 1,
        };
        let mut want = vec![0.0; d_out];
        decode::twin(params, (&w, &bytes), (&list, &header), &[], &mut want);
        // Sums up to about 15, rounded 16384 times, which walks: 128 half units in the last place.
        assert_close("all active", &got, &want, (2e-4, 0.0));
    });
}

/// Wanted values of random features, by position, then feature.
fn wanted(
    random: &mut Random,
    n: usize,
    (n_pos, n_features): (usize, usize),
) -> Vec<steer::Wanted> {
    let mut out: Vec<steer::Wanted> = (0..n)
        .map(|_| steer::Wanted {
            pos: random.below(n_pos) as u32,
            feature: random.below(n_features) as u32,
            value: random.value(5.0),
            // Products that f32 holds, so that a fused addition gives the same bits.
            factor: [-1.0, 0.0, 1.0, 0.5][random.below(4)],
        })
        .collect();
    out.sort_by_key(|it| (it.pos, it.feature));
    out
}

fn play_steer(
    lab: &Lab,
    params: steer::Params,
    list: &[steer::Wanted],
    it: steer::Current<'_>,
) -> View {
    let entries = lab.blank("entries", 2 * list.len());
    let mut recording = Recording::default();
    steer::record(
        &mut recording,
        params,
        &lab.put("wanted", list),
        it,
        &entries,
    );
    lab.play(&recording);
    entries
}

#[test]
fn steer_is_its_twin() {
    Lab::each(|lab| {
        let (n_pos, n_features) = (3, 77);
        let mut random = Random(5);
        let pre = random.values(n_pos * n_features, 4.0);
        let threshold = random.values(n_features, 1.0);
        let views = (lab.put("threshold", &threshold), lab.put("pre", &pre));
        for n in [1, 63, 64, 65, 150] {
            let list = wanted(&mut Random(4), n, (n_pos, n_features));
            let params = steer::Params {
                n: n as u32,
                n_features: n_features as u32,
            };
            let current = steer::Current {
                threshold: &views.0,
                pre: &views.1,
            };
            let read = play_steer(lab, params, &list, current);
            let want = steer::twin(params, &list, (&threshold, &pre));
            assert_eq!(lab.read::<[u32; 2]>(&read), want, "{n}");
        }
    });
}

/// Wanting what is there: nothing moves, zeros of both signs included.
#[test]
fn no_change_leaves_the_bits() {
    Lab::each(|lab| {
        let (n, n_features, d_out) = (65, 77, 64);
        let mut random = Random(6);
        let mut list = wanted(&mut random, n, (1, n_features));
        let (pre, threshold) = (random.values(n_features, 4.0), vec![0.5_f32; n_features]);
        for it in &mut list {
            let value = pre[it.feature as usize];
            it.value = if value > 0.5 { value } else { 0.0 };
            it.factor = -1.0;
        }
        let current = steer::Current {
            threshold: &lab.put("threshold", &threshold),
            pre: &lab.put("pre", &pre),
        };
        let params = steer::Params {
            n: n as u32,
            n_features: n_features as u32,
        };
        let entries = play_steer(lab, params, &list, current);
        let bytes = random_rows(&mut random, Packing::F16, n_features, d_out);
        let w = upload_as(lab, (Packing::F16, Layout::Rows), d_out, &bytes, 40);
        let mut y = random.values(d_out, 1.0);
        y[..8].copy_from_slice(&[0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38, 1.0, -1.0]);
        let sum = Sum {
            w: &w,
            entries: &entries,
            header: &lab.put("header", &[0, 0, n as u32]),
            n_pos: 1,
        };
        let got = sum.play(lab, decode::Start::Kept, &y);
        assert_eq!(bits(&got), bits(&y));
    });
}
