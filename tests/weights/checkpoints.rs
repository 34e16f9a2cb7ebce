//! Small checkpoints in memory, taken apart into tensors so that a test can put them together wrongly.

use gemscope::{
    hub::{Memory, Source},
    spec::Config,
    sys::block_on,
    weights::{
        Checkpoint, WeightsError,
        synth::{Stored, Synthetic},
    },
};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// The file of a checkpoint that is not sharded.
pub const FILE: &str = "model.safetensors";

/// One layer, as small as a config may be.
pub fn tiny() -> Config {
    Config {
        n_layers: 1,
        d_model: 32,
        n_heads: 2,
        n_kv_heads: 1,
        d_head: 16,
        d_mlp: 64,
        d_vocab: 8,
        ..Config::gemma_2_2b()
    }
}

/// All files of a synthetic checkpoint, in memory.
pub fn in_memory(config: &Config, stored: Stored, n_shards: usize) -> Memory {
    let synthetic = Synthetic::with(config, stored, n_shards);
    let mut memory = Memory::default();
    for file in synthetic.files() {
        let size = block_on(synthetic.size(file)).unwrap();
        let bytes = block_on(synthetic.read(file, 0..size)).unwrap();
        memory.insert(file, bytes.into_vec());
    }
    memory
}

pub fn open(source: impl Source + 'static) -> Result<Checkpoint, WeightsError> {
    block_on(Checkpoint::open(Rc::new(source)))
}

/// A tensor as it stands in a file.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub bytes: Vec<u8>,
}

/// The tensors of a safetensors file.
pub fn tensors_of(file: &[u8]) -> Vec<Tensor> {
    let extent = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: Map<String, Value> = serde_json::from_slice(&file[8..extent]).unwrap();
    let mut tensors = Vec::new();
    for (name, it) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let at = |n: usize| extent + it["data_offsets"][n].as_u64().unwrap() as usize;
        tensors.push(Tensor {
            name: name.clone(),
            dtype: it["dtype"].as_str().unwrap().into(),
            shape: serde_json::from_value(it["shape"].clone()).unwrap(),
            bytes: file[at(0)..at(1)].to_vec(),
        });
    }
    tensors
}

/// A safetensors file of these tensors.
pub fn file_of(tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), Vec::<u8>::new());
    for it in tensors {
        let offsets = [data.len(), data.len() + it.bytes.len()];
        data.extend(&it.bytes);
        let entry = json!({"dtype": it.dtype, "shape": it.shape, "data_offsets": offsets});
        header.insert(it.name.clone(), entry);
    }
    let mut file = file_with_header(&Value::from(header).to_string());
    file.extend(data);
    file
}

/// The beginning of a file, with this header.
pub fn file_with_header(json: &str) -> Vec<u8> {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    file
}

/// The tiny checkpoint, its tensors changed.
pub fn changed(change: impl FnOnce(&mut Vec<Tensor>)) -> Memory {
    let mut memory = in_memory(&tiny(), Stored::Bf16, 1);
    let mut tensors = tensors_of(&memory.remove(FILE).unwrap());
    change(&mut tensors);
    memory.insert(FILE, file_of(&tensors));
    memory
}

/// The tensor of this name.
pub fn find<'a>(tensors: &'a mut [Tensor], name: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|it| it.name == name).unwrap()
}
