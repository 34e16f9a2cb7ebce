//! Random packed matrices, in parts.

use super::{gpu::Lab, random::Random};
use gemscope::{
    ops::{Matrix, Tile},
    spec::{Layout, Packing},
};

/// The largest weight of a random matrix.
pub const MOST_WEIGHT: f32 = 0.1;

/// All packings.
pub const PACKINGS: [Packing; 4] = [Packing::F32, Packing::Bf16, Packing::Q8, Packing::F16];

/// All layouts.
pub const LAYOUTS: [Layout; 2] = [Layout::Rows, Layout::Stripes];

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

/// The same matrix in stripes of 32 inputs.
pub fn stripes_of(packing: Packing, n_in: usize, rows: &[u8]) -> Vec<u8> {
    let row_bytes = packing.row_bytes(n_in);
    let block_bytes = match packing {
        Packing::Q8 => 32,
        _ => packing.row_bytes(32),
    };
    let mut out = Vec::new();
    for stripe in 1..=n_in / 32 {
        for row in rows.chunks(row_bytes) {
            out.extend_from_slice(&row[(stripe - 1) * block_bytes..][..block_bytes]);
        }
        if packing == Packing::Q8 {
            for row in rows.chunks(row_bytes) {
                out.extend_from_slice(&row[n_in + 2 * (stripe - 1)..][..2]);
            }
        }
        out.resize(stripe * packing.stripe_bytes(rows.len() / row_bytes), 0);
    }
    out
}

/// A matrix of these rows on the device, each part of at most `tile_rows` rows in a buffer of its own.
pub fn upload(lab: &Lab, packing: Packing, n_in: usize, bytes: &[u8], tile_rows: usize) -> Matrix {
    upload_as(lab, (packing, Layout::Rows), n_in, bytes, tile_rows)
}

/// The same in any layout, of rows as they lie in [`Layout::Rows`].
pub fn upload_as(
    lab: &Lab,
    (packing, layout): (Packing, Layout),
    n_in: usize,
    bytes: &[u8],
    tile_rows: usize,
) -> Matrix {
    let row_bytes = packing.row_bytes(n_in);
    let tiles = bytes
        .chunks(tile_rows * row_bytes)
        .enumerate()
        .map(|(n, part)| {
            let label = format!("w.{n}");
            Tile {
                first_row: n * tile_rows,
                n_rows: part.len() / row_bytes,
                view: match layout {
                    Layout::Rows => lab.bytes(&label, part),
                    Layout::Stripes => lab.bytes(&label, &stripes_of(packing, n_in, part)),
                },
            }
        })
        .collect();
    Matrix {
        packing,
        layout,
        n_out: bytes.len() / row_bytes,
        n_in,
        tiles,
    }
}

/// How the twin is told of a matrix whose bytes are rows.
pub fn in_rows(w: &Matrix) -> Matrix {
    Matrix {
        layout: Layout::Rows,
        ..w.clone()
    }
}
