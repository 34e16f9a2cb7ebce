//! Packages on Debian: installed as root, else named. The Vulkan driver comes from backports where the release's own is too old.

use crate::{commands, prerequisites::major};
use anyhow::{Context, Result, bail};
use std::{env, fs, path::Path, process::Command};

/// Firefox and Chromium accept a software driver of this version or newer.
const MESA_MAJOR: u32 = 24;
const MESA: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];
const SOURCES: &str = "/etc/apt/sources.list.d";
/// The one file that is written.
const OUR_SOURCE: &str = "gemscope-backports";

/// Whether this is Debian itself.
pub fn is_debian() -> bool {
    os_release("ID").is_some_and(|it| it == "debian") && commands::find("apt-get").is_some()
}

/// Installs what is missing, and Mesa.
pub fn install(missing: &[&str]) -> Result<()> {
    let has_mesa = installed(MESA[0]).and_then(|it| major(&it)) >= Some(MESA_MAJOR);
    let needs_mesa = !has_mesa && env::var_os("GEMSCOPE_NO_GPU").is_none();
    if missing.is_empty() && !needs_mesa {
        return Ok(());
    }
    let codename = os_release("VERSION_CODENAME").context("VERSION_CODENAME of /etc/os-release")?;
    if commands::output("id", &["-u"]).as_deref() != Some("0") {
        bail!("{}", what_to_type(missing, needs_mesa, &codename));
    }
    apt(&["update"])?;
    if !missing.is_empty() {
        apt(&[&["install", "--yes", "--no-install-recommends"], missing].concat())?;
    }
    if needs_mesa {
        mesa(&codename)?;
    }
    Ok(())
}

fn mesa(codename: &str) -> Result<()> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    let backports = format!("{codename}-backports");
    if candidate(MESA[0]).and_then(|it| major(&it)) < Some(MESA_MAJOR) {
        add_suite(codename, &backports)?;
        apt(&["update"])?;
        arguments.extend(["--target-release", &backports]);
    }
    arguments.extend(MESA);
    apt(&arguments)
}

/// Writes a source of another suite beside the existing one, unless there is one already.
fn add_suite(codename: &str, suite: &str) -> Result<()> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(SOURCES).into_iter().flatten().flatten() {
        texts.push(entry.path());
    }
    texts.push(Path::new("/etc/apt/sources.list").into());
    let mut derived = None;
    for path in texts {
        let is_source = path
            .extension()
            .is_some_and(|it| it == "sources" || it == "list");
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if is_source && names_suite(&text, suite) {
            return Ok(());
        }
        if is_source && derived.is_none() {
            let kind = if path.extension().is_some_and(|it| it == "list") {
                "list"
            } else {
                "sources"
            };
            derived = derive(&text, codename, suite).map(|it| (kind, it));
        }
    }
    let (kind, text) = derived.context("no source of this Debian release was found")?;
    let path = format!("{SOURCES}/{OUR_SOURCE}.{kind}");
    println!("writing {path}");
    fs::write(&path, text).context(path)
}

/// The entry of `suite`, made from the entry of the release: the same server and keys.
fn derive(text: &str, codename: &str, suite: &str) -> Option<String> {
    let stanza = text.split("\n\n").find(|it| {
        it.lines().any(|line| {
            line.strip_prefix("Suites:")
                .is_some_and(|it| it.split_whitespace().any(|it| it == codename))
        })
    });
    if let Some(stanza) = stanza {
        let lines = stanza.lines().filter(|it| !it.starts_with('#'));
        return Some(
            lines
                .map(|it| match it.split_once(':') {
                    Some(("Suites", _)) => format!("Suites: {suite}\n"),
                    _ => format!("{it}\n"),
                })
                .collect(),
        );
    }
    let line = text
        .lines()
        .find(|it| it.starts_with("deb ") && it.split_whitespace().any(|it| it == codename))?;
    Some(format!(
        "{}\n",
        line.replacen(&format!(" {codename} "), &format!(" {suite} "), 1)
    ))
}

fn names_suite(text: &str, suite: &str) -> bool {
    text.lines()
        .filter(|it| !it.starts_with('#'))
        .any(|it| it.split_whitespace().any(|it| it == suite))
}

fn apt(arguments: &[&str]) -> Result<()> {
    commands::run(
        Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// What someone who is not root is told.
fn what_to_type(missing: &[&str], needs_mesa: bool, codename: &str) -> String {
    let mut out = String::from("please install what is missing:");
    if !missing.is_empty() {
        out += &format!("\n    sudo apt-get install {}", missing.join(" "));
    }
    if needs_mesa {
        let [driver, loader] = MESA;
        out += &format!(
            "\n    sudo apt-get install -t {codename}-backports {driver} {loader}    (Mesa {MESA_MAJOR} or newer; GEMSCOPE_NO_GPU=1 does without)"
        );
    }
    out
}

fn installed(package: &str) -> Option<String> {
    commands::output(
        "dpkg-query",
        &["--show", "--showformat=${Version}", package],
    )
}

fn candidate(package: &str) -> Option<String> {
    let policy = commands::output("apt-cache", &["policy", package])?;
    policy
        .lines()
        .find_map(|it| Some(it.trim().strip_prefix("Candidate:")?.trim().to_string()))
}

fn os_release(key: &str) -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    text.lines().find_map(|it| {
        let value = it.strip_prefix(key)?.strip_prefix('=')?;
        Some(value.trim_matches('"').to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZAS: &str = "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /keys\n\nTypes: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n";

    #[test]
    fn the_release_s_own_entry_is_followed() {
        assert_eq!(
            derive(STANZAS, "bookworm", "bookworm-backports").as_deref(),
            Some(
                "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /keys\n"
            )
        );
        let lines = "# deb x bookworm main\ndeb [signed-by=/k] http://mirror.example/debian bookworm main\n";
        assert_eq!(
            derive(lines, "bookworm", "bookworm-backports").as_deref(),
            Some("deb [signed-by=/k] http://mirror.example/debian bookworm-backports main\n")
        );
        assert_eq!(derive("", "bookworm", "bookworm-backports"), None);
    }

    #[test]
    fn a_suite_that_is_there_is_seen() {
        assert!(names_suite(STANZAS, "bookworm-updates"));
        assert!(!names_suite(STANZAS, "bookworm-backports"));
        assert!(!names_suite(
            "# Suites: bookworm-backports",
            "bookworm-backports"
        ));
    }

    #[test]
    fn who_is_not_root_is_told_the_commands() {
        let told = what_to_type(&["chromium"], true, "bookworm");
        assert!(
            told.contains("apt-get install chromium\n") && told.contains("-t bookworm-backports")
        );
    }
}
