//! The labels of one layer as columns: half a million labels of real transcoders fit into little memory and are searched in one sweep.
//! Leaves reading files to `labels`, ranking to `label_search`.

use crate::spec::Label;

/// Labels of a layer, by index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    index: Vec<u32>,
    density: Vec<Option<f32>>,
    max: Vec<Option<f32>>,
    /// All texts, and where each ends; an empty one is no label.
    text: Texts,
    /// The same in lower case, for searching.
    lower: Texts,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, it: &str) {
        self.all.push_str(it);
        self.ends.push(self.all.len() as u32);
    }

    fn at(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |it| self.ends[it] as usize);
        &self.all[start..self.ends[at] as usize]
    }
}

impl Columns {
    /// Puts one at the end; its index is above all others, and no file that is read is larger than what `u32` counts.
    pub fn push(&mut self, index: u32, label: &Label) {
        let text = label.label.as_deref().unwrap_or_default().trim();
        self.index.push(index);
        self.density.push(label.density);
        self.max.push(label.max);
        self.text.push(text);
        self.lower.push(&text.to_lowercase());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Where a feature stands.
    pub fn find(&self, index: usize) -> Option<usize> {
        let index = u32::try_from(index).ok()?;
        self.index.binary_search(&index).ok()
    }

    /// The feature that stands somewhere.
    pub fn index(&self, at: usize) -> usize {
        self.index[at] as usize
    }

    /// Its label in lower case, empty where it has none.
    pub fn lower(&self, at: usize) -> &str {
        self.lower.at(at)
    }

    /// What is known of it.
    pub fn label(&self, at: usize) -> Label {
        let text = self.text.at(at);
        Label {
            index: self.index(at),
            label: (!text.is_empty()).then(|| text.into()),
            density: self.density[at],
            max: self.max[at],
        }
    }

    /// Gives back the memory that growing took.
    pub fn shrink(&mut self) {
        for it in [&mut self.text, &mut self.lower] {
            it.all.shrink_to_fit();
            it.ends.shrink_to_fit();
        }
    }
}
