//! Labels searched as one types: all layers in one sweep, in slices, whole words before parts of words. Leaves pausing between slices to `session`.

use super::{Labels, label_columns::Columns};
use crate::spec::FeatureId;
use std::collections::BinaryHeap;

/// Words of a query that are looked at.
const MOST_WORDS: usize = 8;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelQuery {
    whole: String,
    words: Vec<String>,
}

/// How well a label fits, the best first: how its words were found, its length, its feature.
type Rank = (u8, usize, FeatureId);

/// A search under way.
#[derive(Debug)]
pub struct LabelSearch {
    query: LabelQuery,
    limit: usize,
    /// The worst of the best on top.
    best: BinaryHeap<Rank>,
    n_found: usize,
    /// The next layer, counted among those that there are, and the next label in it.
    next: (usize, usize),
}

impl LabelQuery {
    /// A query; none for a text without words.
    pub fn new(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let words: Vec<String> = { lower.split_whitespace() }
            .take(MOST_WORDS)
            .map(Into::into)
            .collect();
        let whole = words.join(" ");
        (!words.is_empty()).then_some(Self { whole, words })
    }

    /// How well a text in lower case fits, 0 being best; none where a word is missing.
    ///
    /// 0 is the query itself, 1 begins with it, 2 has it from the beginning of a word on, 3 has each of its words at the beginning
    /// of a word, 4 has them anywhere.
    pub fn rank(&self, lower: &str) -> Option<u8> {
        let text = lower.as_bytes();
        let mut all_begin = true;
        for it in &self.words {
            all_begin &= begins_word(text, it.as_bytes())?;
        }
        if !all_begin {
            return Some(4);
        }
        Some(match () {
            () if lower == self.whole => 0,
            () if lower.starts_with(&self.whole) => 1,
            // One word that begins a word has been found as a whole.
            () if self.words.len() == 1 => 2,
            () if begins_word(text, self.whole.as_bytes()) == Some(true) => 2,
            () => 3,
        })
    }
}

impl LabelSearch {
    /// A search for at most so many labels.
    pub fn new(query: LabelQuery, limit: usize) -> Self {
        Self {
            query,
            limit,
            best: BinaryHeap::new(),
            n_found: 0,
            next: (0, 0),
        }
    }

    /// Looks at `n` more labels; whether there are more still.
    pub fn step(&mut self, labels: &Labels, mut n: usize) -> bool {
        for (layer, columns) in labels.columns().skip(self.next.0) {
            let end = columns.len().min(self.next.1 + n);
            for at in self.next.1..end {
                self.look(layer, columns, at);
            }
            n -= end - self.next.1;
            if end < columns.len() {
                self.next.1 = end;
                return true;
            }
            self.next = (self.next.0 + 1, 0);
        }
        false
    }

    /// The features found, the best first, and how many there are in all.
    pub fn finish(self) -> (Vec<FeatureId>, usize) {
        let best = self.best.into_sorted_vec();
        (best.into_iter().map(|it| it.2).collect(), self.n_found)
    }

    fn look(&mut self, layer: usize, columns: &Columns, at: usize) {
        let lower = columns.lower(at);
        let Some(class) = self.query.rank(lower) else {
            return;
        };
        self.n_found += 1;
        let index = columns.index(at);
        let rank = (class, lower.len(), FeatureId { layer, index });
        if self.best.len() < self.limit {
            self.best.push(rank);
        } else if let Some(mut worst) = self.best.peek_mut()
            && rank < *worst
        {
            *worst = rank;
        }
    }
}

/// A feature's name as people write it: `12/9377`, `12.9377`, `L12 9377`, and the name or address that a feature has on Neuronpedia.
pub fn feature_id(text: &str) -> Option<FeatureId> {
    let lower = text.trim().trim_end_matches('/').to_ascii_lowercase();
    let address = lower.split(['?', '#']).next().unwrap_or_default();
    let (before, index) = address.rsplit_once(['/', '.', ':', ' '])?;
    let layer = before.trim_end().rsplit('/').next()?;
    // `12-gemmascope-transcoder-16k` names the layer and the set.
    let layer = layer.split_once('-').map_or(layer, |it| it.0);
    let layer = layer
        .strip_prefix("layer")
        .or(layer.strip_prefix('l'))
        .unwrap_or(layer);
    format!("{}.{}", layer.trim(), index.trim()).parse().ok()
}

