//! Time for tests: it stands still until somebody moves it, so waits of minutes take none and come out the same every time.

use super::Clock;
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::{
    cell::RefCell,
    fmt,
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A clock whose timers fire only when it is advanced; clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock(Rc<RefCell<State>>);

/// Nothing can go on: what runs waits for something that is no timer of the clock, and no timer is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stuck {
    /// When it stopped.
    pub at_millis: f64,
}

impl VirtualClock {
    /// Goes on to the next timer and fires all that are due then; false where there is none.
    pub fn advance_to_next_timer(&self) -> bool {
        let due: Vec<Waker> = {
            let mut state = self.0.borrow_mut();
            let next_millis = (state.timers.iter().filter(|it| !it.fired))
                .map(|it| it.at_millis)
                .min_by(f64::total_cmp);
            let Some(next_millis) = next_millis else {
                return false;
            };
            state.now_millis = state.now_millis.max(next_millis);
            state.fire()
        };
        // Outside the borrow: whoever wakes may ask for the time at once.
        due.into_iter().for_each(Waker::wake);
        true
    }

    /// Lets time pass, firing what becomes due.
    pub fn advance_millis(&self, millis: f64) {
        let due = {
            let mut state = self.0.borrow_mut();
            state.now_millis += millis;
            state.fire()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Runs a future to its end; where it waits and nothing woke it, time goes on to the next timer.
    ///
    /// Errors: [`Stuck`] where it waits and there is no timer.
    pub fn run_until<F: Future>(&self, future: F) -> Result<F::Output, Stuck> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(it) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(it);
            }
            while !woken.0.swap(false, Ordering::Relaxed) {
                if !self.advance_to_next_timer() {
                    let at_millis = self.now_millis();
                    return Err(Stuck { at_millis });
                }
            }
        }
    }
}

impl Clock for VirtualClock {
    fn now_millis(&self) -> f64 {
        self.0.borrow().now_millis
    }

    fn sleep(&self, millis: f64) -> LocalBoxFuture<'static, ()> {
        Sleep {
            clock: self.clone(),
            millis,
            id: None,
        }
        .boxed_local()
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nothing can go on at {} ms: no timer is left",
            self.at_millis
        )
    }
}

impl std::error::Error for Stuck {}

#[derive(Debug, Default)]
struct State {
    now_millis: f64,
    n_timers: u64,
    timers: Vec<Timer>,
}

#[derive(Debug)]
struct Timer {
    id: u64,
    at_millis: f64,
    waker: Waker,
    fired: bool,
}

impl State {
    /// Marks what is due and gives those who wait for it.
    fn fire(&mut self) -> Vec<Waker> {
        let now_millis = self.now_millis;
        let due = self.timers.iter_mut();
        due.filter(|it| !it.fired && it.at_millis <= now_millis)
            .map(|it| {
                it.fired = true;
                it.waker.clone()
            })
            .collect()
    }
}

/// A timer, which starts when it is first polled and goes when it is dropped.
struct Sleep {
    clock: VirtualClock,
    millis: f64,
    id: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut state = clock.0.borrow_mut();
        let Some(id) = self.id else {
            if self.millis <= 0.0 {
                return Poll::Ready(());
            }
            state.n_timers += 1;
            self.id = Some(state.n_timers);
            let timer = Timer {
                id: state.n_timers,
                at_millis: state.now_millis + self.millis,
                waker: context.waker().clone(),
                fired: false,
            };
            state.timers.push(timer);
            return Poll::Pending;
        };
        let Some(timer) = state.timers.iter_mut().find(|it| it.id == id) else {
            return Poll::Ready(());
        };
        timer.waker.clone_from(context.waker());
        match timer.fired {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let id = self.id;
        let timers = &mut self.clock.0.borrow_mut().timers;
        timers.retain(|it| Some(it.id) != id);
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{Either, join, pending, select};

    #[test]
    fn hours_pass_in_no_time_and_in_order() {
        let clock = VirtualClock::default();
        let order = RefCell::new(Vec::new());
        let wait = |millis: f64, name: &'static str| {
            let (clock, order) = (clock.clone(), &order);
            async move {
                clock.sleep(millis).await;
                order.borrow_mut().push((name, clock.now_millis()));
            }
        };
        let both = join(wait(3_600_000.0, "hour"), wait(60_000.0, "minute"));
        assert!(clock.run_until(both).is_ok());
        let expected = [("minute", 60_000.0), ("hour", 3_600_000.0)];
        assert_eq!(*order.borrow(), expected);
    }

    #[test]
    fn what_waits_for_no_timer_is_told() {
        let clock = VirtualClock::default();
        clock.advance_millis(7.0);
        let got = clock.run_until(pending::<()>());
        assert_eq!(got, Err(Stuck { at_millis: 7.0 }));
        assert!(!clock.advance_to_next_timer());
    }

    #[test]
    fn a_dropped_sleep_leaves_no_timer() {
        let clock = VirtualClock::default();
        let raced = select(clock.sleep(1e9), clock.sleep(5.0));
        let got = clock.run_until(raced);
        assert!(matches!(got, Ok(Either::Right(_))));
        drop(got);
        assert_eq!(clock.now_millis(), 5.0);
        assert!(!clock.advance_to_next_timer());
    }
}
