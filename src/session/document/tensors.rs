//! Safetensors in the order in which the numbers come: the header first. Plain geometry, no engine.

use super::super::{
    firings::Firing,
    protocol::{Origin, Token},
};
use crate::spec::DType;
use serde_json::{Map, Value, json};

/// A tensor that a file will hold.
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Of its elements.
    pub dtype: DType,
    /// Outermost first.
    pub shape: Vec<usize>,
}

impl Entry {
    /// Of four-byte elements, as all of these are.
    pub fn new(name: impl Into<String>, dtype: DType, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape: shape.to_vec(),
        }
    }

    fn size_bytes(&self) -> u64 {
        let n: u64 = self.shape.iter().map(|it| *it as u64).product();
        n * self.dtype.size_bytes() as u64
    }
}

/// Everything before the numbers, which follow in the order of `entries`.
pub fn header(entries: &[Entry], origin: &Origin) -> Vec<u8> {
    let metadata: Map<String, Value> = (origin.pairs().into_iter())
        .map(|(key, value)| (key.to_string(), value.into()))
        .collect();
    let mut header = Map::from_iter([("__metadata__".to_string(), metadata.into())]);
    let mut at = 0;
    for it in entries {
        let end = at + it.size_bytes();
        let line = json!({ "dtype": it.dtype, "shape": it.shape, "data_offsets": [at, end] });
        header.insert(it.name.clone(), line);
        at = end;
    }
    let mut text = Value::Object(header).to_string();
    text.push_str(&" ".repeat(text.len().next_multiple_of(8) - text.len()));
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// Columns of sparse features: layer, position and index of each, its activation, and what the clean run had.
pub fn feature_entries(n: usize, derived: bool) -> Vec<Entry> {
    let mut out = vec![
        Entry::new("features.layer", DType::I32, &[n]),
        Entry::new("features.pos", DType::I32, &[n]),
        Entry::new("features.index", DType::I32, &[n]),
        Entry::new("features.activation", DType::F32, &[n]),
    ];
    out.extend(derived.then(|| Entry::new("features.clean", DType::F32, &[n])));
    out
}

/// The bytes of a column for some of the features.
pub fn feature_bytes(name: &str, some: &[Firing]) -> Vec<u8> {
    let word = |it: &Firing| match name {
        "features.layer" => (it.layer as i32).to_le_bytes(),
        "features.pos" => (it.pos as i32).to_le_bytes(),
        "features.index" => (it.index as i32).to_le_bytes(),
        "features.activation" => it.activation.to_le_bytes(),
        _ => it.clean.unwrap_or(it.activation).to_le_bytes(),
    };
    some.iter().flat_map(word).collect()
}

/// The column of a prompt's tokens.
pub fn ids(tokens: &[Token]) -> Vec<u8> {
    tokens.iter().flat_map(|it| it.id.to_le_bytes()).collect()
}
