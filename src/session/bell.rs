//! Wakes the engine's loop from any thread or task; leaves what it waits for to inbox and outbox.

use futures_util::task::AtomicWaker;
use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
};

/// One waiting task, many ringers; clones are the same bell.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell(Arc<AtomicWaker>);

impl Bell {
    /// Makes the waiter look again.
    pub fn ring(&self) {
        self.0.wake();
    }

    /// The next ring wakes this task. All waiting on one bell is done in one task, so that the last to listen wakes all of it.
    pub fn listen(&self, task: &Waker) {
        self.0.register(task);
    }

    /// Waits until `ready` has something, looking at it after every ring.
    pub async fn until<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| {
            self.listen(context.waker());
            ready().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
