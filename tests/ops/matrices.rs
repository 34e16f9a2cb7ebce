//! Products with packed matrices, and rows of the table, against their twins.

use crate::{
    gpu::{Lab, assert_close},
    packed::{LAYOUTS, MOST_WEIGHT, PACKINGS, in_rows, random_rows, upload, upload_as},
    random::Random,
};
use gemscope::{
    gpu::Recording,
    ops::{embed, gate_up, matmul, matvec},
    spec::{Layout, Packing},
};

const EPS: f64 = 1e-6;

/// Contracted lengths: one block, around a workgroup's stride of 64 runs of 16, and Gemma's own.
const LENGTHS: [usize; 4] = [32, 992, 1056, 2304];

/// Rounding of a sum of n products of at most MOST_WEIGHT * x_max walks like sqrt(n); 16 f32 epsilons leave it room
/// for any order of summation.
fn dot_tolerance(n: usize, x_max: f64) -> f64 {
    16.0 * f64::from(f32::EPSILON) * (n as f64).sqrt() * f64::from(MOST_WEIGHT) * x_max
}

/// Rows always; stripes at one odd length in every packing, and 8 bit and f16 at Gemma's: each is a pipeline to be made.
fn layouts(n_in: usize, packing: Packing) -> impl Iterator<Item = Layout> {
    let is_asked = n_in == 1056 || n_in == 2304 && matches!(packing, Packing::Q8 | Packing::F16);
    LAYOUTS
        .into_iter()
        .filter(move |it| *it == Layout::Rows || is_asked)
}

struct Case {
    packing: Packing,
    n_out: usize,
    n_in: usize,
    tile_rows: usize,
    norm: bool,
    gain: bool,
    cap: f64,
}

fn check_matvec(lab: &Lab, case: &Case) {
    layouts(case.n_in, case.packing).for_each(|it| check_matvec_in(lab, case, it));
}

fn check_matvec_in(lab: &Lab, case: &Case, layout: Layout) {
    let mut random = Random((case.n_in * 7 + case.n_out) as u64);
    let bytes = random_rows(&mut random, case.packing, case.n_out, case.n_in);
    let x = random.values(case.n_in, 2.0);
    let gain = random.values(case.n_in, 0.5);
    let form = (case.packing, layout);
    let w = upload_as(lab, form, case.n_in, &bytes, case.tile_rows);
    let (x_view, gain_view) = (lab.put("x", &x), lab.put("gain", &gain));
    let form = matvec::Form {
        norm_eps: case.norm.then_some(EPS),
        gain: case.gain.then_some(&gain_view),
        cap: case.cap,
    };
    let got = lab.twice(|| {
        let y = lab.blank("y", case.n_out);
        let mut recording = Recording::default();
        matvec::record(&mut recording, &w, &x_view, form, &y);
        lab.play(&recording);
        lab.read(&y)
    });
    let mut want = vec![0.0; case.n_out];
    let params = matvec::Params {
        n_out: case.n_out as u32,
        out_offset: 0,
    };
    let twin_form = (form.norm_eps, case.gain.then_some(&gain[..]), case.cap);
    matvec::twin(params, (&in_rows(&w), &bytes), &x, twin_form, &mut want);
    let what = format!(
        "matvec {:?} {layout:?} {}x{}",
        case.packing, case.n_out, case.n_in
    );
    // tanh of some drivers is a quotient of exponentials: 1e-6 of the cap.
    let absolute = dot_tolerance(case.n_in, 3.0) + 1e-6 * case.cap;
    assert_close(&what, &got, &want, (absolute, 1e-5));
}

#[test]
fn matvec_is_its_twin_for_every_packing_length_and_split() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            for (n, n_in) in LENGTHS.into_iter().enumerate() {
                for (n_out, tile_rows) in [(1, 1), (5, 2), (65, 40)] {
                    check_matvec(
                        lab,
                        &Case {
                            packing,
                            n_out,
                            n_in,
                            tile_rows,
                            norm: n % 2 == 1,
                            gain: n % 2 == 1,
                            cap: 0.0,
                        },
                    );
                }
            }
        }
    });
}

