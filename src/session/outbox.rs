//! Events on their way out: numbered per command, progress held back to ten a second, partials under credits. Leaves their meaning to the engine.

use super::{
    bell::Bell,
    protocol::{EngineState, Event, EventBody, Failure, PARTIAL_CREDITS, Partial, Readiness},
};
use crate::sys::{Stop, Stopwatch};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Between two `Progress` events of a command.
const PROGRESS_MILLIS: f64 = 100.0;

/// An event and the bytes that travel beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The event.
    pub event: Event,
    /// What [`super::protocol::Array::part`] counts in.
    pub parts: Vec<Vec<u8>>,
}

/// Where events go out; clones are the same outbox.
#[derive(Clone)]
pub struct Outbox {
    state: Arc<Mutex<State>>,
    bell: Bell,
}

struct State {
    sink: Box<dyn FnMut(Message) + Send>,
    /// Commands that have not ended, and the engine itself under 0.
    open: HashMap<u32, Thread>,
}

#[derive(Default)]
struct Thread {
    seq: u32,
    unacknowledged: u32,
    last_progress: Option<Stopwatch>,
}

impl Outbox {
    /// Hands every message to `sink`, which must not call back into the outbox.
    pub fn new(sink: impl FnMut(Message) + Send + 'static) -> Self {
        let state = State {
            sink: Box::new(sink),
            open: HashMap::from([(0, Thread::default())]),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            bell: Bell::default(),
        }
    }

    /// The bell that acknowledgements ring.
    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Starts the events of command `id`; false if it is in use.
    pub(super) fn begin(&self, id: u32) -> bool {
        let mut state = self.lock();
        let free = !state.open.contains_key(&id);
        if free {
            state.open.insert(id, Thread::default());
        }
        free
    }

    /// Ends command `id` with a terminal event. A second end is nothing.
    pub(super) fn end(&self, id: u32, terminal: EventBody) {
        let mut state = self.lock();
        state.send(id, terminal, Vec::new());
        if id != 0 {
            state.open.remove(&id);
        }
    }

    /// Refuses something that is no command of its own: a failure under id 0.
    pub(super) fn refuse(&self, failure: Failure) {
        self.lock().send(0, EventBody::Failed(failure), Vec::new());
    }

    /// Tells the engine's own state.
    pub(super) fn state(&self, it: EngineState) {
        self.lock().send(0, EventBody::State(it), Vec::new());
    }

    /// Tells what can be asked of the open model.
    pub(super) fn ready(&self, it: Readiness) {
        self.lock().send(0, EventBody::Ready(it), Vec::new());
    }

    /// Tells how far command `id` is, unless it did less than a tenth of a second ago. Of the engine's own work nobody waits for the end.
    pub(super) fn progress(&self, id: u32, phase: &str, done: u64, total: Option<u64>, unit: &str) {
        let mut state = self.lock();
        let Some(thread) = state.open.get_mut(&id).filter(|_| id != 0) else {
            return;
        };
        if (thread.last_progress).is_some_and(|it| it.millis() < PROGRESS_MILLIS) {
            return;
        }
        thread.last_progress = Some(Stopwatch::start());
        let body = EventBody::Progress {
            phase: phase.into(),
            done,
            total,
            unit: unit.into(),
        };
        state.send(id, body, Vec::new());
    }

    /// Sends a piece of an answer; gives it back if no credit is free.
    pub(super) fn try_partial(&self, id: u32, it: Piece) -> Option<Piece> {
        let mut state = self.lock();
        let thread = state.open.get_mut(&id)?;
        if thread.unacknowledged >= PARTIAL_CREDITS {
            return Some(it);
        }
        thread.unacknowledged += 1;
        state.send(id, EventBody::Partial(it.partial), it.parts);
        None
    }

    /// Waits until a piece of command `id` may be sent; false if `stop` was set instead.
    pub(super) async fn credit(&self, id: u32, stop: &Stop) -> bool {
        self.bell
            .until(|| {
                let state = self.lock();
                let free =
                    (state.open.get(&id)).is_none_or(|it| it.unacknowledged < PARTIAL_CREDITS);
                (free || stop.is_set()).then_some(())
            })
            .await;
        !stop.is_set()
    }

    /// Takes `n` credits back.
    pub(super) fn acknowledge(&self, id: u32, n: u32) {
        if let Some(thread) = self.lock().open.get_mut(&id) {
            thread.unacknowledged = thread.unacknowledged.saturating_sub(n);
        }
        self.bell.ring();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A sink that panicked has lost one message; the numbering is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of an answer with its bytes.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub partial: Partial,
    pub parts: Vec<Vec<u8>>,
}

impl State {
    fn send(&mut self, id: u32, body: EventBody, parts: Vec<Vec<u8>>) {
        let Some(thread) = self.open.get_mut(&id) else {
            return;
        };
        let event = Event {
            id,
            seq: thread.seq,
            body,
        };
        thread.seq += 1;
        (self.sink)(Message { event, parts });
    }
}
