//! Packed weights are read bit by bit, in every layout.

use crate::{
    gpu::{Lab, assert_close},
    packed::{LAYOUTS, PACKINGS, random_rows, stripes_of, upload_as},
    random::Random,
};
use gemscope::{
    gpu::Recording,
    ops::{Matrix, embed},
    spec::{Layout, Packing},
};

/// The first row of a matrix, as `embed` reads it.
fn first_row(lab: &Lab, form: (Packing, Layout), n_in: usize, bytes: &[u8]) -> Vec<f32> {
    let w = upload_as(lab, form, n_in, bytes, 3);
    let (ids, x) = (lab.bytes("ids", &[0; 4]), lab.blank("x", n_in));
    let tokens = embed::Tokens {
        ids: &ids,
        first_id: 0,
        n_pos: 1,
        scale: 1.0,
    };
    let mut recording = Recording::default();
    embed::record(&mut recording, &w, tokens, &x);
    lab.play(&recording);
    lab.read(&x)
}

fn matrix(form: (Packing, Layout), n_out: usize, n_in: usize) -> Matrix {
    Matrix {
        packing: form.0,
        layout: form.1,
        n_out,
        n_in,
        tiles: vec![],
    }
}

/// Every scale counts, subnormal ones too: a block of small weights does not vanish.
#[test]
fn scales_of_8_bit_are_read_bit_by_bit() {
    let scales: [u16; 8] = [
        0x0000, 0x0001, 0x0011, 0x03ff, 0x0400, 0x1234, 0x3c00, 0x7bff,
    ];
    let n_in = 32 * scales.len();
    let mut bytes: Vec<u8> = (0..n_in)
        .map(|it| (it as i32 * 37 % 255 - 127) as i8 as u8)
        .collect();
    bytes.extend(scales.iter().flat_map(|it| it.to_le_bytes()));
    assert_eq!(bytes.len(), Packing::Q8.row_bytes(n_in));
    let want = matrix((Packing::Q8, Layout::Rows), 1, n_in).unpack_row(&bytes, 1, 0);
    assert!(want[32..64].iter().any(|it| *it != 0.0));
    Lab::each(|lab| {
        for layout in LAYOUTS {
            // A byte times eleven bits is exact.
            let got = first_row(lab, (Packing::Q8, layout), n_in, &bytes);
            assert_close("scales", &got, &want, (0.0, 0.0));
        }
    });
}

/// Every finite f16, of both signs, the subnormal ones too.
#[test]
fn f16_weights_are_read_bit_by_bit() {
    let halves: Vec<u16> = (0..=u16::MAX).filter(|it| it & 0x7c00 != 0x7c00).collect();
    let bytes: &[u8] = bytemuck::cast_slice(&halves);
    let want: Vec<u32> = halves
        .iter()
        .map(|it| half::f16::from_bits(*it).to_f32().to_bits())
        .collect();
    Lab::each(|lab| {
        for layout in LAYOUTS {
            let got = first_row(lab, (Packing::F16, layout), halves.len(), bytes);
            let got: Vec<u32> = got.iter().map(|it| it.to_bits()).collect();
            assert!(got == want, "{layout:?}");
        }
    });
}

/// A matrix in stripes has the rows of the same matrix in rows.
#[test]
fn rows_are_the_same_in_every_layout() {
    for packing in PACKINGS {
        let mut random = Random(5);
        let (n_out, n_in) = (7, 96);
        let rows = random_rows(&mut random, packing, n_out, n_in);
        let stripes = stripes_of(packing, n_in, &rows);
        let in_stripes = matrix((packing, Layout::Stripes), n_out, n_in);
        let in_rows = matrix((packing, Layout::Rows), n_out, n_in);
        let n_bytes = packing.matrix_bytes(Layout::Stripes, n_out, n_in);
        assert_eq!(stripes.len(), n_bytes, "{packing:?}");
        for row in 0..n_out {
            let want = in_rows.unpack_row(&rows, n_out, row);
            assert_eq!(
                in_stripes.unpack_row(&stripes, n_out, row),
                want,
                "{packing:?}"
            );
        }
    }
}
