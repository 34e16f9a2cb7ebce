//! Models that are fetched, kept and open: what the visitor does with them, and what the engine tells of it. Leaves the form to `choice`, and
//! runs of a model that still arrives to `arriving`.

use super::{
    amounts::bytes,
    ask::{Purpose, Question},
    choice::Choice,
    desk::{Desk, Prompt, Wait},
    doing::{NOT_HERE, refuse},
    fitting::Fitting,
    storing::Verification,
    words,
};
use crate::{
    session::protocol::Secret,
    session::protocol::{
        CommandBody, Copied, EventBody, Failure, FetchTold, ModelRef, OpenRequest, Outcome,
        Partial, Readiness, StoredList, TranscoderVariant,
    },
    spec::{Endpoint, FetchPlan, FetchProgress, HandedFile, Packing, Part, RepoRef, StoredSource},
};

/// Lines of the log on the model screen.
const MAX_TOLD: usize = 8;

/// Models, as the page knows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    /// The form.
    pub choice: Choice,
    /// What is open, or being opened.
    pub open: Option<OpenRequest>,
    /// What was open before that.
    pub former: Option<OpenRequest>,
    /// Forms of what was opened in this visit, the last one at the end.
    pub earlier: Vec<Choice>,
    /// Files that the visitor has chosen, and their bytes.
    pub picked: Vec<HandedFile>,
    /// Bytes of these.
    pub picked_bytes: u64,
    /// What is being fetched.
    pub fetching: Option<Fetching>,
    /// What can be asked of the open model as far as it has arrived; none when it is whole from the start.
    pub readiness: Option<Readiness>,
    /// What is kept.
    pub stored: Option<StoredList>,
    /// The last verification, as long as nothing has changed since.
    pub verification: Option<Verification>,
    /// Whether all that is kept goes once the fetch has ended.
    pub removing: bool,
    /// Transcoders that a repository has.
    pub variants: Vec<TranscoderVariant>,
    /// What the chosen set costs, whether it fits, and how what is open came out.
    pub fitting: Fitting,
    /// What was done, the newest last.
    pub told: Vec<String>,
    /// What could not be done.
    pub failure: Option<Failure>,
}

/// A set on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetching {
    /// The command.
    pub id: u32,
    /// Which.
    pub set: OpenRequest,
    /// What it takes.
    pub plan: Option<FetchPlan>,
    /// How far it is.
    pub progress: FetchProgress,
    /// Parts that are of use already.
    pub parts: Vec<Part>,
    /// Whether it is held.
    pub paused: bool,
    /// Whether it is read from files of this device.
    pub from_disk: bool,
    /// Whether it has been opened since it comes; who then opens something else is left with that.
    pub was_opened: bool,
}

impl Fetching {
    /// Percent of its bytes that are there.
    pub fn percent(&self) -> u64 {
        let total = self.progress.total_bytes.max(1);
        100 * self.progress.done_bytes.min(total) / total
    }
}

impl Library {
    /// Whether all that is known of the chosen model is here and whole; none where nothing of it is here.
    pub fn has_chosen(&self) -> Option<bool> {
        let model = self.whole(&self.choice.model, self.choice.precision.of_model())?;
        if self.choice.layers == "none" {
            return Some(model);
        }
        let packing = self.choice.precision.of_dictionaries();
        let transcoders = self.whole(&self.choice.transcoders, packing);
        let variants = self.choice.average_l0();
        let has_variants = variants.iter().all(|it| self.has_variant(*it));
        Some(model && transcoders == Some(true) && has_variants)
    }

    /// Whether a layer's transcoders of that L0 are here, whole or not. Source: names of files in Gemma Scope.
    fn has_variant(&self, (layer, l0): (usize, usize)) -> bool {
        let of = format!("layer_{layer}/");
        let is_it = |it: &str| it.starts_with(&of) && it.contains(&format!("/average_l0_{l0}/"));
        let sources = self.stored.iter().flat_map(|it| &it.sources);
        let mut files = sources.filter_map(|it| it.file.as_deref());
        files.any(is_it)
    }

    /// Whether all that is known of a repository in a packing is whole; none where nothing of it is here.
    fn whole(&self, repo: &str, packing: Packing) -> Option<bool> {
        let repo: RepoRef = repo.parse().ok()?;
        let of = |it: &&StoredSource| it.repo.as_ref().is_some_and(|it| it.repo == repo.repo);
        let sources = self.stored.iter().flat_map(|it| &it.sources).filter(of);
        let parts = sources.flat_map(|it| &it.parts);
        let mut parts = parts.filter(|it| it.packing == Some(packing)).peekable();
        parts.peek()?;
        Some(parts.all(|it| it.whole))
    }

