//! What building and testing need besides Rust: installed as root on Debian, else named with the command that brings it.

use crate::{build::WASM, commands, debian, place};
use anyhow::{Result, bail};
use std::{env, fs, path::PathBuf, process::Command};

/// Programs that may be the browser, best first.
const CHROMIUM: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const FIREFOX: &[&str] = &["firefox-esr", "firefox"];
/// The browser driver's oldest.
const NODE_MAJOR: u32 = 18;

/// The stock browser to drive: `GEMSCOPE_CHROMIUM`, or the first that is installed.
pub fn chromium() -> Option<PathBuf> {
    program("GEMSCOPE_CHROMIUM", CHROMIUM)
}

/// The stock browser to drive: `GEMSCOPE_FIREFOX`, or the first that is installed.
pub fn firefox() -> Option<PathBuf> {
    program("GEMSCOPE_FIREFOX", FIREFOX)
}

/// Everything that the test command needs.
pub fn all(browsers: bool) -> Result<()> {
    wasm_target()?;
    packages(browsers)?;
    if browsers {
        node_modules()?;
    }
    Ok(())
}

/// The standard library for wasm.
pub fn wasm_target() -> Result<()> {
    let libraries = commands::output("rustc", &["--print", "target-libdir", "--target", WASM]);
    if libraries.is_some_and(|it| PathBuf::from(it).is_dir()) {
        return Ok(());
    }
    if commands::find("rustup").is_none() {
        bail!("the target {WASM} is missing, and rustup, which would add it");
    }
    commands::run(Command::new("rustup").args(["target", "add", WASM]))
}

/// Packages of the system.
fn packages(browsers: bool) -> Result<()> {
    let mut missing = Vec::new();
    if browsers {
        if chromium().is_none() {
            missing.push("chromium");
        }
        if firefox().is_none() {
            missing.push("firefox-esr");
        }
        match commands::output("node", &["--version"]) {
            None => missing.extend(["nodejs", "npm"]),
            Some(it) if major(it.trim_start_matches('v')) < Some(NODE_MAJOR) => {
                bail!("node {it} is too old; the browser tests need {NODE_MAJOR} or newer")
            }
            Some(_) if commands::find("npm").is_none() => missing.push("npm"),
            Some(_) => (),
        }
    }
    if debian::is_debian() {
        return debian::install(&missing);
    }
    let no_driver = cfg!(target_os = "linux") && !has_vulkan_driver();
    if no_driver && env::var_os("GEMSCOPE_NO_GPU").is_none() {
        missing.push(
            "a Vulkan driver (Mesa 24 or newer has a software one; GEMSCOPE_NO_GPU=1 does without)",
        );
    }
    if !missing.is_empty() {
        bail!("please install: {}", missing.join(", "));
    }
    Ok(())
}

/// Whether any driver is installed where the Vulkan loader looks.
fn has_vulkan_driver() -> bool {
    let named = ["VK_ICD_FILENAMES", "VK_DRIVER_FILES"];
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    named.iter().any(|it| env::var_os(it).is_some())
        || folders
            .iter()
            .any(|it| fs::read_dir(it).is_ok_and(|mut it| it.next().is_some()))
}

/// The driver of the browsers, from the lock; it downloads no browser of its own.
fn node_modules() -> Result<()> {
    let tests = place::root().join("tests");
    let modified = |path: &str| fs::metadata(tests.join(path)).and_then(|it| it.modified());
    let installed = modified("node_modules/.package-lock.json");
    if let (Ok(installed), Ok(locked)) = (installed, modified("package-lock.json"))
        && installed >= locked
    {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .env("PUPPETEER_SKIP_DOWNLOAD", "1")
        .current_dir(&tests);
    commands::run(&mut npm)
}

fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| names.iter().find_map(|it| commands::find(it)))
}

/// The first number of a version.
pub fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}
