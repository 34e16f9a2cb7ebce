//! The field's words that need a sentence, and these sentences. Leaves all other words of the page to `words`.

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
        "other activations",
        "Neuronpedia computed what it shows of these transcoders from another tensor than the one that they read, as it says itself: in layer 19 that makes 664 features active at a token instead of 13. Its labels, examples and figures may not fit; nothing here is sorted or checked by them.",
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

/// The sentence that explains a word.
pub(super) fn gloss(word: &str) -> &'static str {
    let found = GLOSSARY.iter().find(|it| it.0 == word);
    found.map_or("", |it| it.1)
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
}
