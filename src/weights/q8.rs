//! Rows of f32 -> rows of 8-bit blocks with f16 scales, as [`crate::spec::Packing::Q8`] lays them out.

use crate::spec::gemma::BLOCK;
use half::f16;

/// Quants go from minus this to this.
const MOST: f32 = 127.0;

/// Packs one row of finite weights: a signed byte each, then the scale of each block of 32.
///
/// A block's scale is its largest size / 127, rounded to f16; where that is too small for 127 steps to reach the largest (only
/// subnormal scales are so coarse), the next f16 above. A quant is weight / scale to the nearest, ties to even; a block of zeros has scale 0.
///
/// Shapes: `row [n_in]`, `packed [n_in + n_in / 32 * 2]` with zeros up to a multiple of 16 behind.
///
/// Errors: the place of the first block whose scale f16 can't hold.
pub(super) fn quantise_row(row: &[f32], packed: &mut [u8]) -> Result<(), usize> {
    let (quants, scales) = packed.split_at_mut(row.len());
    let blocks = row.as_chunks::<BLOCK>().0.iter();
    let quants = quants.as_chunks_mut::<BLOCK>().0.iter_mut();
    let scales = scales.as_chunks_mut::<2>().0.iter_mut();
    for (n, ((block, quants), scale_bytes)) in blocks.zip(quants).zip(scales).enumerate() {
        let scale = scale_of(block).ok_or(n * BLOCK)?;
        *scale_bytes = scale.to_le_bytes();
        quantise(block, scale.to_f32(), quants);
    }
    Ok(())
}

/// The scale of a block; none where f16 is too small for it.
fn scale_of(block: &[f32; BLOCK]) -> Option<f16> {
    // Of finite numbers without their signs, the bits are in the order of the sizes.
    let most = block
        .iter()
        .fold(0, |most, it| most.max(it.to_bits() & 0x7fff_ffff));
    let most = f32::from_bits(most);
    if most == 0.0 {
        return Some(f16::ZERO);
    }
    let nearest = f16::from_f32(most / MOST);
    let reaches = most < (MOST + 0.5) * nearest.to_f32();
    let scale = match reaches {
        true => nearest,
        false => f16::from_bits(nearest.to_bits() + 1),
    };
    (nearest.is_finite() && scale.is_finite()).then_some(scale)
}

fn quantise(block: &[f32; BLOCK], scale: f32, quants: &mut [u8; BLOCK]) {
    /// Numbers between this and twice this are whole: adding it rounds to the nearest even, and leaves the number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    if scale == 0.0 {
        return quants.fill(0);
    }
    for (weight, quant) in block.iter().zip(quants) {
        let steps = (weight / scale).clamp(-MOST, MOST);
        *quant = (steps + WHOLE).to_bits() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Packing;

    fn pack(row: &[f32]) -> Vec<u8> {
        let mut packed = vec![0; Packing::Q8.row_bytes(row.len())];
        quantise_row(row, &mut packed).unwrap();
        packed
    }

    /// The weights that a shader makes of a packed row.
    fn unpack(packed: &[u8], n_in: usize) -> Vec<f32> {
        let (quants, scales) = packed.split_at(n_in);
        let scale = |it: usize| f16::from_le_bytes([scales[it / 32 * 2], scales[it / 32 * 2 + 1]]);
        (0..n_in)
            .map(|it| f32::from(quants[it] as i8) * scale(it).to_f32())
            .collect()
    }

    #[test]
    fn quants_and_scales_lie_where_packing_says() {
        let mut row = vec![0.0; 96];
        (row[0], row[31], row[64]) = (127.0, -127.0, -254.0);
        let packed = pack(&row);
        assert_eq!(packed.len(), 112);
        assert_eq!(
            (packed[0], packed[1], packed[31], packed[64]),
            (127, 0, 0x81, 0x81)
        );
        let scales: Vec<f16> = (packed[96..].chunks(2))
            .map(|it| f16::from_le_bytes([it[0], it[1]]))
            .collect();
        assert_eq!(scales[..3], [f16::ONE, f16::ZERO, f16::from_f32(2.0)]);
        assert!(packed[102..].iter().all(|it| *it == 0));
    }

    #[test]
    fn halves_round_to_even() {
        let mut row = [0.0; 32];
        row[..6].copy_from_slice(&[127.0, 0.5, 1.5, -0.5, -2.5, 0.499]);
        assert_eq!(
            pack(&row)[..6]
                .iter()
                .map(|it| *it as i8)
                .collect::<Vec<_>>(),
            [127, 0, 2, 0, -2, 0]
        );
    }

    #[test]
    fn every_size_is_met_within_half_a_step() {
        // From the smallest f32 to the largest that a scale can serve, subnormal scales included.
        for exponent in -149..=21 {
            for most in [1.0, 1.2, 1.99] {
                let most = most * 2f64.powi(exponent);
                let row: Vec<f32> = (0..32)
                    .map(|it| (most * (f64::from(it) - 15.5) / 15.5) as f32)
                    .collect();
                let packed = pack(&row);
                let scale = f16::from_le_bytes([packed[32], packed[33]]).to_f32();
                assert!(row.iter().all(|it| *it == 0.0) || scale > 0.0);
                assert!(!packed[..32].contains(&0x80), "a quant of -128");
                for (got, weight) in unpack(&packed, 32).iter().zip(&row) {
                    assert!(
                        (got - weight).abs() <= scale * 0.500_1,
                        "{weight:e} became {got:e}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_scale_beyond_f16_is_an_error() {
        let mut row = [0.0; 64];
        row[33] = -1e7;
        assert_eq!(quantise_row(&row, &mut [0; 80]), Err(32));
        row[33] = 65_504.0 * 127.0;
        assert_eq!(quantise_row(&row, &mut [0; 80]), Ok(()));
    }
}
