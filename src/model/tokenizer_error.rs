//! Why a tokenizer can't be used, each naming the thing.

/// Why a `tokenizer.json` can't be used, or a text not be encoded with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// Not JSON, a key is missing or of another type, or a part is of a kind that Gemma's tokenizers don't have.
    #[error("tokenizer.json can't be read: {detail}")]
    Json {
        /// What the parser says.
        detail: String,
    },
    /// A part that is valid in other tokenizers and not supported here.
    #[error("tokenizer.json: `{part}` {what}, which is not supported")]
    Unsupported {
        /// The key.
        part: &'static str,
        /// What it holds.
        what: String,
    },
    /// The vocabulary gives one id to two tokens.
    #[error("tokenizer.json: two tokens have the id {id}")]
    DuplicateId {
        /// The id.
        id: u32,
    },
    /// A merge names a token, or makes one, that the vocabulary does not have; or the unknown token is not in it.
    #[error("tokenizer.json: the vocabulary does not agree with the merges: {detail}")]
    Merges {
        /// What the builder says.
        detail: String,
    },
    /// An added token whose id is not the one that the rest of the file gives it.
    #[error(
        "tokenizer.json: the added token `{content}` has the id {id} there, but its place in the vocabulary is {got}"
    )]
    AddedId {
        /// The token.
        content: String,
        /// What the file says.
        id: u32,
        /// What the vocabulary says.
        got: u32,
    },
    /// The added tokens can't be searched for.
    #[error("tokenizer.json: the added tokens can't be used: {detail}")]
    Added {
        /// What the builder says.
        detail: String,
    },
    /// The token that must start every prompt is not where Gemma has it.
    #[error(
        "tokenizer.json: `<bos>` must be a special token with the id {expected}; found {found}"
    )]
    Bos {
        /// The id that it must have.
        expected: u32,
        /// What is there.
        found: String,
    },
    /// Ids that the model has no embedding for.
    #[error(
        "the tokenizer has ids up to {max_id} (`{token}`), but the model's vocabulary has {d_vocab} tokens"
    )]
    Vocab {
        /// The largest id.
        max_id: u32,
        /// The token with that id.
        token: String,
        /// Tokens of the model.
        d_vocab: usize,
    },
    /// A text that can't be encoded.
    #[error("the text can't be encoded: {detail}")]
    Encode {
        /// What the tokenizer says.
        detail: String,
    },
    /// Tokens that can't be turned into text.
    #[error("the tokens can't be turned into text: {detail}")]
    Decode {
        /// What the tokenizer says.
        detail: String,
    },
}
