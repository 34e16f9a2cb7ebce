//! One kernel each: shapes -> recorded dispatches, and its CPU twin. Knows nothing of layers and prompts.
//!
//! A twin takes the same parameters and slices as the shader, is plain loops in f64, and is the definition of the op.

pub mod add_rows;
mod allocate;
pub mod argmax;
pub mod argmax_slices;
pub mod attention;
pub mod attention_apply;
pub mod attention_pattern;
pub mod column_sums;
pub mod copy;
pub mod decode;
pub mod embed;
pub mod gate_up;
pub mod gelu_mul;
mod heads;
pub mod jump_count;
pub mod jump_scan;
pub mod jump_write;
pub mod kl_rows;
pub mod logits_stats;
pub mod matmul;
mod matrix;
pub mod matvec;
pub mod multiply_add;
pub mod norm_add;
pub mod rms_norm;
pub mod rope;
pub mod row_norms;
pub mod sample;
mod shape;
pub mod steer;
pub mod top_k;

pub use allocate::Room;
pub use heads::Heads;
pub use matrix::{Matrix, Tile, unpack_row};
pub use shape::{gelu, groups, softcap};
