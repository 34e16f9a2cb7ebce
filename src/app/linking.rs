//! Links on the desk: what one that was opened says, what the view on the page is as one, and whether a run here says what the sender's did.
//! Leaves writing and reading links to the engine, and the address to the page's program.

use super::{
    ask::{Purpose, Question},
    desk::{Desk, Prompt, Shown, Source},
    offering::Offer,
    words,
};
use crate::session::protocol::{
    CommandBody, EventBody, Failure, FeatureId, Input, LinkModel, LinkRead, Links, Outcome,
    Verdict, View, Witness, WitnessSent,
};
use crate::spec::OwnLabel;

/// A prompt of a link that is longer is put into the field and not run.
const MAX_RUN_BYTES: usize = 4_000;

/// Links, as the page knows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linking {
    /// What was opened and is not done yet.
    pub opened: Option<String>,
    /// What was, and was not done when its model failed: it goes on where a new engine opens that.
    pub interrupted: Option<String>,
    /// A view that the page is to take.
    pub landed: Option<View>,
    /// A prompt of a link, or one whose model was taken from under it: it runs as soon as a model is there.
    pub prompt: Option<Prompt>,
    /// A snapshot that it names: nobody asks for it before the visitor says so.
    pub offer: Option<Offer>,
    /// The address that was offered last.
    pub offered: Option<String>,
    /// Bytes of it that have come.
    pub coming: Vec<u8>,
    /// What there is to say about the link.
    pub notes: Vec<String>,
    /// Whether those say already that the model is not here.
    pub said_model: bool,
    /// Whether the model that the link names has been looked for.
    pub sought_model: bool,
    /// The view on the page as addresses.
    pub links: Option<Links>,
    /// The prompt that those are of.
    pub prompt_of_links: Option<Input>,
    /// The view that was asked for last.
    pub asked: Option<View>,
    /// What the run on the page says.
    pub witness: Option<Witness>,
    /// What the sender's said, and of which prompt.
    pub sent: Option<(Prompt, WitnessSent)>,
    /// Whether both say the same.
    pub verdict: Option<Verdict>,
}

impl Desk {
    /// Opens what a text says: a fragment, a whole address, a feature in words.
    pub fn read_link(&mut self, text: &str) -> Vec<Question> {
        // What a link before this one still waits for would be taken for this one's.
        self.leave_link();
        self.linking.notes.clear();
        self.linking.said_model = false;
        self.linking.sought_model = false;
        self.linking.offer = None;
        self.linking.offered = None;
        self.linking.opened = Some(text.into());
        vec![Question::read_link(text)]
    }

    /// Another link is opened, or the visitor runs something himself: what a link that was opened before waits for comes no more.
    pub(super) fn leave_link(&mut self) {
        self.linking.opened = None;
        self.linking.interrupted = None;
        self.linking.prompt = None;
        if let Some(it) = &mut self.linking.offer {
            // Its snapshot may be asked for again.
            it.comes = false;
        }
        self.asked.retain(|_, it| {
            !matches!(
                it,
                Purpose::ReadLink | Purpose::Begin | Purpose::Snapshot | Purpose::Witness
            )
        });
    }

    /// The view on the page is another one: its addresses are asked for.
    pub fn link(&mut self, view: View) -> Vec<Question> {
        if self.is_between() || self.linking.asked.as_ref() == Some(&view) {
            return vec![];
        }
        self.linking.asked = Some(view.clone());
        vec![Question::new(Purpose::Link, CommandBody::Link { view })]
    }

    /// Whether what is on the page is about to change: its address would be that of what was.
    pub fn is_between(&self) -> bool {
        self.linking.opened.is_some() || self.coming.is_some()
    }

    /// What of a view is known here: prompt, model, witness, and what the visitor calls some features.
    pub fn view(&self, named: impl Iterator<Item = FeatureId>) -> View {
        let Some(shown) = &self.shown else {
            return View::default();
        };
        let text = Input::Text(shown.prompt.text.clone());
        let prompt = match (&shown.prompt.ids, &shown.source) {
            (Some(ids), Source::Live { .. }) if shown.prompt.text != self.opening => {
                Input::Ids(ids.clone())
            }
            _ => text,
        };
        // What was recorded is the demo's.
        let recorded = || (shown.source == Source::Recorded).then(LinkModel::demo);
        let labels = named.filter_map(|feature| {
            let text = self.atlas.given(feature)?.into();
            Some(OwnLabel { feature, text })
        });
        View {
            labels: labels.collect(),
            prompt: Some(prompt),
            source: match &shown.source {
                Source::Snapshot { at: Some(at), .. } => Some(at.address.clone()),
                _ => None,
            },
            model: self.link_model().or_else(recorded),
            witness: self.linking.witness.clone(),
            ..View::default()
        }
    }

