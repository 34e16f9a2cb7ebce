//! What the palette finds for what is typed: commands with their keys, features, examples, prompts. Leaves drawing to its view, and doing
//! what was chosen to `acting`.

use super::{
    desk::Atlas,
    keys::{Act, COMMANDS},
    record::Record,
    recorded::Hint,
    words,
};
use crate::session::protocol::FeatureId;
use std::collections::BTreeSet;

/// Lines told at most.
const MOST: usize = 40;
/// Labels that are looked through here; of more than these the engine is asked.
const MAX_LABELS: usize = 20_000;
/// Of one kind, while nothing is typed.
const MOST_OPENING: usize = 6;

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What it is.
    pub name: String,
    /// Its keys, or what kind of thing it is.
    pub hint: String,
    /// What choosing it does.
    pub deed: Deed,
}

/// What choosing a line does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A command.
    Act(Act),
    /// Shows a feature.
    Feature(FeatureId),
    /// Runs a prompt.
    Prompt(String),
    /// Opens what a link says.
    Link(String),
}

/// Where the palette looks.
pub struct Sources<'a> {
    /// The run on the page.
    pub record: Option<&'a Record>,
    /// Labels.
    pub atlas: &'a Atlas,
    /// What the engine found for the same text.
    pub found: &'a [(FeatureId, String)],
    /// Prompts that show something.
    pub examples: &'a [Hint],
    /// Prompts that were run.
    pub history: &'a [String],
}

/// What there is for a text, the best first.
pub fn offers(typed: &str, from: &Sources) -> Vec<Offer> {
    let typed = typed.trim();
    if typed.contains("://") || typed.starts_with('#') {
        return vec![offer("Open this link", "link", Deed::Link(typed.into()))];
    }
    let words: Vec<String> = typed.split_whitespace().map(folded).collect();
    let most = if words.is_empty() { MOST_OPENING } else { MOST };
    let holds = |text: &str| {
        let text = folded(text);
        words.iter().all(|it| text.contains(it.as_str()))
    };
    let mut out = Vec::new();
    out.extend(named(typed));
    out.extend(commands(&holds));
    out.extend(features(from, &holds).take(most));
    let example = |it: &Hint| offer(&it.prompt, &it.title, Deed::Prompt(it.prompt.clone()));
    let examples = from.examples.iter();
    out.extend(
        examples
            .filter(|it| holds(&it.prompt) || holds(&it.title))
            .map(example)
            .take(most),
    );
    let recent = |it: &String| offer(it, "recent prompt", Deed::Prompt(it.clone()));
    out.extend(
        from.history
            .iter()
            .filter(|it| holds(it))
            .map(recent)
            .take(most),
    );
    out.truncate(MOST);
    out
}

fn offer(name: &str, hint: &str, deed: Deed) -> Offer {
    Offer {
        name: name.into(),
        hint: hint.into(),
        deed,
    }
}

/// Letters without case. ASCII alone: labels are English, and tables of the rest would be a good part of the program.
fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A feature by its name: `12/9377`, `L12/9377`, `12.9377`.
fn named(typed: &str) -> Option<Offer> {
    let feature = feature_of(typed)?;
    Some(offer(
        &words::id(feature),
        "feature",
        Deed::Feature(feature),
    ))
}

/// The feature that a text names, whether there is one or not.
pub fn feature_of(text: &str) -> Option<FeatureId> {
    let plain = text.trim();
    let plain = plain.strip_prefix(['L', 'l']).unwrap_or(plain);
    plain.replace('/', ".").parse().ok()
}

fn commands(holds: &impl Fn(&str) -> bool) -> impl Iterator<Item = Offer> {
    let found = COMMANDS.iter().filter(|it| holds(it.1));
    found.map(|(keys, said, act)| offer(said, keys, Deed::Act(*act)))
}

