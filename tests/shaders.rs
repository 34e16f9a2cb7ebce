//! The contract of the shaders: what their headers promise, what any adapter allows, and that each op's `Params` is the shader's.
//!
//! What the kernels compute is compared with their twins in `ops.rs`.

#[path = "shaders/contract.rs"]
mod contract;
#[path = "shaders/params.rs"]
mod params;

use gemscope::gpu::{resolve_shader, shader_names};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A shader: its own text and the text with its imports.
pub struct Shader {
    /// Path of the file below `shaders`, without its ending.
    pub path: String,
    /// Name of the file, of the entry and of the op.
    pub name: String,
    /// As in the file.
    pub own: String,
    /// As the driver gets it.
    pub resolved: String,
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    fs::read_dir(folder)
        .expect("folder of the repository")
        .map(|it| it.expect("directory entry").path())
        .filter(|it| it.extension().is_some_and(|it| it == extension))
        .map(|it| it.file_stem().expect("name").to_string_lossy().into_owned())
        .collect()
}

fn shaders() -> Vec<Shader> {
    shader_names()
        .into_iter()
        .map(|path| Shader {
            path: path.into(),
            name: path.rsplit('/').next().unwrap_or(path).into(),
            own: fs::read_to_string(repository().join(format!("shaders/{path}.wgsl")))
                .expect("a file for each name"),
            resolved: resolve_shader(path).expect("every import exists"),
        })
        .collect()
}

fn report(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_is_known_and_has_its_op() {
    let known: BTreeSet<String> = shader_names().into_iter().map(String::from).collect();
    let mut files = stems(&repository().join("shaders"), "wgsl");
    let software = stems(&repository().join("shaders/software"), "wgsl");
    files.extend(software.iter().map(|it| format!("software/{it}")));
    assert_eq!(known, files);
    let ops = stems(&repository().join("src/ops"), "rs");
    report(
        shaders()
            .iter()
            .filter(|it| !ops.contains(&it.name))
            .map(|it| format!("{}: no src/ops/{}.rs", it.path, it.name))
            .collect(),
    );
}

#[test]
fn every_shared_piece_is_used() {
    let texts: String = shaders().into_iter().map(|it| it.own).collect();
    let folder = repository().join("shaders/lib");
    let pieces: String = stems(&folder, "wgsl")
        .iter()
        .filter_map(|it| fs::read_to_string(folder.join(format!("{it}.wgsl"))).ok())
        .collect();
    report(
        stems(&folder, "wgsl")
            .into_iter()
            .filter(|it| {
                let line = format!("// import lib/{it}.wgsl");
                !texts.contains(&line) && !pieces.contains(&line)
            })
            .map(|it| format!("lib/{it}.wgsl is imported by nobody"))
            .collect(),
    );
}

#[test]
fn shaders_keep_the_contract() {
    report(shaders().iter().flat_map(contract::check).collect());
}

#[test]
fn every_op_mirrors_the_params_of_its_shader() {
    report(
        shaders()
            .iter()
            .flat_map(|it| params::check(it, &repository().join("src/ops")))
            .collect(),
    );
}

/// `tanh` is NaN for large arguments on some drivers: one piece calls it, with its argument clamped.
#[test]
fn tanh_is_clamped() {
    let mut faults = Vec::new();
    for folder in ["shaders", "shaders/lib", "shaders/software"] {
        for stem in stems(&repository().join(folder), "wgsl") {
            let path = repository().join(format!("{folder}/{stem}.wgsl"));
            let text = fs::read_to_string(path).expect("a shader's text");
            let code = text.lines().filter(|it| !it.trim_start().starts_with("//"));
            for call in code.filter(|it| contract::calls_bare_tanh(it)) {
                if stem != "safe_tanh" || !call.contains(" tanh(clamp(") {
                    faults.push(format!("{stem}: `{}`", call.trim()));
                }
            }
        }
    }
    report(faults);
}

/// The browsers compile the same texts: the browser tests read this file.
#[test]
fn resolved_texts_are_left_for_the_browsers() {
    let texts: serde_json::Map<String, serde_json::Value> = shaders()
        .into_iter()
        .map(|it| (it.path, it.resolved.into()))
        .collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shaders.json");
    fs::write(path, serde_json::to_vec(&texts).expect("plain strings"))
        .expect("a writable target folder");
}