    /// The open model as a link names it.
    pub(super) fn link_model(&self) -> Option<LinkModel> {
        self.library.open.as_ref().map(LinkModel::of)
    }

    /// What a link says. Before a model is open its prompt waits for one; then it is read again, against what that model has.
    pub(super) fn link_read(&mut self, it: LinkRead, now_millis: f64) -> Vec<Question> {
        let LinkRead {
            mut view,
            notes,
            snapshot,
            ..
        } = it;
        if let Some(at) = snapshot {
            self.offer(at, &view);
        }
        for it in notes {
            if !self.linking.notes.contains(&it) {
                self.linking.notes.push(it);
            }
        }
        let prompt = view.prompt.as_ref().map(prompt_of);
        self.linking.verdict = None;
        self.linking.sent = view.witness.clone().and_then(|witness| {
            let model = view.model.clone();
            Some((prompt.clone()?, WitnessSent { witness, model }))
        });
        if self.no_webgpu {
            return self.land_without_model(view);
        }
        if self.opened.is_none() || self.is_of_other_model(&view) {
            self.linking.sought_model = true;
            self.linking.prompt = prompt;
            return self.begin(view.model.as_ref());
        }
        self.linking.opened = None;
        self.linking.notes.extend(words::left_out(&view));
        self.take_labels(&view);
        self.say_model(view.model.as_ref());
        let prompt = prompt.filter(|it| it.ids.is_none() || self.is_of_this_model(&view));
        if prompt.is_none() && matches!(view.prompt, Some(Input::Ids(_))) {
            self.linking.notes.push(words::OTHER_IDS.into());
            self.linking.sent = None;
            view.prompt = None;
        }
        let shown = self.shown.as_ref().filter(|it| it.key.is_some());
        let is_shown = (shown.zip(prompt.as_ref())).is_some_and(|(it, to)| it.prompt.is_same(to));
        self.linking.landed = Some(view);
        match prompt.filter(|_| !is_shown) {
            Some(it) => self.run_linked(it, now_millis),
            None => self.hold_against().into_iter().collect(),
        }
    }

    /// What a link says where no model can be opened: of the model that is recorded all but what it would compute, of another nothing that
    /// is that model's.
    fn land_without_model(&mut self, view: View) -> Vec<Question> {
        self.linking.opened = None;
        self.linking.sent = None;
        let is_recorded = (view.model.as_ref()).is_none_or(|it| it.repo.is_none());
        self.linking.landed = Some(match is_recorded {
            true => {
                self.linking.notes.extend(words::left_out(&view));
                self.take_labels(&view);
                view
            }
            false => {
                self.say_no_run();
                View {
                    route: view.route.without_feature(),
                    map: view.map,
                    embed: view.embed,
                    ..View::default()
                }
            }
        });
        vec![]
    }

    /// The prompt of a link can't be run here, nor was it recorded. Where a snapshot is offered that shows what is missing.
    pub(super) fn say_no_run(&mut self) {
        if self.linking.offer.is_none() {
            self.linking.notes.push(words::NO_RUN.into());
        }
    }

    /// Runs a prompt of a link, unless it is so long that the visitor should say so.
    pub(super) fn run_linked(&mut self, prompt: Prompt, now_millis: f64) -> Vec<Question> {
        let n_ids = prompt.ids.as_ref().map_or(0, Vec::len);
        if prompt.text.len().max(n_ids * 4) > MAX_RUN_BYTES {
            let note = words::LONG_LINK.to_string();
            if !self.linking.notes.contains(&note) {
                self.linking.notes.push(note);
            }
            return vec![];
        }
        self.run(prompt, now_millis).1
    }

    /// What the sender calls features, as long as they are of the model that is here.
    fn take_labels(&mut self, view: &View) {
        let here = self.link_model();
        let fits = |it: &LinkModel| here.as_ref().is_some_and(|here| here.is_same_set(it));
        let labels = match self.no_webgpu || view.model.as_ref().is_none_or(fits) {
            true => &view.labels[..],
            false => &[],
        };
        let sent = labels.iter().map(|it| (it.feature, it.text.clone()));
        let sent = sent.collect();
        self.live_atlas().sent = sent;
    }

