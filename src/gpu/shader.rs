//! Shader texts and their imports: one line `// import lib/NAME.wgsl` stands for that file, once.

macro_rules! shaders {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../shaders/", $name, ".wgsl")))),*]
    };
}

/// Every kernel, by name; those of a folder are other forms of the kernel of the same name.
const SHADERS: &[(&str, &str)] = shaders![
    "add_rows",
    "argmax",
    "argmax_slices",
    "attention",
    "attention_apply",
    "attention_pattern",
    "column_sums",
    "copy",
    "decode",
    "embed",
    "gate_up",
    "gelu_mul",
    "jump_count",
    "jump_scan",
    "jump_write",
    "kl_rows",
    "logits_stats",
    "matmul",
    "matvec",
    "multiply_add",
    "norm_add",
    "rms_norm",
    "rope",
    "row_norms",
    "sample",
    "software/gate_up",
    "software/matmul",
    "software/matvec",
    "steer",
    "top_k",
];

/// Shared pieces, by name.
const PIECES: &[(&str, &str)] = shaders![
    "lib/packed",
    "lib/packed_w",
    "lib/reduce",
    "lib/safe_tanh",
    "lib/select",
];

/// Names of all kernels, and of their other forms.
pub fn shader_names() -> Vec<&'static str> {
    SHADERS.iter().map(|it| it.0).collect()
}

/// The whole text of a kernel; none if there is no kernel of that name or a piece of it is missing.
pub fn resolve_shader(name: &str) -> Option<String> {
    let text = SHADERS.iter().find(|it| it.0 == name)?.1;
    let mut imported = Vec::new();
    let mut out = String::new();
    append(text, &mut imported, &mut out)?;
    Some(out)
}

/// The shader's bindings as its text declares them: how many are read, how many are read and written.
pub(super) fn bindings(text: &str) -> (usize, usize) {
    (
        text.matches("var<storage, read> ").count(),
        text.matches("var<storage, read_write> ").count(),
    )
}

fn append(text: &'static str, imported: &mut Vec<&'static str>, out: &mut String) -> Option<()> {
    for line in text.lines() {
        let Some(path) = line.strip_prefix("// import ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = path.trim().strip_suffix(".wgsl")?;
        let (name, piece) = PIECES.iter().find(|it| it.0 == name)?;
        if !imported.contains(name) {
            imported.push(name);
            append(piece, imported, out)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_is_found() {
        for name in shader_names() {
            assert!(resolve_shader(name).is_some(), "{name}");
        }
        assert_eq!(resolve_shader("nothing"), None);
    }
}
