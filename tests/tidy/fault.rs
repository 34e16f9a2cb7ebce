//! A fault: which rule, where, what.

use proc_macro2::Span;
use std::path::Path;

/// Every rule that can be broken; each has at least one deliberate fault in `tests/faults`.
pub const RULES: &[&str] = &[
    "parses",
    "layers",
    "root_alias",
    "fence",
    "exports",
    "protocol",
    "rooms_order",
    "mod_logic",
    "unwrap",
    "test_attributes",
    "bools",
    "parameters",
    "function_length",
    "file_length",
    "file_doc",
    "depth",
    "file_name",
    "shader_length",
    "gemma_numbers",
];

/// A broken rule.
pub struct Fault {
    /// One of [`RULES`].
    pub rule: &'static str,
    /// `path:line`.
    pub at: String,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A fault at a place in a parsed file.
    pub fn at(rule: &'static str, path: &Path, span: Span, what: impl Into<String>) -> Self {
        Self::line(rule, path, span.start().line, what)
    }

    /// A fault at a line.
    pub fn line(rule: &'static str, path: &Path, line: usize, what: impl Into<String>) -> Self {
        Self {
            rule,
            at: format!("{}:{line}", path.display()),
            what: what.into(),
        }
    }
}

/// A line each.
pub fn list(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|it| format!("  {} [{}] {}\n", it.at, it.rule, it.what))
        .collect()
}
