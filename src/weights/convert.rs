//! Rows as a file has them -> rows as the GPU reads them. Leaves 8-bit blocks to `q8`, and where rows lie to `checkpoint`.

use super::{WeightsError, q8};
use crate::spec::{Bytes, DType, Packing, gemma::BLOCK};

/// Bytes looked at together: small enough for the nearest cache, large enough for the loop to be worth it.
const PIECE_BYTES: usize = 32 << 10;

/// Packs whole rows of `n_in` weights of the tensor `tensor`, the first being weight `first_index` of it.
///
/// What the file holds already (bf16 as bf16, f32 as f32) comes back as it came, uncopied; on the web it stays in the JavaScript
/// heap. f32 becomes bf16 by rounding to nearest even, f16 becomes bf16 by way of f32.
///
/// Shapes: `raw` is `[n_rows, n_in]` of `dtype`; the result is `n_rows` rows of [`Packing::row_bytes`].
///
/// Errors: [`WeightsError::NotFinite`], [`WeightsError::TooLarge`], naming the weight; [`WeightsError::DType`].
pub fn pack(
    tensor: &str,
    first_index: u64,
    raw: Bytes,
    dtype: DType,
    n_in: usize,
    packing: Packing,
) -> Result<Bytes, WeightsError> {
    let not_finite = |at: usize| WeightsError::NotFinite {
        tensor: tensor.into(),
        index: first_index + at as u64,
    };
    if !is_weight(dtype) {
        let tensor = tensor.into();
        return Err(WeightsError::DType { tensor, dtype });
    }
    if let Some(at) = first_not_finite(&raw, dtype) {
        return Err(not_finite(at));
    }
    match (dtype, packing) {
        (DType::BF16, Packing::Bf16) | (DType::F32, Packing::F32) | (DType::F16, Packing::F16) => {
            return Ok(raw);
        }
        _ => (),
    }
    let raw = raw.into_vec();
    let mut out = vec![0; raw.len() / dtype.size_bytes() / n_in * packing.row_bytes(n_in)];
    let mut row = vec![0.0; n_in];
    let rows = raw.chunks_exact(n_in * dtype.size_bytes());
    let packed = out.chunks_exact_mut(packing.row_bytes(n_in));
    for (n_before, (raw, packed)) in rows.zip(packed).enumerate() {
        widen(raw, dtype, &mut row);
        let done = match packing {
            Packing::F32 => {
                narrow_f32(&row, packed);
                Ok(())
            }
            Packing::Bf16 => narrow_bf16(&row, packed),
            Packing::F16 => narrow_f16(&row, packed),
            Packing::Q8 => q8::quantise_row(&row, packed),
        };
        done.map_err(|at| WeightsError::TooLarge {
            tensor: tensor.into(),
            index: first_index + (n_before * n_in + at) as u64,
            packing,
        })?;
    }
    Ok(out.into())
}

/// All weights of `raw` as f32, exactly.
///
/// Errors: as [`pack`].
pub(super) fn to_f32(tensor: &str, raw: Bytes, dtype: DType) -> Result<Vec<f32>, WeightsError> {
    let n_in = raw.len() / dtype.size_bytes();
    let mut out = vec![0.0; n_in];
    if n_in > 0 {
        let bytes = pack(tensor, 0, raw, dtype, n_in, Packing::F32)?.into_vec();
        widen(&bytes, DType::F32, &mut out);
    }
    Ok(out)
}

/// Whether tensors of this type can be weights.
pub(super) fn is_weight(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::BF16)
}

/// Whether rows of `n_in` weights can be packed so.
pub(super) fn fits(n_in: usize, packing: Packing) -> bool {
    n_in > 0 && (packing != Packing::Q8 || n_in.is_multiple_of(BLOCK))
}

