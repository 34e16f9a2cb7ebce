//! Ranges -> named packed tensors. Leaves the GPU and prompts to other rooms.

mod checkpoint;
mod convert;
#[cfg(not(target_arch = "wasm32"))]
mod crc;
mod dictionary_file;
mod dictionary_head;
mod dictionary_set;
mod encoder_pieces;
mod error;
mod form;
mod header;
mod index;
mod layout;
pub mod library;
pub mod npy;
mod npz;
mod packer;
mod parts;
mod pieces;
mod q8;
mod remedy;
mod stripes;
pub mod synth;
mod synthetic;
mod synthetic_file;
mod synthetic_npz;
#[cfg(not(target_arch = "wasm32"))]
mod synthetic_write;
mod unique;
mod unpacker;
pub mod zip;

pub use checkpoint::{Checkpoint, CheckpointHead};
pub use convert::pack;
pub use dictionary_file::DictionaryFile;
pub use dictionary_head::DictionaryHead;
pub use dictionary_set::{Choice, DictionarySet, Variant};
pub use encoder_pieces::{EncoderPieces, Piece};
pub use error::WeightsError;
pub use header::{Entry, Header};
pub use index::Index;
pub use library::Higher;
pub use parts::{Cut, embedding_tiles};
pub use pieces::{PackedTensor, PartPlan, PiecePlan};
