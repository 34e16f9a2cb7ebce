//! `cargo xtask serve`: builds the site, serves it on this machine, opens the browser.

use crate::{
    build, hosts, prerequisites,
    server::{Server, Site},
};
use anyhow::Result;

/// Arguments of `serve`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to listen. WebGPU needs a secure context: this machine itself, or HTTPS in front.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Leave the browser alone.
    #[arg(long)]
    no_open: bool,
    /// Cargo profile of the wasm programs.
    #[arg(long, default_value = "web")]
    profile: String,
}

/// Serves until interrupted.
pub fn run(arguments: &Arguments) -> Result<()> {
    prerequisites::wasm_target()?;
    build::site(&arguments.profile, &hosts::table(&[], true))?;
    for it in build::sizes()? {
        println!("{}", it.line());
    }
    let server = Server::start(&arguments.host, arguments.port, Site::default())?;
    let address = format!("http://{}/", server.address);
    println!("Gemscope is at {address} (Ctrl+C ends it)");
    if !arguments.no_open && open::that_detached(&address).is_err() {
        println!("No browser could be opened; open the address in one with WebGPU.");
    }
    server.wait()
}
