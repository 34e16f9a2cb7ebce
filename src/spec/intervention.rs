//! Interventions on features and their grammar, `LAYER:POS:FEATURE=VALUE`; the same in commands and links.

use super::{FeatureId, Positions, PositionsError, feature::digits};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A change of one feature at some positions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Intervention {
    /// The feature.
    pub feature: FeatureId,
    /// Where; open positions go on through what is generated.
    pub positions: Positions,
    /// What is done to it.
    pub operation: Operation,
}

/// What is done to a feature. Multiples and sums are of its activation in the clean run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// Sets it: `=3.5`.
    Set(f32),
    /// Multiplies it: `=x2`.
    Scale(f32),
    /// Adds to it: `=+3`, `=+-3`.
    Add(f32),
    /// Switches it off: `=off`.
    Ablate,
}

/// What stays as it was in the clean run. Source: circuit-tracer `feature_intervention`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The attention patterns; MLPs and norms are computed again.
    #[default]
    Frozen,
    /// Nothing.
    Free,
    /// The attention patterns, what the MLPs add and the norms' scales: effects are direct.
    Direct,
}

/// Why a text is no intervention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterventionError {
    /// Not of the grammar.
    Grammar {
        /// What was given.
        text: String,
    },
    /// Its positions are not.
    Positions(PositionsError),
    /// Its number is NaN or infinite.
    NotFinite {
        /// What was given.
        text: String,
    },
}

impl Operation {
    /// The value that follows from the activation in the clean run.
    pub fn value(self, clean: f32) -> f32 {
        match self {
            Self::Set(it) => it,
            Self::Scale(it) => clean * it,
            Self::Add(it) => clean + it,
            Self::Ablate => 0.0,
        }
    }

    /// Whether its number is one.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Set(it) | Self::Scale(it) | Self::Add(it) => it.is_finite(),
            Self::Ablate => true,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(it) => write!(f, "{it}"),
            Self::Scale(it) => write!(f, "x{it}"),
            Self::Add(it) => write!(f, "+{it}"),
            Self::Ablate => f.write_str("off"),
        }
    }
}

impl fmt::Display for Intervention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FeatureId { layer, index } = self.feature;
        write!(f, "{layer}:{}:{index}={}", self.positions, self.operation)
    }
}

impl FromStr for Intervention {
    type Err = InterventionError;

    fn from_str(text: &str) -> Result<Self, InterventionError> {
        let grammar = || InterventionError::Grammar { text: text.into() };
        let (place, value) = text.split_once('=').ok_or_else(grammar)?;
        let [layer, positions, index] = place.split(':').collect::<Vec<_>>()[..] else {
            return Err(grammar());
        };
        let feature = FeatureId {
            layer: digits(layer).ok_or_else(grammar)?,
            index: digits(index).ok_or_else(grammar)?,
        };
        let operation = operation(value).ok_or_else(grammar)?;
        if !operation.is_finite() {
            return Err(InterventionError::NotFinite { text: text.into() });
        }
        Ok(Self {
            feature,
            positions: positions.parse().map_err(InterventionError::Positions)?,
            operation,
        })
    }
}

fn operation(value: &str) -> Option<Operation> {
    if value == "off" {
        return Some(Operation::Ablate);
    }
    let number = |it: &str| it.parse::<f32>().ok();
    if let Some(it) = value.strip_prefix('x') {
        return number(it).map(Operation::Scale);
    }
    match value.strip_prefix('+') {
        Some(it) => number(it).map(Operation::Add),
        None => number(value).map(Operation::Set),
    }
}

impl From<Intervention> for String {
    fn from(it: Intervention) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for Intervention {
    type Error = InterventionError;

    fn try_from(text: String) -> Result<Self, InterventionError> {
        text.parse()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frozen => "frozen",
            Self::Free => "free",
            Self::Direct => "direct",
        })
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "frozen" => Ok(Self::Frozen),
            "free" => Ok(Self::Free),
            "direct" => Ok(Self::Direct),
            _ => Err(format!(
                "unknown mode `{text}`; there are: frozen, free, direct"
            )),
        }
    }
}

impl fmt::Display for InterventionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grammar { text } => write!(
                f,
                "`{text}` is no intervention; write LAYER:POS:FEATURE=VALUE, the value as 3.5, x2, +3 or off"
            ),
            Self::Positions(it) => it.fmt(f),
            Self::NotFinite { text } => write!(f, "the number of `{text}` is not finite"),
        }
    }
}

impl std::error::Error for InterventionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        for (text, operation) in [
            ("2:21:176=0", Operation::Set(0.0)),
            ("2:4-6:176=-1.5", Operation::Set(-1.5)),
            ("2:4-:176=x2", Operation::Scale(2.0)),
            ("2:*:176=+3", Operation::Add(3.0)),
            ("2:*:176=+-3", Operation::Add(-3.0)),
            ("2:1:0=off", Operation::Ablate),
        ] {
            let parsed: Intervention = text.parse().expect(text);
            assert_eq!(parsed.operation, operation);
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            "1",
            "1:2=3",
            "1:2:3",
            "1:2:3:4=5",
            "a:2:3=4",
            "1:6-2:3=4",
            "1:2:3=",
            "1:2:3=y",
            "1:2:3=nan",
            "1:2:3=xinf",
        ] {
            assert!(text.parse::<Intervention>().is_err(), "{text}");
        }
    }

    #[test]
    fn values_follow_from_the_clean_run() {
        assert_eq!(Operation::Set(3.0).value(2.0), 3.0);
        assert_eq!(Operation::Scale(3.0).value(2.0), 6.0);
        assert_eq!(Operation::Add(3.0).value(2.0), 5.0);
        assert_eq!(Operation::Ablate.value(2.0), 0.0);
    }
}
