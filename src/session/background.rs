//! What goes on beside the command whose turn it is: every piece of work is polled with it, on the one thread. Leaves what the work is
//! to `fetching` and `stored`.

use super::{
    bell::Bell,
    inbox::{Inbox, Job},
    protocol::{EventBody, FetchRequest, OpenRequest, Outcome},
    trouble::Trouble,
};
use crate::{
    sys::{Stop, sleep_millis},
    weights::library::FetchControl,
};
use futures_util::future::{LocalBoxFuture, select};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::pin,
    rc::Rc,
    task::{Context, Poll},
};

/// How often the store is asked for what other tabs and programs have brought for a set that is open and not whole.
const LOOK_MILLIS: u32 = 2000;

/// The work under way; clones are the same.
#[derive(Clone)]
pub(super) struct Background(Rc<Inner>);

struct Inner {
    inbox: Inbox,
    bell: Bell,
    works: RefCell<Vec<Work>>,
    /// Whether fetching is held, now and for what begins.
    paused: Cell<bool>,
    /// Whether a part has come since [`Background::part_came`] was last waited for.
    came: Cell<bool>,
}

/// What a command does until it ends.
pub(super) type Doing = LocalBoxFuture<'static, Result<Outcome, Trouble>>;

struct Work {
    id: u32,
    stop: Stop,
    fetch: Option<(OpenRequest, FetchControl)>,
    woken: bool,
    doing: Doing,
}

impl Background {
    /// Nothing is under way.
    pub fn new(inbox: Inbox, bell: Bell) -> Self {
        Self(Rc::new(Inner {
            inbox,
            bell,
            works: RefCell::default(),
            paused: Cell::default(),
            came: Cell::default(),
        }))
    }

    /// Goes on with a command until it ends.
    pub fn begin(&self, job: &Job, doing: Doing) {
        self.push(job, None, doing);
    }

    /// Goes on with a fetch, which then can be steered.
    pub fn begin_fetch(&self, job: &Job, request: &FetchRequest, steered: (FetchControl, Doing)) {
        let (control, doing) = steered;
        control.pause(self.0.paused.get());
        self.push(job, Some((as_kept(&request.set), control)), doing);
    }

    /// Ends a command that has nothing to go on with.
    pub fn end(&self, id: u32, terminal: EventBody) {
        self.0.inbox.end(id, terminal);
    }

    /// Whether this very set is being fetched.
    pub fn is_fetching(&self, request: &FetchRequest) -> bool {
        let set = as_kept(&request.set);
        let works = self.0.works.borrow();
        let mut sets = works.iter().filter_map(|it| it.fetch.as_ref());
        sets.any(|it| it.0 == set)
    }

    /// Wants a layer first in all that is being fetched.
    pub fn prioritise(&self, layer: usize) {
        self.each_fetch(|it| it.prioritise(layer));
    }

    /// Holds all fetching, also what begins later, or lets it go on.
    pub fn pause(&self, paused: bool) {
        self.0.paused.set(paused);
        self.each_fetch(|it| it.pause(paused));
    }

    /// A part has become whole.
    pub fn part_comes(&self) {
        self.0.came.set(true);
        self.0.bell.ring();
    }

    /// Waits until a part may have come: told by our own fetching, or after a while where others may bring it.
    pub async fn part_came(&self, others_may: bool) {
        let told = self.0.bell.until(|| self.0.came.take().then_some(()));
        if others_may {
            select(pin!(told), pin!(sleep_millis(LOOK_MILLIS))).await;
        } else {
            told.await;
        }
    }

    /// Runs `main` to its end; beside it all work goes on, and `begin` is called for every command that waits for no turn.
    pub async fn beside<F: Future>(&self, begin: &dyn Fn(Job), main: F) -> F::Output {
        let mut main = pin!(main);
        poll_fn(|context| {
            self.0.bell.listen(context.waker());
            while let Some(job) = self.0.inbox.next_beside() {
                begin(job);
            }
            let polled = main.as_mut().poll(context);
            self.go_on(context);
            polled
        })
        .await
    }

    /// Waits until all work has ended; it was stopped before.
    pub async fn finish(&self) {
        poll_fn(|context| {
            self.0.bell.listen(context.waker());
            self.go_on(context);
            match self.0.works.borrow().is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }

    fn push(&self, job: &Job, fetch: Option<(OpenRequest, FetchControl)>, doing: Doing) {
        self.0.works.borrow_mut().push(Work {
            id: job.id,
            stop: job.stop.clone(),
            fetch,
            woken: false,
            doing,
        });
    }

    fn each_fetch(&self, change: impl Fn(&FetchControl)) {
        let works = self.0.works.borrow();
        works
            .iter()
            .filter_map(|it| it.fetch.as_ref())
            .for_each(|it| change(&it.1));
    }

    /// Polls everything once. All of it shares the task's waker, since all of it may wait for the one bell.
    fn go_on(&self, context: &mut Context<'_>) {
        let mut works = std::mem::take(&mut *self.0.works.borrow_mut());
        works.retain_mut(|it| match it.poll(context) {
            Poll::Pending => true,
            Poll::Ready(terminal) => {
                self.0.inbox.end(it.id, terminal);
                false
            }
        });
        let mut kept = self.0.works.borrow_mut();
        works.append(&mut kept);
        *kept = works;
    }
}

impl Work {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<EventBody> {
        if self.stop.is_set()
            && !self.woken
            && let Some((_, control)) = &self.fetch
        {
            self.woken = true;
            control.wake();
        }
        let polled = self.doing.as_mut().poll(context);
        polled.map(|it| match it {
            // What was stopped too late to notice ends as what noticed; what had come to its end before is told.
            Ok(it) => EventBody::Done(it),
            Err(_) if self.stop.is_set() => EventBody::Cancelled,
            Err(it) => EventBody::Failed(it.failure()),
        })
    }
}

/// A set without what only matters on the GPU.
fn as_kept(set: &OpenRequest) -> OpenRequest {
    OpenRequest {
        n_ctx: None,
        n_kept: None,
        max_gpu_bytes: None,
        ..set.clone()
    }
}
