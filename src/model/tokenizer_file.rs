//! What a `tokenizer.json` may hold, checked before the crate `tokenizers` sees it: the crate panics on some files, and a
//! panic in the browser ends the engine. Kinds of tokenizers that no Gemma has are refused by name.

use super::tokenizer_error::TokenizerError;
use super::tokenizer_parts::{DecoderPart, NormalizerPart, PreTokenizerPart};
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use tokenizers::decoders::DecoderWrapper;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::processors::PostProcessorWrapper;
use tokenizers::{AddedToken, NormalizedString, Normalizer, TokenizerBuilder, TokenizerImpl};

/// The crate's tokenizer with a BPE model.
pub(super) type Inner = TokenizerImpl<
    BPE,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// A tokenizer and what is known of it.
pub(super) struct Loaded {
    /// The crate's.
    pub inner: Inner,
    /// The largest id.
    pub max_id: u32,
}

/// A text may become so many times longer by all replacements of a file together; spaces become three times as long.
const MOST_GROWTH: usize = 64;

/// Reads and checks a file.
///
/// Errors: [`TokenizerError`].
pub(super) fn load(text: &[u8]) -> Result<Loaded, TokenizerError> {
    let file: File = serde_json::from_slice(text).map_err(|it| TokenizerError::Json {
        detail: it.to_string(),
    })?;
    file.check()?;
    let mut max_id = file.model.vocab.values().copied().max().unwrap_or(0);
    let (normalizer, pre_tokenizer) = (file.normalizer, file.pre_tokenizer);
    let inner = TokenizerBuilder::new()
        .with_model(file.model.build()?)
        .with_normalizer(normalizer.map(NormalizerPart::build).transpose()?)
        .with_pre_tokenizer(pre_tokenizer.map(PreTokenizerPart::build).transpose()?)
        .with_decoder(file.decoder.map(DecoderPart::build).transpose()?)
        .build();
    let mut inner: Inner = inner.map_err(merges_error)?;
    check_added_tokens(&file.added_tokens, &inner)?;
    let tokens = file.added_tokens.iter().map(|it| it.token.clone());
    inner
        .add_tokens(tokens)
        .map_err(|it| TokenizerError::Added {
            detail: it.to_string(),
        })?;
    for it in &file.added_tokens {
        let got = inner.token_to_id(&it.token.content).unwrap_or(it.id);
        if got != it.id {
            return Err(TokenizerError::AddedId {
                content: it.token.content.clone(),
                id: it.id,
                got,
            });
        }
        max_id = max_id.max(it.id);
    }
    Ok(Loaded { inner, max_id })
}

/// The file's own keys. Truncation and padding are left out: a prompt is what was typed.
#[derive(Deserialize)]
struct File {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<NormalizerPart>,
    pre_tokenizer: Option<PreTokenizerPart>,
    post_processor: Option<serde_json::Value>,
    decoder: Option<DecoderPart>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

/// Of the kind BPE; files from before the key `type` was written are BPE where they have merges.
#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    dropout: Option<f32>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Vocab,
    merges: Vec<Merge>,
}

/// `["a", "b"]`, or `"a b"` in older files.
struct Merge(String, String);

impl File {
    fn check(&self) -> Result<(), TokenizerError> {
        if let Some(it) = self.version.as_ref().filter(|it| *it != "1.0") {
            return unsupported("version", format!("is {it}"));
        }
        self.model.check()?;
        let normalizer = self.normalizer.as_ref().map_or(1, NormalizerPart::growth);
        let decoder = self.decoder.as_ref().map_or(1, DecoderPart::growth);
        for (part, growth) in [("normalizer", normalizer), ("decoder", decoder)] {
            if growth > MOST_GROWTH {
                return unsupported(part, "makes a text many times longer".into());
            }
        }
        self.check_post_processor()
    }

    /// It may put a BOS before the text and do nothing else, since we put it there ourselves.
    fn check_post_processor(&self) -> Result<(), TokenizerError> {
        let Some(part) = self.post_processor.as_ref().filter(|it| !it.is_null()) else {
            return Ok(());
        };
        let kind = part["type"].as_str().unwrap_or_default();
        if kind != "TemplateProcessing" {
            return unsupported("post_processor", format!("is of type `{kind}`"));
        }
        let pieces = part["single"].as_array().map_or(&[][..], Vec::as_slice);
        let is_text = |it: &serde_json::Value| it["Sequence"]["id"] == "A";
        let is_bos = |it: &serde_json::Value| it["SpecialToken"]["id"] == "<bos>";
        match pieces {
            [text] if is_text(text) => Ok(()),
            [bos, text] if is_bos(bos) && is_text(text) => Ok(()),
            _ => unsupported(
                "post_processor",
                "does something else than putting `<bos>` before the text".into(),
            ),
        }
    }
}

