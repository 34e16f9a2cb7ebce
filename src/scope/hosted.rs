//! Neuronpedia's answer about a single feature -> its label, figures and sentences. Leaves asking to `hub`, showing to who asks.
//!
//! Whatever comes is bounded, and what is missing or of another kind is passed over; only whose answer it is must be said. Texts stay
//! texts: nothing in them is markup.
//!
//! Source: facts/ui.md a.3, "Feature JSON keys".

use crate::spec::{Example, FeatureId, Label, neuronpedia};
use serde::{Deserialize, de::IgnoredAny};

/// Characters of a label, and of a token, at most.
const MOST_CHARS: usize = 500;
const MOST_TOKEN_CHARS: usize = 64;
/// Sentences that are kept, and tokens on either side of the strongest one.
const MOST_EXAMPLES: usize = 12;
const N_AROUND: usize = 32;

/// Why an answer can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostedError {
    /// Not what it should be.
    #[error("it is no answer about a feature: {detail}")]
    Form {
        /// What is wrong.
        detail: String,
    },
    /// About something else than was asked.
    #[error("it is about {found}, and {wanted} was asked for")]
    Other {
        /// What was asked for.
        wanted: String,
        /// What it says of itself.
        found: String,
    },
}

/// The answer, as far as it is read.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "modelId")]
    model: Option<Lax<String>>,
    layer: Option<Lax<String>>,
    index: Option<Lax<Index>>,
    frac_nonzero: Option<Lax<f32>>,
    #[serde(rename = "maxActApprox")]
    max: Option<Lax<f32>>,
    explanations: Option<Lax<Vec<Lax<Explanation>>>>,
    activations: Option<Lax<Vec<Lax<Activation>>>>,
}

#[derive(Deserialize)]
struct Explanation {
    description: Option<Lax<String>>,
}

#[derive(Deserialize)]
struct Activation {
    tokens: Vec<String>,
    values: Vec<f32>,
}

/// It is written either way.
#[derive(Deserialize)]
#[serde(untagged)]
enum Index {
    Number(u32),
    Text(String),
}

/// Something that may as well be something else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lax<T> {
    Fine(T),
    Other(IgnoredAny),
}

/// What an answer says of a feature.
///
/// Errors: [`HostedError`].
pub fn hosted_label(
    bytes: &[u8],
    feature: FeatureId,
) -> Result<(Label, Vec<Example>), HostedError> {
    let form = |detail: String| HostedError::Form { detail };
    let answer: Answer = serde_json::from_slice(bytes).map_err(|it| form(it.to_string()))?;
    let found = answer
        .name()
        .ok_or_else(|| form("it does not say of which feature it is".into()))?;
    let name = neuronpedia::name_of(feature).unwrap_or_default();
    let wanted = format!("{}/{name}", neuronpedia::MODEL);
    if found != wanted {
        return Err(HostedError::Other { wanted, found });
    }
    let share = |it: &f32| (0.0..=1.0).contains(it);
    let label = Label {
        index: feature.index,
        label: answer.description(),
        density: fine(answer.frac_nonzero).filter(share),
        max: fine(answer.max).filter(|it| it.is_finite() && *it >= 0.0),
    };
    let sentences = fine(answer.activations).unwrap_or_default();
    let sentences = sentences.into_iter().filter_map(|it| example(it.fine()?));
    Ok((label, strongest(sentences.collect())))
}

impl Answer {
    /// `gemma-2-2b/12-gemmascope-transcoder-16k/9377`.
    fn name(&self) -> Option<String> {
        let text = |it: &Option<Lax<String>>| match it {
            Some(Lax::Fine(it)) => Some(tidied(it, MOST_CHARS)),
            _ => None,
        };
        let index = match self.index.as_ref()? {
            Lax::Fine(Index::Number(it)) => it.to_string(),
            Lax::Fine(Index::Text(it)) => tidied(it, MOST_CHARS),
            Lax::Other(_) => return None,
        };
        Some(format!(
            "{}/{}/{index}",
            text(&self.model)?,
            text(&self.layer)?
        ))
    }

    /// Of several the first that is one.
    fn description(&self) -> Option<String> {
        let Some(Lax::Fine(all)) = &self.explanations else {
            return None;
        };
        let text = |it: &Lax<Explanation>| match it {
            Lax::Fine(Explanation {
                description: Some(Lax::Fine(it)),
            }) => Some(tidied(it, MOST_CHARS)),
            _ => None,
        };
        all.iter().filter_map(text).find(|it| !it.is_empty())
    }
}

impl<T> Lax<T> {
    fn fine(self) -> Option<T> {
        match self {
            Self::Fine(it) => Some(it),
            Self::Other(_) => None,
        }
    }
}

fn fine<T>(it: Option<Lax<T>>) -> Option<T> {
    it?.fine()
}

/// A sentence around its strongest token; none where there is no such token.
fn example(it: Activation) -> Option<Example> {
    let values = it.values.iter().take(it.tokens.len()).enumerate();
    let strong = values.filter(|it| it.1.is_finite() && *it.1 > 0.0);
    // Of equals the first.
    let (pos, value) = strong.rev().max_by(|a, b| a.1.total_cmp(b.1))?;
    let first = pos.saturating_sub(N_AROUND);
    let last = (pos + 1 + N_AROUND).min(it.tokens.len());
    Some(Example {
        tokens: it.tokens[first..last].iter().map(|it| token(it)).collect(),
        pos: pos - first,
        value: *value,
    })
}

/// The strongest first, each once.
fn strongest(mut all: Vec<Example>) -> Vec<Example> {
    all.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut out: Vec<Example> = Vec::new();
    for it in all {
        let is_new = |kept: &Example| kept.tokens != it.tokens || kept.pos != it.pos;
        if out.len() < MOST_EXAMPLES && out.iter().all(is_new) {
            out.push(it);
        }
    }
    out
}

/// A token as the tokenizer's file writes it, as it is read.
fn token(text: &str) -> String {
    let text = text.replace('▁', " ").replace("<0x0A>", "↵");
    let text = text.replace('\n', "↵");
    let shown = |it: char| if is_hidden(it) { ' ' } else { it };
    text.chars().map(shown).take(MOST_TOKEN_CHARS).collect()
}

fn tidied(text: &str, most_chars: usize) -> String {
    let shown = |it: char| if is_hidden(it) { ' ' } else { it };
    let text: String = text.chars().take(4 * most_chars).map(shown).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(most_chars).collect()
}

/// What turns the line around or can't be seen.
fn is_hidden(it: char) -> bool {
    it.is_control() || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
#[path = "hosted_tests.rs"]
mod tests;
