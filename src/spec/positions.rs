//! The grammar of positions: `4`, `4-6` inclusive, `4-` open, `*`; the same in commands and links.

use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, str::FromStr};

/// Positions of a prompt, 0-based; BOS is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Positions {
    /// Every position: `*`.
    #[default]
    All,
    /// From the first to the last, both included: `4-6`, or `4` when they are one.
    Span(usize, usize),
    /// From a position to the end of the prompt: `4-`.
    From(usize),
}

/// Why a text names no positions, or none of this prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PositionsError {
    /// Not of the grammar.
    Grammar {
        /// What was given.
        text: String,
    },
    /// Beyond the prompt.
    Beyond {
        /// What was given.
        text: String,
        /// Positions of the prompt.
        n_pos: usize,
    },
}

impl Positions {
    /// Whether they go on through what is generated.
    pub fn is_open(self) -> bool {
        matches!(self, Self::All | Self::From(_))
    }

    /// The half-open range in a prompt of `n_pos` positions.
    ///
    /// Errors: [`PositionsError::Beyond`] if any position is outside it.
    pub fn range(self, n_pos: usize) -> Result<Range<usize>, PositionsError> {
        let range = match self {
            Self::All => 0..n_pos,
            Self::Span(first, last) => first..last.saturating_add(1),
            Self::From(first) => first..n_pos,
        };
        if range.end > n_pos || range.start >= n_pos {
            return Err(PositionsError::Beyond {
                text: self.to_string(),
                n_pos,
            });
        }
        Ok(range)
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Span(first, last) if first == last => write!(f, "{first}"),
            Self::Span(first, last) => write!(f, "{first}-{last}"),
            Self::From(first) => write!(f, "{first}-"),
        }
    }
}

impl FromStr for Positions {
    type Err = PositionsError;

    fn from_str(text: &str) -> Result<Self, PositionsError> {
        let number = |it: &str| -> Option<usize> {
            (!it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
                .then(|| it.parse().ok())
                .flatten()
        };
        let parsed = match text.split_once('-') {
            None if text == "*" => Some(Self::All),
            None => number(text).map(|it| Self::Span(it, it)),
            Some((first, "")) => number(first).map(Self::From),
            Some((first, last)) => number(first)
                .zip(number(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| Self::Span(first, last)),
        };
        parsed.ok_or_else(|| PositionsError::Grammar { text: text.into() })
    }
}

impl From<Positions> for String {
    fn from(it: Positions) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for Positions {
    type Error = PositionsError;

    fn try_from(text: String) -> Result<Self, PositionsError> {
        text.parse()
    }
}

impl fmt::Display for PositionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grammar { text } => {
                write!(f, "`{text}` names no positions; write 4, 4-6, 4- or *")
            }
            Self::Beyond { text, n_pos } => {
                write!(f, "positions {text} are outside the prompt's {n_pos}")
            }
        }
    }
}

impl std::error::Error for PositionsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        for (text, range) in [("4", 4..5), ("4-6", 4..7), ("4-", 4..9), ("*", 0..9)] {
            let parsed: Positions = text.parse().expect(text);
            assert_eq!(parsed.range(9), Ok(range));
            assert_eq!(parsed.to_string(), text);
        }
        for text in ["", "-", "-3", "6-4", "a", "4-6-8", "+4", "4,5"] {
            assert!(text.parse::<Positions>().is_err(), "{text}");
        }
        assert!(Positions::Span(3, 9).range(9).is_err());
        assert!(Positions::From(9).range(9).is_err());
    }
}
