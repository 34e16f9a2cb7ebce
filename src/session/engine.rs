//! The engine: one command at a time, against one device and at most one model; what it does when either is lost.

use super::{
    background::Background,
    fetching::Desk,
    inbox::{Inbox, Job},
    librarian::{Librarian, LibraryOptions},
    open::Open,
    outbox::{Message, Outbox},
    protocol::{BUILD, CommandBody, EngineState, EventBody, Outcome, PROTOCOL, RunKey},
    trouble::Trouble,
};
use crate::gpu::{Faults, Forms, Gpu, GpuError, GpuOptions};
use futures_util::future::{Either, select};
use std::{pin::pin, rc::Rc};

/// Host memory for the activations of kept runs: the wasm heap stays under 256 MB.
const KEPT_BYTES: u64 = if cfg!(target_arch = "wasm32") {
    64 << 20
} else {
    1 << 30
};

/// How the engine takes its device, and where models are kept.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Part of the adapter's name, or none for the best there is.
    pub adapter: Option<String>,
    /// Whether to ask for WebGPU's default limits only.
    pub default_limits: bool,
    /// Largest storage binding, below the adapter's own.
    pub max_binding_bytes: Option<u64>,
    /// Bytes of host memory for the activations of kept runs, or none for the default.
    pub kept_bytes: Option<u64>,
    /// Where models are kept and how they are fetched.
    pub library: LibraryOptions,
    /// For tests: faults of the first device taken, of the second, and so on; none beyond.
    pub faults: Vec<Faults>,
}

/// An engine that waits for commands.
pub struct Engine {
    pub(super) options: EngineOptions,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) desk: Desk,
    pub(super) gpu: Option<Rc<Gpu>>,
    pub(super) open: Option<Open>,
    n_devices: usize,
    /// Whether the page has been told that the device is gone, and not yet that another is there.
    is_lost: bool,
    greeted: bool,
}

impl Engine {
    /// An engine whose messages go to `sink`. It takes no device before it needs one.
    pub fn new(options: EngineOptions, sink: impl FnMut(Message) + Send + 'static) -> Self {
        let outbox = Outbox::new(sink);
        let inbox = Inbox::new(outbox.clone());
        let desk = Desk {
            librarian: Rc::new(Librarian::new(options.library.clone())),
            background: Background::new(inbox.clone(), outbox.bell().clone()),
            labels: Rc::default(),
            outbox: outbox.clone(),
        };
        Self {
            options,
            inbox,
            outbox,
            desk,
            gpu: None,
            open: None,
            n_devices: 0,
            is_lost: false,
            greeted: false,
        }
    }

    /// Where its commands are posted.
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Executes commands until the inbox is closed, and what runs beside them. That is stopped then, and comes to its end.
    pub async fn run(mut self) {
        self.outbox.state(EngineState::Ready);
        let desk = self.desk.clone();
        let begin = |job| desk.begin(job);
        loop {
            match desk.background.beside(&begin, self.turn()).await {
                Turn::Job(job) => {
                    let served = desk.background.beside(&begin, self.serve(&job)).await;
                    let terminal = match served {
                        Ok(it) => EventBody::Done(it),
                        Err(Trouble::Stopped) => EventBody::Cancelled,
                        Err(it) => EventBody::Failed(it.failure()),
                    };
                    self.inbox.end(job.id, terminal);
                }
                Turn::Arrival => desk.background.beside(&begin, self.take_up()).await,
                Turn::End => break,
            }
        }
        desk.background.finish().await;
    }

    /// What comes next.
    async fn turn(&self) -> Turn {
        let part_came = self.desk.background.part_came(self.is_incomplete());
        match select(pin!(self.inbox.next()), pin!(part_came)).await {
            Either::Left((Some(job), _)) => Turn::Job(Box::new(job)),
            Either::Left((None, _)) => Turn::End,
            Either::Right(_) => Turn::Arrival,
        }
    }

