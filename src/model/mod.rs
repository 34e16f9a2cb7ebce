//! Tokens -> logits and activations at sites. Leaves transcoders and views to other rooms.

mod block;
mod buffers;
mod compare;
mod context;
mod error;
mod generate;
mod kept;
mod layers;
mod load;
mod logits;
mod look;
mod norms;
mod pass;
mod patterns;
mod plan;
mod probs;
mod run;
mod sizes;
mod tap;
mod token;
mod tokenizer;
mod tokenizer_error;
mod tokenizer_file;
mod tokenizer_parts;
mod tokenizer_pieces;

pub use compare::Compared;
pub use error::ModelError;
pub use load::{Model, Told};
pub use pass::{Capture, Course, Derivation};
pub use plan::{PlanRequest, plan};
pub use probs::{Distribution, MAX_ASKED, MAX_TOP_K};
pub use tap::{At, Tap};
pub use tokenizer::{Encoded, Tokenizer};
pub use tokenizer_error::TokenizerError;
pub use tokenizer_pieces::Piece;
