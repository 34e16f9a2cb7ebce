//! Runs of a model that is still arriving: what is known grows from the lowest layer up. Leaves fetching to `library`.

use super::{
    ask::{Purpose, Question},
    desk::Desk,
};
use crate::{
    session::protocol::{Partial, Readiness},
    spec::OPENING,
};
use std::sync::Arc;

impl Desk {
    /// More of the open model is there: what the run on the page lacks is asked for, or the prompt is run for the first time.
    pub(super) fn arrived_of_model(&mut self, it: Readiness, now_millis: f64) -> Vec<Question> {
        self.library.readiness = Some(it);
        self.more(now_millis)
    }

    /// What can be asked now that could not be asked before.
    pub(super) fn more(&mut self, now_millis: f64) -> Vec<Question> {
        if self.is_running() || self.is_asked(&Purpose::More) || self.is_asked(&Purpose::MoreNext) {
            return vec![];
        }
        if self.has_waiting() {
            return self.opening_run(now_millis);
        }
        let (Some(ready), Some(shown)) = (&self.library.readiness, &self.shown) else {
            return vec![];
        };
        let Some(run) = shown.key.clone() else {
            let runs = self.can_run(&shown.prompt.text);
            return if runs {
                self.opening_run(now_millis)
            } else {
                vec![]
            };
        };
        let loaded = &shown.record.loaded;
        let is_new = |it: &&usize| loaded.get(**it) == Some(&false);
        let layers: Vec<usize> = ready.encoders.iter().filter(is_new).copied().collect();
        let wants_next = ready.whole && shown.record.next.is_empty();
        let mut out = Vec::new();
        if !layers.is_empty() {
            out.push(Question::more(run.clone(), layers));
        }
        if wants_next {
            out.push(Question::more_next(run));
        }
        out
    }

    /// Whether a prompt can be run as far as the model has arrived.
    pub(super) fn can_run(&self, text: &str) -> bool {
        self.library
            .readiness
            .as_ref()
            .is_none_or(|it| it.embedding || it.opening && OPENING.iter().any(|it| it.text == text))
    }

    /// Whether a prompt waits that the model can run by now.
    pub(super) fn has_waiting(&self) -> bool {
        let waits = self.linking.prompt.as_ref();
        self.opened.is_some() && waits.is_some_and(|it| self.can_run(&it.text))
    }

    /// A piece of what the run on the page lacked.
    pub(super) fn piece_of_more(&mut self, it: Partial, parts: &super::parts::Parts) {
        let Some(shown) = &mut self.shown else {
            return;
        };
        let record = Arc::make_mut(&mut shown.record);
        match it {
            Partial::Features {
                layer,
                places,
                activations,
                ..
            } => record.set_layer(layer, &parts.u32s(&places), &parts.f32s(&activations)),
            Partial::Probs(it) => _ = record.next.insert(it.pos, it),
            _ => (),
        }
    }

    /// Once what comes next is known, the most probable token is the one whose effects are told.
    fn first_aim(&mut self) -> Vec<Question> {
        let shown = self.shown.as_ref().filter(|_| self.target.is_none());
        let last = shown.and_then(|it| it.record.next.get(&it.record.last()));
        let token = last.and_then(|it| it.top.first()).map(|it| it.id);
        token.map_or_else(Vec::new, |it| self.aim(it))
    }

    /// All of it is there.
    pub(super) fn more_done(&mut self, now_millis: f64) -> Vec<Question> {
        if let Some(record) = self.shown.as_ref().map(|it| it.record.clone()) {
            self.meet(&record);
            self.keep(record);
        }
        self.bear_witness();
        let mut out = self.more(now_millis);
        out.extend(self.hold_against());
        out.extend(self.first_aim());
        out.extend(self.labels_of_run());
        out
    }
}
