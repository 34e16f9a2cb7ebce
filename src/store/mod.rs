//! Named blobs that are kept: reserved, journalled, recorded, locked, verified. Leaves the network and tensors to other rooms.

mod disk;
mod error;
mod plan;

pub use disk::{Disk, DiskFile, Keeping, LockGuard, Open};
pub use error::StoreError;
pub use plan::{BlobPlan, Mark, Marks, PieceSpan};
