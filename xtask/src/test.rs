//! `cargo xtask test`: sets up what is missing, then every check and every test, with the seconds of each step.
//!
//! A step that fails does not keep the others from running, unless they stand on it.

use crate::{
    browser,
    build::{self, Program, WASM},
    commands, libtest, place, prerequisites,
    report::{Outcome, Report},
    size::Size,
};
use anyhow::Result;
use gemscope::spec::HostTable;

/// Set where `../shared` is absent: tests that need it are skipped by name.
const NO_SHARED: &str = "GEMSCOPE_NO_SHARED";
/// What everything on the host is built with: the program `lab` and the page's views are checked and tested there too.
pub const EVERYTHING: [&str; 2] = ["--features", "xtask/engine,gemscope/page"];

/// Arguments of `test`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Leave out the browsers.
    #[arg(long, conflicts_with = "long")]
    no_browser: bool,
    /// Only the browsers' long cases, which are left out otherwise.
    #[arg(long)]
    long: bool,
    /// Only tests whose name contains this, and no checks; what begins with `browser` runs in the browsers.
    filter: Option<String>,
}

/// Whether everything went well.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let mut report = Report::default();
    let filter = arguments.filter.as_deref();
    let browsers = !arguments.no_browser && filter.is_none_or(|it| it.starts_with("browser"));
    let which = browser::Which {
        filter,
        long: arguments.long,
    };
    let host = !arguments.long && filter.is_none_or(|it| !it.starts_with("browser"));

    let ready = report.step("prerequisites", || {
        prerequisites::all(browsers).map(|()| Outcome::Gate(true))
    });
    if filter.is_none() && !arguments.long {
        checks(&mut report);
    }
    if host {
        report.step("tests", || host_tests(filter).map(Outcome::Tests));
    }
    if !browsers {
        report.skip("browser tests", "not asked for");
    } else if !ready {
        report.skip("browser tests", "prerequisites are missing");
    } else if report.step("wasm build", || {
        build::site("web", &HostTable::default()).map(|()| Outcome::Gate(true))
    }) {
        report.step("wasm sizes", sizes);
        report.step("browser tests", || browser::run(which).map(Outcome::Tests));
    }
    Ok(report.finish())
}

fn checks(report: &mut Report) {
    report.step("fmt", || {
        commands::succeeds(&mut commands::cargo(&["fmt", "--all", "--check"])).map(Outcome::Gate)
    });
    report.step("clippy, host", || {
        let mut cargo = commands::cargo(&["clippy", "--workspace", "--all-targets"]);
        cargo.args(EVERYTHING).args(["--", "--deny", "warnings"]);
        commands::succeeds(&mut cargo).map(Outcome::Gate)
    });
    for program in Program::ALL {
        let name = program.name();
        report.step(&format!("clippy, wasm {name}"), || {
            let mut cargo = commands::cargo(&["clippy", "--package", "gemscope"]);
            cargo
                .args(["--target", WASM, "--no-default-features"])
                .args(["--features", name, "--lib", "--bin", name])
                .args(["--", "--deny", "warnings"]);
            commands::succeeds(&mut cargo).map(Outcome::Gate)
        });
    }
}

fn host_tests(filter: Option<&str>) -> Result<libtest::Counts> {
    let mut cargo = commands::cargo(&["test", "--workspace", "--no-fail-fast"]);
    cargo.args(EVERYTHING);
    if place::shared().is_none() {
        println!("../shared is absent: {NO_SHARED}=1");
        cargo.env(NO_SHARED, "1");
    }
    if let Some(filter) = filter {
        cargo.args(["--", filter]);
    }
    libtest::run(&mut cargo)
}

fn sizes() -> Result<Outcome> {
    let sizes = build::sizes()?;
    for it in &sizes {
        println!("{}", it.line());
    }
    Ok(Outcome::Gate(sizes.iter().all(Size::fits)))
}
