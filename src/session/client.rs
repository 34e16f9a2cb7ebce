//! The engine on a thread of this program: commands in, answers out. Leaves what is done with them to the command line, benches and tests.

use super::{
    attached::Attachment,
    engine::{Engine, EngineOptions},
    inbox::Inbox,
    outbox::Message,
    protocol::{
        BUILD, Command, CommandBody, EngineState, EventBody, Failure, Outcome, PROTOCOL, Partial,
        Readiness,
    },
};
use std::{
    sync::mpsc::{self, Receiver},
    thread::JoinHandle,
    time::Duration,
};

/// What is told while a command runs.
#[derive(Debug)]
pub enum Told {
    /// How far it is.
    Progress {
        /// What is being done.
        phase: String,
        /// How much is done.
        done: u64,
        /// Of how much, if known.
        total: Option<u64>,
        /// Of what.
        unit: String,
    },
    /// A piece of the answer and the bytes beside it.
    Partial(Partial, Vec<Vec<u8>>),
    /// The engine's own state.
    State(EngineState),
    /// Parts of the open model have arrived.
    Ready(Readiness),
}

/// An engine on a thread of its own. Dropping it stops and ends the engine.
pub struct Client {
    inbox: Inbox,
    messages: Receiver<Message>,
    thread: Option<JoinHandle<()>>,
    last_id: u32,
}

impl Client {
    /// Starts an engine and greets it.
    ///
    /// Errors: the engine's answer, or that no thread could be started.
    pub fn start(options: EngineOptions) -> Result<Self, Failure> {
        let mut client = Self::start_silent(options)?;
        let hello = CommandBody::Hello {
            protocol: PROTOCOL,
            build: BUILD.into(),
        };
        client.call(hello, &mut |_| ())?;
        Ok(client)
    }

    /// Starts an engine without a greeting, which it then still waits for.
    ///
    /// Errors: no thread could be started.
    pub fn start_silent(options: EngineOptions) -> Result<Self, Failure> {
        let (to_us, messages) = mpsc::channel();
        let (inbox_to_us, inbox) = mpsc::channel();
        // The engine is made on its own thread: nothing on the GPU may move between threads.
        let work = move || {
            let engine = Engine::new(options, move |it| {
                // A client that is gone needs no answers.
                let _ = to_us.send(it);
            });
            if inbox_to_us.send(engine.inbox()).is_ok() {
                crate::sys::block_on(engine.run());
            }
        };
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(work);
        let thread = thread.map_err(|it| died(it.to_string()))?;
        Ok(Self {
            inbox: inbox.recv().map_err(|it| died(it.to_string()))?,
            messages,
            thread: Some(thread),
            last_id: 0,
        })
    }

    /// Executes one command, telling `on` what comes before its end, and acknowledging each piece once `on` returns.
    ///
    /// Errors: the command's own failure; that it was cancelled; that the engine died.
    pub fn call(
        &mut self,
        body: CommandBody,
        on: &mut dyn FnMut(Told),
    ) -> Result<Outcome, Failure> {
        let id = self.post(body);
        self.wait(id, on)
    }

    /// Waits for the end of a command that was posted, as [`Client::call`] does.
    ///
    /// Errors: as there.
    pub fn wait(&mut self, id: u32, on: &mut dyn FnMut(Told)) -> Result<Outcome, Failure> {
        loop {
            let message = self.messages.recv();
            let Message { event, parts } = message.map_err(|it| died(it.to_string()))?;
            match event.body {
                EventBody::State(it) => on(Told::State(it)),
                EventBody::Ready(it) => on(Told::Ready(it)),
                // Of a command posted earlier, whose answers nobody waits for; its credits must not run dry.
                EventBody::Partial(_) if event.id != id => self.acknowledge(event.id, 1),
                _ if event.id != id => (),
                EventBody::Progress {
                    phase,
                    done,
                    total,
                    unit,
                } => {
                    on(Told::Progress {
                        phase,
                        done,
                        total,
                        unit,
                    });
                }
                EventBody::Partial(it) => {
                    on(Told::Partial(it, parts));
                    self.acknowledge(id, 1);
                }
                EventBody::Done(it) => return Ok(it),
                EventBody::Failed(it) => return Err(it),
                EventBody::Cancelled => return Err(cancelled()),
            }
        }
    }

    /// Posts a command without waiting; its id.
    pub fn post(&mut self, body: CommandBody) -> u32 {
        self.post_with(body, Vec::new())
    }

    /// Posts a command with bytes beside it, without waiting; its id.
    pub fn post_with(&mut self, body: CommandBody, attached: Vec<Attachment>) -> u32 {
        self.last_id += 1;
        let id = self.last_id;
        self.inbox.post_with(Command { id, body }, attached);
        id
    }

    /// The engine's inbox, for another thread to cancel by or for commands with ids of the caller's.
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Takes pieces of command `id` as read, so that further ones may come.
    pub fn acknowledge(&self, id: u32, n: u32) {
        let body = CommandBody::Ack { id, n };
        self.inbox.post(Command { id: 0, body });
    }

    /// The next message, or none when none comes in time or the engine died.
    pub fn next_message(&mut self, timeout: Duration) -> Option<Message> {
        self.messages.recv_timeout(timeout).ok()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.inbox.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the engine has been printed where it happened.
            let _ = thread.join();
        }
    }
}

fn cancelled() -> Failure {
    Failure {
        what: "Stopped.".into(),
        remedy: "Start it again when you like; nothing is half-done.".into(),
        detail: String::new(),
    }
}

fn died(detail: String) -> Failure {
    Failure {
        what: "The engine died.".into(),
        remedy: "Start it again, and report what was printed before this.".into(),
        detail,
    }
}
