//! The normalizers, pre-tokenizers and decoders that a `tokenizer.json` may name, and their making in the crate `tokenizers`.

use super::tokenizer_error::TokenizerError;
use super::tokenizer_file::unsupported;
use serde::Deserialize;
use tokenizers::SplitDelimiterBehavior;
use tokenizers::decoders::{
    DecoderWrapper, byte_fallback::ByteFallback, fuse::Fuse, sequence::Sequence as Decoders,
};
use tokenizers::normalizers::{
    NormalizerWrapper, Prepend, Replace, Sequence as Normalizers, utils::Lowercase,
};
use tokenizers::pre_tokenizers::{PreTokenizerWrapper, split::Split};

/// Patterns are plain strings: a regular expression from a file could take forever.
#[derive(Deserialize)]
pub(super) enum Pattern {
    String(String),
}

/// What is done to a text first.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum NormalizerPart {
    Replace { pattern: Pattern, content: String },
    Prepend { prepend: String },
    Lowercase {},
    Sequence { normalizers: Vec<NormalizerPart> },
}

/// Where a text is cut before the model sees it.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum PreTokenizerPart {
    Split {
        pattern: Pattern,
        behavior: SplitDelimiterBehavior,
        invert: bool,
    },
}

/// How tokens become text.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum DecoderPart {
    Replace { pattern: Pattern, content: String },
    ByteFallback {},
    Fuse {},
    Sequence { decoders: Vec<DecoderPart> },
}

impl NormalizerPart {
    /// How many times longer it can make a text.
    pub(super) fn growth(&self) -> usize {
        match self {
            Self::Replace { pattern, content } => growth(pattern, content),
            Self::Prepend { prepend } => prepend.len().max(1),
            // The longest lower case of one character is half again as long.
            Self::Lowercase {} => 2,
            Self::Sequence { normalizers } => product(normalizers.iter().map(Self::growth)),
        }
    }

    pub(super) fn build(self) -> Result<NormalizerWrapper, TokenizerError> {
        Ok(match self {
            Self::Replace { pattern, content } => {
                NormalizerWrapper::Replace(replace("normalizer", pattern, content)?)
            }
            Self::Prepend { prepend } => NormalizerWrapper::Prepend(Prepend::new(prepend)),
            Self::Lowercase {} => NormalizerWrapper::Lowercase(Lowercase),
            Self::Sequence { normalizers } => {
                let parts: Result<_, _> = normalizers.into_iter().map(Self::build).collect();
                NormalizerWrapper::Sequence(Normalizers::new(parts?))
            }
        })
    }
}

impl PreTokenizerPart {
    pub(super) fn build(self) -> Result<PreTokenizerWrapper, TokenizerError> {
        let Self::Split {
            pattern: Pattern::String(pattern),
            behavior,
            invert,
        } = self;
        if pattern.is_empty() {
            return unsupported("pre_tokenizer", "splits at nothing".into());
        }
        let split = Split::new(pattern, behavior, invert);
        let split = split.map_err(|it| TokenizerError::Json {
            detail: format!("pre_tokenizer: {it}"),
        })?;
        Ok(PreTokenizerWrapper::Split(split))
    }
}

impl DecoderPart {
    /// How many times longer it can make a text.
    pub(super) fn growth(&self) -> usize {
        match self {
            Self::Replace { pattern, content } => growth(pattern, content),
            Self::ByteFallback {} | Self::Fuse {} => 1,
            Self::Sequence { decoders } => product(decoders.iter().map(Self::growth)),
        }
    }

    pub(super) fn build(self) -> Result<DecoderWrapper, TokenizerError> {
        Ok(match self {
            Self::Replace { pattern, content } => {
                DecoderWrapper::Replace(replace("decoder", pattern, content)?)
            }
            Self::ByteFallback {} => DecoderWrapper::ByteFallback(ByteFallback::new()),
            Self::Fuse {} => DecoderWrapper::Fuse(Fuse::new()),
            Self::Sequence { decoders } => {
                let parts: Result<_, _> = decoders.into_iter().map(Self::build).collect();
                DecoderWrapper::Sequence(Decoders::new(parts?))
            }
        })
    }
}

fn growth(Pattern::String(pattern): &Pattern, content: &str) -> usize {
    content.len().div_ceil(pattern.len().max(1)).max(1)
}

fn product(mut growths: impl Iterator<Item = usize>) -> usize {
    // Parts that don't lengthen cost time all the same; a file has a handful of them.
    growths
        .try_fold((1usize, 0), |(all, n), it| {
            (n < 16).then_some((all.saturating_mul(it), n + 1))
        })
        .map_or(usize::MAX, |(all, _)| all)
}

fn replace(
    part: &'static str,
    pattern: Pattern,
    content: String,
) -> Result<Replace, TokenizerError> {
    let Pattern::String(pattern) = pattern;
    if pattern.is_empty() {
        return unsupported(part, "replaces nothing by something".into());
    }
    Replace::new(pattern, content).map_err(|it| TokenizerError::Json {
        detail: format!("{part}: {it}"),
    })
}
