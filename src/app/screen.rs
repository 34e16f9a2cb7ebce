//! What the page shows, as plain data; events fold into it, and each answer says what is asked next.

use super::norms::Norms;
use crate::session::protocol::{
    CommandBody, Description, Distribution, EngineState, Event, EventBody, Failure, Input,
    ModelRef, OpenRequest, Outcome, Partial, Plan, RunKey, Sampling, Speed, Token, What,
};
use crate::spec::{Config, Positions, Precision, Site};

/// Tokens of the continuation.
pub const N_GENERATED: usize = 12;
/// Most probable tokens shown.
const TOP_K: usize = 8;
/// How long each kernel is measured.
const MEASURED_SECONDS: f64 = 0.3;

/// What the visitor asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The prompt.
    pub ids: Vec<u32>,
    /// How weights are kept.
    pub precision: Precision,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            ids: vec![2, 74, 71, 409, 259],
            precision: Precision::Reference,
        }
    }
}

/// How far the page is; `data-state` of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Something is awaited.
    #[default]
    Loading,
    /// Everything asked for is there, or was stopped.
    Done,
    /// Something could not be done.
    Failed,
    /// The engine died and is being started again; the request is made once more.
    Restarting,
}

/// How the engine is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Engine {
    /// Its worker has not answered yet.
    #[default]
    Starting,
    /// As it says itself.
    Said(EngineState),
    /// The browser has no WebGPU.
    NoWebGpu,
}

/// What is awaited, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// What is being done.
    pub phase: String,
    /// How much is done.
    pub done: u64,
    /// Of how much, if known.
    pub total: Option<u64>,
    /// Of what.
    pub unit: String,
}

/// What was asked of the engine.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Describe,
    Open,
    Run,
    Norms,
    Probs,
    Generate,
    Measure,
}

/// Everything that the page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Screen {
    /// How far the page is.
    pub state: State,
    /// How the engine is.
    pub engine: Engine,
    /// What is awaited.
    pub wait: Option<Wait>,
    /// What went wrong last.
    pub failure: Option<Failure>,
    /// Whether the visitor stopped it.
    pub stopped: bool,
    /// The adapter.
    pub about: Option<Description>,
    /// The model.
    pub opened: Option<(Config, Plan)>,
    /// Tokens of the prompt.
    pub tokens: Vec<Token>,
    /// Norms of the residual stream.
    pub norms: Norms,
    /// What comes after the prompt.
    pub next: Option<Distribution>,
    /// The continuation, and once it is complete the seconds that it took.
    pub continuation: (Vec<Token>, Option<f64>),
    /// How fast this GPU is, once it has been measured.
    pub speeds: Vec<Speed>,
    /// What was asked for last.
    pub request: Request,
    step: Option<Step>,
    awaited_id: u32,
    run: Option<RunKey>,
}

impl Screen {
    /// Starts on a request: what to ask first. What was shown of another prompt goes.
    pub fn start(&mut self, request: Request) -> CommandBody {
        let opened = self
            .opened
            .take()
            .filter(|it| it.1.precision == request.precision);
        *self = Self {
            engine: self.engine.clone(),
            about: self.about.take(),
            opened,
            speeds: std::mem::take(&mut self.speeds),
            request,
            ..Self::default()
        };
        match (&self.about, &self.opened) {
            (None, _) => self.ask(Step::Describe),
            (_, None) => self.ask(Step::Open),
            _ => self.ask(Step::Run),
        }
    }

    /// Starts to measure the GPU: what to ask. What is shown stays.
    pub fn measure(&mut self) -> CommandBody {
        self.end(State::Loading, None);
        self.speeds.clear();
        self.ask(Step::Measure)
    }

    /// The id under which the last question was posted.
    pub fn posted(&mut self, id: u32) {
        self.awaited_id = id;
    }

    /// The command that can be stopped.
    pub fn running(&self) -> Option<u32> {
        self.step.map(|_| self.awaited_id)
    }

    /// Shows a failure that never reached the engine.
    pub fn refuse(&mut self, what: String, remedy: &str) {
        let failure = Failure {
            what,
            remedy: remedy.into(),
            detail: String::new(),
        };
        self.end(State::Failed, Some(failure));
    }

