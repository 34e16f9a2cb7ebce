//! Pieces of what the engine sends, put where they belong: into the run that is coming, or the one on the page. Leaves what is asked next to
//! `answers`.

use super::{
    ask::Purpose,
    desk::Desk,
    gathering::{self, Piece},
    parts::Parts,
};
use crate::session::protocol::Partial;
use crate::spec::Site;
use std::{mem::take, sync::Arc};

impl Desk {
    pub(super) fn piece(&mut self, it: Partial, purpose: &Purpose, parts: &Parts) {
        match (it, purpose) {
            (
                Partial::Features {
                    layer,
                    places,
                    activations,
                    ..
                },
                Purpose::Features,
            ) => {
                if let Some(it) = &mut self.coming {
                    let (places, activations) = (parts.u32s(&places), parts.f32s(&activations));
                    it.record.set_layer(layer, &places, &activations);
                }
            }
            (
                Partial::Features {
                    layer,
                    places,
                    activations,
                    ..
                },
                Purpose::TryFeatures(_),
            ) => {
                if let Some(it) = &mut self.tried {
                    let record = Arc::make_mut(&mut it.record);
                    record.set_layer(layer, &parts.u32s(&places), &parts.f32s(&activations));
                }
            }
            (Partial::Probs(it), Purpose::Next) => {
                if let Some(coming) = &mut self.coming {
                    coming.record.next.insert(it.pos, it);
                }
            }
            (Partial::Labels { layer, labels }, _) => self.live_atlas().label(layer, labels),
            (it, Purpose::More | Purpose::MoreNext) => self.piece_of_more(it, parts),
            (Partial::Token(it), Purpose::Continue) => self.continued.push(it),
            (Partial::Speed(it), _) => self.speeds.push(it),
            (it, purpose) => self.piece_of_shown(it, purpose, parts),
        }
    }

    /// Kept apart until all of it is there, so that the run on the page changes once.
    fn piece_of_shown(&mut self, it: Partial, purpose: &Purpose, parts: &Parts) {
        match (it, purpose) {
            (
                Partial::Site {
                    site: Site::MlpOut(layer),
                    first,
                    array,
                },
                Purpose::MlpOut,
            ) => {
                self.heap
                    .mlp_out
                    .push(Piece::new(layer, first, &array, parts));
            }
            (
                Partial::Dense {
                    layer,
                    first,
                    array,
                    ..
                },
                Purpose::Rebuilt,
            ) => {
                self.heap
                    .rebuilt
                    .push(Piece::new(layer, first, &array, parts));
            }
            (Partial::Lens { layer, told }, Purpose::Lens) => {
                self.heap.lens.entry(layer).or_default().push(told);
            }
            (Partial::Metrics(it), Purpose::Metrics) => self.heap.metrics.push(it),
            (
                Partial::Effects {
                    layer,
                    places,
                    effects,
                },
                Purpose::Effects(_),
            ) => {
                let told = (parts.u32s(&places), parts.f32s(&effects));
                self.heap.effects.insert(layer, told);
            }
            _ => (),
        }
    }

    /// Puts what has been gathered for the run on the page into it.
    pub(super) fn gathered(&mut self, purpose: &Purpose) {
        let Some(shown) = &mut self.shown else {
            return;
        };
        let record = Arc::make_mut(&mut shown.record);
        match purpose {
            Purpose::Rebuilt => {
                let (mlp_out, rebuilt) =
                    (take(&mut self.heap.mlp_out), take(&mut self.heap.rebuilt));
                record.errors = gathering::errors(&mlp_out, &rebuilt, record.n_pos());
            }
            Purpose::Lens => record.lens = take(&mut self.heap.lens),
            Purpose::Metrics => record.metrics = take(&mut self.heap.metrics),
            Purpose::Effects(token) => {
                let told = take(&mut self.heap.effects);
                record.effects = Some((*token, gathering::effects(record, &told)));
            }
            _ => (),
        }
    }
}
