//! Several at a time take pieces from the network, or from another packing, into the store, until nothing is missing.

use super::{
    queue::Job,
    take::{Came, Taken},
    work::Work,
};
use crate::{spec::Trust, store::StoreError, weights::WeightsError};
use futures_util::future::{Either, join_all, select};
use std::pin::pin;

/// How often is looked whether another tab has let go.
const FOLLOW_MILLIS: f64 = 2_000.0;
/// How often progress is told.
const TELL_MILLIS: f64 = 250.0;

impl Work {
    /// Works until all that may be begun is there, or something goes wrong, or it is asked to stop. `told` is called now and then.
    pub async fn run(&self, told: &mut dyn FnMut()) -> Result<(), WeightsError> {
        self.claim_all().await?;
        told();
        let n_workers = self.library.net().config().in_flight.max(1);
        let workers = join_all((0..n_workers).map(|_| self.worker()));
        let ticking = async {
            let clock = self.library.net().clock().clone();
            let mut followed_millis = clock.now_millis();
            loop {
                let has_news = || !self.state.borrow().news.is_empty();
                // News end the wait.
                let _ = self
                    .control
                    .unless(has_news, clock.sleep(TELL_MILLIS))
                    .await;
                told();
                if clock.now_millis() - followed_millis >= FOLLOW_MILLIS {
                    if let Err(it) = self.claim_all().await {
                        self.fail(it);
                    }
                    followed_millis = clock.now_millis();
                }
                // Also for those who set the flag without a word.
                if self.control.stop().is_set() {
                    self.control.wake();
                }
            }
        };
        match select(pin!(workers), Box::pin(ticking)).await {
            Either::Left((_, ticking)) => drop(ticking),
            Either::Right((never, _)) => never,
        }
        told();
        if let Some(it) = self.state.borrow_mut().error.take() {
            return Err(it);
        }
        match self.control.stop().is_set() {
            true => Err(WeightsError::Stopped),
            false => Ok(()),
        }
    }

    async fn worker(&self) {
        loop {
            let n_said = self.control.n_said();
            if self.is_halted() {
                return;
            }
            let done = match self.next_job() {
                Some(Job::Prove(file)) => self.advance(file).await,
                Some(Job::Receive(part, pieces)) => {
                    let done = self.receive(part, &pieces).await;
                    self.state.borrow_mut().parts[part].put_back(&pieces);
                    done
                }
                Some(Job::Convert(part, pieces)) => {
                    let done = self.convert(part, &pieces).await;
                    self.state.borrow_mut().parts[part].put_back(&pieces);
                    done
                }
                None if self.is_finished() => {
                    self.control.wake();
                    return;
                }
                None => {
                    self.control.said(n_said).await;
                    Ok(())
                }
            };
            match done {
                Ok(()) => (),
                Err(WeightsError::Stopped) => return,
                Err(it) => self.fail(it),
            }
        }
    }

    /// Whether a part has room, or gets it now; nothing is received in vain.
    async fn has_room(&self, part: usize) -> Result<bool, WeightsError> {
        let is_fresh = {
            let state = self.state.borrow();
            let it = &state.parts[part];
            it.writer.is_none() && !it.is_whole && it.marks.is_empty()
        };
        if !is_fresh {
            return Ok(true);
        }
        match self.writer(part).await {
            Ok(_) => Ok(true),
            Err(WeightsError::Store(StoreError::NoRoom { .. })) => {
                self.state.borrow_mut().parts[part].has_no_room = true;
                Ok(false)
            }
            Err(it) => Err(it),
        }
    }

    async fn receive(&self, part: usize, pieces: &[u32]) -> Result<(), WeightsError> {
        if !self.has_room(part).await? {
            return Ok(());
        }
        let (file, range, supply) = {
            let state = self.state.borrow();
            let it = &state.parts[part];
            let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
                return Ok(());
            };
            let file = state.files[it.files[*first as usize]].name.clone();
            let range = it.range(*first).start..it.range(*last).end;
            (file, range, self.supplies.borrow()[it.supply].clone())
        };
        let mut stream = supply.stream(&file, range)?;
        for &piece in pieces {
            self.or_halt(self.while_paused()).await?;
            let n_bytes = self.state.borrow().parts[part].piece_bytes(piece);
            let raw = self.or_halt(stream.next(n_bytes as usize)).await??;
            let mut came = Came {
                part,
                piece,
                raw,
                trust: Trust::Received,
            };
            let mut taken = self.take(&came).await?;
            if taken == Taken::Wrong {
                let range = self.state.borrow().parts[part].range(piece);
                let mut once_more = supply.stream(&file, range)?;
                came.raw = self.or_halt(once_more.next(n_bytes as usize)).await??;
                taken = self.take(&came).await?;
            }
            match taken {
                Taken::Marked => (),
                Taken::Wrong => return Err(self.mismatch(&came).await),
                Taken::NoRoom => {
                    self.state.borrow_mut().parts[part].has_no_room = true;
                    return Ok(());
                }
                Taken::Busy => return self.wait_a_little().await,
            }
        }
        Ok(())
    }

    /// Pieces from another packing; what can't be had there is received.
    async fn convert(&self, part: usize, pieces: &[u32]) -> Result<(), WeightsError> {
        for &piece in pieces {
            self.or_halt(self.while_paused()).await?;
            let donor = self.state.borrow().parts[part].donor.clone();
            let Some(donor) = donor else {
                return Ok(());
            };
            let Ok(raw) = donor.piece(piece as usize).await else {
                self.state.borrow_mut().parts[part].donor = None;
                return Ok(());
            };
            let came = Came {
                part,
                piece,
                raw: raw.bytes,
                trust: raw.trust,
            };
            match self.take(&came).await? {
                Taken::Marked => (),
                Taken::Wrong => self.state.borrow_mut().parts[part].donor = None,
                Taken::NoRoom => self.state.borrow_mut().parts[part].has_no_room = true,
                Taken::Busy => return self.wait_a_little().await,
            }
        }
        Ok(())
    }

    async fn while_paused(&self) {
        while self.control.is_paused() {
            self.control.said(self.control.n_said()).await;
        }
    }

    async fn wait_a_little(&self) -> Result<(), WeightsError> {
        let clock = self.library.net().clock();
        self.or_halt(clock.sleep(TELL_MILLIS)).await
    }
}
