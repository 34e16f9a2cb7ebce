//! The browser tests: serves the site and the tests' own folder, lets node drive the browsers, judges what they computed.
//!
//! The test Hub is started by node, as a process of its own on ports that are chosen here: the site's host table names them.

use crate::{
    commands, hosts,
    libtest::Counts,
    place, prerequisites,
    server::{Mount, Server, Site},
    tensors, test,
};
use anyhow::{Context, Result};
use gemscope::spec::{Host, HostTable, Serves};
use serde::Deserialize;
use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

/// What a right f32 implementation with bf16 weights keeps on the small model (tests/golden/ORIGIN.md).
const TOLERANCE: f32 = 1e-4;
const GOLDEN: &str = "nano";

/// A case as `tests/browser.mjs` tells it.
#[derive(Deserialize)]
struct Case {
    name: String,
    outcome: Outcome,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// Activations that a browser computed, to be compared with golden ones.
#[derive(Deserialize)]
struct Dump {
    name: String,
    file: PathBuf,
    prefix: String,
    /// Which golden; none for the model's own.
    golden: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    cases: Vec<Case>,
    dumps: Vec<Dump>,
}

/// Which cases.
#[derive(Clone, Copy)]
pub struct Which<'a> {
    /// Those whose names contain this; several are separated by commas.
    pub filter: Option<&'a str>,
    /// The long ones alone; without a filter for their very name they are left out otherwise.
    pub long: bool,
}

/// Runs cases of the browsers.
pub fn run(which: Which) -> Result<Counts> {
    let out = place::target().join("browser");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let ports = HubPorts::free()?;
    let server = serve(&ports, Vec::new())?;
    let mut node = driver(&out, &format!("http://{}/", server.address), which);
    node.arg("--hub").arg(this_program()?);
    node.arg("--hub-root").arg(place::target().join("tmp/hub"));
    node.args(["--hub-ports", &ports.argument()]);
    node.arg("--gemscope").arg(command_line()?);
    commands::succeeds(&mut node)?;
    let results =
        fs::read(out.join("results.json")).context("the driver of the browsers left no results")?;
    let results: Results = serde_json::from_slice(&results)?;
    drop(server);
    let mut counts = Counts::default();
    for it in &results.cases {
        counts.add(Counts {
            passed: (it.outcome == Outcome::Passed).into(),
            failed: (it.outcome == Outcome::Failed).into(),
        });
        if it.outcome == Outcome::Failed {
            println!("failed: {}", it.name);
        }
    }
    judge(&results.dumps, &mut counts)?;
    Ok(counts)
}

/// The command line, as the tests have it beside them: what the page shows is compared with what it says. `cargo build` would compile
/// every dependency once more, without what tests ask of them.
///
/// Errors: what the build says.
pub fn command_line() -> Result<PathBuf> {
    let mut cargo = commands::cargo(&["test", "--no-run", "--workspace", "--test", "tidy"]);
    commands::run(cargo.args(test::EVERYTHING))?;
    Ok(place::target().join("debug/gemscope"))
}

/// Where a test Hub will listen.
pub struct HubPorts([u16; 2]);

impl HubPorts {
    /// Two that are free now.
    ///
    /// Errors: what the system says.
    pub fn free() -> Result<Self> {
        let both = [
            TcpListener::bind("127.0.0.1:0")?,
            TcpListener::bind("127.0.0.1:0")?,
        ];
        let mut ports = [0; 2];
        for (port, it) in ports.iter_mut().zip(&both) {
            *port = it.local_addr()?.port();
        }
        Ok(Self(ports))
    }

    /// As scripts take them.
    pub fn argument(&self) -> String {
        let [hub, signed] = self.0;
        format!("{hub},{signed}")
    }

    /// A table with this Hub alone; under another name, and so as another origin, it tells of features.
    fn table(&self) -> Result<HostTable> {
        let [hub, signed] = self.0;
        let files = hosts::parse(&format!("http://127.0.0.1:{hub},http://127.0.0.1:{signed}"))?;
        let features = Host {
            serves: Serves::Features,
            ..hosts::parse(&format!("http://localhost:{hub}"))?
        };
        Ok(HostTable {
            hosts: vec![files, features],
        })
    }
}

/// Serves the site and the tests' own folder on a free port, with a test Hub as the one host that it may ask.
pub fn serve(ports: &HubPorts, more: Vec<Mount>) -> Result<Server> {
    let site = Site {
        mounts: mounts().into_iter().chain(more).collect(),
        hosts: Some(ports.table()?),
    };
    Server::start("127.0.0.1", 0, site)
}

/// This very program, also after a build has put another in its place.
///
/// Errors: what the system says.
pub fn this_program() -> Result<PathBuf> {
    let path = env::current_exe()?;
    let text = path.to_string_lossy();
    Ok(PathBuf::from(
        text.strip_suffix(" (deleted)").unwrap_or(&text),
    ))
}

/// Tells a script where the browsers are; whether there is any.
pub fn name_browsers(node: &mut Command) -> bool {
    let browsers = [
        ("--chromium", prerequisites::chromium()),
        ("--firefox", prerequisites::firefox()),
    ];
    let mut any = false;
    for (name, path) in browsers {
        if let Some(path) = path {
            node.arg(name).arg(path);
            any = true;
        }
    }
    any
}

fn mounts() -> Vec<Mount> {
    let mut out = vec![
        mount("/tests/browser", place::root().join("tests/browser")),
        mount("/tests/golden", place::root().join("tests/golden")),
        // What `cargo test` leaves for the browsers: resolved shaders, a model in a folder.
        mount("/tests/made", place::target().join("tmp")),
    ];
    if let Some(shared) = place::shared() {
        out.push(mount(
            "/tests/tokenizer",
            shared.join("reference/tokenizer"),
        ));
    }
    out
}

fn mount(path: &'static str, folder: PathBuf) -> Mount {
    Mount { path, folder }
}

fn driver(out: &Path, base: &str, which: Which) -> Command {
    let mut node = Command::new("node");
    node.arg("tests/browser.mjs")
        .args(["--base", base, "--out"])
        .arg(out)
        .current_dir(place::root());
    name_browsers(&mut node);
    if let Some(filter) = which.filter {
        node.args(["--filter", filter]);
    }
    if which.long {
        node.arg("--long");
    }
    node
}

/// The native comparer's judgement: each dump is a case.
fn judge(dumps: &[Dump], counts: &mut Counts) -> Result<()> {
    for it in dumps {
        let golden = it.golden.as_deref().unwrap_or(GOLDEN);
        let path = place::root().join(format!("tests/golden/{golden}.safetensors"));
        let golden = tensors::read(&path).map_err(anyhow::Error::msg)?;
        // What the browsers don't dump is compared natively: the clean logits, and activations after interventions.
        let golden: tensors::Tensors = tensors::with_prefix(&golden, &it.prefix)
            .into_iter()
            .filter(|(name, _)| name != "base_logits" && !name.ends_with(".activations"))
            .collect();
        let told = tensors::read(&it.file)
            .and_then(|got| tensors::compare(&got, &golden, TOLERANCE))
            .map(|it| format!("{} sites, farthest {}", it.n_sites, it.worst.line()));
        match told {
            Ok(told) => {
                counts.passed += 1;
                println!("test {} ... ok ({told})", it.name);
            }
            Err(told) => {
                counts.failed += 1;
                println!("test {} ... FAILED: {told}", it.name);
            }
        }
    }
    Ok(())
}
