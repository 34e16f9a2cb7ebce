//! What is asked about one feature: its card, and what it does in a text of the visitor's own. Leaves answers to `answers`.

use super::{
    ask::Question,
    desk::{Desk, Prompt},
    doing::{check, refuse},
};
use crate::session::protocol::FeatureId;

pub(super) const OF_FILE: (&str, &str) = (
    "What is shown came from a file, and its features may be another model's.",
    "Run the prompt here first.",
);

impl Desk {
    /// A feature is looked at.
    pub fn look(&mut self, feature: FeatureId) -> Vec<Question> {
        let is_there = self.card.as_ref().is_some_and(|it| it.feature == feature);
        if is_there || !self.can_look(feature) {
            return vec![];
        }
        self.troubles.remove("card");
        self.card = None;
        let mut out = vec![Question::card(feature)];
        out.extend(self.look_hosted(feature));
        out
    }

    /// Whether the open model can be asked about it; a file that is shown may be of another model.
    pub fn can_look(&self, feature: FeatureId) -> bool {
        let readiness = self.library.readiness.as_ref();
        let is_here = readiness.is_none_or(|it| it.whole || it.encoders.contains(&feature.layer));
        is_here && self.opened.is_some() && !self.shows_snapshot()
    }

    /// A text of the visitor's own, for one feature.
    pub fn try_text(&mut self, feature: FeatureId, text: &str) -> Vec<Question> {
        self.troubles.remove("try");
        if self.shows_snapshot() {
            if let Err(it) = refuse(OF_FILE.0, OF_FILE.1) {
                self.troubles.insert("try", it);
            }
            return vec![];
        }
        let prompt = Prompt {
            text: text.into(),
            ids: None,
        };
        if let Err(it) = check(&prompt) {
            self.troubles.insert("try", it);
            return vec![];
        }
        vec![Question::try_text(feature, text)]
    }
}
