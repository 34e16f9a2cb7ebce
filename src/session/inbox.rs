//! Commands on their way in: their order, and `Cancel` and `Ack`, which take effect when posted. Leaves executing them to the engine,
//! and what goes on beside others to `background`.

use super::{
    attached::Attachment,
    bell::Bell,
    labels,
    outbox::Outbox,
    protocol::{Command, CommandBody, EventBody, Failure, Outcome},
};
use crate::sys::Stop;
use serde::Deserialize;
use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where commands are posted, from any thread or task; clones are the same inbox.
#[derive(Clone)]
pub struct Inbox {
    state: Arc<Mutex<State>>,
    outbox: Outbox,
    bell: Bell,
}

/// A command that waits or runs.
#[derive(Debug)]
pub(super) struct Job {
    pub id: u32,
    pub body: CommandBody,
    /// What came with it.
    pub attached: Vec<Attachment>,
    /// Set by `Cancel`.
    pub stop: Stop,
    /// Pieces of the answer told by earlier attempts, before the device was lost.
    pub told: Cell<u64>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    running: Option<(u32, Stop)>,
    /// What goes on beside it.
    beside: Vec<(u32, Stop)>,
    /// Before `Hello` has been answered everything waits for its turn, and is refused then.
    greeted: bool,
    closed: bool,
}

impl State {
    /// What waits for its turn, with its place among all that waits.
    fn in_turn(&self) -> impl Iterator<Item = (usize, &CommandBody)> {
        let all = self.waiting.iter().map(|it| &it.body).enumerate();
        all.filter(|it| !self.greeted || !runs_beside(it.1))
    }
}

impl Inbox {
    /// An empty inbox whose refusals go to `outbox`.
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            state: Arc::default(),
            bell: outbox.bell().clone(),
            outbox,
        }
    }

    /// Posts a command as JSON; text that is no command is answered by `Failed` under its id, or under 0 where it has none.
    pub fn post_json(&self, text: &str) {
        self.post_json_with(text, Vec::new());
    }

    /// The same with what came beside it.
    pub fn post_json_with(&self, text: &str, attached: Vec<Attachment>) {
        #[derive(Deserialize)]
        struct Named {
            id: u32,
        }
        let detail = match serde_json::from_str::<Command>(text) {
            Ok(command) => return self.post_with(command, attached),
            Err(it) => it.to_string(),
        };
        let failure = Failure {
            what: "The engine does not know this command.".into(),
            remedy: "Reload the page, so that page and engine are of the same build.".into(),
            detail,
        };
        let id = serde_json::from_str::<Named>(text).map_or(0, |it| it.id);
        if self.begin(id) {
            self.outbox.end(id, EventBody::Failed(failure));
        }
    }

    /// Posts a command.
    pub fn post(&self, command: Command) {
        self.post_with(command, Vec::new());
    }

    /// Posts a command with what came beside it.
    pub fn post_with(&self, command: Command, attached: Vec<Attachment>) {
        let Command { id, body } = command;
        if let CommandBody::Ack { id, n } = body {
            return self.outbox.acknowledge(id, n);
        }
        if !self.begin(id) {
            return;
        }
        if let CommandBody::Cancel { id: target } = body {
            self.cancel(target);
            return self.outbox.end(id, EventBody::Done(Outcome::Nothing));
        }
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return self.outbox.end(id, EventBody::Cancelled);
        }
        state.waiting.push_back(Job {
            id,
            body,
            attached,
            stop: Stop::default(),
            told: Cell::default(),
        });
        drop(state);
        self.bell.ring();
    }

    /// Ends the engine: what waits is cancelled, what runs is stopped, and its loop returns.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        for (_, stop) in state.running.iter().chain(&state.beside) {
            stop.set();
        }
        drop(state);
        for job in waiting {
            self.outbox.end(job.id, EventBody::Cancelled);
        }
        self.bell.ring();
    }

    /// The next command in turn, or none once the inbox is closed.
    pub(super) async fn next(&self) -> Option<Job> {
        // On the web messages arrive between tasks only: whatever has been posted must be in the queue before we choose.
        crate::sys::yield_now().await;
        let take = || {
            let mut state = self.lock();
            if state.closed {
                return Some(None);
            }
            let at = next_in_turn(state.in_turn())?;
            let job = state.waiting.remove(at)?;
            state.running = Some((job.id, job.stop.clone()));
            Some(Some(job))
        };
        self.bell.until(take).await
    }

    /// Work of the engine's own, of which no events are told but under id 0; it runs until [`Inbox::end_own`].
    pub(super) fn own(&self) -> Job {
        let job = Job {
            id: 0,
            body: CommandBody::Describe,
            attached: Vec::new(),
            stop: Stop::default(),
            told: Cell::default(),
        };
        let mut state = self.lock();
        if state.closed {
            job.stop.set();
        }
        state.running = Some((job.id, job.stop.clone()));
        job
    }

    /// Ends work of the engine's own.
    pub(super) fn end_own(&self) {
        self.lock().running = None;
    }

    /// The next command that does not wait for its turn, if it need not wait for what is before it either. It runs beside the others,
    /// until [`Inbox::end`].
    pub(super) fn next_beside(&self) -> Option<Job> {
        let mut state = self.lock();
        if !state.greeted {
            return None;
        }
        let at = next_beside(state.waiting.iter().map(|it| &it.body))?;
        let job = state.waiting.remove(at)?;
        state.beside.push((job.id, job.stop.clone()));
        Some(job)
    }

    /// `Hello` has been answered: from now on some commands run beside others.
    pub(super) fn greet(&self) {
        self.lock().greeted = true;
    }

    /// Ends a command that runs, in its turn or beside the others.
    pub(super) fn end(&self, id: u32, terminal: EventBody) {
        let mut state = self.lock();
        state.running.take_if(|it| it.0 == id);
        state.beside.retain(|it| it.0 != id);
        drop(state);
        self.outbox.end(id, terminal);
    }

    /// Takes `id` for a new command, or refuses it.
    fn begin(&self, id: u32) -> bool {
        let free = id != 0 && self.outbox.begin(id);
        if !free {
            self.outbox.refuse(Failure {
                what: format!("Command id {id} can't be used: it is 0, in use, or missing."),
                remedy: "Give every command an id of its own, above 0.".into(),
                detail: String::new(),
            });
        }
        free
    }

    fn cancel(&self, target: u32) {
        let mut state = self.lock();
        let waits = state.waiting.iter().position(|it| it.id == target);
        let job = waits.and_then(|at| state.waiting.remove(at));
        let running = state.running.iter().chain(&state.beside);
        for (_, stop) in running.filter(|it| it.0 == target) {
            stop.set();
        }
        drop(state);
        if job.is_some() {
            self.outbox.end(target, EventBody::Cancelled);
        }
        self.bell.ring();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave the queue half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Index of the command whose turn it is: the most urgent before the first that must keep its place.
fn next_in_turn<'a>(waiting: impl Iterator<Item = (usize, &'a CommandBody)>) -> Option<usize> {
    let mut best: Option<(u8, usize)> = None;
    for (at, body) in waiting {
        let Some(urgency) = urgency(body) else {
            return Some(best.map_or(at, |it| it.1));
        };
        if best.is_none_or(|it| urgency < it.0) {
            best = Some((urgency, at));
        }
    }
    best.map(|it| it.1)
}

