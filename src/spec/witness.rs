//! What a run said, in few bytes, so that another can be held against it. Leaves running to `session`.

use super::{FeatureId, LinkModel};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Features in a witness.
pub const N_WITNESSED: usize = 8;
/// Bytes of an adapter's name in a witness.
pub const MAX_WITNESS_ADAPTER: usize = 48;
/// 255ths by which the probability may differ. Source: decisions, "reproduced".
const TOLERANCE: u8 = 2;

/// What a run said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The most probable next token.
    pub token: u32,
    /// Its probability, in 255ths.
    pub probability: u8,
    /// The strongest features, strongest first, position 0 left out; each once, at most [`N_WITNESSED`].
    pub features: Vec<FeatureId>,
    /// The adapter that it ran on, as far as that tells its name.
    #[serde(default)]
    pub adapter: Option<String>,
}

/// What the sender of a link saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessSent {
    /// The witness.
    pub witness: Witness,
    /// With which model, if the link says it.
    #[serde(default)]
    pub model: Option<LinkModel>,
}

/// Whether one run says what another did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Same token, its probability within 2/255, at least 7 of 8 features.
    pub reproduced: bool,
    /// How many of the sender's features are among the strongest here.
    pub n_same: usize,
    /// In what they differ, a sentence each, with numbers; also where that is allowed.
    pub differences: Vec<String>,
}

/// A side of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Witnessed<'a> {
    /// What was seen.
    pub witness: &'a Witness,
    /// With which model, where that is known.
    pub model: Option<&'a LinkModel>,
    /// The token as it is shown.
    pub piece: &'a str,
}

impl Witness {
    /// What a run said: its most probable next token with its probability, what fired as feature, position and activation, and where.
    pub fn of(
        (token, probability): (u32, f32),
        fired: impl Iterator<Item = (FeatureId, usize, f32)>,
        adapter: &str,
    ) -> Self {
        let mut most: BTreeMap<FeatureId, f32> = BTreeMap::new();
        for (feature, _, activation) in fired.filter(|it| it.1 > 0) {
            let it = most.entry(feature).or_default();
            *it = it.max(activation);
        }
        let mut all: Vec<(FeatureId, f32)> = most.into_iter().collect();
        // Of equals the one with the smaller number comes first, as they lie.
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let cut = adapter.floor_char_boundary(MAX_WITNESS_ADAPTER);
        Self {
            token,
            probability: (probability.clamp(0.0, 1.0) * 255.0).round() as u8,
            features: all.iter().take(N_WITNESSED).map(|it| it.0).collect(),
            adapter: Some(adapter[..cut].to_string()).filter(|it| !it.is_empty()),
        }
    }
}

impl Verdict {
    /// Holds `here` against `sent`.
    pub fn of(here: Witnessed<'_>, sent: Witnessed<'_>) -> Self {
        let (ours, theirs) = (here.witness, sent.witness);
        let n_sent = theirs.features.len();
        let is_here = |it: &&FeatureId| ours.features.contains(it);
        let n_same = theirs.features.iter().filter(is_here).count();
        let features_agree = (n_sent - n_same) * N_WITNESSED <= n_sent;
        let token_agrees = ours.token == theirs.token;
        let probability_agrees = ours.probability.abs_diff(theirs.probability) <= TOLERANCE;
        let mut differences = Vec::new();
        if !token_agrees || ours.probability != theirs.probability {
            let said = |of: &Witnessed<'_>| format!("{} at {}", of.shown(), percent(of.witness));
            differences.push(format!(
                "Next token: {} here, {} at the sender's.",
                said(&here),
                said(&sent)
            ));
        }
        if n_same < n_sent {
            differences.push(match ours.features.is_empty() {
                true => "No features are known here: the transcoders are not loaded.".into(),
                false => format!("{n_same} of the sender's {n_sent} strongest features are among the strongest here."),
            });
        }
        differences.extend(other_circumstances(here, sent));
        Self {
            reproduced: token_agrees && probability_agrees && features_agree,
            n_same,
            differences,
        }
    }
}

impl Witnessed<'_> {
    fn shown(&self) -> String {
        match self.piece {
            "" => format!("token {}", self.witness.token),
            piece => format!("`{}`", super::visible(piece)),
        }
    }
}

/// A probability as it is shown.
fn percent(it: &Witness) -> String {
    format!("{:.1} %", f64::from(it.probability) / 255.0 * 100.0)
}