    /// Bytes of host memory for the activations of kept runs.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.options.kept_bytes.unwrap_or(KEPT_BYTES)
    }

    /// The device, taken now if there is none.
    ///
    /// Errors: [`GpuError::Lost`] if the one we have is gone.
    pub(super) async fn gpu(&mut self) -> Result<Rc<Gpu>, Trouble> {
        if let Some(gpu) = &self.gpu {
            return match gpu.lost() {
                None => Ok(gpu.clone()),
                Some(reason) => Err(GpuError::Lost { reason }.into()),
            };
        }
        let gpu = self.another_gpu().await?;
        self.gpu = Some(gpu.clone());
        Ok(gpu)
    }

    /// A device of its own, beside the one that we have.
    ///
    /// Errors: no adapter, no device.
    pub(super) async fn another_gpu(&mut self) -> Result<Rc<Gpu>, GpuError> {
        let faults = self.options.faults.get(self.n_devices);
        let options = GpuOptions {
            adapter: self.options.adapter.clone(),
            default_limits: self.options.default_limits,
            max_binding_bytes: self.options.max_binding_bytes,
            forms: Forms::ByAdapter,
            faults: faults.cloned().unwrap_or_default(),
        };
        let gpu = Gpu::open(&options).await;
        // One that comes and goes is told as lost.
        if self.n_devices == 0 && matches!(gpu, Err(GpuError::NoAdapter { .. })) {
            self.outbox.state(EngineState::NoAdapter);
        }
        let gpu = gpu?;
        self.n_devices += 1;
        Ok(gpu)
    }

    /// Executes a command to its end: a lost device is replaced and the command tried again, once.
    async fn serve(&mut self, job: &Job) -> Result<Outcome, Trouble> {
        let mut result = self.attempt(job).await;
        if let Some(reason) = self.loss(&result) {
            self.let_go(reason);
            result = match self.recover(job).await {
                Ok(()) => self.attempt(job).await,
                Err(it) => Err(it),
            };
            if let Some(reason) = self.loss(&result) {
                self.let_go(reason.clone());
                result = Err(Trouble::LostAgain { reason });
            }
        }
        // Lost twice in one command, it comes back with a later one.
        if self.is_lost && result.is_ok() && self.gpu.is_some() {
            self.is_back();
        }
        // A command that was stopped too late to notice ends as one that noticed.
        if job.stop.is_set() {
            result = Err(Trouble::Stopped);
        }
        if let Err(trouble) = &result {
            self.tidy(job, trouble);
        }
        result
    }

    async fn attempt(&mut self, job: &Job) -> Result<Outcome, Trouble> {
        if !self.greeted && !matches!(job.body, CommandBody::Hello { .. }) {
            return Err(Trouble::NotGreeted);
        }
        match &job.body {
            CommandBody::Hello { protocol, build } => self.hello(*protocol, build),
            CommandBody::Describe => self.describe().await,
            CommandBody::Plan(request) => self.plan(request).await,
            CommandBody::Open(request) => self.open_model(job, request).await,
            CommandBody::Close => self.close_model(),
            CommandBody::Tokenize { text, tokenizer } => {
                self.tokenize(text, tokenizer.as_deref()).await
            }
            CommandBody::Run {
                input,
                want,
                writes,
            } => self.run_prompt(job, input, want, writes).await,
            CommandBody::Derive { run, want, .. } => self.derive(job, run, want).await,
            CommandBody::Labels { from } => self.desk.read_labels(job, from).await,
            CommandBody::Feature { feature, question } => {
                let card = self.card(job, *feature, question).await?;
                Ok(Outcome::Feature(card))
            }
            CommandBody::Ask {
                run,
                what,
                positions,
            } => self.ask(job, run, what, *positions).await,
            CommandBody::Generate {
                run,
                n,
                sampling,
                watch,
            } => self.generate(job, run, (*n, *sampling), *watch).await,
            CommandBody::Drop { run } => self.forget(run),
            CommandBody::ResetGpu => self.reset(job).await,
            CommandBody::Measure { seconds, only } => {
                self.measure(job, *seconds, only.as_deref()).await
            }
            other => self.attempt_apart(job, other).await,
        }
    }

    /// The commands that are about what is kept, what could be opened, and how it came out.
    async fn attempt_apart(&mut self, job: &Job, body: &CommandBody) -> Result<Outcome, Trouble> {
        match body {
            CommandBody::Remove {
                selection,
                set_aside,
            } => self.remove(selection, *set_aside).await,
            CommandBody::Price { set } => self.price(set).await,
            CommandBody::Try { set } => self.try_out(job, set).await,
            CommandBody::Check { figures } => self.check(job, *figures).await,
            _ => self.share(job).await,
        }
    }

    fn hello(&mut self, protocol: u32, build: &str) -> Result<Outcome, Trouble> {
        if protocol != PROTOCOL {
            return Err(Trouble::Protocol {
                ours: PROTOCOL,
                theirs: protocol,
                build: build.into(),
            });
        }
        self.greeted = true;
        self.inbox.greet();
        Ok(Outcome::Hello {
            protocol: PROTOCOL,
            build: BUILD.into(),
        })
    }

    fn forget(&mut self, run: &RunKey) -> Result<Outcome, Trouble> {
        if let Some(open) = &mut self.open {
            open.book.runs.drop_run(run);
        }
        Ok(Outcome::Nothing)
    }

    async fn reset(&mut self, job: &Job) -> Result<Outcome, Trouble> {
        self.let_go_quietly();
        self.recover(job).await?;
        Ok(Outcome::Nothing)
    }

    /// What the driver says, if `result` failed since the device was lost; other errors may be its first sign.
    fn loss(&self, result: &Result<Outcome, Trouble>) -> Option<String> {
        let trouble = result.as_ref().err()?;
        let gone = || self.gpu.as_ref().and_then(|it| it.lost());
        match trouble {
            Trouble::Stopped => None,
            it => it.lost().map(Into::into).or_else(gone),
        }
    }

    fn let_go(&mut self, reason: String) {
        self.let_go_quietly();
        self.is_lost = true;
        self.outbox.state(EngineState::DeviceLost { reason });
    }

    fn is_back(&mut self) {
        self.is_lost = false;
        self.outbox.state(EngineState::Recovered);
    }

    /// Drops the model and its runs.
    pub(super) fn close(&mut self) {
        self.open = None;
        if let Some(gpu) = &self.gpu {
            gpu.forget_groups();
        }
    }

    fn close_model(&mut self) -> Result<Outcome, Trouble> {
        self.close();
        Ok(Outcome::Nothing)
    }

    /// Drops the device and the model on it. What is open stays open, its runs stay kept.
    fn let_go_quietly(&mut self) {
        if let Some(open) = &mut self.open {
            open.scope = None;
            open.model = None;
        }
        self.gpu = None;
    }

    /// Takes a new device and loads the open model again.
    async fn recover(&mut self, job: &Job) -> Result<(), Trouble> {
        self.gpu().await?;
        if self.open.is_some() {
            self.ready(job).await?;
        }
        self.is_back();
        Ok(())
    }

    /// Leaves nothing half-done: a failed `Open` leaves nothing open, and refused memory is given back.
    fn tidy(&mut self, job: &Job, trouble: &Trouble) {
        if matches!(job.body, CommandBody::Open(_)) || trouble.is_out_of_memory() {
            self.close();
        }
    }
}

/// What the engine does next.
#[allow(clippy::large_enum_variant, reason = "one exists at a time")]
enum Turn {
    Job(Box<Job>),
    /// Parts of what is open may have come.
    Arrival,
    End,
}
