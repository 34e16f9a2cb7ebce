//! One line per tensor of Gemma 2: our name, its name in the file, its shape. Loading is a loop over it.

use super::Config;
use std::fmt;

/// A matrix of a layer, `[n_out, n_in]` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Matrix {
    /// `w_q`: `[n_heads * d_head, d_model]`.
    Q,
    /// `w_k`: `[n_kv_heads * d_head, d_model]`.
    K,
    /// `w_v`: `[n_kv_heads * d_head, d_model]`.
    V,
    /// `w_o`: `[d_model, n_heads * d_head]`.
    O,
    /// `w_gate`: `[d_mlp, d_model]`.
    Gate,
    /// `w_up`: `[d_mlp, d_model]`.
    Up,
    /// `w_down`: `[d_model, d_mlp]`.
    Down,
}

/// A gain of a layer, `[d_model]`, stored with 1 subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Norm {
    /// Before attention; folded into q, k and v.
    Input,
    /// After attention, before the stream.
    PostAttention,
    /// Before the MLP; folded into gate and up.
    PreFeedforward,
    /// After the MLP, before the stream.
    PostFeedforward,
}

/// Our name of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TensorName {
    /// The table of tokens, tied to the unembedding: `[d_vocab, d_model]`.
    Embed,
    /// A matrix of a layer.
    Matrix(usize, Matrix),
    /// A gain of a layer.
    Norm(usize, Norm),
    /// The gain before the unembedding; folded into it.
    FinalNorm,
}

/// A line of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Our name.
    pub name: TensorName,
    /// Its name in the file.
    pub file_name: String,
    /// Its shape, outermost first.
    pub shape: Vec<usize>,
}

/// Every tensor that a checkpoint of this config holds, in the order of the network.
///
/// Source: transformers `modeling_gemma2.py`; google/gemma-2-2b `model.safetensors.index.json`.
pub fn registry(config: &Config) -> Vec<TensorSpec> {
    let mut names = vec![TensorName::Embed];
    for layer in 0..config.n_layers {
        let norm = |it| TensorName::Norm(layer, it);
        let matrix = |it| TensorName::Matrix(layer, it);
        names.extend([norm(Norm::Input), matrix(Matrix::Q), matrix(Matrix::K)]);
        names.extend([matrix(Matrix::V), matrix(Matrix::O)]);
        names.extend([norm(Norm::PostAttention), norm(Norm::PreFeedforward)]);
        names.extend([matrix(Matrix::Gate), matrix(Matrix::Up)]);
        names.extend([matrix(Matrix::Down), norm(Norm::PostFeedforward)]);
    }
    names.push(TensorName::FinalNorm);
    names.into_iter().map(|it| it.spec(config)).collect()
}

impl TensorName {
    /// The registry's line of this tensor.
    pub fn spec(self, config: &Config) -> TensorSpec {
        TensorSpec {
            name: self,
            file_name: self.file_name(),
            shape: self.shape(config),
        }
    }

    /// Its name in a checkpoint.
    pub fn file_name(self) -> String {
        match self {
            Self::Embed => "model.embed_tokens.weight".into(),
            Self::FinalNorm => "model.norm.weight".into(),
            Self::Matrix(layer, it) => format!("model.layers.{layer}.{}.weight", it.path()),
            Self::Norm(layer, it) => format!("model.layers.{layer}.{}.weight", it.path()),
        }
    }

    /// Its shape, outermost first.
    pub fn shape(self, config: &Config) -> Vec<usize> {
        match self {
            Self::Embed => vec![config.d_vocab, config.d_model],
            Self::FinalNorm | Self::Norm(..) => vec![config.d_model],
            Self::Matrix(_, it) => it.shape(config).to_vec(),
        }
    }
}

impl Matrix {
    /// `[n_out, n_in]`.
    pub fn shape(self, config: &Config) -> [usize; 2] {
        let (d, q, kv) = (config.d_model, config.d_q(), config.d_kv());
        match self {
            Self::Q => [q, d],
            Self::K | Self::V => [kv, d],
            Self::O => [d, q],
            Self::Gate | Self::Up => [config.d_mlp, d],
            Self::Down => [d, config.d_mlp],
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }
}

impl Norm {
    fn path(self) -> &'static str {
        match self {
            Self::Input => "input_layernorm",
            Self::PostAttention => "post_attention_layernorm",
            Self::PreFeedforward => "pre_feedforward_layernorm",
            Self::PostFeedforward => "post_feedforward_layernorm",
        }
    }
}

impl fmt::Display for TensorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gemma_2_2b_has_288_tensors_and_its_parameters() {
        let lines = registry(&Config::gemma_2_2b());
        let n_parameters: u64 = lines
            .iter()
            .map(|it| it.shape.iter().map(|n| *n as u64).product::<u64>())
            .sum();
        // Source: google/gemma-2-2b model card and index.
        assert_eq!((lines.len(), n_parameters), (288, 2_614_341_888));
    }
}
