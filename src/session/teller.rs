//! What a fetch tells, on its way out under credits: plans and parts in order and none lost; of progress only the last, ten times a second
//! at most. Leaves what is told to `weights::Library`.

use super::{
    inbox::Job,
    outbox::{Outbox, Piece},
    protocol::{FetchTold, Partial},
    trouble::Trouble,
};
use crate::sys::{Stop, Stopwatch, sleep_millis};
use futures_util::{FutureExt, future::LocalBoxFuture};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

/// Between two tellings of how far it is.
const PROGRESS_MILLIS: f64 = 100.0;

/// Takes what is told, which can't wait, and sends what the credits allow.
pub(super) struct Teller {
    outbox: Outbox,
    id: u32,
    stop: Stop,
    /// Plans and parts.
    held: RefCell<VecDeque<FetchTold>>,
    /// The last progress, if it has not been sent.
    progress: RefCell<Option<FetchTold>>,
    last: Cell<Option<Stopwatch>>,
    timer: RefCell<Option<LocalBoxFuture<'static, ()>>>,
}

impl Teller {
    /// Tells in the name of `job`.
    pub fn new(outbox: Outbox, job: &Job) -> Self {
        Self {
            outbox,
            id: job.id,
            stop: job.stop.clone(),
            held: RefCell::default(),
            progress: RefCell::default(),
            last: Cell::default(),
            timer: RefCell::default(),
        }
    }

    /// Takes something to tell.
    pub fn take(&self, told: FetchTold) {
        match told {
            FetchTold::Progress(_) => *self.progress.borrow_mut() = Some(told),
            FetchTold::Plan(_) | FetchTold::Part { .. } => self.held.borrow_mut().push_back(told),
        }
    }

    /// Runs `work` to its end and sends meanwhile.
    pub async fn beside<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            self.send(context);
            polled
        })
        .await
    }

    /// Waits until everything is sent, how far it came last included.
    ///
    /// Errors: [`Trouble::Stopped`].
    pub async fn flush(&self) -> Result<(), Trouble> {
        let last = self.progress.take();
        self.held.borrow_mut().extend(last);
        loop {
            self.send_held();
            if self.held.borrow().is_empty() {
                return Ok(());
            }
            if !self.outbox.credit(self.id, &self.stop).await {
                return Err(Trouble::Stopped);
            }
        }
    }

    fn send(&self, context: &mut Context<'_>) {
        self.send_held();
        // A place in a plan means something only after the plan.
        if !self.held.borrow().is_empty() || self.progress.borrow().is_none() {
            return;
        }
        if self.is_due(context)
            && let Some(it) = self.progress.take()
            && let Some(it) = self.try_send(it)
        {
            *self.progress.borrow_mut() = Some(it);
        }
    }

    fn send_held(&self) {
        let mut held = self.held.borrow_mut();
        while let Some(it) = held.pop_front() {
            if let Some(it) = self.try_send(it) {
                return held.push_front(it);
            }
        }
    }

    /// Sends something; gives it back if no credit is free, whose coming wakes the task.
    fn try_send(&self, told: FetchTold) -> Option<FetchTold> {
        let is_progress = matches!(told, FetchTold::Progress(_));
        let piece = Piece {
            partial: Partial::Fetch(told),
            parts: Vec::new(),
        };
        match self.outbox.try_partial(self.id, piece).map(|it| it.partial) {
            Some(Partial::Fetch(told)) => Some(told),
            _ => {
                if is_progress {
                    self.last.set(Some(Stopwatch::start()));
                }
                None
            }
        }
    }

    /// Whether progress may be told again; if not, the task is woken when it may.
    fn is_due(&self, context: &mut Context<'_>) -> bool {
        let since_millis = self.last.get().map_or(f64::INFINITY, |it| it.millis());
        if since_millis >= PROGRESS_MILLIS {
            self.timer.take();
            return true;
        }
        let mut timer = self.timer.borrow_mut();
        let left_millis = (PROGRESS_MILLIS - since_millis).ceil() as u32;
        let running = timer.get_or_insert_with(|| sleep_millis(left_millis).boxed_local());
        let is_due = running.poll_unpin(context) == Poll::Ready(());
        if is_due {
            // What has ended may not be asked again; browsers round the clock, so that it may end before its time.
            *timer = None;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::{
            outbox::Message,
            protocol::{CommandBody, EventBody},
        },
        spec::{FetchPlan, FetchProgress, Part, Trust},
        sys::block_on,
    };
    use std::sync::{Arc, Mutex};

    type Sent = Arc<Mutex<Vec<FetchTold>>>;

    fn teller() -> (Teller, Outbox, Sent) {
        let sent = Sent::default();
        let to = sent.clone();
        let outbox = Outbox::new(move |it: Message| {
            if let EventBody::Partial(Partial::Fetch(it)) = it.event.body {
                to.lock().expect("no panic").push(it);
            }
        });
        assert!(outbox.begin(1));
        let job = Job {
            id: 1,
            body: CommandBody::Describe,
            attached: Vec::new(),
            stop: Stop::default(),
            told: Cell::default(),
        };
        (Teller::new(outbox.clone(), &job), outbox, sent)
    }

    fn progress(done_bytes: u64) -> FetchTold {
        FetchTold::Progress(FetchProgress {
            done_bytes,
            ..FetchProgress::default()
        })
    }

    fn part(n: usize) -> FetchTold {
        FetchTold::Part {
            part: Part::Mlp(n),
            trust: Trust::Received,
        }
    }

    #[test]
    fn plans_and_parts_are_all_told_in_order_and_of_progress_the_last() {
        let (teller, outbox, sent) = teller();
        let plan = FetchTold::Plan(FetchPlan::default());
        block_on(teller.beside(async {
            teller.take(plan.clone());
            for n in 0..20 {
                teller.take(part(n));
                teller.take(progress(n as u64));
            }
        }));
        assert_eq!(sent.lock().expect("sent").len(), 8, "as many as credits");
        outbox.acknowledge(1, 8);
        let more = async {
            while sent.lock().expect("sent").len() < 22 {
                teller.beside(async {}).await;
                outbox.acknowledge(1, 8);
            }
            teller.flush().await
        };
        assert!(block_on(more).is_ok());
        let parts = (0..20).map(part);
        let expected: Vec<_> = [plan]
            .into_iter()
            .chain(parts)
            .chain([progress(19)])
            .collect();
        assert_eq!(*sent.lock().expect("sent"), expected);
    }

    #[test]
    fn progress_is_told_ten_times_a_second_and_at_the_end() {
        let (teller, outbox, sent) = teller();
        let started = Stopwatch::start();
        block_on(teller.beside(async {
            let mut n = 0;
            while started.millis() < 350.0 {
                n += 1;
                teller.take(progress(n));
                sleep_millis(1).await;
                outbox.acknowledge(1, 1);
            }
            teller.take(progress(1000));
        }));
        assert!(block_on(teller.flush()).is_ok());
        let n = sent.lock().expect("sent").len();
        let most = 2 + (started.millis() / PROGRESS_MILLIS) as usize;
        assert!((3..=most).contains(&n), "{n}");
        assert_eq!(sent.lock().expect("sent").last(), Some(&progress(1000)));
    }

    #[test]
    fn a_stop_ends_the_wait_for_credits() {
        let (teller, _, _) = teller();
        (0..9).for_each(|n| teller.take(part(n)));
        teller.stop.set();
        assert!(matches!(block_on(teller.flush()), Err(Trouble::Stopped)));
    }
}
