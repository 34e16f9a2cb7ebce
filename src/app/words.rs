//! Every sentence and every word of the page, in one place. Leaves where they stand to the views.

use super::options::{Group, Metric, Sort};

pub(super) const PITCH: &str = "See which features fire inside a language model, on your own GPU. Nothing you type leaves this page.";
pub(super) const NOTHING_SELECTED: &str =
    "Every token but the first. Select a cell, a layer or a token in the map to look closer.";
pub(super) const NO_RECON: &str =
    "What the transcoders do not rebuild is computed when you ask for it, from a live run.";
pub(super) const NO_FEATURES_HERE: &str = "Nothing fires here.";
pub(super) const NO_CARD: &str = "Choose a feature in the list to see what it is about: what it promotes, what it suppresses, and where else it fires.";
pub(super) const NO_FEATURE: &str =
    "A feature is named by its layer and its number, as in 12/9377.";
pub(super) const STILL_RECORDED: &str = "You can still explore the recorded runs.";
pub(super) const NO_LABEL: &str =
    "No label yet. Look at what it promotes, or try a text of your own below.";
pub(super) const NO_EXAMPLES: &str = "There are no examples of this feature in the labels file.";
pub(super) const DEAD: &str = "It never fired on the reference data: it may be dead.";
pub(super) const TRY_HINT: &str = "Try your own text on this feature";
pub(super) const RECORDED: &str =
    "Recorded when this page was made, with the demo model at reference precision.";
pub(super) const LABEL_CAUTION: &str = "A label is a guess. These were made automatically.";
pub(super) const BOS_NOTE: &str = "The first token (⟨bos⟩) is there in every prompt; its activations are large and mean little, so nothing is scaled by them.";

/// Words that need a sentence, in alphabetical order.
pub(super) const GLOSSARY: &[(&str, &str)] = &[
    (
        "activation",
        "How strongly a feature fires at a token: 0, or a number above the feature's own threshold.",
    ),
    (
        "declared L0",
        "The mean number of active features per token that the transcoder was published with, over its own data; one prompt may differ a good deal.",
    ),
    (
        "delta loss",
        "How much worse the model predicts this prompt, in nats per token, when the transcoders' output stands in for its MLPs'.",
    ),
    (
        "density",
        "The share of tokens in the reference data on which a feature fires.",
    ),
    (
        "direct effect",
        "How much a feature's output moves the logit of the chosen next token on the straight way through the residual stream, nothing in between.",
    ),
    (
        "feature",
        "A direction that a transcoder has learned; it fires on some tokens and often has one meaning.",
    ),
    (
        "FVU",
        "Fraction of variance unexplained: what share of the MLP's output the transcoder does not rebuild. 0 is perfect.",
    ),
    ("L0", "How many features fire at a token, on average."),
    (
        "layer",
        "One of the model's steps. Low layers see words, high layers prepare the answer.",
    ),
    (
        "logit lens",
        "What the model would say if it stopped after a layer. Approximate: the later layers are left out.",
    ),
    (
        "nats",
        "Unit of surprise: 1 nat is a probability of 37 %, 2 nats 14 %.",
    ),
    (
        "promotes",
        "Tokens whose logits the feature raises most when it fires, by the straight way to the output.",
    ),
    (
        "share",
        "The activation as a share of the largest one known of this feature. Specific features come close to 100 %.",
    ),
    (
        "token",
        "A piece of text as the model reads it: a word, a part of one, a sign.",
    ),
    (
        "transcoder",
        "A sparse dictionary that reads what an MLP reads and rebuilds what it adds, from a few of its features.",
    ),
];

impl Metric {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Count => "how many fire",
            Self::Largest => "largest activation",
            Self::Sum => "sum of activations",
            Self::Locked => "the chosen feature",
            Self::Pinned => "pinned features",
            Self::Error => "what is not rebuilt",
        }
    }
}

impl Sort {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Share => "share of its largest",
            Self::Activation => "activation",
            Self::Effect => "direct effect",
            Self::Rarity => "rarity",
            Self::Layer => "layer",
            Self::Label => "label",
        }
    }
}

impl Group {
    /// In the menu.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::None => "not grouped",
            Self::Token => "by token",
            Self::Layer => "by layer",
        }
    }
}

/// The sentence that explains a word.
pub(super) fn gloss(word: &str) -> &'static str {
    let found = GLOSSARY.iter().find(|it| it.0 == word);
    found.map_or("", |it| it.1)
}

/// Which features there are.
pub(super) fn feature_range(n_layers: usize, n_features: usize) -> String {
    match (n_layers.checked_sub(1), n_features.checked_sub(1)) {
        (Some(layer), Some(index)) => format!("Layers are 0 to {layer}, features 0 to {index}."),
        _ => "There are no features here yet.".into(),
    }
}

/// "1 feature", "7 features".
pub(super) fn count(n: usize, one: &str) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, it) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(it);
    }
    match n {
        1 => format!("{out} {one}"),
        _ => format!("{out} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_explained() {
        assert!(GLOSSARY.is_sorted_by_key(|it| it.0.to_lowercase()));
        assert!(GLOSSARY.iter().all(|it| it.1.ends_with('.')));
        assert!(!gloss("feature").is_empty());
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(count(1, "feature"), "1 feature");
        assert_eq!(count(0, "feature"), "0 features");
        assert_eq!(count(16384, "row"), "16,384 rows");
    }
}
