//! `cargo xtask bench`: natively through the program `lab`, or with `--page` inside the stock browsers; `--store` for the store.

use crate::{
    browser::{self, HubPorts},
    build, commands, hosts, lab, place, prerequisites,
};
use anyhow::{Result, bail};
use std::process::Command;

/// Measures kernels, prefill and decode.
pub fn run(passed: &lab::Passed) -> Result<bool> {
    let arguments = passed.arguments();
    if let Some(at) = arguments.iter().position(|it| it == "--store") {
        let mut others = arguments.to_vec();
        others.remove(at);
        return lab::run(&lab::Command::BenchStore(lab::Passed::of(others)));
    }
    match arguments.iter().position(|it| it == "--page") {
        None => lab::run(&lab::Command::Bench(passed.clone())),
        Some(at) => {
            let mut others = arguments.to_vec();
            others.remove(at);
            in_browsers(&others)
        }
    }
}

/// Arguments of tests/browser/bench.mjs are passed on: --seconds, --preset, --only, --out.
fn in_browsers(arguments: &[String]) -> Result<bool> {
    prerequisites::all(true)?;
    build::site("web", &hosts::table(&[], true))?;
    let server = browser::serve(&HubPorts::free()?, Vec::new())?;
    let out = place::target().join("bench.page.json");
    let mut node = Command::new("node");
    node.arg("tests/browser/bench.mjs")
        .args(["--base", &format!("http://{}/", server.address)])
        .arg("--out")
        .arg(&out)
        .current_dir(place::root());
    if !browser::name_browsers(&mut node) {
        bail!("neither Chromium nor Firefox is installed");
    }
    node.args(arguments);
    commands::succeeds(&mut node)
}
