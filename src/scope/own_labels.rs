//! What the visitor calls features: edited, written as a labels file, merged with somebody else's. Leaves keeping them to `session`.

use super::{Labels, labels_file};
use crate::spec::{FeatureId, Label, LabelConflict, LabelsAbout, LabelsOwn};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Characters of a label at most.
const MOST_CHARS: usize = 500;
const MADE: &str = "By hand, in Gemscope.";

/// A visitor's own labels of one set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnLabels(BTreeMap<FeatureId, String>);

impl OwnLabels {
    /// Calls a feature something, or nothing any more. Line breaks become blanks, and what is longer than a label should be is cut.
    pub fn edit(&mut self, feature: FeatureId, text: &str) {
        match tidied(text) {
            it if it.is_empty() => drop(self.0.remove(&feature)),
            it => drop(self.0.insert(feature, it)),
        }
    }

    /// What the visitor calls a feature.
    pub fn get(&self, feature: FeatureId) -> Option<&str> {
        self.0.get(&feature).map(String::as_str)
    }

    /// All of them, by feature.
    pub fn iter(&self) -> impl Iterator<Item = (FeatureId, &str)> {
        self.0.iter().map(|(feature, it)| (*feature, it.as_str()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in the labels of a file. What is called differently already stays, and is told.
    pub fn merge(&mut self, theirs: &Labels) -> LabelsOwn {
        let mut out = LabelsOwn::default();
        for layer in theirs.layers() {
            for it in theirs.layer(layer) {
                let index = it.index;
                self.merge_one(
                    FeatureId { layer, index },
                    &tidied(&it.label.unwrap_or_default()),
                    &mut out,
                );
            }
        }
        out.n_own = self.len();
        out
    }

    fn merge_one(&mut self, feature: FeatureId, theirs: &str, out: &mut LabelsOwn) {
        match self.get(feature) {
            _ if theirs.is_empty() => (),
            None => {
                self.0.insert(feature, theirs.into());
                out.n_added += 1;
            }
            Some(it) if it == theirs => out.n_same += 1,
            Some(it) => out.conflicts.push(LabelConflict {
                feature,
                yours: it.into(),
                theirs: theirs.into(),
            }),
        }
    }

    /// The text of a labels file of them.
    pub fn to_file(&self, set: &str) -> String {
        let mut layers: BTreeMap<usize, Vec<Label>> = BTreeMap::new();
        for (feature, text) in self.iter() {
            layers.entry(feature.layer).or_default().push(Label {
                index: feature.index,
                label: Some(text.into()),
                density: None,
                max: None,
            });
        }
        let about = LabelsAbout {
            made: MADE.into(),
            set: set.into(),
            ..LabelsAbout::default()
        };
        labels_file(&about, &layers)
    }
}

fn tidied(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> FeatureId {
        text.parse().expect("a feature")
    }

    #[test]
    fn a_file_of_them_comes_back() {
        let mut own = OwnLabels::default();
        own.edit(id("3.70000"), " <b>a</b>\n\t\"b\" ");
        own.edit(id("3.2"), "c");
        own.edit(id("0.1"), "gone");
        own.edit(id("0.1"), " \n");
        assert_eq!(own.get(id("3.70000")), Some("<b>a</b> \"b\""));
        let file = own.to_file("a/b");
        let read = Labels::parse(file.as_bytes()).expect("a labels file");
        assert_eq!(read.about().set, "a/b");
        assert_eq!(read.about().n_labels, 2);
        let mut other = OwnLabels::default();
        assert_eq!(other.merge(&read).n_added, 2);
        assert_eq!(other, own);
    }

    #[test]
    fn what_is_called_differently_stays_and_is_told() {
        let (mut mine, mut theirs) = (OwnLabels::default(), OwnLabels::default());
        for (own, text) in [(&mut mine, "mine"), (&mut theirs, "theirs")] {
            own.edit(id("0.1"), text);
            own.edit(id("0.2"), "both");
            own.edit(id(&format!("0.{}", text.len())), text);
        }
        let before = mine.clone();
        let file = Labels::parse(theirs.to_file("").as_bytes()).expect("a labels file");
        let told = mine.merge(&file);
        assert_eq!((told.n_added, told.n_same, told.n_own), (1, 1, 4));
        let conflict = LabelConflict {
            feature: id("0.1"),
            yours: "mine".into(),
            theirs: "theirs".into(),
        };
        assert_eq!(told.conflicts, [conflict]);
        assert!(before.iter().all(|(it, text)| mine.get(it) == Some(text)));
    }

    #[test]
    fn a_long_label_is_cut() {
        let mut own = OwnLabels::default();
        own.edit(id("0.0"), &"ä".repeat(501));
        assert_eq!(own.get(id("0.0")).map(|it| it.chars().count()), Some(500));
    }
}
