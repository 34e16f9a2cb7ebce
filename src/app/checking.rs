//! Whether this machine computes what was recorded: two runs of the same prompt compared. Leaves saying so to the views.

use super::{
    desk::{Check, Desk},
    record::{Firing, Record},
};
use crate::spec::Precision;

/// Logits of one prompt on two adapters differ by sums in another order; a hundredth of this is usual.
const LOGIT_TOLERANCE: f32 = 2e-3;
/// Of activations, as a share of themselves.
const ACTIVATION_TOLERANCE: f32 = 2e-3;
/// Activations below this may be absent on another adapter: they lie at their threshold.
const FAINT: f32 = 0.05;

/// How two runs of one prompt differ, in words; none when they agree.
pub fn difference(expected: &Record, got: &Record) -> Option<String> {
    logits(expected, got).or_else(|| firings(expected, got))
}

fn logits(expected: &Record, got: &Record) -> Option<String> {
    for (pos, it) in &expected.next {
        let found = got.next.get(pos)?;
        for wanted in it.top.iter().take(5) {
            let Some(it) = found.top.iter().find(|it| it.id == wanted.id) else {
                return Some(format!("“{}” is missing after token {pos}", wanted.piece));
            };
            let off = (it.logit - wanted.logit).abs();
            if off.is_nan() || off > LOGIT_TOLERANCE {
                return Some(format!(
                    "after token {pos} the logit of “{}” is {}, and {} was recorded",
                    it.piece, it.logit, wanted.logit
                ));
            }
        }
    }
    None
}

fn firings(expected: &Record, got: &Record) -> Option<String> {
    let name = |it: &Firing| format!("{} at token {}", it.feature(), it.pos);
    for it in expected.firings.iter().filter(|it| it.activation > FAINT) {
        let cell = &got.firings[got.cell(it.layer as usize, it.pos as usize)];
        let Some(found) = cell.iter().find(|of| of.index == it.index) else {
            return Some(format!("{} does not fire", name(it)));
        };
        let off = (found.activation - it.activation).abs();
        if off.is_nan() || off > ACTIVATION_TOLERANCE * it.activation.max(1.0) {
            return Some(format!(
                "{} is {}, and {} was recorded",
                name(it),
                found.activation,
                it.activation
            ));
        }
    }
    let strong = |it: &Record| it.firings.iter().filter(|it| it.activation > FAINT).count();
    let (expected, got) = (strong(expected), strong(got));
    let off = expected.abs_diff(got);
    (off > 1 + expected / 100).then(|| format!("{got} features fire, and {expected} were recorded"))
}

impl Desk {
    /// The first live run is the recorded one: does this machine compute the same?
    pub(super) fn compare(&mut self, record: &Record) {
        // It was recorded with the demo in reference precision; others round, or are another model.
        let open = self.opened.as_ref();
        let rounds = open.is_some_and(|it| it.1.precision != Precision::Reference);
        if rounds || !self.is_demo() {
            return;
        }
        let ids = record.ids();
        let Some(expected) = self.expected.take_if(|it| it.ids() == ids) else {
            return;
        };
        self.check = match difference(&expected, record) {
            None => Check::Same,
            Some(it) => Check::Differs(it),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(activation: f32) -> Record {
        let mut it = Record {
            n_layers: 1,
            loaded: vec![false],
            ..Record::default()
        };
        it.set_layer(0, &[1, 3, 2, 5], &[2.0, activation]);
        it
    }

    #[test]
    fn equal_runs_agree_and_others_are_named() {
        assert_eq!(difference(&record(1.0), &record(1.0001)), None);
        let said = difference(&record(1.0), &record(1.1)).expect("they differ");
        assert!(said.contains("0.5 at token 2"), "{said}");
        let other = Record {
            firings: vec![],
            ..record(1.0)
        };
        assert!(difference(&record(1.0), &other).is_some());
        assert_eq!(
            difference(&record(0.01), &record(0.02)),
            None,
            "at the threshold"
        );
        assert!(difference(&record(1.0), &record(f32::NAN)).is_some());
    }
}