    /// Takes an event and the numbers beside it; what to ask next, if anything.
    pub fn fold(&mut self, event: Event, numbers: &[f32]) -> Option<CommandBody> {
        let ours = self.step.filter(|_| event.id == self.awaited_id);
        match event.body {
            EventBody::State(it) => self.engine_says(it),
            EventBody::Progress {
                phase,
                done,
                total,
                unit,
            } => {
                self.wait = Some(Wait {
                    phase,
                    done,
                    total,
                    unit,
                });
                None
            }
            EventBody::Partial(it) if ours.is_some() => {
                self.piece(it, numbers);
                None
            }
            EventBody::Done(it) if ours.is_some() => self.answer(ours?, it),
            EventBody::Cancelled if ours.is_some() => {
                self.stopped = true;
                if ours == Some(Step::Open) {
                    self.opened = None;
                }
                self.end(State::Done, None);
                None
            }
            EventBody::Failed(it) => {
                // Whatever failed, the next run starts from an open model again.
                self.opened = None;
                self.end(State::Failed, Some(it));
                None
            }
            _ => None,
        }
    }

    /// An engine that starts again has forgotten the request.
    fn engine_says(&mut self, it: EngineState) -> Option<CommandBody> {
        let restarts = matches!(it, EngineState::Restarting { .. });
        if let EngineState::Dead { reason } = &it {
            self.refuse(
                format!("The engine died: {reason}."),
                "Restart it, or reload the page.",
            );
        }
        self.engine = Engine::Said(it);
        if !restarts {
            return None;
        }
        let next = self.start(self.request.clone());
        self.state = State::Restarting;
        Some(next)
    }

    fn end(&mut self, state: State, failure: Option<Failure>) {
        self.state = state;
        self.failure = failure;
        self.step = None;
        self.wait = None;
    }

    fn piece(&mut self, it: Partial, numbers: &[f32]) {
        match it {
            Partial::Site { site, first, array } => {
                let width = array.shape.last().copied().unwrap_or(1);
                self.norms.add(&place(site), first, width, numbers);
            }
            Partial::Probs(it) => self.next = Some(it),
            Partial::Token(it) => self.continuation.0.push(it),
            Partial::Speed(it) => self.speeds.push(it),
            // This screen opens no transcoders.
            Partial::Features { .. }
            | Partial::Dense { .. }
            | Partial::Lens { .. }
            | Partial::Metrics(_)
            | Partial::Effects { .. }
            | Partial::Fetch(_) => (),
        }
    }

    fn answer(&mut self, step: Step, outcome: Outcome) -> Option<CommandBody> {
        self.wait = None;
        match outcome {
            Outcome::Described(it) => self.about = Some(it),
            Outcome::Opened { config, plan, .. } => self.opened = Some((config, plan)),
            Outcome::Ran { run, tokens, .. } => (self.run, self.tokens) = (Some(run), tokens),
            Outcome::Generated {
                tokens, seconds, ..
            } => self.continuation = (tokens, Some(seconds)),
            _ => (),
        }
        let next = match step {
            Step::Describe if self.opened.is_some() => Step::Run,
            Step::Describe => Step::Open,
            Step::Open => Step::Run,
            Step::Run => Step::Norms,
            Step::Norms => Step::Probs,
            Step::Probs => Step::Generate,
            Step::Generate | Step::Measure => {
                self.end(State::Done, None);
                return None;
            }
        };
        Some(self.ask(next))
    }

    fn ask(&mut self, step: Step) -> CommandBody {
        self.step = Some(step);
        let run = self.run.clone().unwrap_or(RunKey(String::new()));
        let last = self.request.ids.len().saturating_sub(1);
        match step {
            Step::Describe => CommandBody::Describe,
            Step::Open => CommandBody::Open(OpenRequest {
                transcoders: None,
                n_kept: None,
                model: ModelRef::Synth {
                    preset: "nano".into(),
                    tokenizer: None,
                },
                precision: self.request.precision,
                n_ctx: None,
                max_gpu_bytes: None,
            }),
            Step::Run => CommandBody::Run {
                input: Input::Ids(self.request.ids.clone()),
                want: self.stream_sites(),
                writes: vec![],
            },
            Step::Norms => CommandBody::Ask {
                run,
                what: What::Site(self.stream_sites()),
                positions: Positions::All,
            },
            Step::Probs => CommandBody::Ask {
                run,
                what: What::Probs {
                    top_k: TOP_K,
                    asked: vec![],
                },
                positions: Positions::Span(last, last),
            },
            Step::Generate => CommandBody::Generate {
                run,
                n: N_GENERATED,
                sampling: Sampling::GREEDY,
                watch: true,
            },
            Step::Measure => CommandBody::Measure {
                seconds: MEASURED_SECONDS,
                only: None,
            },
        }
    }

    fn stream_sites(&self) -> Vec<Site> {
        let n_layers = self.opened.as_ref().map_or(0, |it| it.0.n_layers);
        let after = (0..n_layers).map(Site::ResidPost);
        [Site::Embed].into_iter().chain(after).collect()
    }
}

fn place(site: Site) -> String {
    match site {
        Site::Embed => "embedding".into(),
        Site::ResidPost(layer) => format!("after layer {layer}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
