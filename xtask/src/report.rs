//! What the test command tells at its end: each step with its seconds, then the sum of all tests.

use crate::libtest::Counts;
use anyhow::Result;
use std::time::Instant;

/// The steps so far.
#[derive(Default)]
pub struct Report {
    steps: Vec<Step>,
}

/// How a step ended.
pub enum Outcome {
    /// A check that holds, or does not.
    Gate(bool),
    /// Tests.
    Tests(Counts),
    /// Left out, and why.
    Skipped(String),
}

struct Step {
    name: String,
    seconds: f64,
    outcome: Outcome,
}

impl Report {
    /// Does a step; an error is told and counts as a step that failed. Whether it went well.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Outcome>) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = work().unwrap_or_else(|it| {
            eprintln!("error: {it:#}");
            Outcome::Gate(false)
        });
        let step = Step {
            name: name.into(),
            seconds: start.elapsed().as_secs_f64(),
            outcome,
        };
        let is_fine = step.is_fine();
        self.steps.push(step);
        is_fine
    }

    /// Notes a step that is not done.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.step(name, || {
            println!("left out: {why}");
            Ok(Outcome::Skipped(why.into()))
        });
    }

    /// Prints the table and, last, the sum; whether everything went well.
    ///
    /// A gate that fails counts as a failure, so that the last line is never green when the exit code is not.
    pub fn finish(&self) -> bool {
        println!("\n{:<28} {:>8}  outcome", "step", "seconds");
        let mut sum = Counts::default();
        for it in &self.steps {
            println!("{:<28} {:>8.1}  {}", it.name, it.seconds, it.outcome.line());
            sum.add(it.outcome.counts());
        }
        let seconds: f64 = self.steps.iter().map(|it| it.seconds).sum();
        println!("{:<28} {seconds:>8.1}", "all");
        println!("{} passed, {} failed", sum.passed, sum.failed);
        self.steps.iter().all(Step::is_fine)
    }
}

impl Step {
    fn is_fine(&self) -> bool {
        self.outcome.counts().failed == 0
    }
}

impl Outcome {
    fn counts(&self) -> Counts {
        match self {
            Self::Tests(it) => *it,
            Self::Gate(false) => Counts {
                passed: 0,
                failed: 1,
            },
            Self::Gate(true) | Self::Skipped(_) => Counts::default(),
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Gate(true) => "ok".into(),
            Self::Gate(false) => "FAILED".into(),
            Self::Tests(it) if it.failed == 0 => format!("{} passed", it.passed),
            Self::Tests(it) => format!("{} passed, {} FAILED", it.passed, it.failed),
            Self::Skipped(why) => format!("left out: {why}"),
        }
    }
}
