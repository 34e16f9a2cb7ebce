//! Runs that were recorded when the page was made, and what to look for in them: what there is to see before any engine, and without one.

use super::{desk::Atlas, json, record::Record};
use crate::spec::{FeatureId, Input, Label};
use serde::{Deserialize, Serialize};

/// A prompt that shows something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// As it is typed.
    pub prompt: String,
    /// Its name in the menu.
    pub title: String,
    /// What to look at.
    pub look: String,
    /// Why.
    pub why: String,
}

/// Everything that is recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The runs, the one that the page opens with first.
    pub runs: Vec<Record>,
    /// Who made the labels.
    pub made: String,
    /// Labels of what fires in them.
    pub labels: Vec<(FeatureId, Label)>,
    /// The prompts and what to look for.
    #[serde(default)]
    pub examples: Vec<Hint>,
}

impl Recording {
    /// Reads what the page carries; nothing where there is nothing that can be read.
    pub fn read(text: &str) -> Self {
        json::read(text).unwrap_or_default()
    }

    /// The run of a prompt.
    pub fn run(&self, prompt: &str) -> Option<&Record> {
        self.runs.iter().find(|it| it.prompt == prompt)
    }

    /// The run of what a link calls its prompt.
    pub fn run_of(&self, prompt: &Input) -> Option<&Record> {
        self.runs.iter().find(|it| match prompt {
            Input::Text(text) => it.prompt == *text,
            Input::Ids(ids) => it.ids() == *ids,
        })
    }

    /// The run that the page opens with, and what is known of its features.
    pub fn opening(&self) -> Option<(Record, Atlas)> {
        let mut atlas = Atlas {
            made: self.made.clone(),
            ..Atlas::default()
        };
        atlas.labels.extend(self.labels.iter().cloned());
        self.runs.first().map(|it| (it.clone(), atlas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_is_nothing() {
        assert_eq!(Recording::read("no"), Recording::default());
        assert!(Recording::read("{}").opening().is_none());
    }
}
