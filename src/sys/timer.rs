//! A clock that also sleeps, as a value: the system's own, or a virtual one that tests hold. Leaves measuring to `Stopwatch`.

use super::{Stopwatch, sleep_millis};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::rc::Rc;

/// Time that passes and that can be waited for.
pub trait Clock {
    /// Milliseconds since some fixed moment; never goes back.
    fn now_millis(&self) -> f64;

    /// Waits. Nothing else is held up meanwhile, and dropping it takes the timer away.
    fn sleep(&self, millis: f64) -> LocalBoxFuture<'static, ()>;
}

/// The time of the machine: `performance.now` and `setTimeout` on the web, a monotonic clock natively.
pub fn system_clock() -> Rc<dyn Clock> {
    Rc::new(System(Stopwatch::start()))
}

/// Counts from when it was made.
struct System(Stopwatch);

impl Clock for System {
    fn now_millis(&self) -> f64 {
        self.0.millis()
    }

    fn sleep(&self, millis: f64) -> LocalBoxFuture<'static, ()> {
        // Rounded up, so that nobody wakes before the time; the cast saturates.
        sleep_millis(millis.max(0.0).ceil() as u32).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::block_on;
    use futures_util::future::{Either, join, select};

    #[test]
    fn sleeps_run_beside_each_other() {
        let clock = system_clock();
        let start_millis = clock.now_millis();
        block_on(join(clock.sleep(60.0), clock.sleep(60.0)));
        let elapsed_millis = clock.now_millis() - start_millis;
        assert!(elapsed_millis >= 59.0, "{elapsed_millis}");
    }

    #[test]
    fn the_shorter_of_two_sleeps_wakes_first() {
        let clock = system_clock();
        let raced = select(clock.sleep(600_000.0), clock.sleep(1.0));
        assert!(matches!(block_on(raced), Either::Right(_)));
    }
}
