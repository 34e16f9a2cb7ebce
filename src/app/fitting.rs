//! What the chosen set costs, whether it fits, and whether this installation computes what is known: asked for, and told in words. Leaves
//! the form to `choice`.

use super::{
    amounts::bytes,
    ask::{Purpose, Question},
    choice::Choice,
    desk::Desk,
    words,
};
use crate::session::protocol::{
    Checked, CommandBody, EventBody, OpenRequest, Outcome, Partial, Price, Speed, StoredSelection,
    Trial,
};

/// How long each kernel is measured, in seconds.
const MEASURED_SECONDS: f64 = 0.2;

/// What is known of the chosen set and of this installation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitting {
    /// What it costs.
    pub price: Option<Price>,
    /// Why that is not known.
    pub unknown: Option<String>,
    /// What came of a trial.
    pub trial: Option<Trial>,
    /// How what is open came out against known figures.
    pub checked: Option<Checked>,
}

impl Fitting {
    /// What it costs and whether it fits, a line each; each says how it is known.
    pub fn words(&self, from_disk: bool) -> String {
        let to_come = words::to_come(from_disk);
        let mut lines = Vec::new();
        lines.extend(self.unknown.clone());
        if let Some(it) = &self.price {
            let total = it.total;
            lines.push(format!(
                "{} to {to_come}, {} on this device when it is whole, {} of it here already.",
                bytes(total.download_bytes),
                bytes(total.disk_bytes),
                bytes(total.kept_bytes)
            ));
            if let Some(plan) = &it.gpu {
                lines.push(format!("{} on the GPU.", bytes(plan.total_bytes)));
            }
            lines.push(format!("By the device's limits: {}", it.limits.why));
            lines.extend(
                it.budget
                    .iter()
                    .map(|it| format!("By your budget: {}", it.why)),
            );
        }
        lines.extend(
            self.trial
                .iter()
                .map(|it| format!("By a trial: {}", it.why)),
        );
        lines.join("\n")
    }

    /// Sets that fit instead, in words.
    pub fn instead(&self) -> Vec<(String, OpenRequest)> {
        let priced = self.price.iter().flat_map(|it| &it.instead);
        let tried = self.trial.iter().flat_map(|it| &it.instead);
        let mut out: Vec<(String, OpenRequest)> = Vec::new();
        for it in tried.chain(priced) {
            if out.iter().all(|known| known.1 != it.set) {
                out.push((it.what.clone(), it.set.clone()));
            }
        }
        out
    }
}

impl Desk {
    /// What the chosen set would take; asks for nothing outside this machine.
    pub fn price(&mut self) -> Vec<Question> {
        self.library.fitting.price = None;
        self.library.fitting.unknown = None;
        self.library.fitting.trial = None;
        match self.library.choice.request(&self.base) {
            Ok(set) => vec![Question::new(Purpose::Price, CommandBody::Price { set })],
            Err(_) => vec![],
        }
    }

    /// Has the GPU grant the chosen set's bytes, and gives them back.
    pub fn try_chosen(&mut self) -> Vec<Question> {
        self.library.failure = None;
        match self.library.choice.request(&self.base) {
            Ok(set) => vec![Question::new(Purpose::Trial, CommandBody::Try { set })],
            Err(it) => self.refuse_choice(it),
        }
    }

    /// Chooses a proposal.
    pub fn choose_instead(&mut self, set: &OpenRequest) -> Vec<Question> {
        self.library.choice = Choice::of(set);
        self.price()
    }

    /// Holds what is open against figures that are known of it.
    pub fn check_installation(&mut self) -> Vec<Question> {
        self.library.failure = None;
        self.library.fitting.checked = None;
        let figures = None;
        vec![Question::new(
            Purpose::Check,
            CommandBody::Check { figures },
        )]
    }

    /// How fast this GPU is, for the report.
    pub fn measure_gpu(&mut self) -> Vec<Question> {
        self.library.failure = None;
        self.speeds.clear();
        let body = CommandBody::Measure {
            seconds: MEASURED_SECONDS,
            only: None,
        };
        vec![Question::new(Purpose::Measure, body)]
    }

    /// Puts what is kept into a folder, which is handed over beside the command.
    pub fn export(&mut self) -> CommandBody {
        self.library.failure = None;
        CommandBody::Export {
            selection: StoredSelection::default(),
            to: String::new(),
        }
    }

    /// Takes in what an export left, which is handed over beside the command.
    pub fn import(&mut self) -> CommandBody {
        self.library.failure = None;
        let from = String::new();
        CommandBody::Import { from }
    }

    /// What the engine tells of costs and checks; whether it was about them.
    pub(super) fn fitting_event(&mut self, purpose: &Purpose, it: &EventBody) -> bool {
        let fitting = &mut self.library.fitting;
        match (purpose, it) {
            // The answer to what was asked last is the last one.
            (Purpose::Price, EventBody::Done(Outcome::Priced(it))) => {
                (fitting.price, fitting.unknown) = (Some(it.clone()), None);
            }
            (Purpose::Price, EventBody::Failed(it)) => {
                (fitting.price, fitting.unknown) = (None, Some(it.what.clone()));
            }
            (Purpose::Trial, EventBody::Done(Outcome::Tried(it))) => {
                fitting.trial = Some(it.clone())
            }
            (Purpose::Check, EventBody::Done(Outcome::Checked(it))) => {
                fitting.checked = Some(it.clone())
            }
            (Purpose::Measure, EventBody::Partial(Partial::Speed(it))) => {
                self.speeds.push(it.clone())
            }
            (Purpose::Measure, EventBody::Done(_)) => {
                let n = self.speeds.len();
                self.tell(&format!("{n} kernels measured; they are in the report."));
            }
            _ => return false,
        }
        true
    }
}

/// A check in words, to be copied.
pub fn check_words(it: &Checked) -> String {
    let mut lines = vec![format!(
        "{} of {} passed. {}, {} precision, {} ({}, {}), build {}.",
        it.n_passed,
        it.n_passed + it.n_failed,
        &it.fingerprint[..it.fingerprint.len().min(12)],
        it.precision,
        it.adapter,
        it.backend,
        it.driver,
        it.build
    )];
    let line = |it: &crate::session::protocol::CheckLine| {
        let passed = if it.passed { "passed" } else { "FAILED" };
        format!(
            "{passed}: {}: expected {}, measured {} ({})",
            it.what, it.expected, it.measured, it.tolerance
        )
    };
    lines.extend(it.lines.iter().map(line));
    lines.join("\n")
}

/// A kernel's speed in a line of the report.
pub fn speed_words(it: &Speed) -> String {
    format!(
        "{}: {:.3} ms, {:.1} GB/s, {:.1} GFLOP/s, {:.0} % of a copy, {:.0} % of the peak",
        it.kernel,
        it.millis,
        it.gigabytes_per_second,
        it.gigaflops,
        100.0 * it.share_of_copy,
        100.0 * it.share_of_peak
    )
}