    /// How far a job is, or nothing.
    pub fn job_words(&self, wait: Option<&Wait>) -> String {
        wait.map_or("Working …".into(), |it| match it.total {
            Some(total) if it.unit == "bytes" => {
                format!("{}: {} of {}", it.phase, bytes(it.done), bytes(total))
            }
            Some(total) => format!("{}: {} of {total} {}", it.phase, it.done, it.unit),
            None => format!("{}: {} {}", it.phase, it.done, it.unit),
        })
    }
}

impl Desk {
    /// What is open, in words.
    pub fn model_name(&self) -> String {
        match self.library.open.as_ref().map(|it| &it.model) {
            Some(ModelRef::Hub { repo }) => repo.to_string(),
            Some(ModelRef::Synth { preset, .. }) => format!("synthetic {preset}"),
            _ => "demo model".into(),
        }
    }

    /// What is open and whole enough to be asked, in words.
    pub fn opened_name(&self) -> Option<String> {
        self.opened.is_some().then(|| self.model_name())
    }

    /// What the next visit goes on with: what is being fetched, otherwise what is open.
    pub fn next_choice(&self) -> Option<String> {
        let open = self.library.open.as_ref().filter(|_| self.opened.is_some());
        let coming = self.library.fetching.as_ref().map(|it| &it.set);
        coming.or(open).map(|it| Choice::of(it).text())
    }

    /// Whether the demo is open or being opened.
    pub fn is_demo(&self) -> bool {
        let open = self.library.open.as_ref();
        open.is_none_or(|it| matches!(it.model, ModelRef::Folder { .. }))
    }

    /// What the model screen shows when it is opened.
    pub fn look_at_models(&mut self) -> Vec<Question> {
        let mut out = self.look_at_store();
        out.extend(self.price());
        out
    }

    /// Opens another model; what is on the page stays until its first run is there.
    pub fn open(&mut self, request: OpenRequest) -> Vec<Question> {
        if self.no_webgpu {
            return self.refuse_model();
        }
        self.library.failure = None;
        self.library.readiness = None;
        let form = Choice::of(&request);
        self.library.earlier.retain(|it| *it != form);
        self.library.earlier.push(form);
        let former = self.library.open.replace(request.clone());
        if self.opened.is_some() {
            self.library.former = former.filter(|it| *it != request);
        }
        let coming = self.coming.as_ref().map(|it| it.prompt.clone());
        self.end_run();
        if let Some(it) = coming.filter(|_| self.linking.prompt.is_none()) {
            // Ids of another tokenizer are others.
            let ids = it.ids.filter(|_| it.text.is_empty());
            self.linking.prompt = Some(Prompt { ids, ..it });
        }
        self.forget_model();
        vec![Question::open(request), self.load_labels()]
    }

    /// Opens what the form says, if it can be read.
    pub fn open_chosen(&mut self) -> Vec<Question> {
        match self.library.choice.request(&self.base) {
            Ok(it) => self.open(it),
            Err(it) => self.refuse_choice(it),
        }
    }

    /// A token for the server of the model that is chosen.
    pub fn token(&mut self, secret: &str) -> Vec<Question> {
        self.library.failure = None;
        let repo: Result<RepoRef, _> = self.library.choice.model.parse();
        let secret = Some(secret.trim()).filter(|it| !it.is_empty());
        if secret.is_some_and(|it| !it.bytes().all(|it| it.is_ascii_graphic())) {
            return self.refuse_choice(words::NO_TOKEN.into());
        }
        match repo {
            Ok(it) => vec![Question::token(it.endpoint, secret)],
            Err(it) => self.refuse_choice(it.to_string()),
        }
    }

    /// Which transcoders the chosen repository has.
    pub fn ask_variants(&mut self) -> Vec<Question> {
        self.library.failure = None;
        let repo: Result<RepoRef, _> = self.library.choice.transcoders.parse();
        match repo {
            Ok(repo) => vec![Question::new(
                Purpose::Variants,
                CommandBody::Variants { repo },
            )],
            Err(it) => self.refuse_choice(it.to_string()),
        }
    }

