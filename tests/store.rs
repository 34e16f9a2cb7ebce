//! The store on disks that crash, fill up, fail, die with their process or are shared by tabs: what it says is there is there.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stop at what they did not expect"
)]
#![allow(clippy::single_range_in_vec_init, reason = "a piece may be one span")]

#[path = "store/bad_input.rs"]
mod bad_input;
#[path = "store/blobs.rs"]
mod blobs;
#[path = "store/copies.rs"]
mod copies;
#[path = "store/folder.rs"]
mod folder;
#[path = "store/room.rs"]
mod room;
#[path = "store/schedules.rs"]
mod schedules;
#[path = "store/versions.rs"]
mod versions;
#[path = "store/walk.rs"]
mod walk;
