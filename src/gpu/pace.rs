//! How much work goes into one submit, by measured time, so that a cancel and the watchdog are never far.

use super::Cost;

/// What one submit should take at most.
const SUBMIT_SECONDS: f64 = 0.05;
/// Work per second that an unknown adapter is trusted with; a slow software adapter does about ten times this.
const FIRST_WORK_PER_SECOND: f64 = 2e8;
/// A measurement may raise the rate by this at most: a short submit measures its overhead.
const MOST_GROWTH: f64 = 8.0;

/// The rate at which the adapter does work.
#[derive(Debug)]
pub(super) struct Pace {
    work_per_second: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            work_per_second: FIRST_WORK_PER_SECOND,
        }
    }
}

impl Pace {
    /// Work that fits one submit.
    pub(super) fn budget(&self) -> f64 {
        self.work_per_second * SUBMIT_SECONDS
    }

    /// Learns from a submit of `work` that took `seconds`.
    pub(super) fn learn(&mut self, work: f64, seconds: f64) {
        if work < self.budget() / 16.0 || seconds <= 0.0 {
            return;
        }
        let measured = (work / seconds).min(self.work_per_second * MOST_GROWTH);
        self.work_per_second = if measured > self.work_per_second {
            measured
        } else {
            (self.work_per_second + measured) / 2.0
        };
    }
}

/// One number for what a dispatch takes: bytes and operations weigh alike, near enough for cutting.
pub(super) fn work(cost: Cost) -> f64 {
    (cost.bytes_read + cost.flops) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_what_is_measured() {
        let mut pace = Pace::default();
        for _ in 0..40 {
            pace.learn(pace.budget(), pace.budget() / 1e12);
        }
        assert!((pace.budget() / (1e12 * SUBMIT_SECONDS) - 1.0).abs() < 1e-6);
        for _ in 0..40 {
            pace.learn(pace.budget(), pace.budget() / 1e9);
        }
        assert!((pace.budget() / (1e9 * SUBMIT_SECONDS) - 1.0).abs() < 1e-6);
    }
}
