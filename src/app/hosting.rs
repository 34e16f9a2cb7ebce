//! What Neuronpedia says of the feature that is looked at: shown as its word alone, asked for only when the visitor says so. Leaves asking
//! and keeping to the engine.

use super::{
    ask::{Purpose, Question},
    desk::{Desk, Source},
};
use crate::session::protocol::{CommandBody, EventBody, FeatureId, Outcome, TranscoderRef};
use crate::spec::{gemma, neuronpedia};

impl Desk {
    /// Whether Neuronpedia knows a feature of what is open: one of the published transcoders, in the variant that is usual, whoever keeps
    /// them.
    pub fn is_hosted(&self, feature: FeatureId) -> bool {
        let shown = self.shown.as_ref().map(|it| &it.source);
        if matches!(shown, Some(Source::Snapshot { .. })) {
            // The file's model may be another one.
            return false;
        }
        let open = self.library.open.as_ref();
        let transcoders = open.and_then(|it| it.transcoders.as_ref());
        let is_published = transcoders.is_some_and(|it| {
            let is_usual = it.average_l0.iter().all(|it| it.0 != feature.layer);
            is_usual && is_published(&it.place)
        });
        is_published && neuronpedia::name_of(feature).is_some()
    }

    /// What was fetched of it before; nobody is asked.
    pub(super) fn look_hosted(&mut self, feature: FeatureId) -> Option<Question> {
        self.troubles.remove("hosted");
        let is_there = self.labelling.hosted.contains_key(&feature);
        (!is_there && self.is_hosted(feature)).then(|| question(feature, false))
    }

    /// Asks Neuronpedia about it.
    pub fn fetch_hosted(&mut self, feature: FeatureId) -> Vec<Question> {
        self.troubles.remove("hosted");
        vec![question(feature, true)]
    }

    /// What the engine tells of that; whether it was about that.
    pub(super) fn hosted_event(&mut self, purpose: &Purpose, it: &EventBody) -> bool {
        match (purpose, it) {
            (Purpose::Hosted(_), EventBody::Done(Outcome::HostedLabel { label, not_kept })) => {
                if let Some(it) = label {
                    self.labelling.hosted.insert(it.feature, it.clone());
                }
                if let Some(it) = not_kept {
                    self.troubles.insert("hosted", it.clone());
                }
                true
            }
            _ => false,
        }
    }
}

/// Whether these are the transcoders that Gemma Scope published for Gemma 2 2B.
pub(super) fn is_published(it: &TranscoderRef) -> bool {
    matches!(it, TranscoderRef::Hub { repo } if repo.repo.as_str() == gemma::TRANSCODER_REPO)
}

fn question(feature: FeatureId, ask: bool) -> Question {
    let body = CommandBody::HostedLabel { feature, ask };
    Question::new(Purpose::Hosted(feature), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::choice::{Choice, Origin};

    fn feature(layer: usize, index: usize) -> FeatureId {
        FeatureId { layer, index }
    }

    /// A desk on which this is open.
    fn desk(choice: &Choice) -> Desk {
        let mut desk = Desk::default();
        desk.library.open = choice.request("https://here").ok();
        desk
    }

    #[test]
    fn only_usual_features_of_the_published_transcoders_are_asked_for() {
        let gemma = Choice::default().from(Origin::Mirror);
        let mirrored = Choice {
            transcoders: format!("https://mirror.example/{}", gemma::TRANSCODER_REPO),
            ..gemma.clone()
        };
        let other = Choice {
            transcoders: "o/scopes".into(),
            ..gemma.clone()
        };
        let variant = Choice {
            variants: "12:80".into(),
            ..gemma.clone()
        };
        for (choice, it, expected) in [
            (&gemma, feature(12, 9377), true),
            (&mirrored, feature(12, 9377), true),
            (&gemma, feature(26, 0), false),
            (&gemma, feature(0, 16_384), false),
            (&other, feature(12, 9377), false),
            (&variant, feature(12, 9377), false),
            (&variant, feature(13, 9377), true),
            (&Choice::default(), feature(1, 1), false),
        ] {
            assert_eq!(desk(choice).is_hosted(it), expected, "{choice:?} {it}");
        }
    }
}