#[test]
fn matvec_is_its_twin_in_every_form_and_at_gemmas_sizes() {
    Lab::each(|lab| {
        for (norm, gain, cap) in [(true, false, 0.0), (false, true, 0.0), (true, true, 3.0)] {
            let case = Case {
                packing: Packing::Bf16,
                n_out: 33,
                n_in: 64,
                tile_rows: 33,
                norm,
                gain,
                cap,
            };
            check_matvec(lab, &case);
        }
        for (packing, n_out, n_in) in [
            (Packing::Bf16, 2304, 9216),
            (Packing::Q8, 9216, 2304),
            (Packing::Q8, 4096, 2304),
            (Packing::F32, 2304, 2048),
        ] {
            let case = Case {
                packing,
                n_out,
                n_in,
                tile_rows: 2048,
                norm: false,
                gain: false,
                cap: 0.0,
            };
            check_matvec(lab, &case);
        }
    });
}

fn check_gate_up(lab: &Lab, packing: Packing, n_out: usize, n_in: usize, tile_rows: usize) {
    let mut random = Random((n_in * 11 + n_out) as u64);
    let gate_bytes = random_rows(&mut random, packing, n_out, n_in);
    let up_bytes = random_rows(&mut random, packing, n_out, n_in);
    let (x, gain) = (random.values(n_in, 2.0), random.values(n_in, 0.5));
    let gate = upload(lab, packing, n_in, &gate_bytes, tile_rows);
    let up = upload(lab, packing, n_in, &up_bytes, tile_rows);
    let (x_view, gain_view) = (lab.put("x", &x), lab.put("gain", &gain));
    let got = lab.twice(|| {
        let h = lab.blank("h", n_out);
        let stream = gate_up::Stream {
            x: &x_view,
            gain: &gain_view,
            eps: EPS,
        };
        let mut recording = Recording::default();
        gate_up::record(&mut recording, &gate, &up, stream, &h);
        lab.play(&recording);
        lab.read(&h)
    });
    let mut want = vec![0.0; n_out];
    let params = gate_up::Params {
        n_out: n_out as u32,
        out_offset: 0,
    };
    let stream = (&x[..], &gain[..], EPS);
    gate_up::twin(params, (&gate, &gate_bytes), &up_bytes, stream, &mut want);
    // A product of two sums of values up to a few units each.
    let tolerance = (8.0 * dot_tolerance(n_in, 3.0), 2e-5);
    assert_close(
        &format!("gate_up {packing:?} {n_out}x{n_in}"),
        &got,
        &want,
        tolerance,
    );
}

#[test]
fn gate_up_is_its_twin() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            for n_in in LENGTHS {
                for (n_out, tile_rows) in [(1, 1), (37, 16)] {
                    check_gate_up(lab, packing, n_out, n_in, tile_rows);
                }
            }
        }
        check_gate_up(lab, Packing::Q8, 9216, 2304, 4000);
    });
}

struct Product {
    packing: Packing,
    n_pos: usize,
    n_out: usize,
    n_in: usize,
    tile_rows: usize,
    gain: bool,
    cap: f64,
}

fn check_matmul(lab: &Lab, case: &Product) {
    layouts(case.n_in, case.packing).for_each(|it| check_matmul_in(lab, case, it));
}

