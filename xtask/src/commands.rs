//! Running other programs.

use crate::place;
use anyhow::{Context, Result, bail};
use std::{env, ffi::OsStr, path::PathBuf, process::Command};

/// Cargo, in the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(place::root());
    command
}

/// Runs a command, whose output the user sees; whether it succeeded.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", shown(command)))?;
    Ok(status.success())
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Result<()> {
    if !succeeds(command)? {
        bail!("failed: {}", shown(command));
    }
    Ok(())
}

/// What a command prints; none if it can't be run or fails.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let it = Command::new(program).args(arguments).output().ok()?;
    it.status
        .success()
        .then(|| String::from_utf8_lossy(&it.stdout).trim().to_string())
}

/// Where a program is.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|it| it.join(program))
        .find(|it| it.is_file())
}

/// A command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