/// Model, precision and adapter, where both sides tell them and they are not the same.
fn other_circumstances(here: Witnessed<'_>, sent: Witnessed<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if let (Some(ours), Some(theirs)) = (here.model, sent.model) {
        if !ours.is_same_model(theirs) {
            out.push(format!(
                "Model: {} here, {} at the sender's.",
                ours.name(),
                theirs.name()
            ));
        }
        if ours.is_same_model(theirs) && !ours.is_same_set(theirs) {
            out.push(format!(
                "Transcoders: {} here, {} at the sender's.",
                ours.transcoders_name(),
                theirs.transcoders_name()
            ));
        }
        if ours.precision != theirs.precision {
            out.push(format!(
                "Precision: {} here, {} at the sender's.",
                ours.precision, theirs.precision
            ));
        }
    }
    let adapters = (&here.witness.adapter, &sent.witness.adapter);
    if let (Some(ours), Some(theirs)) = adapters
        && ours != theirs
    {
        out.push(format!("Adapter: {ours} here, {theirs} at the sender's."));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness() -> Witness {
        Witness {
            token: 7,
            probability: 100,
            features: (0..8).map(|index| FeatureId { layer: 1, index }).collect(),
            adapter: None,
        }
    }

    #[test]
    fn the_strongest_are_named_once_and_the_first_token_does_not_count() {
        let id = |index| FeatureId { layer: 0, index };
        let fired = (0..20).map(|n| (id(n % 10), n / 10, (n % 10) as f32));
        let it = Witness::of((7, 0.5), fired, &"ä".repeat(40));
        assert_eq!((it.token, it.probability), (7, 128));
        let strongest: Vec<usize> = it.features.iter().map(|it| it.index).collect();
        assert_eq!(strongest, [9, 8, 7, 6, 5, 4, 3, 2]);
        assert_eq!(it.adapter.map(|it| it.len()), Some(MAX_WITNESS_ADAPTER));
        let first_only = [(id(3), 0, 9.0)].into_iter();
        assert_eq!(Witness::of((7, 2.0), first_only, "").features, []);
    }

    fn verdict(here: &Witness, sent: &Witness) -> Verdict {
        let side = |witness| Witnessed {
            witness,
            model: None,
            piece: "",
        };
        Verdict::of(side(here), side(sent))
    }

    #[test]
    fn the_bounds_of_reproduced() {
        let sent = witness();
        assert_eq!(verdict(&sent, &sent).differences, Vec::<String>::new());
        let near = |probability| Witness {
            probability,
            ..witness()
        };
        for (probability, reproduced) in [(98, true), (102, true), (97, false), (103, false)] {
            assert_eq!(verdict(&near(probability), &sent).reproduced, reproduced);
        }
        for (n_other, reproduced) in [(0, true), (1, true), (2, false), (8, false)] {
            let mut here = witness();
            here.features
                .iter_mut()
                .take(n_other)
                .for_each(|it| it.layer = 5);
            let it = verdict(&here, &sent);
            assert_eq!((it.reproduced, it.n_same), (reproduced, 8 - n_other));
        }
        let other = Witness {
            token: 8,
            ..witness()
        };
        let it = verdict(&other, &sent);
        assert!(
            !it.reproduced && it.differences[0].contains("token 8 at 39.2 %"),
            "{it:?}"
        );
    }

    #[test]
    fn fewer_features_must_all_be_there() {
        let mut few = witness();
        few.features.truncate(3);
        assert!(verdict(&witness(), &few).reproduced);
        let mut here = witness();
        here.features.remove(0);
        assert!(!verdict(&here, &few).reproduced);
        here.features.clear();
        let it = verdict(&here, &few);
        assert!(
            !it.reproduced && it.differences[0].contains("not loaded"),
            "{it:?}"
        );
    }

    #[test]
    fn circumstances_are_named_where_both_tell_them() {
        let model = |it: &str| it.parse::<LinkModel>().expect(it);
        let adapter = |it: &str| Witness {
            adapter: Some(it.into()),
            ..witness()
        };
        let (ours, theirs) = (adapter("llvmpipe"), adapter("Apple M2"));
        let (here, sent) = (model("demo"), model("g2b-compact"));
        let side = |witness, model| Witnessed {
            witness,
            model: Some(model),
            piece: "",
        };
        let it = Verdict::of(side(&ours, &here), side(&theirs, &sent));
        assert!(it.reproduced);
        let all = it.differences.join(" ");
        for word in [
            "the demo model here",
            "Gemma 2 2B",
            "compact at the sender's",
            "llvmpipe",
            "Apple M2",
        ] {
            assert!(all.contains(word), "{word}: {all}");
        }
    }
}
