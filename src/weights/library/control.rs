//! What another task says to a fetch that is under way.

use crate::{sys::Stop, weights::WeightsError};
use futures_util::{
    future::{Either, select},
    pin_mut,
};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

/// What another task says to a fetch that is under way; clones are the same one.
#[derive(Clone)]
pub struct FetchControl(Rc<Said>);

struct Said {
    stop: Stop,
    paused: Cell<bool>,
    /// Layers that were asked for, the last one first.
    layers: RefCell<Vec<usize>>,
    /// Counts everything that was said.
    n_said: Cell<u64>,
    wakers: RefCell<Vec<Waker>>,
}

impl FetchControl {
    /// Over a flag by which others ask to stop; who sets it calls [`FetchControl::wake`] too.
    pub fn new(stop: Stop) -> Self {
        Self(Rc::new(Said {
            stop,
            paused: Cell::new(false),
            layers: RefCell::default(),
            n_said: Cell::new(0),
            wakers: RefCell::default(),
        }))
    }

    /// What a layer's features need comes before everything that is not begun.
    pub fn prioritise(&self, layer: usize) {
        let mut layers = self.0.layers.borrow_mut();
        layers.retain(|it| *it != layer);
        layers.insert(0, layer);
        drop(layers);
        self.wake();
    }

    /// While it is paused, no new pieces are read.
    pub fn pause(&self, paused: bool) {
        self.0.paused.set(paused);
        self.wake();
    }

    /// The flag by which it is asked to stop.
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Wakes the fetch, so that it sees what has changed.
    pub fn wake(&self) {
        self.0.n_said.update(|it| it + 1);
        self.0.wakers.take().into_iter().for_each(Waker::wake);
    }

    /// Whether it is to read no new pieces.
    pub(super) fn is_paused(&self) -> bool {
        self.0.paused.get()
    }

    /// Layers that were asked for, the last one first.
    pub(super) fn layers(&self) -> Vec<usize> {
        self.0.layers.borrow().clone()
    }

    /// How often something was said.
    pub(super) fn n_said(&self) -> u64 {
        self.0.n_said.get()
    }

    /// Waits for something, or until it is asked to stop.
    ///
    /// Errors: [`WeightsError::Stopped`]; what is waited for is dropped.
    pub(super) async fn or_stop<T>(
        &self,
        future: impl Future<Output = T>,
    ) -> Result<T, WeightsError> {
        self.unless(|| self.0.stop.is_set(), future).await
    }

    /// Waits for something, or until `ends` is true, which is looked at whenever something was said.
    ///
    /// Errors: [`WeightsError::Stopped`]; what is waited for is dropped.
    pub(super) async fn unless<T>(
        &self,
        ends: impl Fn() -> bool,
        future: impl Future<Output = T>,
    ) -> Result<T, WeightsError> {
        let ended = async {
            while !ends() {
                self.said(self.n_said()).await;
            }
        };
        pin_mut!(future, ended);
        match select(ended, future).await {
            Either::Left(_) => Err(WeightsError::Stopped),
            Either::Right((it, _)) => Ok(it),
        }
    }

    /// Waits until something has been said beyond `n_said`.
    pub(super) async fn said(&self, n_said: u64) {
        poll_fn(|context| {
            if self.0.n_said.get() != n_said {
                return Poll::Ready(());
            }
            self.0.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
