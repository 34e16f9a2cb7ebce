//! A snapshot that a link names: offered to the visitor, asked for when he agrees, shown. Leaves what a snapshot is to `sharing`.

use super::{
    ask::{Purpose, Question},
    desk::Desk,
};
use crate::session::protocol::{CommandBody, EventBody, SnapshotAddress, View};

/// A snapshot that a link names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Where it lies.
    pub at: SnapshotAddress,
    /// How the sender saw it.
    pub view: View,
    /// Whether it has been asked for.
    pub comes: bool,
}

impl Desk {
    /// Asks the visitor about a snapshot, once.
    pub(super) fn offer(&mut self, at: SnapshotAddress, view: &View) {
        if self.linking.offered.as_ref() == Some(&at.address) {
            return;
        }
        self.linking.offered = Some(at.address.clone());
        self.linking.offer = Some(Offer {
            at,
            view: View {
                prompt: None,
                ..view.clone()
            },
            comes: false,
        });
    }

    /// The visitor wants the snapshot that a link names.
    pub fn take_offer(&mut self) -> Vec<Question> {
        let Some(offer) = &mut self.linking.offer else {
            return vec![];
        };
        offer.comes = true;
        let address = offer.at.address.clone();
        self.failure = None;
        self.linking.coming.clear();
        // It takes the place of what the link would run.
        self.linking.prompt = None;
        vec![Question::new(
            Purpose::Snapshot,
            CommandBody::Snapshot { address },
        )]
    }

    /// The visitor does not want it, or no more: what is to be cancelled.
    pub fn leave_offer(&mut self) -> Vec<u32> {
        self.linking.offer = None;
        let snapshots = self.asked.iter().filter(|it| *it.1 == Purpose::Snapshot);
        snapshots.map(|it| *it.0).collect()
    }

    /// What the engine tells of a snapshot; none for what is not about one.
    pub(super) fn snapshot_event(
        &mut self,
        purpose: &Purpose,
        it: &EventBody,
        parts: &[Vec<u8>],
    ) -> bool {
        if *purpose != Purpose::Snapshot {
            return false;
        }
        match it {
            EventBody::Partial(_) => self.linking.coming.extend(parts.iter().flatten()),
            EventBody::Done(_) => {
                let bytes = std::mem::take(&mut self.linking.coming);
                let text = String::from_utf8_lossy(&bytes);
                if let Some(it) = self.linking.offer.take()
                    && self.open_snapshot(&text, Some(it.at))
                {
                    self.linking.opened = None;
                    self.linking.landed = Some(it.view);
                }
            }
            EventBody::Failed(it) => {
                self.linking.offer = None;
                self.failure = Some(it.clone());
            }
            EventBody::Cancelled => self.linking.offer = None,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
#[path = "offering_tests.rs"]
mod tests;
