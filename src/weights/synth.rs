//! Synthetic checkpoints of any size: every weight a pure function of its tensor's name and its place, bit for bit the same
//! everywhere. Leaves the files that they would lie in to [`Synthetic`].
//!
//! Source: `synth.py` of the reference data. All integers are unsigned 64 bit and wrap.
//!
//! ```text
//! seed(name)  = FNV-1a 64 of the UTF-8 name
//! z(name, i)  = the splitmix64 finaliser of seed + (i + 1) * 0x9e3779b97f4a7c15
//! u(name, i)  = (z >> 40) / 2^24                in [0, 1), exact in f32
//! weight      = lo + (hi - lo) * u              one f32 multiply, one f32 add; of models then rounded to bf16
//! ```

pub use super::synthetic::{Stored, Synthetic};
#[cfg(not(target_arch = "wasm32"))]
pub use super::synthetic_write::write;
use super::{WeightsError, convert::bf16_bits};
use crate::spec::{Config, DictionaryArray, Matrix, TensorName, gemma};
use std::{fmt, str::FromStr};

/// A size of synthetic checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// 4 layers; every size differs from every other, so that a swapped dimension can't pass.
    Nano,
    /// 2 layers of the true shapes of Gemma 2 2B, a small vocabulary.
    Wide,
    /// The whole of Gemma 2 2B.
    Full,
}

impl Preset {
    /// Every preset, small ones first.
    pub const ALL: [Self; 3] = [Self::Nano, Self::Wide, Self::Full];

    /// Its sizes. Source: `PRESETS` of synth.py.
    pub fn config(self) -> Config {
        match self {
            Self::Nano => Config {
                n_layers: 4,
                d_model: 64,
                n_heads: 4,
                n_kv_heads: 2,
                d_head: 32,
                d_mlp: 160,
                d_vocab: 512,
                sliding_window: 8,
                query_pre_attn_scalar: 32.0,
                ..Config::gemma_2_2b()
            },
            Self::Wide => Config {
                n_layers: 2,
                d_vocab: 2048,
                ..Config::gemma_2_2b()
            },
            Self::Full => Config::gemma_2_2b(),
        }
    }

    /// Features of each of its transcoders. Source: as above.
    pub fn d_transcoder(self) -> usize {
        match self {
            Self::Nano => 256,
            Self::Wide | Self::Full => gemma::D_TRANSCODER,
        }
    }

    /// What the folders of its transcoders say of their average L0. Source: as above.
    pub fn average_l0(self) -> usize {
        match self {
            Self::Nano => 4,
            Self::Wide | Self::Full => 80,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nano => "nano",
            Self::Wide => "wide",
            Self::Full => "full",
        })
    }
}

impl FromStr for Preset {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let preset = Self::ALL.into_iter().find(|it| it.to_string() == text);
        preset.ok_or_else(|| WeightsError::Preset {
            preset: text.into(),
        })
    }
}

/// The weights of one tensor, evenly spread over a range.
#[derive(Clone, Debug)]
pub struct Uniform {
    seed: u64,
    lo: f32,
    span: f32,
}

impl Uniform {
    /// Of the tensor named `name`, in `[lo, hi)`; the ends are rounded to f32 first.
    pub fn new(name: &str, lo: f64, hi: f64) -> Self {
        let (lo, hi) = (lo as f32, hi as f32);
        Self {
            seed: fnv1a_64(name),
            lo,
            span: hi - lo,
        }
    }

    /// Of a tensor of Gemma 2.
    pub fn of(name: TensorName, config: &Config) -> Self {
        let end = range_end(name, config);
        Self::new(&name.file_name(), -end, end)
    }

    /// Of an array of a layer's transcoder. Source: `transcoder_tensors` of synth.py.
    pub fn of_dictionary(preset: Preset, layer: usize, array: DictionaryArray) -> Self {
        let end = (3.0 / preset.config().d_model as f64).sqrt();
        let (lo, hi) = match array {
            DictionaryArray::WEnc | DictionaryArray::WDec => (-end, end),
            DictionaryArray::BEnc => (-0.3, 0.3),
            DictionaryArray::BDec => (-0.1, 0.1),
            DictionaryArray::Threshold => (2.2, 2.8),
        };
        Self::new(&format!("transcoder.{layer}.{array}"), lo, hi)
    }

    /// The weight at a place, flat and row-major; not yet rounded to bf16.
    #[inline]
    pub fn at(&self, index: u64) -> f32 {
        let step = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed.wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 24 bits: as a signed number they convert in one instruction, and exactly.
        let u = (z >> 40) as i32 as f32 * (1.0 / 16_777_216.0);
        self.lo + self.span * u
    }

    /// The weight at a place as bf16.
    #[inline]
    pub fn bf16_bits_at(&self, index: u64) -> u16 {
        bf16_bits(self.at(index))
    }
}

/// Weights lie between minus this and this. Source: the table in synth.py.
fn range_end(name: TensorName, config: &Config) -> f64 {
    let unit = |n_in: usize| (3.0 / n_in as f64).sqrt();
    match name {
        TensorName::Embed => 0.05 * 3f64.sqrt(),
        TensorName::Norm(..) | TensorName::FinalNorm => 0.3,
        TensorName::Matrix(_, it) => match it {
            Matrix::Q | Matrix::K => 1.5 * unit(config.d_model),
            Matrix::V | Matrix::Gate | Matrix::Up => unit(config.d_model),
            Matrix::O => unit(config.d_q()),
            Matrix::Down => unit(config.d_mlp),
        },
    }
}

fn fnv1a_64(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
