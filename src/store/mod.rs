//! Named blobs that are kept: reserved, journalled, recorded, locked, verified. Leaves the network and tensors to other rooms.

mod begin;
mod blob;
mod copy;
mod disk;
mod error;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(not(target_arch = "wasm32"))]
mod folder_file;
#[cfg(target_arch = "wasm32")]
mod handed;
#[cfg(target_arch = "wasm32")]
mod handed_file;
mod hash;
mod journal;
mod keeper;
mod memory;
mod memory_file;
mod names;
#[cfg(target_arch = "wasm32")]
mod opfs;
#[cfg(target_arch = "wasm32")]
mod opfs_file;
#[cfg(target_arch = "wasm32")]
mod opfs_js;
#[cfg(target_arch = "wasm32")]
mod opfs_locks;
#[cfg(target_arch = "wasm32")]
mod opfs_reading;
mod plan;
mod reader;
#[cfg(any(test, target_arch = "wasm32"))]
mod reserve;
mod scratch;
mod selftest;
mod version;
mod writer;
mod written;

pub use begin::Begin;
pub use copy::{CopyInfo, Imported};
pub use disk::{Disk, DiskFile, Keeping, LockGuard, Open};
pub use error::StoreError;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::FolderDisk;
#[cfg(target_arch = "wasm32")]
pub use handed::{HandedFiles, HandedFolder, hand_over};
pub use hash::{sha256, sha256_of};
pub use keeper::{BlobInfo, BlobState, Store, StoreConfig, Usage};
pub use memory::{MemoryDisk, WriteFault};
#[cfg(target_arch = "wasm32")]
pub use opfs::OpfsDisk;
pub use plan::{BlobPlan, Mark, Marks, PieceSpan};
pub use reader::Reader;
pub use scratch::Scratch;
pub use selftest::{selftest, selftest_copies};
pub use version::SetAside;
pub use writer::Writer;
