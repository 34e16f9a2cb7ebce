//! What a command says in the end, as text or as JSON, and how errors are said.

use super::args::Global;
use crate::session::protocol::Failure;
use serde_json::{Value, json};
use std::io::Write;

/// What a command found out.
#[derive(Debug)]
pub struct Report {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

/// A failure found here, before or after the engine's part.
pub fn failure(what: impl Into<String>, remedy: impl Into<String>) -> Failure {
    Failure {
        what: what.into(),
        remedy: remedy.into(),
        detail: String::new(),
    }
}

/// A failure about a file, with the system's words for it.
pub fn file_failure(
    what: impl Into<String>,
    remedy: impl Into<String>,
    error: &std::io::Error,
) -> Failure {
    Failure {
        detail: error.to_string(),
        ..failure(what, remedy)
    }
}

/// Prints the report; a reader that has gone away is no error.
pub fn print(report: &Report, global: &Global) {
    let mut out = std::io::stdout().lock();
    let _ = if global.json {
        writeln!(out, "{:#}", report.json)
    } else {
        write!(out, "{}", report.text)
    };
}

/// Prints what went wrong to standard error.
pub fn print_failure(it: &Failure, global: &Global) {
    if global.json {
        eprintln!("{:#}", json!({ "error": it }));
        return;
    }
    eprintln!("error: {}", it.what);
    for line in [&it.remedy, &it.detail] {
        if !line.is_empty() {
            eprintln!("  {line}");
        }
    }
}
