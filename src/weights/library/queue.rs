//! What a worker does next: the order of parts, cut into ranges that are asked for at once.

use super::{
    order,
    work::{Hold, PartWork, State, Work},
};

/// What a worker does next.
pub(super) enum Job {
    /// Looks whether a file's proof can go on.
    Prove(usize),
    /// Receives pieces of a part that lie one behind the other in a file.
    Receive(usize, Vec<u32>),
    /// Makes pieces of a part from another packing of it.
    Convert(usize, Vec<u32>),
}

/// Pieces that are made from another packing at a time.
const CONVERTED_AT_ONCE: usize = 4;

impl Work {
    /// The next job, which is the caller's from then on; none where there is nothing to do just now.
    pub fn next_job(&self) -> Option<Job> {
        if self.is_halted() || self.control.is_paused() {
            return None;
        }
        let mut state = self.state.borrow_mut();
        state.layers = self.control.layers();
        let file = (state.files.iter()).position(|it| it.wants_look && !it.is_busy);
        if let Some(it) = file {
            state.files[it].wants_look = false;
            return Some(Job::Prove(it));
        }
        let part = self.next_part(&state)?;
        let most_bytes = self.library.net().config().most_range_bytes;
        let it = &mut state.parts[part];
        match it.donor {
            Some(_) => {
                let pieces: Vec<u32> = it.todo.iter().copied().take(CONVERTED_AT_ONCE).collect();
                it.begin(&pieces);
                Some(Job::Convert(part, pieces))
            }
            None => {
                let pieces = it.next_run(most_bytes);
                it.begin(&pieces);
                Some(Job::Receive(part, pieces))
            }
        }
    }

    /// Parts that are begun come first, then the order in which they are of use.
    fn next_part(&self, state: &State) -> Option<usize> {
        let ready = (0..state.parts.len()).filter(|it| {
            let part = &state.parts[*it];
            let is_ours = matches!(state.groups[part.group].hold, Hold::Ours(_));
            is_ours && !part.has_no_room && !part.todo.is_empty() && self.is_admitted(part)
        });
        ready.min_by_key(|it| {
            let part = &state.parts[*it];
            let is_begun = part.writer.is_some() || !part.in_flight.is_empty();
            let place = order::asked(part.plan.part, &state.layers);
            (!is_begun, place)
        })
    }

    /// Whether a part may be begun already.
    pub fn is_admitted(&self, part: &PartWork) -> bool {
        !self.only_first.get() || order::is_first(part.plan.part)
    }

    /// Whether all that may be begun has come to its end.
    pub fn is_finished(&self) -> bool {
        let state = self.state.borrow();
        let parts = state.parts.iter().filter(|it| self.is_admitted(it));
        let ours = |it: usize| matches!(state.groups[it].hold, Hold::Ours(_));
        let all_there = parts.clone().all(|it| ours(it.group) && it.is_settled());
        let proven = state.files.iter().all(|it| {
            let lacks_room = || {
                let mut parts = it.cover.iter().map(|it| &state.parts[it.0]);
                parts.any(|it| it.has_no_room || it.is_opaque)
            };
            !it.is_busy && (!it.is_to_be_proven() || lacks_room())
        });
        all_there && (self.only_first.get() || proven)
    }
}

impl PartWork {
    /// Pieces to be received that lie one behind the other.
    fn next_run(&self, most_bytes: u64) -> Vec<u32> {
        let mut out: Vec<u32> = Vec::new();
        let mut n_bytes = 0;
        for &piece in &self.todo {
            n_bytes += self.piece_bytes(piece);
            let follows = out.last().is_none_or(|last| {
                let (last, next) = (*last as usize, piece as usize);
                self.files[last] == self.files[next]
                    && self.range(last as u32).end == self.range(piece).start
            });
            if !out.is_empty() && (!follows || n_bytes > most_bytes) {
                break;
            }
            out.push(piece);
        }
        out
    }

    fn begin(&mut self, pieces: &[u32]) {
        for it in pieces {
            self.todo.remove(it);
            self.in_flight.insert(*it);
        }
    }

    /// Pieces that were begun and not taken are to be received by somebody else.
    pub fn put_back(&mut self, pieces: &[u32]) {
        for it in pieces {
            if self.in_flight.remove(it) {
                self.todo.insert(*it);
            }
        }
    }
}
