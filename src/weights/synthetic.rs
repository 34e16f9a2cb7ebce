//! A synthetic checkpoint as a place of files whose bytes are made when they are read. Leaves the weights themselves to `synth`, and
//! the files of transcoders to `synthetic_npz`.

use super::{
    layout::{INDEX_FILE, SINGLE_FILE},
    synth::{Preset, Uniform},
    synthetic_file::{Element, File},
    synthetic_npz,
};
use crate::{
    hub::{HubError, Source, check_range},
    spec::{Bytes, Config, TensorName, TensorSpec, gemma, registry},
};
use futures_util::{FutureExt, future, future::LocalBoxFuture};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, ops::Range};

/// The type in which a synthetic checkpoint stores its weights, which are bf16 numbers either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stored {
    /// As bf16.
    #[default]
    Bf16,
    /// As f32, with zeros in the lower half.
    F32,
}

/// A synthetic checkpoint, or its transcoders: the very files that synth.py writes, without a disk.
#[derive(Clone, Debug)]
pub struct Synthetic {
    name: &'static str,
    files: BTreeMap<String, File>,
}

impl Synthetic {
    /// A preset in bf16 and one file, as the published checkpoints are.
    pub fn new(preset: Preset) -> Self {
        Self::with(&preset.config(), Stored::Bf16, 1)
    }

    /// Of any config, in `n_shards` files.
    pub fn with(config: &Config, stored: Stored, n_shards: usize) -> Self {
        let mut files = BTreeMap::new();
        let specs = registry(config);
        let mut weight_map = Map::new();
        for (n, mut shard) in into_shards(&specs, n_shards.max(1)).into_iter().enumerate() {
            let name = match n_shards {
                0 | 1 => SINGLE_FILE.to_string(),
                _ => format!("model-{:05}-of-{n_shards:05}.safetensors", n + 1),
            };
            for spec in &shard {
                weight_map.insert(spec.file_name.clone(), name.clone().into());
            }
            // As published files are: layers.0, .1, .10, .11, .2.
            shard.sort_by(|a, b| a.file_name.cmp(&b.file_name));
            files.insert(name, safetensors(&shard, config, stored));
        }
        if n_shards > 1 {
            let n_weights: u64 = specs.iter().map(n_weights).sum();
            let metadata = json!({"total_size": n_weights * stored.element().size_bytes()});
            let index = json!({"metadata": metadata, "weight_map": weight_map});
            files.insert(INDEX_FILE.into(), text(&index));
        }
        files.insert("config.json".into(), text(&config_json(config, stored)));
        Self {
            name: "the synthetic checkpoint",
            files,
        }
    }

    /// The transcoders of a preset's first layers, in f32, in the files and folders of google/gemma-scope-2b-pt-transcoders.
    ///
    /// The checksums in them are 0, since each would ask for a whole array; [`write`] sets them right.
    pub fn transcoders(preset: Preset, n_layers: usize) -> Self {
        let layers = 0..n_layers.min(preset.config().n_layers);
        let file = |it| {
            let name = synthetic_npz::file_name(preset, it);
            (name, synthetic_npz::file(preset, it))
        };
        Self {
            name: "the synthetic transcoders",
            files: layers.map(file).collect(),
        }
    }

    /// The names of its files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files themselves.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn contents(&self) -> &BTreeMap<String, File> {
        &self.files
    }

    /// Bytes of all its files.
    pub fn size_bytes(&self) -> u64 {
        self.files.values().map(File::size_bytes).sum()
    }

    fn file(&self, file: &str) -> Result<&File, HubError> {
        self.files.get(file).ok_or_else(|| HubError::NotFound {
            file: file.into(),
            place: self.name(),
        })
    }

    fn range(&self, file: &str, range: Range<u64>) -> Result<Bytes, HubError> {
        let it = self.file(file)?;
        let n_bytes = check_range(file, &range, it.size_bytes())?;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(n_bytes)
            .map_err(|_| HubError::Memory {
                file: file.into(),
                size_bytes: n_bytes,
            })?;
        bytes.resize(n_bytes, 0);
        it.fill(range.start, &mut bytes);
        Ok(bytes.into())
    }
}

