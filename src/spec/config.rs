//! What a checkpoint says of its own sizes, read from `config.json` and compared with what Gemma 2 allows.

use super::gemma;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Sizes and numbers of a Gemma 2 model. Names are the field's; the file's keys stand beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// `num_hidden_layers`.
    pub n_layers: usize,
    /// `hidden_size`.
    pub d_model: usize,
    /// `num_attention_heads`.
    pub n_heads: usize,
    /// `num_key_value_heads`.
    pub n_kv_heads: usize,
    /// `head_dim`.
    pub d_head: usize,
    /// `intermediate_size`.
    pub d_mlp: usize,
    /// `vocab_size`.
    pub d_vocab: usize,
    /// `max_position_embeddings`.
    pub n_ctx_max: usize,
    /// `sliding_window`, of the even layers.
    pub sliding_window: usize,
    /// `query_pre_attn_scalar`: scores are multiplied by it to the power -1/2.
    pub query_pre_attn_scalar: f64,
    /// `attn_logit_softcapping`.
    pub attn_softcap: f64,
    /// `final_logit_softcapping`.
    pub final_softcap: f64,
    /// `rms_norm_eps`.
    pub eps: f64,
    /// `rope_theta`.
    pub rope_theta: f64,
}

/// Why a `config.json` can't be run.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigError {
    /// Not JSON, or a key is missing or of another type.
    Json {
        /// What the parser says.
        detail: String,
    },
    /// Another architecture than Gemma 2.
    Architecture {
        /// The key that says so.
        key: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// A number that no Gemma 2 can have.
    Value {
        /// The key.
        key: &'static str,
        /// What it holds.
        found: String,
        /// What it must be.
        must: &'static str,
    },
}

impl Config {
    /// Reads a `config.json` of Gemma 2.
    ///
    /// Errors: [`ConfigError`], naming the key.
    pub fn from_json(text: &[u8]) -> Result<Self, ConfigError> {
        let file: File = serde_json::from_slice(text).map_err(|it| ConfigError::Json {
            detail: it.to_string(),
        })?;
        file.check_architecture()?;
        let config = file.into_config();
        config.check()?;
        Ok(config)
    }

    /// Sizes of Gemma 2 2B. Source: google/gemma-2-2b config.json.
    pub fn gemma_2_2b() -> Self {
        Self {
            n_layers: gemma::N_LAYERS,
            d_model: 2304,
            n_heads: 8,
            n_kv_heads: 4,
            d_head: 256,
            d_mlp: 9216,
            d_vocab: 256_000,
            n_ctx_max: 8192,
            sliding_window: 4096,
            query_pre_attn_scalar: 256.0,
            attn_softcap: 50.0,
            final_softcap: 30.0,
            eps: 1e-6,
            rope_theta: 10_000.0,
        }
    }

    /// Width of all query heads.
    pub fn d_q(&self) -> usize {
        self.n_heads * self.d_head
    }

    /// Width of all key heads, and of all value heads.
    pub fn d_kv(&self) -> usize {
        self.n_kv_heads * self.d_head
    }

    /// The window of layer `layer` in positions: key j is seen from i iff `j <= i && j > i - window`.
    pub fn window(&self, layer: usize) -> usize {
        if gemma::layer_slides(layer) {
            self.sliding_window
        } else {
            usize::MAX
        }
    }

