//! An address -> raw ranges of bytes. Leaves tensors, the GPU and what is kept to other rooms.

mod address;
mod answer;
mod api;
#[cfg(test)]
mod chaos_tests;
#[cfg(target_arch = "wasm32")]
mod chosen;
mod config;
mod copied;
#[cfg(test)]
mod double;
#[cfg(not(target_arch = "wasm32"))]
mod downloaded;
mod error;
mod exchange;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
mod http;
mod inside;
#[cfg(any(test, target_arch = "wasm32"))]
mod listing;
mod memory;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod net;
mod noted;
mod page;
mod path;
mod piece;
mod remedy;
mod remote;
mod retry;
#[cfg(target_arch = "wasm32")]
mod served;
#[cfg(target_arch = "wasm32")]
mod site_hosts;
mod source;
mod stream;
mod text;
mod token;
mod wait;
#[cfg(not(target_arch = "wasm32"))]
mod walk;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(target_arch = "wasm32")]
pub use chosen::Chosen;
pub use config::HubConfig;
pub use copied::Copied;
#[cfg(not(target_arch = "wasm32"))]
pub use downloaded::Downloaded;
pub use error::HubError;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::Folder;
pub use http::{Body, Headers, Http, HttpError, Request, Response};
pub use inside::Inside;
pub use memory::Memory;
#[cfg(not(target_arch = "wasm32"))]
pub use native::NativeHttp;
pub use net::{Net, NetCounts, Reach};
pub use remote::{Remote, RemoteFile};
#[cfg(target_arch = "wasm32")]
pub use served::Served;
#[cfg(target_arch = "wasm32")]
pub use site_hosts::site_hosts;
pub use source::{Source, check_range};
pub use stream::RangeStream;
pub use token::Token;
pub use wait::{WaitReason, Waiting};
#[cfg(target_arch = "wasm32")]
pub use web::WebHttp;
