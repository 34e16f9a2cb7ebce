//! The clock that the test Hub lives by: the machine's, or one that only a test moves.
//!
//! Nothing here knows HTTP.

use futures_util::future::BoxFuture;
use std::{
    collections::BTreeMap,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Tells the time and waits. Every wait of the Hub goes through it.
pub trait Clock: Send + Sync {
    /// Milliseconds since a moment that stays the same.
    fn now_millis(&self) -> f64;
    /// Ends when so many milliseconds have passed.
    fn sleep(&self, millis: f64) -> BoxFuture<'static, ()>;
}

/// The machine's time, for a Hub that listens on sockets: its waits are timers of tokio.
pub struct SystemClock {
    started: Instant,
    started_millis: f64,
}

impl Default for SystemClock {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: Instant::now(),
            started_millis: since_epoch.map_or(0.0, |it| it.as_secs_f64() * 1000.0),
        }
    }
}

impl Clock for SystemClock {
    fn now_millis(&self) -> f64 {
        self.started_millis + self.started.elapsed().as_secs_f64() * 1000.0
    }

    fn sleep(&self, millis: f64) -> BoxFuture<'static, ()> {
        let time = std::time::Duration::from_secs_f64(millis.max(0.0) / 1000.0);
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands still until a test moves it.
///
/// Its clones are the same clock. A timer fires only in [`advance`](Self::advance), [`advance_to_next_timer`](Self::advance_to_next_timer)
/// and [`run_until`](Self::run_until), so minutes of stalls and back-off take no time, and always the same course. Everything that waits on it
/// is expected on the one thread that moves it. A timer whose future was dropped is gone.
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<Timers>>);

#[derive(Default)]
struct Timers {
    now_micros: u64,
    made: u64,
    /// By time, then by age: timers of one moment fire in the order in which they were made.
    waiting: BTreeMap<(u64, u64), Option<Waker>>,
}

impl VirtualClock {
    /// At zero, without timers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on by so many milliseconds; timers on the way fire, in their order.
    pub fn advance(&self, millis: f64) {
        let until = self.timers().now_micros + micros(millis);
        while self.fire_next(until) {}
        self.timers().now_micros = until;
    }

    /// Moves to the next timer and fires it with those of the same moment; false where none waits.
    pub fn advance_to_next_timer(&self) -> bool {
        self.fire_next(u64::MAX)
    }

    /// How many timers wait.
    pub fn n_timers(&self) -> usize {
        self.timers().waiting.len()
    }

    /// Runs a future; whenever it can't go on, the clock moves to the next timer.
    ///
    /// Errors: [`Stuck`] when it waits for something and no timer is left.
    pub fn run_until<T>(&self, future: impl Future<Output = T>) -> Result<T, Stuck> {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = pin!(future);
        loop {
            let was_woken = woken.0.swap(false, Ordering::SeqCst);
            if was_woken {
                if let Poll::Ready(it) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(it);
                }
            } else if !self.advance_to_next_timer() {
                return Err(Stuck);
            }
        }
    }

    fn fire_next(&self, until_micros: u64) -> bool {
        let mut fired = Vec::new();
        {
            let mut timers = self.timers();
            let Some(&(due_micros, _)) = timers.waiting.keys().next() else {
                return false;
            };
            if due_micros > until_micros {
                return false;
            }
            timers.now_micros = timers.now_micros.max(due_micros);
            while let Some(it) = timers.waiting.first_entry()
                && it.key().0 == due_micros
            {
                fired.extend(it.remove());
            }
        }
        // Outside the lock: a waker may come back to the clock.
        fired.into_iter().for_each(Waker::wake);
        true
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now_millis(&self) -> f64 {
        self.timers().now_micros as f64 / 1000.0
    }

    fn sleep(&self, millis: f64) -> BoxFuture<'static, ()> {
        let mut timers = self.timers();
        timers.made += 1;
        let key = (timers.now_micros + micros(millis), timers.made);
        timers.waiting.insert(key, None);
        drop(timers);
        Box::pin(Sleep {
            clock: self.clone(),
            key,
        })
    }
}

/// A future waits for something that no timer will bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck;

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the future waits, and no timer is left on the virtual clock")
    }
}

impl std::error::Error for Stuck {}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Sleep {
    clock: VirtualClock,
    key: (u64, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.clock.timers();
        match timers.waiting.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.timers().waiting.remove(&self.key);
    }
}

/// Rounded up, so that a wait is never shorter than asked.
fn micros(millis: f64) -> u64 {
    (millis.max(0.0) * 1000.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{join, pending};

    #[test]
    fn timers_fire_only_when_the_clock_is_moved_and_in_order() {
        let clock = VirtualClock::new();
        let order = Mutex::new(Vec::new());
        let wait = |millis: f64| {
            let (clock, order) = (clock.clone(), &order);
            async move {
                clock.sleep(millis).await;
                order.lock().unwrap().push(clock.now_millis());
            }
        };
        let both = clock.run_until(join(wait(20.0), wait(5.5)));
        assert_eq!(both, Ok(((), ())));
        assert_eq!(*order.lock().unwrap(), [5.5, 20.0]);
        assert_eq!(clock.n_timers(), 0);
    }

    #[test]
    fn advancing_fires_what_lies_on_the_way_and_no_more() {
        let clock = VirtualClock::new();
        let (near, far) = (clock.sleep(10.0), clock.sleep(10.001));
        clock.advance(10.0);
        assert_eq!(clock.n_timers(), 1);
        assert_eq!(clock.run_until(near), Ok(()));
        assert_eq!(clock.now_millis(), 10.0);
        assert_eq!(clock.run_until(far), Ok(()));
        assert_eq!(clock.now_millis(), 10.001);
    }

    #[test]
    fn what_waits_for_nothing_is_stuck() {
        let clock = VirtualClock::new();
        assert_eq!(clock.run_until(pending::<()>()), Err(Stuck));
        assert!(!clock.advance_to_next_timer());
    }

    #[test]
    fn a_dropped_timer_is_gone() {
        let clock = VirtualClock::new();
        drop(clock.sleep(1.0));
        assert!(!clock.advance_to_next_timer());
        assert_eq!(clock.now_millis(), 0.0);
    }
}
