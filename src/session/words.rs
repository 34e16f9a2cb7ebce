//! Tokens as they are shown, with a tokenizer or without one.

use super::protocol::{Probability, Token};
use crate::{
    model::{Encoded, Piece, Tokenizer},
    spec::gemma,
};

/// An encoded text, with where each token comes from.
pub(super) fn typed(tokenizer: &Tokenizer, text: &Encoded) -> Vec<Token> {
    let mut tokens = in_a_row(Some(tokenizer), &text.ids);
    for (token, bytes) in tokens.iter_mut().zip(&text.bytes) {
        token.bytes = *bytes;
    }
    tokens
}

/// Tokens in a row.
pub(super) fn in_a_row(tokenizer: Option<&Tokenizer>, ids: &[u32]) -> Vec<Token> {
    match tokenizer {
        Some(it) => it.pieces(ids).into_iter().map(token).collect(),
        None => ids.iter().map(|&it| bare(it)).collect(),
    }
}

/// The last of tokens that come one by one.
pub(super) fn last(tokenizer: Option<&Tokenizer>, ids: &[u32]) -> Option<Token> {
    let piece = tokenizer.and_then(|it| it.last_piece(ids));
    piece.map(token).or_else(|| ids.last().map(|&it| bare(it)))
}

/// A token's part of a distribution.
pub(super) fn probability(
    tokenizer: Option<&Tokenizer>,
    &(id, logit): &(u32, f32),
    log_sum_exp: f32,
) -> Probability {
    Probability {
        id,
        piece: piece(tokenizer, id),
        logit,
        probability: (logit - log_sum_exp).exp(),
    }
}

/// A token as it is shown on its own; empty without a tokenizer.
pub(super) fn piece(tokenizer: Option<&Tokenizer>, id: u32) -> String {
    tokenizer.map_or_else(String::new, |it| it.piece(id).text)
}

fn token(piece: Piece) -> Token {
    Token {
        id: piece.id,
        piece: piece.text,
        bytes: None,
        special: piece.special,
    }
}

fn bare(id: u32) -> Token {
    Token {
        id,
        piece: String::new(),
        bytes: None,
        special: [gemma::PAD, gemma::EOS, gemma::BOS].contains(&id),
    }
}