fn check_matmul_in(lab: &Lab, case: &Product, layout: Layout) {
    let mut random = Random((case.n_in * 13 + case.n_out * 3 + case.n_pos) as u64);
    let bytes = random_rows(&mut random, case.packing, case.n_out, case.n_in);
    let x = random.values(case.n_pos * case.n_in, 2.0);
    let gain = random.values(case.n_in, 0.5);
    let form = (case.packing, layout);
    let w = upload_as(lab, form, case.n_in, &bytes, case.tile_rows);
    let (x_view, gain_view) = (lab.put("x", &x), lab.put("gain", &gain));
    let got = lab.twice(|| {
        let y = lab.blank("y", case.n_pos * case.n_out);
        let form = matmul::Form {
            x: &x_view,
            n_pos: case.n_pos,
            gain: case.gain.then_some(&gain_view),
            cap: case.cap,
        };
        let mut recording = Recording::default();
        matmul::record(&mut recording, &w, form, &y);
        lab.play(&recording);
        lab.read(&y)
    });
    let mut want = vec![0.0; case.n_pos * case.n_out];
    let params = matmul::Params {
        n_pos: case.n_pos as u32,
        n_out: case.n_out as u32,
        out_offset: 0,
        out_stride: case.n_out as u32,
    };
    let form = (case.gain.then_some(&gain[..]), case.cap);
    matmul::twin(params, (&in_rows(&w), &bytes), &x, form, &mut want);
    let (packing, n_pos, n_out, n_in) = (case.packing, case.n_pos, case.n_out, case.n_in);
    let what = format!("matmul {packing:?} {layout:?} {n_pos}x{n_out}x{n_in}");
    let absolute = dot_tolerance(n_in, 3.0) + 1e-6 * case.cap;
    assert_close(&what, &got, &want, (absolute, 1e-5));
}

#[test]
fn matmul_is_its_twin_for_every_packing_length_and_split() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            for (n, n_in) in LENGTHS.into_iter().enumerate() {
                for (n_pos, n_out, tile_rows) in [(1, 1, 1), (7, 33, 8), (63, 65, 40)] {
                    check_matmul(
                        lab,
                        &Product {
                            packing,
                            n_pos,
                            n_out,
                            n_in,
                            tile_rows,
                            gain: n % 2 == 1,
                            cap: if n == 0 { 3.0 } else { 0.0 },
                        },
                    );
                }
            }
        }
    });
}

#[test]
fn matmul_is_its_twin_at_gemmas_sizes() {
    Lab::each(|lab| {
        for (packing, n_pos, n_out, n_in) in [
            (Packing::Q8, 1, 2304, 9216),
            (Packing::Bf16, 1, 9216, 2304),
            (Packing::Bf16, 64, 97, 9216),
            (Packing::Q8, 33, 97, 2304),
        ] {
            let case = Product {
                packing,
                n_pos,
                n_out,
                n_in,
                tile_rows: 2048,
                gain: false,
                cap: 0.0,
            };
            check_matmul(lab, &case);
        }
    });
}

fn check_embed(lab: &Lab, form: (Packing, Layout), n_in: usize, tile_rows: usize) {
    let n_rows = 50;
    let mut random = Random((n_in + tile_rows) as u64);
    let bytes = random_rows(&mut random, form.0, n_rows, n_in);
    let w = upload_as(lab, form, n_in, &bytes, tile_rows);
    let (n_pos, first_id, scale) = (9, 3, 48.0);
    let mut ids: Vec<u32> = (0..12).map(|_| random.below(n_rows) as u32).collect();
    (ids[3], ids[4], ids[5]) = (0, 49, 0);
    let x = lab.blank("x", n_pos * n_in);
    let tokens = embed::Tokens {
        ids: &lab.put("ids", &ids),
        first_id,
        n_pos,
        scale,
    };
    let mut recording = Recording::default();
    embed::record(&mut recording, &w, tokens, &x);
    lab.play(&recording);
    let params = embed::Params {
        n_pos: n_pos as u32,
        first_id: first_id as u32,
        first_row: 0,
        n_rows: n_rows as u32,
    };
    let mut want = vec![0.0; n_pos * n_in];
    embed::twin(params, (&in_rows(&w), &bytes), &ids, scale, &mut want);
    // One multiplication.
    let what = format!("embed {form:?} {n_in}");
    assert_close(&what, &lab.read(&x), &want, (0.0, 1.2e-7));
}

#[test]
fn embed_is_its_twin() {
    Lab::each(|lab| {
        for packing in PACKINGS {
            for (n_in, tile_rows) in [(32, 50), (992, 7), (1056, 1), (2304, 20)] {
                for layout in LAYOUTS {
                    check_embed(lab, (packing, layout), n_in, tile_rows);
                }
            }
        }
    });
}