    /// Checks the numbers against each other.
    ///
    /// Errors: [`ConfigError::Value`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_sizes()?;
        self.check_divisors()?;
        let numbers = [
            ("query_pre_attn_scalar", self.query_pre_attn_scalar),
            ("attn_logit_softcapping", self.attn_softcap),
            ("final_logit_softcapping", self.final_softcap),
            ("rms_norm_eps", self.eps),
            ("rope_theta", self.rope_theta),
        ];
        match numbers.iter().find(|it| !(it.1.is_finite() && it.1 > 0.0)) {
            Some((key, number)) => refuse(key, number, "positive and finite"),
            None => Ok(()),
        }
    }

    /// Generous bounds: they keep products of sizes inside u64 and u32, not models small.
    fn check_sizes(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("num_hidden_layers", self.n_layers, 1 << 12),
            ("hidden_size", self.d_model, 1 << 16),
            ("num_attention_heads", self.n_heads, 1 << 10),
            ("num_key_value_heads", self.n_kv_heads, 1 << 10),
            ("head_dim", self.d_head, 1 << 12),
            ("intermediate_size", self.d_mlp, 1 << 20),
            ("vocab_size", self.d_vocab, 1 << 24),
            ("max_position_embeddings", self.n_ctx_max, 1 << 24),
            ("sliding_window", self.sliding_window, 1 << 24),
        ];
        let wrong = |it: &&(_, usize, usize)| it.1 == 0 || it.1 > it.2;
        match sizes.iter().find(wrong) {
            Some((key, size, _)) => refuse(key, size, "positive and of a size that exists"),
            None => Ok(()),
        }
    }

    /// What kernels rely on: heads share keys evenly, contracted dimensions are whole blocks, heads whole vectors.
    fn check_divisors(&self) -> Result<(), ConfigError> {
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            let must = "a divisor of num_attention_heads";
            return refuse("num_key_value_heads", &self.n_kv_heads, must);
        }
        let contracted = [
            ("hidden_size", self.d_model),
            ("intermediate_size", self.d_mlp),
            ("head_dim", self.d_q()),
        ];
        let uneven = |it: &&(_, usize)| !it.1.is_multiple_of(gemma::BLOCK);
        if let Some((key, size)) = contracted.iter().find(uneven) {
            let must = "a multiple of 32 (times the heads, for head_dim)";
            return refuse(key, size, must);
        }
        if !self.d_head.is_multiple_of(4) {
            return refuse("head_dim", &self.d_head, "a multiple of 4");
        }
        Ok(())
    }
}

fn refuse(
    key: &'static str,
    found: &dyn fmt::Display,
    must: &'static str,
) -> Result<(), ConfigError> {
    let found = found.to_string();
    Err(ConfigError::Value { key, found, must })
}

/// The file's own keys.
#[derive(Deserialize)]
struct File {
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
    hidden_activation: Option<String>,
    attention_bias: Option<bool>,
    tie_word_embeddings: Option<bool>,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    sliding_window: usize,
    query_pre_attn_scalar: f64,
    attn_logit_softcapping: f64,
    final_logit_softcapping: f64,
    rms_norm_eps: f64,
    rope_theta: f64,
}

impl File {
    fn check_architecture(&self) -> Result<(), ConfigError> {
        let architecture = self
            .architectures
            .as_ref()
            .map_or_else(String::new, |it| it.join(", "));
        let model_type = self.model_type.clone().unwrap_or_default();
        let activation = self.hidden_activation.clone();
        let wrong = |key, found, expected| {
            Err(ConfigError::Architecture {
                key,
                found,
                expected,
            })
        };
        if architecture != gemma::ARCHITECTURE {
            return wrong("architectures", architecture, gemma::ARCHITECTURE);
        }
        if model_type != gemma::MODEL_TYPE {
            return wrong("model_type", model_type, gemma::MODEL_TYPE);
        }
        match activation {
            Some(it) if it != gemma::HIDDEN_ACTIVATION => {
                return wrong("hidden_activation", it, gemma::HIDDEN_ACTIVATION);
            }
            _ => (),
        }
        if self.attention_bias == Some(true) {
            return wrong("attention_bias", "true".into(), "false");
        }
        if self.tie_word_embeddings == Some(false) {
            return wrong("tie_word_embeddings", "false".into(), "true");
        }
        Ok(())
    }

    fn into_config(self) -> Config {
        Config {
            n_layers: self.num_hidden_layers,
            d_model: self.hidden_size,
            n_heads: self.num_attention_heads,
            n_kv_heads: self.num_key_value_heads,
            d_head: self.head_dim,
            d_mlp: self.intermediate_size,
            d_vocab: self.vocab_size,
            n_ctx_max: self.max_position_embeddings,
            sliding_window: self.sliding_window,
            query_pre_attn_scalar: self.query_pre_attn_scalar,
            attn_softcap: self.attn_logit_softcapping,
            final_softcap: self.final_logit_softcapping,
            eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { detail } => write!(f, "config.json can't be read: {detail}"),
            Self::Architecture {
                key,
                found,
                expected,
            } => {
                write!(
                    f,
                    "config.json is not of Gemma 2: `{key}` is `{found}`, not `{expected}`"
                )
            }
            Self::Value { key, found, must } => {
                write!(f, "config.json: `{key}` is {found}; it must be {must}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