/// Index of the first command that does not wait for its turn; it never overtakes a `Remove`, whose files it may be about.
fn next_beside<'a>(waiting: impl Iterator<Item = &'a CommandBody>) -> Option<usize> {
    for (at, body) in waiting.enumerate() {
        match body {
            CommandBody::Remove { .. } => return None,
            it if runs_beside(it) => return Some(at),
            _ => (),
        }
    }
    None
}

/// Whether a command needs neither the device nor what is open, so that others are served while it runs.
pub(super) fn runs_beside(body: &CommandBody) -> bool {
    matches!(
        body,
        CommandBody::Fetch(_)
            | CommandBody::Prioritise { .. }
            | CommandBody::Pause { .. }
            | CommandBody::Token { .. }
            | CommandBody::Variants { .. }
            | CommandBody::Stored
            | CommandBody::Verify { .. }
            | CommandBody::Export { .. }
            | CommandBody::Import { .. }
            | CommandBody::Manifest { .. }
            | CommandBody::Snapshot { .. }
    ) || labels::is_about(body)
}

/// 0 is most urgent; none for commands that nothing overtakes.
fn urgency(body: &CommandBody) -> Option<u8> {
    match body {
        CommandBody::Hello { .. }
        | CommandBody::Open(_)
        | CommandBody::Close
        | CommandBody::ResetGpu => None,
        CommandBody::Ask { .. } | CommandBody::Link { .. } | CommandBody::ReadLink { .. } => {
            Some(0)
        }
        CommandBody::Run { .. } => Some(1),
        _ => Some(2),
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::{Input, RunKey, What};
    use super::*;

    fn run() -> CommandBody {
        CommandBody::Run {
            input: Input::Ids(vec![2]),
            want: vec![],
            writes: vec![],
        }
    }

    fn ask() -> CommandBody {
        CommandBody::Ask {
            run: RunKey("0".into()),
            what: What::Site(vec![]),
            positions: Default::default(),
        }
    }

    #[test]
    fn urgent_commands_overtake_but_not_across_a_barrier() {
        let describe = CommandBody::Describe;
        let turn = |it: &[&CommandBody]| next_in_turn(it.iter().copied().enumerate());
        assert_eq!(turn(&[]), None);
        assert_eq!(turn(&[&describe, &run(), &ask()]), Some(2));
        assert_eq!(turn(&[&describe, &run(), &run()]), Some(1));
        assert_eq!(turn(&[&describe, &CommandBody::Close, &ask()]), Some(0));
        assert_eq!(turn(&[&CommandBody::Close, &ask()]), Some(0));
    }

    #[test]
    fn what_needs_no_turn_waits_for_a_remove_alone() {
        let pause = CommandBody::Pause { paused: true };
        let remove = CommandBody::Remove {
            selection: Default::default(),
            set_aside: false,
        };
        let turn = |it: &[&CommandBody]| next_beside(it.iter().copied());
        assert_eq!(turn(&[&run(), &CommandBody::Close]), None);
        assert_eq!(turn(&[&run(), &CommandBody::Stored, &pause]), Some(1));
        assert_eq!(turn(&[&run(), &remove, &pause]), None);
    }
}
