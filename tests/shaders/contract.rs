//! What naga and the header say about one shader.

use super::Shader;
use naga::{
    AddressSpace, Module, StorageAccess,
    back::pipeline_constants::process_overrides,
    proc::Layouter,
    valid::{Capabilities, ModuleInfo, ValidationFlags, Validator},
};

/// What every adapter that WebGPU allows has.
const MAX_STORAGE_BINDINGS: usize = 8;
const MAX_WORKGROUP_BYTES: u32 = 16 * 1024;
/// How a header may call what a buffer holds; `packed` is one of `spec::Packing`.
const DTYPES: &[&str] = &["f32", "f16", "bf16", "u32", "i32", "packed"];
/// What `// needs NAME` may ask for.
const FEATURES: &[(&str, Capabilities)] = &[
    ("subgroups", Capabilities::SUBGROUP),
    ("shader-f16", Capabilities::SHADER_FLOAT16),
];

/// Every breach of one shader.
pub fn check(shader: &Shader) -> Vec<String> {
    let mut faults = Vec::new();
    match parse(shader) {
        Ok((module, info)) => {
            faults.extend(entry(shader, &module));
            faults.extend(bindings(shader, &module));
            faults.extend(workgroup_memory(&module, &info));
        }
        Err(it) => faults.push(it),
    }
    faults
        .into_iter()
        .map(|it| format!("{}: {it}", shader.name))
        .collect()
}

/// The module, valid with what the shader says it needs and nothing else.
pub fn parse(shader: &Shader) -> Result<(Module, ModuleInfo), String> {
    let text = &shader.resolved;
    let module = naga::front::wgsl::parse_str(text).map_err(|it| it.emit_to_string(text))?;
    // f16 in memory, read as f32 (`unpack2x16float`), is part of WGSL itself.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    for line in shader.own.lines() {
        let Some(name) = line.strip_prefix("// needs ") else {
            continue;
        };
        let known = FEATURES.iter().find(|it| it.0 == name.trim());
        capabilities |= known.ok_or(format!("unknown feature in `{line}`"))?.1;
    }
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|it| it.emit_to_string(text))?;
    Ok((module, info))
}

/// Whether a line of code calls WGSL's own `tanh`.
pub fn calls_bare_tanh(line: &str) -> bool {
    line.match_indices("tanh(")
        .any(|(at, _)| !line[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_'))
}

fn entry(shader: &Shader, module: &Module) -> Vec<String> {
    let names: Vec<&str> = module.entry_points.iter().map(|it| &*it.name).collect();
    if names == [shader.name.as_str()] {
        return Vec::new();
    }
    vec![format!(
        "entry points are {names:?}, not the one named as the file"
    )]
}

/// Uniform, then read, then read_write; without gaps, in group 0, each told in the header.
fn bindings(shader: &Shader, module: &Module) -> Vec<String> {
    let mut faults = Vec::new();
    let mut bound: Vec<(u32, u8, &str)> = Vec::new();
    for (_, it) in module.global_variables.iter() {
        let Some(binding) = &it.binding else { continue };
        let rank = match it.space {
            AddressSpace::Uniform => 0,
            AddressSpace::Storage { access } if !access.contains(StorageAccess::STORE) => 1,
            _ => 2,
        };
        let name = it.name.as_deref().unwrap_or_default();
        if binding.group != 0 {
            faults.push(format!("`{name}` is in group {}", binding.group));
        }
        bound.push((binding.binding, rank, name));
    }
    bound.sort();
    if !bound.iter().enumerate().all(|(n, it)| it.0 == n as u32) {
        faults.push(format!("bindings have a gap: {bound:?}"));
    }
    if !bound.windows(2).all(|it| it[0].1 <= it[1].1) {
        faults.push(format!(
            "bindings are not uniform, read, read_write: {bound:?}"
        ));
    }
    let storage: Vec<&str> = bound.iter().filter(|it| it.1 > 0).map(|it| it.2).collect();
    if storage.len() > MAX_STORAGE_BINDINGS {
        faults.push(format!("{} storage bindings", storage.len()));
    }
    let header: Vec<&str> = shader
        .own
        .lines()
        .take_while(|it| it.starts_with("//"))
        .collect();
    for name in storage {
        if !header.iter().any(|it| describes(it, name)) {
            faults.push(format!("header has no line `{name} [shape] dtype meaning`"));
        }
    }
    faults
}

/// Whether a line of the header is `// name [shape] dtype meaning`.
fn describes(line: &str, name: &str) -> bool {
    let told = line
        .trim_start_matches('/')
        .trim_start()
        .strip_prefix(name)
        .filter(|it| it.starts_with(' '))
        .and_then(|it| it.trim_start().strip_prefix('['))
        .and_then(|it| it.split_once(']'));
    let Some((shape, rest)) = told else {
        return false;
    };
    let mut words = rest.split_whitespace();
    let dtype = words.next().unwrap_or_default();
    !shape.is_empty() && DTYPES.contains(&dtype) && words.next().is_some()
}

/// What a workgroup holds with every override at its default.
fn workgroup_memory(module: &Module, info: &ModuleInfo) -> Option<String> {
    let (module, _) = match process_overrides(module, info, None, &Default::default()) {
        Ok(it) => it,
        Err(it) => return Some(format!("an override without a default: {it}")),
    };
    let mut layouter = Layouter::default();
    if let Err(it) = layouter.update(module.to_ctx()) {
        return Some(format!("no layout: {it}"));
    }
    let bytes: u32 = module
        .global_variables
        .iter()
        .filter(|(_, it)| it.space == AddressSpace::WorkGroup)
        .map(|(_, it)| layouter[it.ty].size.next_multiple_of(16))
        .sum();
    (bytes > MAX_WORKGROUP_BYTES)
        .then(|| format!("{bytes} bytes of workgroup memory; {MAX_WORKGROUP_BYTES} at most"))
}
