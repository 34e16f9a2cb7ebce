//! How far a fetch is, on standard error, if someone is looking: a bar for all of it, one for each file that is worked at.

use super::table::bytes;
use crate::session::protocol::FetchTold;
use crate::spec::{FetchFile, FetchPhase, FetchPlan, FetchProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// Files shown at once.
const MOST_FILES: usize = 4;

/// The bars.
pub struct FetchBars {
    bars: MultiProgress,
    all: ProgressBar,
    files: BTreeMap<usize, ProgressBar>,
    plan: FetchPlan,
}

impl FetchBars {
    /// Bars if standard error is a terminal, unless the answer is for a program.
    pub fn new(json: bool) -> Self {
        let bars = MultiProgress::new();
        if json || !std::io::stderr().is_terminal() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let all = bars.add(ProgressBar::new(0).with_style(style(
            "{wide_bar} {binary_bytes} of {binary_total_bytes}{msg}",
        )));
        Self {
            bars,
            all,
            files: BTreeMap::new(),
            plan: FetchPlan::default(),
        }
    }

    /// Shows what is told.
    pub fn tell(&mut self, told: &FetchTold) {
        match told {
            FetchTold::Plan(it) => {
                let is_first = self.plan.files.is_empty();
                self.plan = it.clone();
                if is_first {
                    let _ = self.bars.println(headline(it));
                }
            }
            FetchTold::Progress(it) => self.progress(it),
            FetchTold::Part { .. } => (),
        }
    }

    /// Takes the bars away, before anything else is printed.
    pub fn clear(&mut self) {
        self.files.clear();
        self.all.finish_and_clear();
        // What can't be cleared stays on the screen; nothing is lost.
        let _ = self.bars.clear();
    }

    fn progress(&mut self, it: &FetchProgress) {
        self.all.set_length(it.total_bytes);
        self.all.set_position(it.done_bytes);
        self.all.set_message(state(it));
        let shown: BTreeMap<usize, u64> = it.files.iter().take(MOST_FILES).copied().collect();
        self.files.retain(|place, bar| {
            let stays = shown.contains_key(place);
            if !stays {
                bar.finish_and_clear();
            }
            stays
        });
        for (place, done_bytes) in shown {
            let Some(file) = self.plan.files.get(place) else {
                continue;
            };
            let bars = &self.bars;
            let bar = self.files.entry(place).or_insert_with(|| {
                let bar = ProgressBar::new(file.size_bytes)
                    .with_style(style(
                        "  {bar:24} {binary_bytes} of {binary_total_bytes}  {msg}",
                    ))
                    .with_message(name(file));
                bars.add(bar)
            });
            bar.set_length(file.size_bytes);
            bar.set_position(done_bytes);
        }
    }
}

impl Drop for FetchBars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is said before the bars.
fn headline(it: &FetchPlan) -> String {
    format!(
        "to download {}, in the store {}, of which {} are there",
        bytes(it.download_bytes),
        bytes(it.disk_bytes),
        bytes(it.kept_bytes)
    )
}

/// Rate and time left, or what is waited for.
fn state(it: &FetchProgress) -> String {
    if let Some(wait) = &it.waiting {
        let seconds = wait
            .seconds
            .map_or_else(String::new, |it| format!(", {}", time(it)));
        return format!(", waiting: {}{seconds}", wait.why);
    }
    let rate = format!(", {}/s", bytes(it.bytes_per_second.max(0.0) as u64));
    let left = it
        .eta_seconds
        .map_or_else(String::new, |it| format!(", {} left", time(it)));
    match it.phase {
        FetchPhase::Asking => ", asking".into(),
        FetchPhase::Downloading => rate + &left,
        FetchPhase::Converting => format!(", converting{left}"),
        FetchPhase::Verifying => format!(", comparing{left}"),
    }
}

/// The end of a file's path says most.
fn name(file: &FetchFile) -> String {
    const MOST: usize = 48;
    let n = file.file.chars().count();
    match n > MOST {
        true => format!(
            "…{}",
            file.file.chars().skip(n + 1 - MOST).collect::<String>()
        ),
        false => file.file.clone(),
    }
}

/// `5 s`, `3 min`, `2.5 h`.
fn time(seconds: f64) -> String {
    match seconds {
        it if it < 90.0 => format!("{:.0} s", it.max(0.0)),
        it if it < 5400.0 => format!("{:.0} min", it / 60.0),
        it => format!("{:.1} h", it / 3600.0),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::FetchWait;

    #[test]
    fn what_is_waited_for_is_said_in_place_of_the_rate() {
        let mut it = FetchProgress {
            phase: FetchPhase::Downloading,
            bytes_per_second: 3e6,
            eta_seconds: Some(600.0),
            ..FetchProgress::default()
        };
        assert_eq!(state(&it), ", 2.86 MiB/s, 10 min left");
        it.waiting = Some(FetchWait {
            why: "the server asks to wait".into(),
            seconds: Some(20.0),
        });
        assert_eq!(state(&it), ", waiting: the server asks to wait, 20 s");
    }

    #[test]
    fn times_have_a_fitting_unit() {
        assert_eq!(
            [-1.0, 89.0, 91.0, 9000.0].map(time),
            ["0 s", "89 s", "2 min", "2.5 h"]
        );
    }

    #[test]
    fn long_names_keep_their_end() {
        let file = FetchFile {
            repo: 0,
            file: format!("{}/params.npz", "a".repeat(60)),
            size_bytes: 1,
            done_bytes: 0,
            trust: None,
        };
        let name = name(&file);
        assert!(name.ends_with("a/params.npz") && name.starts_with('…'));
        assert_eq!(name.chars().count(), 48);
    }
}