    /// Jobs to cancel when the visitor stops them.
    pub fn jobs(&self) -> Vec<u32> {
        let jobs = self.asked.iter().filter(|it| it.1.is_job());
        jobs.map(|it| *it.0).collect()
    }

    pub(super) fn refuse_choice(&mut self, what: String) -> Vec<Question> {
        self.library.failure = Some(Failure {
            what,
            remedy: String::new(),
            detail: String::new(),
        });
        vec![]
    }

    /// What the engine tells of models; none for what is not about them.
    pub(super) fn library_event(
        &mut self,
        purpose: &Purpose,
        body: &EventBody,
    ) -> Option<Vec<Question>> {
        if !purpose.is_of_library() {
            return None;
        }
        if self.fitting_event(purpose, body) {
            return Some(vec![]);
        }
        Some(match body {
            EventBody::Partial(Partial::Fetch(it)) => self.fetch_told(it),
            EventBody::Done(it) => self.library_done(purpose, it),
            EventBody::Failed(it) => {
                self.library.failure = Some(it.clone());
                match purpose {
                    Purpose::Fetch => {
                        self.library.fetching = None;
                        self.fetch_ended()
                    }
                    _ => vec![],
                }
            }
            EventBody::Cancelled if *purpose == Purpose::Fetch => {
                self.library.fetching = None;
                if self.library.removing {
                    return Some(self.fetch_ended());
                }
                self.tell("Stopped. What has arrived is kept; the same again goes on from there.");
                self.look_at_store()
            }
            _ => return None,
        })
    }

    fn fetch_told(&mut self, it: &FetchTold) -> Vec<Question> {
        let Some(fetching) = &mut self.library.fetching else {
            return vec![];
        };
        match it {
            FetchTold::Plan(it) => fetching.plan = Some(it.clone()),
            FetchTold::Progress(it) => fetching.progress = it.clone(),
            FetchTold::Part { part, .. } => {
                fetching.parts.push(*part);
                let set = fetching.set.clone();
                let is_first = !std::mem::replace(&mut fetching.was_opened, true);
                if is_first && self.library.open.as_ref() != Some(&set) {
                    return self.open(set);
                }
            }
        }
        vec![]
    }

    fn library_done(&mut self, purpose: &Purpose, it: &Outcome) -> Vec<Question> {
        match it {
            Outcome::Fetched(it) => {
                self.tell(&format!(
                    "Whole: {} on this device, {} received in {:.0} s.",
                    bytes(it.disk_bytes),
                    bytes(it.received_bytes),
                    it.seconds
                ));
                let fetching = self.library.fetching.take();
                let mut out = self.look_at_store();
                if self.library.removing {
                    return self.fetch_ended();
                }
                if let Some(it) = fetching.filter(|it| !it.was_opened)
                    && self.library.open.as_ref() != Some(&it.set)
                {
                    out.extend(self.open(it.set));
                }
                return out;
            }
            Outcome::Stored(it) => self.library.stored = Some(it.clone()),
            Outcome::Variants(it) => self.library.variants = it.clone(),
            Outcome::Verified(it) => return self.verified(it),
            Outcome::Freed { size_bytes } => {
                self.tell(&format!("{} freed.", bytes(*size_bytes)));
                return self.look_at_store();
            }
            Outcome::Copied(it) => {
                self.tell(&copied_words(it));
                return self.look_at_store();
            }
            _ if *purpose == Purpose::Token => {
                self.tell("The token is kept until the page closes.")
            }
            _ => (),
        }
        vec![]
    }

    /// Where there is no WebGPU no model is opened, nor fetched to lie there.
    pub(super) fn refuse_model(&mut self) -> Vec<Question> {
        self.library.failure = refuse(NOT_HERE.0, NOT_HERE.1).err();
        vec![]
    }

    /// Notes what was done.
    pub(super) fn tell(&mut self, it: &str) {
        self.library.told.push(it.into());
        if self.library.told.len() > MAX_TOLD {
            self.library.told.remove(0);
        }
    }
}

impl Question {
    fn token(endpoint: Endpoint, secret: Option<&str>) -> Self {
        let secret = secret.map(|it| Secret(it.into()));
        Self::new(Purpose::Token, CommandBody::Token { endpoint, secret })
    }
}

fn copied_words(it: &Copied) -> String {
    let out = format!("{} parts, {}.", it.n_parts, bytes(it.size_bytes));
    let left = it.left_out.iter().map(|it| format!(" {}: {}.", it.0, it.1));
    out + &left.collect::<String>()
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
