//! Random packed matrices, in parts.

use super::{gpu::Lab, random::Random};
use gemscope::{
    ops::{Matrix, Tile},
    spec::{Layout, Packing},
};

/// The largest weight of a random matrix.
pub const MOST_WEIGHT: f32 = 0.1;

/// All packings.
pub const PACKINGS: [Packing; 3] = [Packing::F32, Packing::Bf16, Packing::Q8];

/// Rows of a random matrix, packed.
pub fn random_rows(random: &mut Random, packing: Packing, n_out: usize, n_in: usize) -> Vec<u8> {
    let row_bytes = packing.row_bytes(n_in);
    let mut out = Vec::with_capacity(n_out * row_bytes);
    for row in 1..=n_out {
        match packing {
            Packing::F32 => {
                let weights = random.values(n_in, MOST_WEIGHT);
                out.extend_from_slice(bytemuck::cast_slice(&weights));
            }
            Packing::Bf16 => {
                let bf16 = |it: f32| half::bf16::from_f32(it).to_le_bytes();
                out.extend((0..n_in).flat_map(|_| bf16(random.value(MOST_WEIGHT))));
            }
            Packing::F16 => {
                let f16 = |it: f32| half::f16::from_f32(it).to_le_bytes();
                out.extend((0..n_in).flat_map(|_| f16(random.value(MOST_WEIGHT))));
            }
            Packing::Q8 => {
                out.extend((0..n_in).map(|_| random.bits() as u8));
                let scale = |it: f32| half::f16::from_f32(it).to_le_bytes();
                out.extend((0..n_in / 32).flat_map(|_| scale(random.value(MOST_WEIGHT / 128.0))));
            }
        }
        out.resize(row * row_bytes, 0);
    }
    out
}

/// A matrix of these rows on the device, each part of at most `tile_rows` rows in a buffer of its own.
pub fn upload(lab: &Lab, packing: Packing, n_in: usize, bytes: &[u8], tile_rows: usize) -> Matrix {
    let row_bytes = packing.row_bytes(n_in);
    let tiles = bytes
        .chunks(tile_rows * row_bytes)
        .enumerate()
        .map(|(n, part)| Tile {
            first_row: n * tile_rows,
            n_rows: part.len() / row_bytes,
            view: lab.bytes(&format!("w.{n}"), part),
        })
        .collect();
    Matrix {
        packing,
        layout: Layout::Rows,
        n_out: bytes.len() / row_bytes,
        n_in,
        tiles,
    }
}
