//! Runs `cargo test`, shows what it prints and counts.

use anyhow::{Context, Result};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

/// How many tests there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed; a test program that did not come to its end is one.
    pub failed: usize,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs the tests to their end; what does not even compile counts as one failure.
pub fn run(cargo: &mut Command) -> Result<Counts> {
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo test")?;
    let mut counts = Counts::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            counts.add(of_line(&line).unwrap_or_default());
        }
    }
    if !child.wait()?.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// Counts of `test result: ok. 3 passed; 0 failed; ...`.
fn of_line(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |word: &str| {
        rest.split("; ")
            .find_map(|it| it.strip_suffix(word)?.trim().parse().ok())
    };
    Some(Counts {
        passed: count("passed")?,
        failed: count("failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.02s";
        let counts = Counts {
            passed: 12,
            failed: 3,
        };
        assert_eq!(of_line(line), Some(counts));
        assert_eq!(of_line("test result_of_line ... ok"), None);
    }
}
