//! The tools of the house: build, serve, test. One file per command; `main` only chooses.
//!
//! Not part of the product, of which it knows the plain data alone: what needs the engine runs in the program `lab`.

pub mod bench;
pub mod browser;
pub mod build;
pub mod commands;
pub mod compare;
pub mod debian;
pub mod dress;
pub mod hashed;
pub mod headers;
pub mod hosts;
pub mod hub;
pub mod lab;
pub mod libtest;
pub mod parts;
pub mod place;
pub mod prerequisites;
pub mod report;
pub mod serve;
pub mod server;
pub mod size;
pub mod test;

#[path = "../../tests/common/compare.rs"]
pub mod tensors;
