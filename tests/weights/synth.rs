//! Synthetic checkpoints against those that synth.py writes.

use gemscope::{
    hub::Source,
    spec::{Matrix, TensorName},
    sys::block_on,
    weights::synth::{Preset, Stored, Synthetic, Uniform},
};
use sha2::{Digest, Sha256};

/// Bytes read at a time: odd, so that pieces begin inside weights.
const PIECE_BYTES: u64 = (1 << 20) + 3;

fn sha256(source: &Synthetic, file: &str) -> String {
    let size = block_on(source.size(file)).unwrap();
    let mut hasher = Sha256::new();
    for start in (0..size).step_by(PIECE_BYTES as usize) {
        let piece = block_on(source.read(file, start..size.min(start + PIECE_BYTES)));
        hasher.update(piece.unwrap().into_vec());
    }
    hasher
        .finalize()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect()
}

#[test]
fn files_are_those_of_synth_py() {
    let lines = include_str!("../golden/synth.sha256").lines().skip(1);
    for line in lines {
        let [expected, preset, dtype, n_shards, file] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let stored = match dtype {
            "bf16" => Stored::Bf16,
            _ => Stored::F32,
        };
        let config = preset.parse::<Preset>().unwrap().config();
        let source = Synthetic::with(&config, stored, n_shards.parse().unwrap());
        assert_eq!(sha256(&source, file), expected, "{line}");
    }
}

#[test]
fn weights_of_the_full_size_are_those_of_synth_py() {
    // f32 before the rounding and bf16 after it. Source: `uniform` and `bf16_bits` of synth.py, numpy 2.4.6.
    let cases = [
        (TensorName::Embed, 0, 0xbcb6_a020, 0xbcb7),
        (TensorName::Embed, 294_912_000, 0xbd41_083b, 0xbd41),
        (TensorName::Embed, 589_823_999, 0x3db0_7a60, 0x3db0),
        (
            TensorName::Matrix(3, Matrix::Q),
            4_718_591,
            0x3c2f_9624,
            0x3c30,
        ),
        (
            TensorName::Matrix(25, Matrix::Down),
            21_233_663,
            0xbc6a_7692,
            0xbc6a,
        ),
        (TensorName::FinalNorm, 2303, 0x3e67_02a0, 0x3e67),
    ];
    for (name, index, f32_bits, bf16_bits) in cases {
        let uniform = Uniform::of(name, &Preset::Full.config());
        let got = (uniform.at(index).to_bits(), uniform.bf16_bits_at(index));
        assert_eq!(got, (f32_bits, bf16_bits), "{name} at {index}");
    }
}

#[test]
fn any_range_is_a_slice_of_the_whole() {
    for stored in [Stored::Bf16, Stored::F32] {
        let source = Synthetic::with(&Preset::Nano.config(), stored, 1);
        let file = "model.safetensors";
        let size = block_on(source.size(file)).unwrap();
        let read = |range| block_on(source.read(file, range)).unwrap().into_vec();
        let whole = read(0..size);
        let mut state = 1u64;
        for _ in 0..500 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let start = (state >> 33) % size;
            let end = (start + (state >> 20) % 5000).min(size);
            assert_eq!(
                read(start..end),
                whole[start as usize..end as usize],
                "{start}..{end}"
            );
        }
        assert!(block_on(source.read(file, size - 1..size + 1)).is_err());
    }
}

#[test]
fn presets_come_by_their_names() {
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse::<Preset>().unwrap(), preset);
        assert!(preset.config().check().is_ok());
    }
    assert!("huge".parse::<Preset>().is_err());
}
