//! A script of `tests/browser/` in one browser, with the built site, a test Hub and a folder for what it leaves.

use anyhow::{Context, Result, bail};
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
    process::Command,
};
use xtask::{
    browser::{self, HubPorts, this_program},
    build, commands, hosts, place, prerequisites,
    server::{Mount, Server},
};

/// Cargo profile of the wasm programs: what visitors get. A variable chooses another while one works on the scripts.
const PROFILE: &str = "web";
const PROFILE_VARIABLE: &str = "GEMSCOPE_WASM_PROFILE";

/// What such a script needs.
pub struct World {
    kind: String,
    executable: PathBuf,
    ports: HubPorts,
    server: Server,
    /// Where the script leaves what it found.
    pub out: PathBuf,
}

impl World {
    /// Builds the site and serves it.
    ///
    /// Errors: what is missing on this machine; a kind of browser that is not known.
    pub fn new(kind: &str) -> Result<Self> {
        prerequisites::all(true)?;
        let executable = match kind {
            "chromium" => prerequisites::chromium(),
            "firefox" => prerequisites::firefox(),
            _ => {
                bail!("`{kind}` is no browser that is driven here; there are chromium and firefox")
            }
        };
        let profile = std::env::var(PROFILE_VARIABLE).unwrap_or_else(|_| PROFILE.into());
        build::site(&profile, &hosts::table(&[], true))?;
        let out = place::target().join("lab");
        fs::create_dir_all(&out)?;
        let ports = HubPorts::free()?;
        let mount = Mount {
            path: "/tests/lab",
            folder: out.clone(),
        };
        Ok(Self {
            kind: kind.into(),
            executable: executable.with_context(|| format!("{kind} is not installed"))?,
            server: browser::serve(&ports, vec![mount])?,
            ports,
            out,
        })
    }

    /// Repositories that `cargo test` leaves.
    pub fn hub_root(&self) -> PathBuf {
        place::target().join("tmp/hub")
    }

    /// Runs a script; whether it succeeded.
    ///
    /// Errors: node can't be started.
    pub fn run(&self, script: &str, more: &[OsString]) -> Result<bool> {
        let out = self.out.as_os_str();
        commands::succeeds(
            self.node(script, out)?
                .args(["--kind", &self.kind])
                .args(more)
                .arg("--executable")
                .arg(&self.executable),
        )
    }

    fn node(&self, script: &str, out: &OsStr) -> Result<Command> {
        let mut node = Command::new("node");
        node.arg(format!("tests/browser/{script}"))
            .args(["--base", &self.base()])
            .arg("--out")
            .arg(out)
            .arg("--hub")
            .arg(this_program()?)
            .args(["--hub-ports", &self.ports.argument()])
            .current_dir(place::root());
        Ok(node)
    }

    /// Runs a script that measures in this browser.
    ///
    /// Errors: node can't be started.
    pub fn bench(&self, script: &str, file: &OsStr, more: &[OsString]) -> Result<bool> {
        let mut node = self.node(script, file)?;
        node.arg(format!("--{}", self.kind)).arg(&self.executable);
        commands::succeeds(node.args(more))
    }

    /// The address of the site.
    pub fn base(&self) -> String {
        format!("http://{}/", self.server.address)
    }
}
