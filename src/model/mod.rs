//! Tokens -> logits and activations at sites. Leaves transcoders and views to other rooms.

mod tokenizer;
mod tokenizer_error;
mod tokenizer_file;
mod tokenizer_parts;
mod tokenizer_pieces;

pub use tokenizer::{Encoded, Tokenizer};
pub use tokenizer_error::TokenizerError;
pub use tokenizer_pieces::Piece;