/// Features of the run on the page first, the strongest first; then all that have a label.
fn features<'a>(
    from: &'a Sources,
    holds: &'a impl Fn(&str) -> bool,
) -> impl Iterator<Item = Offer> + 'a {
    let mut here: Vec<(f32, FeatureId)> = Vec::new();
    if let Some(record) = from.record {
        let mut firings: Vec<_> = record.firings.iter().filter(|it| it.pos > 0).collect();
        firings.sort_unstable_by(|a, b| b.activation.total_cmp(&a.activation));
        let mut seen = BTreeSet::new();
        for it in firings {
            if seen.insert(it.feature()) {
                here.push((it.activation, it.feature()));
            }
        }
    }
    let label = |it: FeatureId| from.atlas.words(it);
    let of = move |it: FeatureId, hint: &str| {
        let label = label(it)?;
        let name = format!("{} {label}", words::id(it));
        holds(&name).then(|| offer(&name, hint, Deed::Feature(it)))
    };
    let known: BTreeSet<FeatureId> = here.iter().map(|it| it.1).collect();
    let first: Vec<Offer> = here
        .iter()
        .filter_map(|it| of(it.1, "fires here"))
        .collect();
    let few = from.atlas.labels.len() <= MAX_LABELS;
    let labelled = from.atlas.labels.keys().filter(move |_| few);
    let labelled = labelled.filter(move |it| !known.contains(it));
    let labelled = labelled.filter_map(move |it| of(*it, "feature"));
    let all: Vec<Offer> = first.into_iter().chain(labelled).collect();
    let found = from.found.iter().map(|(it, label)| {
        let name = format!("{} {label}", words::id(*it));
        offer(&name, "feature", Deed::Feature(*it))
    });
    let found: Vec<Offer> = found
        .filter(|it| all.iter().all(|known| known.deed != it.deed))
        .collect();
    all.into_iter().chain(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::record::Firing, spec::Label};

    fn atlas() -> Atlas {
        let mut it = Atlas::default();
        for (layer, index, text) in [
            (3, 7, "capitals of Texas"),
            (4, 1, "say a colour"),
            (5, 2, "Texas"),
        ] {
            let label = Label {
                index,
                label: Some(text.into()),
                density: None,
                max: None,
            };
            it.labels.insert(FeatureId { layer, index }, label);
        }
        it
    }

    fn record() -> Record {
        let firing = |layer, pos, index, activation| Firing {
            layer,
            pos,
            index,
            activation,
        };
        Record {
            firings: vec![
                firing(3, 0, 7, 90.0),
                firing(3, 2, 7, 1.0),
                firing(5, 1, 2, 4.0),
            ],
            ..Record::default()
        }
    }

    fn found(typed: &str) -> Vec<Offer> {
        let examples = vec![Hint {
            prompt: "The capital of Texas is".into(),
            title: "two steps".into(),
            ..Hint::default()
        }];
        let (atlas, record) = (atlas(), record());
        offers(
            typed,
            &Sources {
                record: Some(&record),
                atlas: &atlas,
                found: &[],
                examples: &examples,
                history: &["Le contraire".into()],
            },
        )
    }

    #[test]
    fn features_that_fire_come_first_and_the_first_token_does_not_count() {
        let it = found("texas");
        let names: Vec<&str> = it.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "L5/2 Texas",
                "L3/7 capitals of Texas",
                "The capital of Texas is"
            ]
        );
        assert_eq!(it[0].hint, "fires here");
    }

    #[test]
    fn every_word_counts_and_case_does_not() {
        assert_eq!(found("TEXAS cap").len(), 2);
        assert!(found("nothing of the kind").is_empty());
    }

    #[test]
    fn a_feature_is_found_by_its_name_and_a_command_by_its_words() {
        let feature = FeatureId {
            layer: 12,
            index: 9377,
        };
        for text in ["12/9377", "L12/9377", "12.9377"] {
            assert_eq!(found(text)[0].deed, Deed::Feature(feature), "{text}");
        }
        assert!(
            found("pins")
                .iter()
                .any(|it| it.deed == Deed::Act(Act::ClearPins))
        );
        assert!(
            found("contraire")
                .iter()
                .any(|it| it.hint == "recent prompt")
        );
    }

    #[test]
    fn a_pasted_link_is_opened() {
        for text in ["https://example.org/#/x?p=a", "#/x?p=a"] {
            assert_eq!(found(text)[0].deed, Deed::Link(text.into()));
        }
    }

    #[test]
    fn nothing_typed_offers_some_of_everything() {
        let it = found("");
        for hint in ["fires here", "two steps", "recent prompt"] {
            assert!(it.iter().any(|offer| offer.hint == hint), "{hint}");
        }
    }
}
