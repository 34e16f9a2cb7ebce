//! A synthetic checkpoint as a place of files whose bytes are made when they are read. Leaves the weights themselves to `synth`.

use super::{
    layout::{INDEX_FILE, SINGLE_FILE},
    synth::{Preset, Uniform},
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

/// A synthetic checkpoint: the very files that synth.py writes, without a disk.
#[derive(Clone, Debug)]
pub struct Synthetic {
    files: BTreeMap<String, File>,
}

/// A file of some bytes that are kept and some that are made.
#[derive(Clone, Debug)]
struct File {
    head: Vec<u8>,
    stored: Stored,
    /// Tensors behind the head, in the order of their ranges, which count from the start of the file.
    tensors: Vec<(Range<u64>, Uniform)>,
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
            files.insert(name, File::of(&shard, config, stored));
        }
        if n_shards > 1 {
            let n_weights: u64 = specs.iter().map(n_weights).sum();
            let metadata = json!({"total_size": n_weights * stored.size_bytes()});
            let index = json!({"metadata": metadata, "weight_map": weight_map});
            files.insert(INDEX_FILE.into(), File::text(&index));
        }
        files.insert(
            "config.json".into(),
            File::text(&config_json(config, stored)),
        );
        Self { files }
    }

    /// The names of its files.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
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

    fn name(&self) -> String {
        "the synthetic checkpoint".into()
    }
}

/// Writes every file into a folder, which is made if need be, and calls `progress` with bytes done and bytes in all.
///
/// Errors: [`super::WeightsError::Write`], naming the file.
#[cfg(not(target_arch = "wasm32"))]
pub fn write(
    source: &Synthetic,
    folder: &std::path::Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), super::WeightsError> {
    const PIECE_BYTES: u64 = 4 << 20;
    let error = |file: &str, source| super::WeightsError::Write {
        file: file.into(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|it| error(&folder.display().to_string(), it))?;
    let (mut done, total) = (0, source.size_bytes());
    let mut piece = Vec::new();
    for (name, file) in &source.files {
        let path = folder.join(name);
        let mut out = std::fs::File::create(&path).map_err(|it| error(name, it))?;
        for start in (0..file.size_bytes()).step_by(PIECE_BYTES as usize) {
            piece.resize(PIECE_BYTES.min(file.size_bytes() - start) as usize, 0);
            file.fill(start, &mut piece);
            std::io::Write::write_all(&mut out, &piece).map_err(|it| error(name, it))?;
            done += piece.len() as u64;
            progress(done, total);
        }
    }
    Ok(())
}

impl Stored {
    fn size_bytes(self) -> u64 {
        match self {
            Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "BF16",
            Self::F32 => "F32",
        }
    }

    /// Makes weights from place `first` on; `out` is a whole number of them.
    fn fill(self, uniform: &Uniform, first: u64, out: &mut [u8]) {
        // A range with an end counts without checks, one without an end does not.
        let places = first..first + out.len() as u64 / self.size_bytes();
        match self {
            Self::Bf16 => {
                for (index, it) in places.zip(out.as_chunks_mut::<2>().0) {
                    *it = uniform.bf16_bits_at(index).to_le_bytes();
                }
            }
            Self::F32 => {
                for (index, it) in places.zip(out.as_chunks_mut::<4>().0) {
                    *it = (u32::from(uniform.bf16_bits_at(index)) << 16).to_le_bytes();
                }
            }
        }
    }
}

impl File {
    fn text(value: &Value) -> Self {
        Self {
            head: format!("{value:#}\n").into_bytes(),
            stored: Stored::Bf16,
            tensors: Vec::new(),
        }
    }

    /// A safetensors file of these tensors, in this order.
    fn of(specs: &[TensorSpec], config: &Config, stored: Stored) -> Self {
        let mut json = String::from(r#"{"__metadata__":{"format":"pt"}"#);
        let (mut tensors, mut at) = (Vec::new(), 0);
        for spec in specs {
            let end = at + n_weights(spec) * stored.size_bytes();
            let (name, dtype) = (&spec.file_name, stored.name());
            let shape = json!(spec.shape);
            json += &format!(
                r#","{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{at},{end}]}}"#
            );
            tensors.push((at..end, Uniform::of(spec.name, config)));
            at = end;
        }
        json.push('}');
        json += &" ".repeat(json.len().next_multiple_of(8) - json.len());
        let mut head = (json.len() as u64).to_le_bytes().to_vec();
        head.extend(json.into_bytes());
        let extent = head.len() as u64;
        for (range, _) in &mut tensors {
            *range = range.start + extent..range.end + extent;
        }
        Self {
            head,
            stored,
            tensors,
        }
    }

    fn size_bytes(&self) -> u64 {
        let head = self.head.len() as u64;
        self.tensors.last().map_or(head, |(range, _)| range.end)
    }

    /// Makes the bytes from `start` on, which must lie in the file.
    fn fill(&self, start: u64, out: &mut [u8]) {
        let end = start + out.len() as u64;
        let in_head = start.min(self.head.len() as u64)..end.min(self.head.len() as u64);
        let n_head = (in_head.end - in_head.start) as usize;
        out[..n_head].copy_from_slice(&self.head[in_head.start as usize..in_head.end as usize]);
        let first = self.tensors.partition_point(|(it, _)| it.end <= start);
        for (tensor, uniform) in &self.tensors[first..] {
            if tensor.start >= end {
                break;
            }
            let from = tensor.start.max(start);
            let piece = &mut out[(from - start) as usize..(tensor.end.min(end) - start) as usize];
            self.fill_tensor(uniform, from - tensor.start, piece);
        }
    }

    /// Makes the bytes of a tensor from its byte `at` on, which may lie inside a weight.
    fn fill_tensor(&self, uniform: &Uniform, at: u64, out: &mut [u8]) {
        let size = self.stored.size_bytes();
        let (first, skipped) = (at / size, (at % size) as usize);
        if skipped == 0 && (out.len() as u64).is_multiple_of(size) {
            return self.stored.fill(uniform, first, out);
        }
        let mut whole = vec![0; (skipped + out.len()).next_multiple_of(size as usize)];
        self.stored.fill(uniform, first, &mut whole);
        out.copy_from_slice(&whole[skipped..skipped + out.len()]);
    }
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