impl Source for Synthetic {
    fn size(&self, file: &str) -> LocalBoxFuture<'_, Result<u64, HubError>> {
        future::ready(self.file(file).map(File::size_bytes)).boxed_local()
    }

    fn read(&self, file: &str, range: Range<u64>) -> LocalBoxFuture<'_, Result<Bytes, HubError>> {
        future::ready(self.range(file, range)).boxed_local()
    }

    fn list(&self) -> LocalBoxFuture<'_, Result<Vec<String>, HubError>> {
        future::ready(Ok(self.files.keys().cloned().collect())).boxed_local()
    }

    fn name(&self) -> String {
        self.name.into()
    }
}

impl Stored {
    fn element(self) -> Element {
        match self {
            Self::Bf16 => Element::Bf16,
            Self::F32 => Element::Bf16AsF32,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "BF16",
            Self::F32 => "F32",
        }
    }
}

fn text(value: &Value) -> File {
    let mut file = File::default();
    file.keep(format!("{value:#}\n").into_bytes());
    file
}

/// A safetensors file of these tensors, in this order.
fn safetensors(specs: &[TensorSpec], config: &Config, stored: Stored) -> File {
    let mut json = String::from(r#"{"__metadata__":{"format":"pt"}"#);
    let (element, mut at) = (stored.element(), 0);
    for spec in specs {
        let end = at + n_weights(spec) * element.size_bytes();
        let (name, dtype) = (&spec.file_name, stored.name());
        let shape = json!(spec.shape);
        json += &format!(
            r#","{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{at},{end}]}}"#
        );
        at = end;
    }
    json.push('}');
    json += &" ".repeat(json.len().next_multiple_of(8) - json.len());
    let mut head = (json.len() as u64).to_le_bytes().to_vec();
    head.extend(json.into_bytes());
    let mut file = File::default();
    file.keep(head);
    for spec in specs {
        file.make(Uniform::of(spec.name, config), element, n_weights(spec));
    }
    file
}

/// Tensors layer by layer and by name within, cut into files of about the same size as synth.py cuts them.
fn into_shards(specs: &[TensorSpec], n_shards: usize) -> Vec<Vec<TensorSpec>> {
    let mut specs = specs.to_vec();
    specs.sort_by_cached_key(|it| (place(it.name), it.file_name.clone()));
    let total: u64 = specs.iter().map(n_weights).sum();
    let mut shards = vec![Vec::new(); n_shards];
    let mut before = 0;
    for spec in specs {
        let shard = (before * n_shards as u64 / total) as usize;
        before += n_weights(&spec);
        shards[shard.min(n_shards - 1)].push(spec);
    }
    shards
}

/// Where in the network a tensor stands: first the embedding, then the layers, last the final norm.
fn place(name: TensorName) -> usize {
    match name {
        TensorName::Embed => 0,
        TensorName::Matrix(layer, _) | TensorName::Norm(layer, _) => layer + 1,
        TensorName::FinalNorm => usize::MAX,
    }
}

fn n_weights(spec: &TensorSpec) -> u64 {
    spec.shape.iter().map(|it| *it as u64).product()
}

/// The file's own keys. Source: `hf_config` of synth.py, google/gemma-2-2b config.json.
fn config_json(config: &Config, stored: Stored) -> Value {
    json!({
        "architectures": [gemma::ARCHITECTURE],
        "model_type": gemma::MODEL_TYPE,
        "attention_bias": false,
        "attention_dropout": 0.0,
        "attn_logit_softcapping": config.attn_softcap,
        "bos_token_id": gemma::BOS,
        "cache_implementation": "hybrid",
        "eos_token_id": gemma::EOS,
        "final_logit_softcapping": config.final_softcap,
        "head_dim": config.d_head,
        "hidden_act": gemma::HIDDEN_ACTIVATION,
        "hidden_activation": gemma::HIDDEN_ACTIVATION,
        "hidden_size": config.d_model,
        "initializer_range": 0.02,
        "intermediate_size": config.d_mlp,
        "max_position_embeddings": config.n_ctx_max,
        "num_attention_heads": config.n_heads,
        "num_hidden_layers": config.n_layers,
        "num_key_value_heads": config.n_kv_heads,
        "pad_token_id": gemma::PAD,
        "query_pre_attn_scalar": config.query_pre_attn_scalar,
        "rms_norm_eps": config.eps,
        "rope_theta": config.rope_theta,
        "sliding_window": config.sliding_window,
        "torch_dtype": match stored { Stored::Bf16 => "bfloat16", Stored::F32 => "float32" },
        "use_cache": true,
        "vocab_size": config.d_vocab,
    })
}
