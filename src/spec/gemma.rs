//! Every number about Gemma 2 that a checkpoint does not say itself, each once, with its source.

use super::{Endpoint, Host, HostTable, Serves};

/// The architecture that this house runs. Source: `architectures` and `model_type` of google/gemma-2-2b config.json.
pub const ARCHITECTURE: &str = "Gemma2ForCausalLM";
/// `model_type` of the same file.
pub const MODEL_TYPE: &str = "gemma2";
/// The only activation of Gemma 2's gate. Source: `hidden_activation` of google/gemma-2-2b config.json.
pub const HIDDEN_ACTIVATION: &str = "gelu_pytorch_tanh";

/// Token that must stand at position 0, once. Source: tokenizer.json of google/gemma-2-2b.
pub const BOS: u32 = 2;
/// End of sequence. Source: as above.
pub const EOS: u32 = 1;
/// Padding. Source: as above.
pub const PAD: u32 = 0;

/// Layer L slides its window iff L is even. Source: transformers `modeling_gemma2.py`, `layer_types`.
pub const fn layer_slides(layer: usize) -> bool {
    layer.is_multiple_of(2)
}

/// sqrt(2 / pi) of the tanh GELU. Source: arXiv:1606.08415.
pub const GELU_SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
/// The cubic term of the tanh GELU. Source: arXiv:1606.08415.
pub const GELU_CUBIC: f64 = 0.044_715;
/// Arguments of `tanh` are clamped to this on GPUs, where it is NaN for large ones on some drivers; tanh(15) is 1 in f32.
pub const TANH_CLAMP: f64 = 15.0;
/// What a masked attention score becomes; a finite number, since infinities are optional in WGSL.
pub const MASKED_SCORE: f32 = -3e38;

/// Layers of Gemma 2 2B, each with a transcoder of that set. Source: `num_hidden_layers` of google/gemma-2-2b config.json.
pub const N_LAYERS: usize = 26;
/// Features of each transcoder of the set that the field uses. Source: google/gemma-scope-2b-pt-transcoders, folders `width_16k`.
pub const D_TRANSCODER: usize = 16_384;

/// Contracted dimensions are read in runs of this many weights, and 8-bit blocks are this long.
pub const BLOCK: usize = 32;
/// Positions of a prompt that one pass takes: each weight is read once for so many.
pub const PREFILL_POSITIONS: usize = 64;
/// Context that is planned when nobody asks for another.
pub const DEFAULT_N_CTX: usize = 1024;
/// Bytes of a storage binding that every WebGPU adapter grants. Source: WebGPU, maxStorageBufferBindingSize default.
pub const DEFAULT_MAX_BINDING_BYTES: u64 = 128 << 20;
/// The smallest forced binding; below it rows of real models no longer fit.
pub const MIN_MAX_BINDING_BYTES: u64 = 4 << 10;

/// The hub that is meant where no other is named. Source: the model cards' own addresses.
pub const HUB: &str = "https://huggingface.co";
/// Where the hub sends requests for large files on to. Source: huggingface.js (signed addresses), xet-core (`cas-bridge.xethub.hf.co`).
pub const HUB_STORAGE: &[&str] = &[
    "https://*.huggingface.co",
    "https://*.hf.co",
    "https://*.xethub.hf.co",
];
/// The model, not gated: one safetensors file in bf16, 5.23 GB. Source: the repository's files.
pub const MODEL_REPO: &str = "unsloth/gemma-2-2b";
/// The publisher's own: gated, three shards in f32, 10.46 GB. Source: the repository's files.
pub const GATED_MODEL_REPO: &str = "google/gemma-2-2b";
/// The transcoders, not gated: one npz per layer and variant, 302 MB each. Source: its model card.
pub const TRANSCODER_REPO: &str = "google/gemma-scope-2b-pt-transcoders";

/// The hub that is meant where no other is named.
pub fn hub() -> Endpoint {
    HUB.parse().expect("HUB is an origin, a test parses it")
}

/// The hosts from which model and transcoders come.
pub fn host_table() -> HostTable {
    let also = HUB_STORAGE.iter().map(|it| {
        it.parse()
            .expect("HUB_STORAGE holds patterns, a test parses them")
    });
    let host = Host {
        endpoint: hub(),
        also: also.collect(),
        serves: Serves::Files,
    };
    HostTable { hosts: vec![host] }
}
