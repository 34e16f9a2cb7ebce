//! Progress bars on standard error, if someone is looking.

use crate::session::protocol::EngineState;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// The bar of the phase under way.
pub struct Progress {
    bar: Option<(String, ProgressBar)>,
    shown: bool,
}

impl Progress {
    /// Bars if standard error is a terminal.
    pub fn new() -> Self {
        Self {
            bar: None,
            shown: std::io::stderr().is_terminal(),
        }
    }

    /// How far a phase is.
    pub fn tell(&mut self, phase: &str, done: u64, total: Option<u64>, unit: &str) {
        if !self.shown {
            return;
        }
        if self.bar.as_ref().is_none_or(|it| it.0 != phase) {
            self.clear();
            let bar = ProgressBar::new(total.unwrap_or(0)).with_style(style(total.is_some(), unit));
            self.bar = Some((phase.into(), bar.with_message(phase.to_string())));
        }
        if let Some((_, bar)) = &self.bar {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    /// What the engine says of itself, where it is not to be expected.
    pub fn state(&mut self, state: &EngineState) {
        let line = match state {
            // What the command comes to says it too.
            EngineState::Ready | EngineState::NoAdapter => return,
            EngineState::DeviceLost { reason } => {
                format!("the GPU is lost ({reason}); taking it again")
            }
            EngineState::Recovered => "the GPU is back, the model loaded again".into(),
            EngineState::Dead { reason } => format!("the engine died ({reason})"),
            EngineState::Restarting { reason } => {
                format!("the engine died ({reason}) and is restarted")
            }
        };
        self.clear();
        eprintln!("{line}");
    }

    /// Takes the bar away, before anything else is printed.
    pub fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(has_end: bool, unit: &str) -> ProgressStyle {
    let template = match (unit, has_end) {
        ("bytes", true) => {
            "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta}".to_string()
        }
        ("bytes", false) => "{msg} {spinner} {binary_bytes}".to_string(),
        (unit, true) => format!("{{msg}} {{wide_bar}} {{pos}} of {{len}} {}", plain(unit)),
        (unit, false) => format!("{{msg}} {{spinner}} {{pos}} {}", plain(unit)),
    };
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A unit can't open a placeholder of the template.
fn plain(unit: &str) -> String {
    unit.replace(['{', '}'], "")
}
