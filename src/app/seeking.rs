//! Which model a visit or a link asks for: it is opened where it is kept, and otherwise said. Leaves what else a link holds to `linking`.

use super::{
    ask::{Purpose, Question},
    choice::Choice,
    desk::{Desk, Engine, Prompt},
    words,
};
use crate::session::protocol::{CommandBody, EngineState, Failure, LinkModel, Plan, View};
use crate::spec::Config;

impl Desk {
    /// Opens the model of a link, or the last one, where it is kept here; otherwise the demo.
    pub(super) fn begin(&mut self, model: Option<&LinkModel>) -> Vec<Question> {
        if let Some(it) = model {
            // Layers, transcoders and budget of that model are the visitor's, where he has had it open.
            let earlier = self.library.earlier.iter().rev();
            let mut last = earlier.filter(|earlier| earlier.is_of(it));
            let last = last.next().unwrap_or(&self.library.choice);
            self.library.choice = Choice::of_link(it, last);
        }
        if self.library.choice.is_demo() {
            return self.open_chosen();
        }
        vec![Question::new(Purpose::Begin, CommandBody::Stored)]
    }

    /// What is kept is known: the chosen model is opened if it is there.
    pub(super) fn begun(&mut self) -> Vec<Question> {
        let Choice {
            model, precision, ..
        } = &self.library.choice;
        let mut name = format!("{model} at {precision} precision");
        if let Some(it) = (self.library.choice.linked()).and_then(|it| it.transcoders) {
            name.push_str(&format!(" with {it}"));
        }
        let here = self.link_model().filter(|_| self.opened.is_some());
        let shown = here.map_or_else(|| words::DEMO.into(), |it| it.name());
        let kept = self.library.has_chosen();
        let arrives = self.library.fetching.as_ref();
        let arrives =
            arrives.is_some_and(|it| it.was_opened && Choice::of(&it.set) == self.library.choice);
        if kept == Some(true) || arrives {
            let asked = self.open_chosen();
            if !asked.is_empty() {
                return asked;
            }
        }
        self.linking.notes.push(match kept {
            Some(false) => words::not_whole(&name, &shown),
            _ => words::not_here(&name, &shown),
        });
        self.linking.said_model = true;
        self.begin_without()
    }

    /// The model that was asked for can't be opened: the one that is open stays, otherwise the demo is opened.
    pub(super) fn begin_without(&mut self) -> Vec<Question> {
        if self.opened.is_some() {
            self.linking.prompt = None;
            return self.link_again();
        }
        // Tokens of that model are others here.
        self.linking.prompt.take_if(|it| it.ids.is_some());
        self.open_demo()
    }

    /// A model is open: the prompt of a link runs, or what is on the page.
    pub(super) fn model_opened(
        &mut self,
        opened: (Config, Plan),
        declared_l0: Vec<(usize, usize)>,
        now_millis: f64,
    ) -> Vec<Question> {
        if self.is_asked(&Purpose::Open) {
            // Another has been chosen meanwhile.
            return vec![];
        }
        self.library.former = None;
        self.declared_l0 = declared_l0.into_iter().collect();
        self.opened = Some(opened);
        self.wait = None;
        let mut out = self.link_again();
        out.extend(self.opening_run(now_millis));
        out
    }

    /// The model that was asked for did not open: what was open before comes back, and why is said where its run does not wipe it away.
    /// What was asked meanwhile runs there.
    pub(super) fn open_failed(&mut self, it: &Failure) -> Vec<Question> {
        if self.is_asked(&Purpose::Open) {
            // Another has been chosen meanwhile.
            return vec![];
        }
        let linked = self.linking.opened.clone();
        if self.no_webgpu {
            self.library.open = None;
            return self.link_again();
        }
        let is_dead = matches!(self.engine, Engine::Said(EngineState::Dead { .. }));
        let former = self.library.former.take().filter(|_| !is_dead);
        if linked.is_some() {
            self.leave_link();
        }
        if linked.is_some() || former.is_some() {
            let note = format!("{} {}", it.what, it.remedy);
            self.tell(&note);
            self.linking.notes.push(note);
        }
        let Some(former) = former else {
            self.linking.interrupted = linked;
            return vec![];
        };
        if let Some(it) = self.lost_run.take() {
            let ids = it.ids.filter(|_| it.text.is_empty());
            self.linking.prompt = Some(Prompt { ids, ..it });
        }
        self.open(former)
    }

    /// What a new engine is asked: whoever restarts it has opened the model that was open, but not one that had not opened yet; labels are
    /// ours to tell.
    pub(super) fn open_again(&mut self) -> Vec<Question> {
        match self.library.open.clone() {
            // It waits for the new engine, its labels with it.
            _ if self.is_asked(&Purpose::Open) => vec![],
            Some(it) if self.opened.is_none() => {
                self.linking.opened = self.linking.interrupted.take();
                self.open(it)
            }
            _ => vec![self.load_labels()],
        }
    }

    pub(super) fn is_of_this_model(&self, view: &View) -> bool {
        let both = self.link_model().zip(view.model.as_ref());
        both.is_none_or(|(here, to)| here.is_same_model(to))
    }

    /// Whether a link is of another model than the one that is open, or of other transcoders, and these have not been looked for yet.
    pub(super) fn is_of_other_model(&self, view: &View) -> bool {
        let both = self.link_model().zip(view.model.as_ref());
        !self.linking.sought_model && both.is_some_and(|(here, to)| !here.is_same_set(to))
    }

    fn open_demo(&mut self) -> Vec<Question> {
        match Choice::default().request(&self.base) {
            Ok(it) => self.open(it),
            Err(_) => vec![],
        }
    }

    /// A model is open: a link that was opened before is read again.
    pub(super) fn link_again(&self) -> Vec<Question> {
        let opened = self.linking.opened.as_deref();
        opened.map(Question::read_link).into_iter().collect()
    }
}

#[cfg(test)]
#[path = "seeking_tests.rs"]
mod tests;
