//! The engine as a command uses it: one question after another, with progress shown.

use super::args::{Global, Limits};
use super::progress::Progress;
use super::report::failure;
use crate::session::protocol::{Command, CommandBody, Failure, Outcome, Partial};
use crate::session::{Client, EngineOptions, Inbox, LibraryOptions, Told};

/// The id of the one command that is not the client's: it cancels another.
const CANCEL_ID: u32 = u32::MAX;

/// A running engine and the progress of what it does.
pub struct Session {
    client: Client,
    progress: Progress,
}

/// What is done with a piece of an answer and the bytes beside it.
pub type OnPartial<'a> = dyn FnMut(Partial, Vec<Vec<u8>>) -> Result<(), Failure> + 'a;

impl Session {
    /// Starts an engine.
    pub fn start(global: &Global) -> Result<Self, Failure> {
        let options = EngineOptions {
            adapter: global.adapter.clone(),
            default_limits: global.limits == Limits::Default,
            max_binding_bytes: global.max_binding_bytes,
            library: LibraryOptions {
                folder: global.store.clone(),
                ..LibraryOptions::default()
            },
            ..EngineOptions::default()
        };
        Ok(Self {
            client: Client::start(options)?,
            progress: Progress::new(),
        })
    }

    /// Asks and waits; the answer has no pieces.
    pub fn call(&mut self, body: CommandBody) -> Result<Outcome, Failure> {
        self.call_with(body, &mut |_, _| Ok(()))
    }

    /// Asks and waits, handing each piece of the answer to `on`. After an error of `on` the rest is let go.
    ///
    /// Errors: the engine's, or the first of `on`.
    pub fn call_with(
        &mut self,
        body: CommandBody,
        on: &mut OnPartial<'_>,
    ) -> Result<Outcome, Failure> {
        let id = self.post(body);
        self.wait(id, on)
    }

    /// Asks without waiting; the id by which to wait.
    pub fn post(&mut self, body: CommandBody) -> u32 {
        self.client.post(body)
    }

    /// A way to cancel a command, for a callback or another thread.
    pub fn cancel(&self, id: u32) -> Cancel {
        let inbox = self.client.inbox();
        Cancel { inbox, id }
    }

    /// Waits for the end of what was posted, as [`Session::call_with`] does.
    ///
    /// Errors: as there.
    pub fn wait(&mut self, id: u32, on: &mut OnPartial<'_>) -> Result<Outcome, Failure> {
        let mut told = Ok(());
        let progress = &mut self.progress;
        let outcome = self.client.wait(id, &mut |it| match it {
            Told::Progress {
                phase,
                done,
                total,
                unit,
            } => progress.tell(&phase, done, total, &unit),
            Told::State(it) => progress.state(&it),
            Told::Partial(it, parts) if told.is_ok() => {
                if matches!(it, Partial::Token(_)) {
                    progress.clear();
                }
                told = on(it, parts);
            }
            Told::Partial(..) | Told::Ready(_) => (),
        });
        self.progress.clear();
        told.and(outcome)
    }
}

/// Cancels a command.
pub struct Cancel {
    inbox: Inbox,
    id: u32,
}

impl Cancel {
    /// Cancels it; a command that has ended is left alone.
    pub fn now(&self) {
        let body = CommandBody::Cancel { id: self.id };
        self.inbox.post(Command {
            id: CANCEL_ID,
            body,
        });
    }
}

/// For an answer of a kind that the question does not have.
pub fn unexpected(outcome: &Outcome) -> Failure {
    let mut it = failure(
        "The engine gave another answer than was asked for.",
        "Please report this.",
    );
    it.detail = format!("{outcome:?}").chars().take(200).collect();
    it
}
