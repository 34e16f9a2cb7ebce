//! The norms of a pass, and where their scales come from or go to.

use super::{Model, kept::NormSlot, pass::Pass};
use crate::{
    gpu::{Buffer, Recording, View},
    ops::{norm_add, rms_norm},
};

/// Where 1 / rms of a norm's rows is written, or taken from.
#[derive(Clone, Debug)]
pub(super) struct Scales {
    pub view: View,
    /// The first position's place in it.
    pub at: usize,
    /// Whether it is taken from there.
    pub given: bool,
}

impl Model {
    /// The scales of a norm of a pass: the base's where they stay what they were, kept where the run is.
    pub(super) fn scales_of(&self, pass: &Pass<'_>, slot: NormSlot) -> Scales {
        let frozen = pass
            .way
            .base
            .filter(|it| it.derivation.norms)
            .map(|it| it.rows);
        let given = frozen.is_some();
        let rows = frozen.or(pass.way.keep);
        match rows.zip(self.kept.scales(slot)) {
            Some((rows, view)) => Scales {
                view,
                at: rows.first + pass.block.0,
                given,
            },
            None => self.own_scales(),
        }
    }

    /// Scales of the final norm of a pass, from position `first` on.
    pub(super) fn final_scales_of(&self, pass: &Pass<'_>, first: usize) -> Scales {
        let mut scales = self.scales_of(pass, NormSlot::Final);
        if scales.given {
            scales.at += first - pass.block.0;
            return scales;
        }
        self.own_scales()
    }

    /// Scales that nobody keeps.
    pub(super) fn own_scales(&self) -> Scales {
        Scales {
            view: self.scratch.scales.whole(),
            at: 0,
            given: false,
        }
    }

    /// Scales of the final norm from position `first` on: frozen ones if the last run's were.
    pub(super) fn final_scales(&self, first: usize) -> Scales {
        let rows = self.state.final_scales;
        match rows.zip(self.kept.scales(NormSlot::Final)) {
            Some((rows, view)) => Scales {
                view,
                at: rows.first + first,
                given: true,
            },
            None => self.own_scales(),
        }
    }

    /// `n = x / rms(x)`, the gain left to the matrices that read it.
    pub(super) fn record_norm(&self, recording: &mut Recording, n_pos: usize, scales: Scales) {
        self.record_rms(recording, (&self.scratch.x, None), n_pos, scales);
    }

    /// `n = o / rms(o) * (1 + gain)`: what a branch adds, on its own, for those who want to see or change it.
    pub(super) fn record_branch(
        &self,
        recording: &mut Recording,
        gain: &Buffer,
        n_pos: usize,
        scales: Scales,
    ) {
        let gain = gain.whole();
        self.record_rms(recording, (&self.scratch.o, Some(&gain)), n_pos, scales);
    }

    fn record_rms(
        &self,
        recording: &mut Recording,
        (x, gain): (&Buffer, Option<&View>),
        n_pos: usize,
        scales: Scales,
    ) {
        let form = rms_norm::Form {
            d_model: self.config().d_model,
            eps: self.config().eps,
            gain,
            scales: rms_norm::Scales {
                view: &scales.view,
                at: scales.at,
                given: scales.given,
            },
        };
        let (x, n) = (x.whole(), self.scratch.n.whole());
        rms_norm::record(recording, form, n_pos, &x, &n);
    }

    /// `x += o / rms(o) * (1 + gain)`.
    pub(super) fn record_post_norm(
        &self,
        recording: &mut Recording,
        gain: &Buffer,
        n_pos: usize,
        scales: Scales,
    ) {
        let gain = gain.whole();
        let form = norm_add::Form {
            d_model: self.config().d_model,
            eps: self.config().eps,
            gain: &gain,
            scales: rms_norm::Scales {
                view: &scales.view,
                at: scales.at,
                given: scales.given,
            },
        };
        let (o, x) = (self.scratch.o.whole(), self.scratch.x.whole());
        norm_add::record(recording, form, n_pos, &o, &x);
    }
}
