//! Text to tokens and back, by the crate `tokenizers` behind a small type of our own. What a file may hold is judged in
//! `tokenizer_file.rs`, how tokens are shown in `tokenizer_pieces.rs`.

use super::tokenizer_error::TokenizerError;
use super::tokenizer_file::{self, Loaded};
use super::tokenizer_pieces::{self, Piece};
use crate::spec::gemma;
use std::fmt;

/// A tokenizer of a Gemma model.
pub struct Tokenizer {
    loaded: Loaded,
}

/// A text as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The tokens; the first is BOS and no other before the text's own is.
    pub ids: Vec<u32>,
    /// Where each token comes from, as byte offsets into the text, on character boundaries. Tokens of one character's
    /// bytes all have that character's. None for a BOS that was not typed.
    pub bytes: Vec<Option<(usize, usize)>>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. The text is not needed afterwards.
    ///
    /// Errors: [`TokenizerError`], naming the part. Files that the crate would panic on are refused before it sees them.
    pub fn from_json(text: &[u8]) -> Result<Self, TokenizerError> {
        let loaded = tokenizer_file::load(text)?;
        let it = Self { loaded };
        it.check_bos()?;
        Ok(it)
    }

    /// Whether every id has an embedding in a model of `d_vocab` tokens.
    ///
    /// Errors: [`TokenizerError::Vocab`].
    pub fn check_vocab(&self, d_vocab: usize) -> Result<(), TokenizerError> {
        let max_id = self.loaded.max_id;
        if (max_id as usize) < d_vocab {
            return Ok(());
        }
        let token = self.raw(max_id).unwrap_or_default();
        Err(TokenizerError::Vocab {
            max_id,
            token,
            d_vocab,
        })
    }

    /// A text as tokens, with one BOS before them whatever it starts with; added tokens are found as the file says.
    ///
    /// The file's post-processor has no part in it (`tokenizer_file.rs` has checked that it only adds that BOS).
    /// Errors: [`TokenizerError::Encode`].
    pub fn encode(&self, text: &str) -> Result<Encoded, TokenizerError> {
        let encoding = self.loaded.inner.encode(text, false);
        let encoding = encoding.map_err(|it| TokenizerError::Encode {
            detail: it.to_string(),
        })?;
        let (ids, offsets) = (encoding.get_ids(), encoding.get_offsets());
        let n_typed = ids.iter().take_while(|it| **it == gemma::BOS).count();
        // Of several typed ones the last is kept, as if the others had been put in its place.
        let first = n_typed.saturating_sub(1);
        let mut out = Encoded {
            ids: ids[first..].to_vec(),
            bytes: offsets[first..]
                .iter()
                .map(|it| on_characters(text, *it))
                .collect(),
        };
        if n_typed == 0 {
            out.ids.insert(0, gemma::BOS);
            out.bytes.insert(0, None);
        }
        Ok(out)
    }

    /// The text of tokens, special ones left out; ids that the tokenizer does not have are left out too.
    ///
    /// Errors: [`TokenizerError::Decode`].
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        let text = self.loaded.inner.decode(ids, true);
        text.map_err(|it| TokenizerError::Decode {
            detail: it.to_string(),
        })
    }

    /// How a token is shown when it stands alone.
    pub fn piece(&self, id: u32) -> Piece {
        tokenizer_pieces::alone(self, id)
    }

    /// How tokens are shown in a row: the first byte token of a character shows it, the others are empty.
    pub fn pieces(&self, ids: &[u32]) -> Vec<Piece> {
        tokenizer_pieces::in_a_row(self, ids)
    }

    /// How the last of `ids` is shown when they come one by one: the last byte token of a character shows it.
    pub fn last_piece(&self, ids: &[u32]) -> Option<Piece> {
        tokenizer_pieces::as_it_comes(self, ids)
    }

    /// Whether a token is special: BOS, EOS, PAD and their like.
    pub fn special(&self, id: u32) -> bool {
        let added = self.loaded.inner.get_added_vocabulary();
        let token = added.get_added_tokens_decoder().get(&id);
        token.is_some_and(|it| it.special)
    }

    /// A token as the file has it: `▁the`, `<0xE2>`. None for an id that the tokenizer does not have.
    pub fn raw(&self, id: u32) -> Option<String> {
        self.loaded.inner.id_to_token(id)
    }

    /// The text of one token by the file's decoder; special ones as they are written.
    pub(super) fn text_of(&self, raw: String) -> String {
        use tokenizers::Decoder;
        match self.loaded.inner.get_decoder() {
            Some(decoder) => decoder.decode(vec![raw.clone()]).unwrap_or(raw),
            None => raw,
        }
    }

    fn check_bos(&self) -> Result<(), TokenizerError> {
        let id = self.loaded.inner.token_to_id("<bos>");
        if id == Some(gemma::BOS) && self.special(gemma::BOS) {
            return Ok(());
        }
        let found = match id {
            Some(gemma::BOS) => "it is not special".into(),
            Some(id) => format!("the id {id}"),
            None => "no such token".into(),
        };
        Err(TokenizerError::Bos {
            expected: gemma::BOS,
            found,
        })
    }
}

/// The crate's offsets if they can cut `text`; with unusual added tokens they sometimes can't.
fn on_characters(text: &str, (start, end): (usize, usize)) -> Option<(usize, usize)> {
    text.get(start..end).map(|_| (start, end))
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokenizer(ids to {})", self.loaded.max_id)
    }
}
