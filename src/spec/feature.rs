//! The name of a feature: `LAYER.INDEX`, the same in commands and links.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A feature of a layer's dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FeatureId {
    /// The layer.
    pub layer: usize,
    /// Its index in the dictionary.
    pub index: usize,
}

/// Why a text names no feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureError {
    /// What was given.
    pub text: String,
}

/// A number in decimal digits only.
pub(super) fn digits(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for FeatureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.index)
    }
}

impl FromStr for FeatureId {
    type Err = FeatureError;

    fn from_str(text: &str) -> Result<Self, FeatureError> {
        let parts = text.split_once('.');
        let numbers = parts.and_then(|(layer, index)| digits(layer).zip(digits(index)));
        let (layer, index) = numbers.ok_or_else(|| FeatureError { text: text.into() })?;
        Ok(Self { layer, index })
    }
}

impl From<FeatureId> for String {
    fn from(it: FeatureId) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for FeatureId {
    type Error = FeatureError;

    fn try_from(text: String) -> Result<Self, FeatureError> {
        text.parse()
    }
}

impl fmt::Display for FeatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` names no feature; write LAYER.INDEX, as in 12.345",
            self.text
        )
    }
}

impl std::error::Error for FeatureError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let id = FeatureId {
            layer: 12,
            index: 345,
        };
        assert_eq!("12.345".parse(), Ok(id));
        assert_eq!(id.to_string(), "12.345");
        for text in ["", "12", "12.", ".3", "-1.2", "1.2.3", "a.b", "+1.2", "1,2"] {
            assert!(text.parse::<FeatureId>().is_err(), "{text}");
        }
    }
}