/// Whether a word stands at the beginning of one; none where it stands nowhere.
fn begins_word(text: &[u8], word: &[u8]) -> Option<bool> {
    let mut found = None;
    let mut from = 0;
    while let Some(at) = find(text, word, from) {
        let before = at.checked_sub(1).map(|it| text[it]);
        // A byte of a longer character counts as a letter.
        if !before.is_some_and(|it| it.is_ascii_alphanumeric() || it >= 0x80) {
            return Some(true);
        }
        found = Some(false);
        from = at + 1;
    }
    found
}

/// Labels are short: looking for the first byte is faster than preparing anything cleverer.
fn find(text: &[u8], word: &[u8], from: usize) -> Option<usize> {
    let (&first, rest) = word.split_first()?;
    let last = text.len().checked_sub(word.len())?;
    let mut at = from;
    while at <= last {
        if text[at] == first && text[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(query: &str, label: &str) -> Option<u8> {
        LabelQuery::new(query).and_then(|it| it.rank(&label.to_lowercase()))
    }

    #[test]
    fn words_at_their_beginning_come_first() {
        for (query, label, expected) in [
            ("Texas", "texas", Some(0)),
            ("tex", "Texas and its cities", Some(1)),
            ("cit", "Texas and its cities", Some(2)),
            ("its  CIT", "Texas and its cities", Some(2)),
            ("cit tex", "Texas and its cities", Some(3)),
            ("exas", "Texas and its cities", Some(4)),
            ("cit exas", "Texas and its cities", Some(4)),
            ("texas paris", "Texas and its cities", None),
            ("it", "with its", Some(2)),
            ("straße", "Die Straße", Some(2)),
            ("ße", "Die Straße", Some(4)),
            ("as", "a-s as", Some(2)),
            ("longer than the label", "short", None),
        ] {
            assert_eq!(rank(query, label), expected, "{query} in {label}");
        }
        assert!(LabelQuery::new(" \n").is_none());
    }

    #[test]
    fn names_of_features_are_understood_in_all_their_forms() {
        let id = FeatureId {
            layer: 12,
            index: 9377,
        };
        for text in [
            "12/9377",
            "12.9377",
            " L12 9377 ",
            "l12/9377",
            "layer 12/9377",
            "12:9377",
            "12-gemmascope-transcoder-16k/9377",
            "gemma-2-2b/12-gemmascope-transcoder-16k/9377",
            "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-transcoder-16k/9377?embed=true#x",
            "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-transcoder-16k/9377/",
        ] {
            assert_eq!(feature_id(text), Some(id), "{text}");
        }
        for text in [
            "",
            "12",
            "a/b",
            "12/",
            "/9377",
            "12/-1",
            "two words",
            "12/9377a",
            "99999999999999999999/1",
        ] {
            assert_eq!(feature_id(text), None, "{text}");
        }
    }

    #[test]
    fn slices_find_what_one_sweep_finds() {
        let file = r#"{"version": 1, "made": "", "layers": [
            {"layer": 0, "features": [{"index": 0, "label": "cats"}, {"index": 1}, {"index": 2, "label": "the cat"}]},
            {"layer": 1, "features": []},
            {"layer": 4, "features": [{"index": 9, "label": "Cat"}, {"index": 5, "label": "scatter"}]}]}"#;
        let labels = Labels::parse(file.as_bytes()).expect("a labels file");
        for n in [1, 2, 3, 100] {
            for (limit, expected) in [
                (9, vec!["4.9", "0.0", "0.2", "4.5"]),
                (2, vec!["4.9", "0.0"]),
            ] {
                let query = LabelQuery::new("cat").expect("a query");
                let mut search = LabelSearch::new(query, limit);
                while search.step(&labels, n) {}
                let (found, n_found) = search.finish();
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                assert_eq!(
                    (found, n_found),
                    (expected.iter().map(ToString::to_string).collect(), 4)
                );
            }
        }
    }
}
