//! Carries the pieces of one answer out under credits, from callbacks that can't wait; leaves making them to the requests.

use super::{
    inbox::Job,
    outbox::{Outbox, Piece},
    trouble::Trouble,
};
use std::collections::VecDeque;

/// Takes pieces as they are made, sends what the credits allow, holds the rest until [`Courier::flush`].
///
/// A command that is tried again after a lost device makes the same pieces in the same order; those already told are left out.
pub(super) struct Courier<'a> {
    outbox: &'a Outbox,
    job: &'a Job,
    made: u64,
    held: VecDeque<Piece>,
}

impl<'a> Courier<'a> {
    /// A courier for `job`, which knows how many pieces earlier attempts told.
    pub fn new(outbox: &'a Outbox, job: &'a Job) -> Self {
        Self {
            outbox,
            job,
            made: 0,
            held: VecDeque::new(),
        }
    }

    /// Takes a piece; never waits.
    pub fn take(&mut self, piece: Piece) {
        self.made += 1;
        if self.made <= self.job.told.get() {
            return;
        }
        self.held.push_back(piece);
        self.send_what_may();
    }

    /// Waits until everything taken is sent.
    ///
    /// Errors: [`Trouble::Stopped`].
    pub async fn flush(&mut self) -> Result<(), Trouble> {
        while !self.held.is_empty() {
            if !self.outbox.credit(self.job.id, &self.job.stop).await {
                return Err(Trouble::Stopped);
            }
            self.send_what_may();
        }
        Ok(())
    }

    fn send_what_may(&mut self) {
        while let Some(piece) = self.held.pop_front() {
            if let Some(piece) = self.outbox.try_partial(self.job.id, piece) {
                return self.held.push_front(piece);
            }
            self.job.told.set(self.job.told.get() + 1);
        }
    }
}
