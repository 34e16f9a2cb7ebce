//! The test Hub, asked as a client would: the API, files, faults, controls, in process on a clock that stands still, and over sockets.

mod api;
mod client;
mod controls;
mod faults;
mod faults_of_bytes;
mod files;
mod folder;
mod sockets;