impl Model {
    fn check(&self) -> Result<(), TokenizerError> {
        let kind = self.kind.as_deref().unwrap_or("BPE");
        if kind != "BPE" {
            return unsupported("model.type", format!("is {kind} (Gemma's is BPE)"));
        }
        if self.dropout.is_some_and(|it| it != 0.0) {
            return unsupported("model.dropout", "makes tokens random".into());
        }
        let affixes = [&self.continuing_subword_prefix, &self.end_of_word_suffix];
        if affixes.into_iter().flatten().any(|it| !it.is_empty()) {
            return unsupported("model", "has a prefix or suffix of subwords".into());
        }
        if let Some(it) = self
            .unk_token
            .as_ref()
            .filter(|it| !self.vocab.contains_key(*it))
        {
            return Err(merges_error(format!(
                "`{it}`, the unknown token, is not in it"
            )));
        }
        let mut ids: Vec<u32> = self.vocab.values().copied().collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|it| it[0] == it[1]) {
            return Err(TokenizerError::DuplicateId { id: pair[0] });
        }
        self.check_merges()
    }

    /// The crate copies both halves of a merge into a buffer as long as the longest token.
    fn check_merges(&self) -> Result<(), TokenizerError> {
        let longest = self.vocab.keys().map(String::len).max().unwrap_or(0);
        let too_long = |it: &&Merge| it.0.len() + it.1.len() > longest;
        match self.merges.iter().find(too_long) {
            Some(Merge(a, b)) => Err(merges_error(format!("`{a}{b}` is not in it"))),
            None => Ok(()),
        }
    }

    fn build(self) -> Result<BPE, TokenizerError> {
        let merges = self.merges.into_iter().map(|Merge(a, b)| (a, b)).collect();
        // Without the crate's cache: it is per thread, never freed, and would keep what was typed.
        let mut builder = BPE::builder()
            .vocab_and_merges(self.vocab, merges)
            .cache_capacity(0)
            .fuse_unk(self.fuse_unk)
            .byte_fallback(self.byte_fallback)
            .ignore_merges(self.ignore_merges);
        if let Some(it) = self.unk_token {
            builder = builder.unk_token(it);
        }
        builder.build().map_err(merges_error)
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MergeVisitor)
    }
}

struct MergeVisitor;

impl<'de> de::Visitor<'de> for MergeVisitor {
    type Value = Merge;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a merge: two tokens, or both in one text with a space between")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Merge, E> {
        match text.split_once(' ') {
            Some((a, b)) if !b.contains(' ') => Ok(Merge(a.into(), b.into())),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Merge, A::Error> {
        let a = seq.next_element()?;
        let b = seq.next_element()?;
        let rest: Option<de::IgnoredAny> = seq.next_element()?;
        match (a, b, rest) {
            (Some(a), Some(b), None) => Ok(Merge(a, b)),
            _ => Err(de::Error::custom("a merge has two tokens")),
        }
    }
}

/// The crate's search for added tokens panics on two kinds: those that the normalizer makes empty, and those of whitespace
/// that take in the whitespace to their left when another one has taken it already.
fn check_added_tokens(added: &[Added], inner: &Inner) -> Result<(), TokenizerError> {
    let takes_right = added.iter().any(|it| it.token.rstrip);
    for token in added.iter().map(|it| &it.token) {
        let pattern = pattern(token, inner)?;
        if pattern.is_empty() && !token.content.is_empty() {
            let what = format!(
                "has `{}`, of which the normalizer leaves nothing",
                token.content
            );
            return unsupported("added_tokens", what);
        }
        let is_blank = pattern.chars().all(char::is_whitespace);
        if takes_right && is_blank && token.lstrip {
            let what = "has whitespace with `lstrip` beside a token with `rstrip`";
            return unsupported("added_tokens", what.into());
        }
    }
    Ok(())
}

/// What the crate will look for in a text to find `token`.
fn pattern(token: &AddedToken, inner: &Inner) -> Result<String, TokenizerError> {
    let mut text = NormalizedString::from(token.content.as_str());
    if let Some(normalizer) = inner.get_normalizer().filter(|_| token.normalized) {
        let done = normalizer.normalize(&mut text);
        done.map_err(|it| TokenizerError::Added {
            detail: it.to_string(),
        })?;
    }
    Ok(text.get().into())
}

fn merges_error(it: impl fmt::Display) -> TokenizerError {
    TokenizerError::Merges {
        detail: it.to_string(),
    }
}

pub(super) fn unsupported<T>(part: &'static str, what: String) -> Result<T, TokenizerError> {
    Err(TokenizerError::Unsupported { part, what })
}
