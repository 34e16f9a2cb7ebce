//! `model.safetensors.index.json`: which file of a sharded checkpoint holds which tensor.

use super::{WeightsError, unique::Unique};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which file holds which tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// File by tensor. Every file lies beside the index.
    pub weight_map: BTreeMap<String, String>,
}

impl Index {
    /// Reads an index.
    ///
    /// Errors: [`WeightsError::IndexJson`]; [`WeightsError::ShardName`] for a file that is not simply beside the index.
    pub fn from_json(file: &str, text: &[u8]) -> Result<Self, WeightsError> {
        let raw: RawIndex = serde_json::from_slice(text).map_err(|it| WeightsError::IndexJson {
            file: file.into(),
            detail: it.to_string(),
        })?;
        let weight_map = raw.weight_map.0;
        for (tensor, shard) in &weight_map {
            if !is_plain(shard) {
                return Err(WeightsError::ShardName {
                    tensor: tensor.clone(),
                    shard: shard.clone(),
                });
            }
        }
        Ok(Self { weight_map })
    }

    /// The files that the index names, each once, in the order of their names.
    pub fn shards(&self) -> Vec<&str> {
        let shards: BTreeSet<&str> = self.weight_map.values().map(String::as_str).collect();
        shards.into_iter().collect()
    }
}

/// The name of a file in the same folder, on every system.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':', '\0'])
        && !name.contains(char::is_control)
}

#[derive(Deserialize)]
struct RawIndex {
    weight_map: Unique<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_come_once_and_in_order() {
        let text = br#"{"metadata":{"total_size":3},"weight_map":{"a":"2.safetensors","b":"1.safetensors","c":"2.safetensors"}}"#;
        let index = Index::from_json("i", text).unwrap();
        assert_eq!(index.shards(), ["1.safetensors", "2.safetensors"]);
    }

    #[test]
    fn a_tensor_twice_is_an_error() {
        let got = Index::from_json("i", br#"{"weight_map":{"a":"1","a":"2"}}"#);
        assert!(
            matches!(got, Err(WeightsError::IndexJson { detail, .. }) if detail.contains("`a`"))
        );
    }

    #[test]
    fn shards_lie_beside_the_index() {
        for name in [
            "", "..", "../a", "/a", "a/b", "a\\\\b", "c:a", ".hidden", "a\\u0000",
        ] {
            let text = format!(r#"{{"weight_map":{{"t":"{name}"}}}}"#);
            let got = Index::from_json("i", text.as_bytes());
            assert!(
                matches!(got, Err(WeightsError::ShardName { .. })),
                "{name}: {got:?}"
            );
        }
    }
}
