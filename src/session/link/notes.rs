//! What a reader of a link is told besides: sentences, few and short, whatever the link holds.

use crate::spec::visible;

/// Notes told; the rest are counted.
const MAX_NOTES: usize = 12;
/// Characters shown of what a link holds.
const MAX_QUOTED: usize = 40;

/// Sentences in the order in which they were found, each once.
#[derive(Debug, Default)]
pub struct Notes {
    told: Vec<String>,
    n_more: usize,
}

impl Notes {
    /// Takes a sentence.
    pub fn add(&mut self, note: impl Into<String>) {
        let note = note.into();
        if self.told.contains(&note) {
            return;
        }
        match self.told.len() < MAX_NOTES {
            true => self.told.push(note),
            false => self.n_more += 1,
        }
    }

    /// The first one.
    pub fn first(&self) -> Option<&str> {
        self.told.first().map(String::as_str)
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<String> {
        let mut out = self.told;
        if self.n_more > 0 {
            out.push(format!(
                "{} more parts of the link were left out.",
                self.n_more
            ));
        }
        out
    }
}

/// A text of the link as it may be shown: short, and with marks for what can't be seen.
pub fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_QUOTED).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", visible(&shown))
}
