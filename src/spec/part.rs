//! The parts in which a model and its transcoders are fetched, kept and loaded, each of use without the others. Leaves what they
//! consist of to `weights`.

use super::Half;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A part of a model or of its transcoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Part {
    /// Rows of the table of tokens that the opening set of prompts needs, and the last gain.
    Opening,
    /// A tile of the table of tokens.
    Embedding(usize),
    /// Attention of a layer: q, k, v, o and the gains before and after.
    Attention(usize),
    /// MLP of a layer: gate, up, down and the gains before and after.
    Mlp(usize),
    /// The three vectors of a layer's transcoder.
    Vectors(usize),
    /// The encoder of a layer's transcoder.
    Encoder(usize),
    /// The decoder of a layer's transcoder.
    Decoder(usize),
}

impl Part {
    /// The layer that it belongs to; none for those of the whole model.
    pub const fn layer(self) -> Option<usize> {
        match self {
            Self::Opening | Self::Embedding(_) => None,
            Self::Attention(it)
            | Self::Mlp(it)
            | Self::Vectors(it)
            | Self::Encoder(it)
            | Self::Decoder(it) => Some(it),
        }
    }

    /// Whether it is of a transcoder.
    pub const fn is_of_dictionary(self) -> bool {
        matches!(self, Self::Vectors(_) | Self::Encoder(_) | Self::Decoder(_))
    }

    /// A half of a layer's transcoder.
    pub const fn half(layer: usize, half: Half) -> Self {
        match half {
            Half::Encoder => Self::Encoder(layer),
            Half::Decoder => Self::Decoder(layer),
        }
    }
}

/// `opening`, `embedding.3`, `attention.0`, `mlp.0`, `vectors.0`, `encoder.0`, `decoder.0`: a safe name of a file.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening => f.write_str("opening"),
            Self::Embedding(it) => write!(f, "embedding.{it}"),
            Self::Attention(it) => write!(f, "attention.{it}"),
            Self::Mlp(it) => write!(f, "mlp.{it}"),
            Self::Vectors(it) => write!(f, "vectors.{it}"),
            Self::Encoder(it) => write!(f, "encoder.{it}"),
            Self::Decoder(it) => write!(f, "decoder.{it}"),
        }
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no part of a model or a transcoder");
        if text == "opening" {
            return Ok(Self::Opening);
        }
        let (name, number) = text.split_once('.').ok_or_else(unknown)?;
        let plain = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
        let number = plain.then(|| number.parse().ok()).flatten();
        let number = number.ok_or_else(unknown)?;
        match name {
            "embedding" => Ok(Self::Embedding(number)),
            "attention" => Ok(Self::Attention(number)),
            "mlp" => Ok(Self::Mlp(number)),
            "vectors" => Ok(Self::Vectors(number)),
            "encoder" => Ok(Self::Encoder(number)),
            "decoder" => Ok(Self::Decoder(number)),
            _ => Err(unknown()),
        }
    }
}

impl From<Part> for String {
    fn from(it: Part) -> Self {
        it.to_string()
    }
}

impl TryFrom<String> for Part {
    type Error = String;

    fn try_from(it: String) -> Result<Self, String> {
        it.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let parts = [
            Part::Opening,
            Part::Embedding(17),
            Part::Attention(0),
            Part::Mlp(25),
            Part::Vectors(3),
            Part::half(4, Half::Encoder),
            Part::half(5, Half::Decoder),
        ];
        for it in parts {
            assert_eq!(it.to_string().parse(), Ok(it));
        }
        for text in [
            "",
            "opening.1",
            "mlp",
            "mlp.",
            "mlp.+1",
            "mlp.1.2",
            "head.1",
            "mlp.99999999999999999999",
        ] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