/// f32 -> bf16, nearest even; for finite numbers. The largest become infinite.
pub(super) fn bf16_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    // Only a NaN could overflow; said so that no check stands in the way of vectorising.
    (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// The place of the first weight that is NaN or infinite: its exponent is all ones.
fn first_not_finite(raw: &Bytes, dtype: DType) -> Option<usize> {
    match raw {
        Bytes::Vec(it) => (it.chunks(PIECE_BYTES).enumerate())
            .find_map(|(n, piece)| not_finite_in(piece, dtype, n * PIECE_BYTES)),
        #[cfg(target_arch = "wasm32")]
        Bytes::Js(it) => {
            // The numbers are looked at through a small window; what goes on to the GPU stays where it is.
            let mut window = vec![0; PIECE_BYTES];
            (0..raw.len()).step_by(PIECE_BYTES).find_map(|at| {
                let end = raw.len().min(at + PIECE_BYTES);
                let window = &mut window[..end - at];
                it.subarray(at as u32, end as u32).copy_to(window);
                not_finite_in(window, dtype, at)
            })
        }
    }
}

/// The place of the first bad weight of a piece that begins at byte `at`.
fn not_finite_in(piece: &[u8], dtype: DType, at: usize) -> Option<usize> {
    let found = match dtype {
        DType::BF16 => not_finite_16(piece, 0x7f80),
        DType::F16 => not_finite_16(piece, 0x7c00),
        DType::F32 => not_finite_32(piece),
        DType::I32 => None,
    };
    found.map(|it| at / dtype.size_bytes() + it)
}

fn not_finite_16(piece: &[u8], exponent: u16) -> Option<usize> {
    let weights = piece.as_chunks::<2>().0;
    let of = |it: &[u8; 2]| u16::from_le_bytes(*it) & exponent;
    // A loop without a way out is one that compilers vectorise.
    let most = weights.iter().fold(0, |most, it| of(it).max(most));
    (most == exponent).then(|| weights.iter().position(|it| of(it) == exponent))?
}

fn not_finite_32(piece: &[u8]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let weights = piece.as_chunks::<4>().0;
    let of = |it: &[u8; 4]| u32::from_le_bytes(*it) & EXPONENT;
    let most = weights.iter().fold(0, |most, it| of(it).max(most));
    (most == EXPONENT).then(|| weights.iter().position(|it| of(it) == EXPONENT))?
}

/// Weights of a file as f32; exact, for finite numbers.
fn widen(raw: &[u8], dtype: DType, row: &mut [f32]) {
    match dtype {
        DType::BF16 => {
            for (it, value) in raw.as_chunks::<2>().0.iter().zip(row) {
                *value = f32::from_bits(u32::from(u16::from_le_bytes(*it)) << 16);
            }
        }
        DType::F16 => {
            for (it, value) in raw.as_chunks::<2>().0.iter().zip(row) {
                *value = f32_from_f16(u16::from_le_bytes(*it));
            }
        }
        DType::F32 | DType::I32 => {
            for (it, value) in raw.as_chunks::<4>().0.iter().zip(row) {
                *value = f32::from_le_bytes(*it);
            }
        }
    }
}

/// f16 -> f32 without branches: the bits at their places, then the exponents' difference of 112 made good; exact for finite
/// numbers, the subnormal ones too.
fn f32_from_f16(bits: u16) -> f32 {
    const TWO_TO_112: f32 = f32::from_bits((127 + 112) << 23);
    let (sign, size) = (u32::from(bits & 0x8000), u32::from(bits & 0x7fff));
    f32::from_bits(sign << 16 | size << 13) * TWO_TO_112
}

fn narrow_f32(row: &[f32], packed: &mut [u8]) {
    for (value, out) in row.iter().zip(packed.as_chunks_mut::<4>().0) {
        *out = value.to_le_bytes();
    }
}

/// Errors: the place of the first weight that rounds to infinity.
fn narrow_bf16(row: &[f32], packed: &mut [u8]) -> Result<(), usize> {
    for (value, out) in row.iter().zip(packed.as_chunks_mut::<2>().0) {
        *out = bf16_bits(*value).to_le_bytes();
    }
    not_finite_16(packed, 0x7f80).map_or(Ok(()), Err)
}

/// Errors: the place of the first weight that rounds to infinity.
fn narrow_f16(row: &[f32], packed: &mut [u8]) -> Result<(), usize> {
    for (value, out) in row.iter().zip(packed.as_chunks_mut::<2>().0) {
        *out = half::f16::from_f32(*value).to_le_bytes();
    }
    not_finite_16(packed, 0x7c00).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    fn bytes<T: bytemuck::NoUninit>(values: &[T]) -> Bytes {
        bytemuck::cast_slice::<T, u8>(values).to_vec().into()
    }

    #[test]
    fn every_finite_f16_widens_as_half_does_it() {
        for bits in 0..=u16::MAX {
            let exact = f16::from_bits(bits);
            if exact.is_finite() {
                assert_eq!(
                    f32_from_f16(bits).to_bits(),
                    exact.to_f32().to_bits(),
                    "{bits:04x}"
                );
            }
        }
    }

    #[test]
    fn f32_rounds_to_the_bf16_that_half_chooses() {
        let mut state = 1u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(state);
            if value.is_finite() {
                assert_eq!(
                    bf16_bits(value),
                    bf16::from_f32(value).to_bits(),
                    "{value:e}"
                );
            }
        }
        for (value, expected) in [(1.003_906_3, 0x3f80), (1.011_718_8, 0x3f82), (-0.0, 0x8000)] {
            assert_eq!(bf16_bits(value), expected, "{value}");
        }
    }

    #[test]
    fn what_needs_no_packing_is_handed_on() {
        let raw = bytes(&[bf16::from_f32(1.5), bf16::from_f32(-2.0)]);
        let out = pack("t", 0, raw.clone(), DType::BF16, 2, Packing::Bf16).unwrap();
        assert_eq!(out.into_vec(), raw.into_vec());
    }

    #[test]
    fn bad_weights_are_named_by_their_place() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 1, 40_000, 65_535] {
                let mut row = vec![1.0; 65_536];
                row[at] = bad;
                let halves: Vec<f16> = row.iter().map(|it| f16::from_f32(*it)).collect();
                let uppers: Vec<bf16> = row.iter().map(|it| bf16::from_f32(*it)).collect();
                let files = [
                    (bytes(&row), DType::F32),
                    (bytes(&halves), DType::F16),
                    (bytes(&uppers), DType::BF16),
                ];
                for (raw, dtype) in files {
                    for packing in [Packing::F32, Packing::Bf16, Packing::Q8] {
                        let got = pack("t", 7, raw.clone(), dtype, 64, packing);
                        let found = matches!(got, Err(WeightsError::NotFinite { index, .. }) if index == 7 + at as u64);
                        assert!(found, "{bad} {dtype:?} {packing:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_weight_that_rounds_to_infinity_is_an_error() {
        let got = pack(
            "t",
            0,
            bytes(&[0.0, f32::MAX]),
            DType::F32,
            2,
            Packing::Bf16,
        );
        assert!(matches!(got, Err(WeightsError::TooLarge { index: 1, .. })));
        assert!(pack("t", 0, bytes(&[f32::MAX]), DType::F32, 1, Packing::F32).is_ok());
    }
}
