//! JSON that comes from outside the page's program. In a browser its own parser reads and writes it: ours would be a tenth of the program.

use serde::de::DeserializeOwned;

/// Reads a text; none where it is not what is expected.
#[cfg(target_arch = "wasm32")]
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let value = js_sys::JSON::parse(text).ok()?;
    serde_wasm_bindgen::from_value(value).ok()
}

/// Reads a text; none where it is not what is expected.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Writes a value as a text.
#[cfg(target_arch = "wasm32")]
pub(super) fn text<T: serde::Serialize>(it: &T) -> Option<String> {
    let value = it.serialize(&serde_wasm_bindgen::Serializer::json_compatible());
    js_sys::JSON::stringify(&value.ok()?).ok()?.as_string()
}

/// Writes a value as a text.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn text<T: serde::Serialize>(it: &T) -> Option<String> {
    serde_json::to_string(it).ok()
}

/// A map as a list of pairs: keys of an object are texts, and numbers are none.
pub(super) mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer, V: Serialize>(
        map: &BTreeMap<usize, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
        from: D,
    ) -> Result<BTreeMap<usize, V>, D::Error> {
        let mut out = BTreeMap::new();
        for (key, value) in Vec::<(usize, V)>::deserialize(from)? {
            out.insert(key, value);
        }
        Ok(out)
    }
}
