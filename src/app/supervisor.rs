//! Keeps an engine alive: what waits until it is ready, one restart by itself, what is said again afterwards. No browser in here:
//! [`super::link`] does what the [`Action`]s say.

use crate::session::protocol::{
    BUILD, Command, CommandBody, EngineState, Event, EventBody, Failure, OpenRequest, PROTOCOL,
};
use std::collections::BTreeMap;

/// What the browser has to do.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "a handful exist at a time, for a moment"
)]
pub enum Action {
    /// End the worker, if there is one, and start another.
    Start,
    /// End the worker.
    End,
    /// Post a command to it.
    Send(Command),
    /// Tell the page.
    Tell(Event),
}

/// How the worker is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Starting,
    Ready,
    Dead,
}

/// The state of one engine in its worker.
#[derive(Debug)]
pub struct Supervisor {
    phase: Phase,
    last_id: u32,
    /// Posted before the worker was ready.
    waiting: Vec<Command>,
    /// Sent and not ended.
    sent: BTreeMap<u32, CommandBody>,
    /// The greeting and the repeated `Open`, whose answers the page did not ask for.
    own: Vec<u32>,
    /// What was opened last, to be opened again.
    opened: Option<OpenRequest>,
    /// Whether the one restart that it does by itself is still to be had.
    may_restart: bool,
}

impl Supervisor {
    /// An engine to be started.
    pub fn new() -> (Self, Vec<Action>) {
        let it = Self {
            phase: Phase::Starting,
            last_id: 0,
            waiting: Vec::new(),
            sent: BTreeMap::new(),
            own: Vec::new(),
            opened: None,
            may_restart: true,
        };
        (it, vec![Action::Start])
    }

    /// A command of the page: its id, and what to do.
    pub fn post(&mut self, body: CommandBody) -> (u32, Vec<Action>) {
        let command = self.name(body);
        let id = command.id;
        let actions = match self.phase {
            Phase::Starting => {
                self.waiting.push(command);
                vec![]
            }
            Phase::Ready => vec![self.send(command)],
            Phase::Dead => {
                if let CommandBody::Open(_) = command.body {
                    // The page has chosen another model, which it opens itself after a restart.
                    self.opened = None;
                }
                vec![Action::Tell(failed(id, "the engine is not running"))]
            }
        };
        (id, actions)
    }

    /// The worker said that it listens.
    pub fn ready(&mut self) -> Vec<Action> {
        self.phase = Phase::Ready;
        let hello = CommandBody::Hello {
            protocol: PROTOCOL,
            build: BUILD.into(),
        };
        let again = self.opened.clone().map(CommandBody::Open);
        let mut actions = Vec::new();
        for body in [hello].into_iter().chain(again) {
            let command = self.name(body);
            self.own.push(command.id);
            actions.push(self.send(command));
        }
        let waiting = std::mem::take(&mut self.waiting);
        actions.extend(waiting.into_iter().map(|it| self.send(it)));
        actions
    }

    /// The worker failed outside of any command: what it was doing is lost. It is started again, once.
    pub fn died(&mut self, reason: &str) -> Vec<Action> {
        if self.phase == Phase::Dead {
            return vec![];
        }
        let restarts = std::mem::replace(&mut self.may_restart, false);
        let reason = reason.to_string();
        let mut actions = self.fail_sent(&reason);
        if restarts {
            self.phase = Phase::Starting;
            actions.extend([
                Action::Tell(state(EngineState::Restarting { reason })),
                Action::Start,
            ]);
        } else {
            self.phase = Phase::Dead;
            let waiting = std::mem::take(&mut self.waiting);
            actions.extend(
                waiting
                    .iter()
                    .map(|it| Action::Tell(failed(it.id, &reason))),
            );
            actions.extend([
                Action::Tell(state(EngineState::Dead { reason })),
                Action::End,
            ]);
        }
        actions
    }

    /// The visitor asks for another start.
    pub fn restart(&mut self) -> Vec<Action> {
        let reason = String::from("restarted by hand");
        let mut actions = self.fail_sent(&reason);
        self.phase = Phase::Starting;
        self.may_restart = true;
        actions.extend([
            Action::Tell(state(EngineState::Restarting { reason })),
            Action::Start,
        ]);
        actions
    }

    /// An event of the engine: what the page is told of it.
    pub fn event(&mut self, event: Event) -> Vec<Action> {
        let id = event.id;
        let body = match &event.body {
            EventBody::Done(_) | EventBody::Failed(_) | EventBody::Cancelled => {
                self.sent.remove(&id)
            }
            _ => self.sent.get(&id).cloned(),
        };
        self.remember(body.as_ref(), &event.body);
        if !self.own.contains(&id) {
            return vec![Action::Tell(event)];
        }
        match (body, event.body) {
            // Another build: nothing it says can be relied on.
            (Some(CommandBody::Hello { .. }), EventBody::Failed(it)) => {
                self.may_restart = false;
                self.died(&format!("{} {}", it.what, it.remedy))
            }
            // Nobody on the page asked for it.
            (_, body @ EventBody::Failed(_)) => vec![Action::Tell(Event {
                id: 0,
                seq: event.seq,
                body,
            })],
            (_, body @ EventBody::Progress { .. }) => vec![Action::Tell(Event { body, ..event })],
            _ => vec![],
        }
    }

    /// What must be opened again after a restart follows from how `Open` and `Close` ended.
    fn remember(&mut self, command: Option<&CommandBody>, told: &EventBody) {
        match (command, told) {
            (Some(CommandBody::Open(request)), EventBody::Done(_)) => {
                self.opened = Some(request.clone())
            }
            (Some(CommandBody::Open(_)), EventBody::Failed(_) | EventBody::Cancelled)
            | (Some(CommandBody::Close), EventBody::Done(_)) => self.opened = None,
            _ => (),
        }
    }

    fn name(&mut self, body: CommandBody) -> Command {
        self.last_id += 1;
        Command {
            id: self.last_id,
            body,
        }
    }

    fn send(&mut self, command: Command) -> Action {
        self.sent.insert(command.id, command.body.clone());
        Action::Send(command)
    }

    fn fail_sent(&mut self, reason: &str) -> Vec<Action> {
        let sent = std::mem::take(&mut self.sent);
        let own = std::mem::take(&mut self.own);
        let opens = |(id, body): (&u32, &CommandBody)| {
            matches!(body, CommandBody::Open(_)) && !own.contains(id)
        };
        if sent.iter().any(opens) {
            // What was open before is not what the page waits for; it hears that this failed, and says what to open.
            self.opened = None;
        }
        let theirs = sent.into_keys().filter(|it| !own.contains(it));
        theirs.map(|it| Action::Tell(failed(it, reason))).collect()
    }
}

fn state(it: EngineState) -> Event {
    Event {
        id: 0,
        seq: 0,
        body: EventBody::State(it),
    }
}

fn failed(id: u32, reason: &str) -> Event {
    let body = EventBody::Failed(Failure {
        what: "The engine stopped before it had answered.".into(),
        remedy: "Try again; if it happens twice, reload the page or choose a smaller model.".into(),
        detail: reason.into(),
    });
    Event { id, seq: 0, body }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
