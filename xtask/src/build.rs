//! `cargo xtask build`: the two wasm programs and everything of `www/`, as a static site in `dist/`.

use crate::{
    commands,
    dress::{self, HEADERS, HOSTING, PAGE, WORKER},
    hashed, hosts, parts, place, prerequisites,
    size::{Piece, Size},
};
use anyhow::{Context, Result, anyhow};
use gemscope::spec::{Host, HostTable};
use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// The target of both programs.
pub const WASM: &str = "wasm32-unknown-unknown";
/// What a build depends on; the build's id is a hash of it.
const SOURCES: &[&str] = &["src", "shaders", "www", "Cargo.toml", "Cargo.lock"];
/// Written by `cargo xtask record`; they travel inside the page.
const FIRST: &str = "first.html";
const RECORDED: &str = "recorded.json";

/// Arguments of `build`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Cargo profile of the wasm programs.
    #[arg(long, default_value = "web")]
    profile: String,
    /// A server that the site may ask besides the Hub, and after commas where it sends on to. Can be given again.
    #[arg(long = "host", value_name = "URL[,ALSO]", value_parser = hosts::parse)]
    hosts: Vec<Host>,
    /// Leave Neuronpedia out of the table: the site asks nobody about single features.
    #[arg(long)]
    without_neuronpedia: bool,
}

/// A wasm program. Its feature of the package has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// In the worker: everything that computes.
    Engine,
    /// On the main thread: views.
    Page,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Engine, Self::Page];

    /// Of the binary and of the feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Page => "page",
        }
    }

    /// What it is built with where the site is built with `profile`: the page itself is made small, whatever its speed.
    fn profile(self, profile: &str) -> &str {
        match (self, profile) {
            (Self::Page, "web") => "page",
            _ => profile,
        }
    }
}

/// Builds and says how large it became.
pub fn run(arguments: &Arguments) -> Result<()> {
    prerequisites::wasm_target()?;
    let asks_of_features = !arguments.without_neuronpedia;
    let table = hosts::table(&arguments.hosts, asks_of_features);
    site(&arguments.profile, &table)?;
    for it in sizes()? {
        println!("{}", it.line());
    }
    println!("{}", place::dist().display());
    Ok(())
}

/// Writes the site into `dist/`, for requests to the hosts of the table alone.
///
/// Errors: a program that does not compile; those of files.
pub fn site(profile: &str, table: &HostTable) -> Result<()> {
    let build = build_id()?;
    let dist = place::dist();
    empty(&dist)?;
    let programs = dist.join(hashed::FOLDER);
    for program in Program::ALL {
        let profile = program.profile(profile);
        compile(program, profile, &build)?;
        bind(program, profile, &programs)?;
    }
    copy(&place::root().join("www"), &dist)?;
    copy(&place::root().join(HOSTING), &dist.join(HOSTING))?;
    fill(&dist)?;
    hashed::name_all(&dist)?;
    let bare = place::bare();
    lay_bare(&dist, &bare)?;
    dress::dress(&bare, &dist, table, &dist)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Moves what depends on the host table out of the site, to where it stays as it is.
fn lay_bare(dist: &Path, bare: &Path) -> Result<()> {
    empty(bare)?;
    for it in [PAGE, HEADERS, WORKER, HOSTING] {
        fs::rename(dist.join(it), bare.join(it)).with_context(|| it)?;
    }
    Ok(())
}

/// Puts the first picture and the recorded runs, which `cargo xtask record` wrote, into the page: there is something true to look at
/// before any program runs.
fn fill(dist: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = dist.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let first = read(FIRST)?;
    // Inside an element a "<" of the data could end it.
    let runs = read(RECORDED)?.replace('<', "\\u003c");
    let page = read(PAGE)?;
    let filled = page
        .replacen("<!-- first picture -->", first.trim_end(), 1)
        .replacen("<!-- recorded runs -->", runs.trim_end(), 1);
    fs::write(dist.join(PAGE), filled)?;
    for it in [FIRST, RECORDED] {
        fs::remove_file(dist.join(it))?;
    }
    Ok(())
}

/// Sizes of the pieces in `dist/`.
pub fn sizes() -> Result<Vec<Size>> {
    Piece::ALL
        .into_iter()
        .map(|it| Size::of(it, &place::dist()))
        .collect()
}

fn compile(program: Program, profile: &str, build: &str) -> Result<()> {
    let name = program.name();
    let mut cargo = commands::cargo(&["build", "--package", "gemscope", "--target", WASM]);
    cargo
        .args(["--profile", profile, "--no-default-features"])
        .args(["--features", name, "--bin", name])
        .env("GEMSCOPE_BUILD", build);
    if program == Program::Page {
        // Views are built from types that hold each other; erased at each component, the program becomes a good deal smaller.
        // Where it is cut, what the linker knew of addresses is needed.
        cargo.env(
            "RUSTFLAGS",
            "--cfg erase_components -Clink-arg=--emit-relocs",
        );
    }
    commands::run(&mut cargo)
}

fn bind(program: Program, profile: &str, folder_out: &Path) -> Result<()> {
    let name = program.name();
    let folder = if profile == "dev" { "debug" } else { profile };
    let wasm = place::target()
        .join(WASM)
        .join(folder)
        .join(format!("{name}.wasm"));
    let wasm = match program {
        Program::Page => parts::cut(&wasm, folder_out)?,
        Program::Engine => wasm,
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name(name)
        .web(true)
        .map_err(|it| anyhow!("{it:#}"))?
        .typescript(false)
        // The part finds the page's functions in its table.
        .keep_lld_exports(program == Program::Page)
        // What a visitor downloads holds no names of functions; a build with `--profile dev` does.
        .remove_name_section(profile != "dev")
        .remove_producers_section(profile != "dev")
        // The library's default differs from the command's: without this, `init()` would not know where its wasm is.
        .omit_default_module_path(false);
    bindgen
        .generate(folder_out)
        .map_err(|it| anyhow!("{it:#}"))
        .with_context(|| format!("wasm-bindgen for {name}"))
}

/// A hash of the sources: a page and an engine with the same id were built from the same ones.
fn build_id() -> Result<String> {
    let mut files = BTreeSet::new();
    for it in SOURCES {
        list(&place::root().join(it), &mut files)?;
    }
    let mut hasher = DefaultHasher::new();
    for path in files {
        hasher.write(path.to_string_lossy().as_bytes());
        hasher.write(&fs::read(&path)?);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Every file at or below a path.
///
/// Errors: those of reading folders.
pub fn list(path: &Path, out: &mut BTreeSet<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            list(&entry?.path(), out)?;
        }
    } else if path.exists() {
        out.insert(path.into());
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