    fn say_model(&mut self, linked: Option<&LinkModel>) {
        let (Some(here), Some(linked)) = (self.link_model(), linked) else {
            return;
        };
        let said = std::mem::take(&mut self.linking.said_model);
        let is_same_model = here.is_same_model(linked);
        if here.is_same_set(linked) || (said && !is_same_model) {
            return;
        }
        let [sent, ours] = match is_same_model {
            true => [linked, &here].map(LinkModel::transcoders_name),
            false => [linked, &here].map(LinkModel::name),
        };
        self.linking.notes.push(words::other_model(&sent, &ours));
    }

    /// Notes what the run on the page says; of a file's nothing, which others made.
    pub(super) fn bear_witness(&mut self) {
        self.linking.verdict = None;
        self.linking.witness = self.shown.as_ref().and_then(witness);
    }

    /// Where the run's prompt is that of a link, the engine is asked to hold the sender's against it.
    pub(super) fn hold_against(&self) -> Option<Question> {
        let Shown { prompt, key, .. } = self.shown.as_ref()?;
        let (theirs, sent) = self.linking.sent.clone()?;
        let run = key.clone().filter(|_| prompt.is_same(&theirs))?;
        let body = CommandBody::Witness {
            run,
            sent: Some(sent),
        };
        Some(Question::new(Purpose::Witness, body))
    }

    /// What the engine tells of links; none for what is not about them.
    pub(super) fn link_event(
        &mut self,
        purpose: &Purpose,
        it: &EventBody,
        now_millis: f64,
    ) -> Option<Vec<Question>> {
        match it {
            EventBody::Done(it) => self.link_done(purpose, it, now_millis),
            EventBody::Failed(it) => self.link_failed(purpose, it),
            _ => None,
        }
    }

    fn link_done(
        &mut self,
        purpose: &Purpose,
        outcome: &Outcome,
        now_millis: f64,
    ) -> Option<Vec<Question>> {
        match (purpose, outcome) {
            (Purpose::Link, Outcome::Linked(_)) if self.is_between() => self.linking.asked = None,
            (Purpose::Link, Outcome::Linked(it)) => {
                let view = self.linking.asked.as_ref();
                self.linking.prompt_of_links = view.and_then(|it| it.prompt.clone());
                self.linking.links = Some(it.clone());
            }
            (Purpose::ReadLink, Outcome::LinkRead(it)) => {
                return Some(self.link_read(it.clone(), now_millis));
            }
            (Purpose::Begin, Outcome::Stored(it)) => {
                self.library.stored = Some(it.clone());
                return Some(self.begun());
            }
            (Purpose::Witness, Outcome::Witnessed { verdict, .. }) => {
                self.linking.verdict = verdict.clone();
            }
            _ => return None,
        }
        Some(vec![])
    }

    /// A link that can't be read is said, and the page opens as it would without; so it does where nothing is known of what is kept.
    /// None for what is not about links.
    fn link_failed(&mut self, purpose: &Purpose, it: &Failure) -> Option<Vec<Question>> {
        match purpose {
            Purpose::ReadLink => {
                self.linking.opened = None;
                self.linking
                    .notes
                    .push(format!("{} {}", it.what, it.remedy));
                Some(match self.library.open {
                    None if !self.no_webgpu => self.begin(None),
                    _ => vec![],
                })
            }
            Purpose::Begin => Some(self.begin_without()),
            Purpose::Link | Purpose::Witness => Some(vec![]),
            _ => None,
        }
    }
}

impl Question {
    pub(super) fn read_link(text: &str) -> Self {
        let text = text.into();
        Self::new(Purpose::ReadLink, CommandBody::ReadLink { text })
    }
}

/// What a live run says; none as long as its next token is not known.
fn witness(shown: &Shown) -> Option<Witness> {
    let Source::Live { adapter, .. } = &shown.source else {
        return None;
    };
    let record = &shown.record;
    let next = record.next.get(&record.last())?.top.first()?;
    let fired = record.firings.iter();
    let fired = fired.map(|it| (it.feature(), it.pos as usize, it.activation));
    Some(Witness::of((next.id, next.probability), fired, adapter))
}

fn prompt_of(it: &Input) -> Prompt {
    match it {
        Input::Text(text) => Prompt {
            text: text.clone(),
            ids: None,
        },
        Input::Ids(ids) => Prompt {
            text: String::new(),
            ids: Some(ids.clone()),
        },
    }
}

#[cfg(test)]
#[path = "linking_tests.rs"]
mod tests;
