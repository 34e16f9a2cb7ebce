//! What is looked at, for all panels at once: hover, lock, pins. Leaves drawing it to the panels.

use crate::session::protocol::FeatureId;

/// Pins have so many colours and numbers; more are pinned without.
pub const N_PIN_COLOURS: usize = 8;
/// Steps that can be undone.
const MAX_UNDO: usize = 100;

/// A place that can be pointed at: each part may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// A layer.
    pub layer: Option<usize>,
    /// A position.
    pub pos: Option<usize>,
    /// A feature.
    pub feature: Option<FeatureId>,
}

/// A rectangle of the map, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First and last layer.
    pub layers: (usize, usize),
    /// First and last position.
    pub positions: (usize, usize),
}

/// What stays until it is undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Layer and position are where the list looks; the feature is what the card shows.
    pub lock: Spot,
    /// A region in place of one cell.
    pub region: Option<Region>,
    /// Pinned features, in the order of their colours.
    pub pins: Vec<FeatureId>,
}

/// The selection, with what it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Under the pointer; overrides the lock while it lasts.
    pub hover: Spot,
    /// While Shift is held, hover stays as it is.
    pub frozen: bool,
    kept: Kept,
    undo: Vec<Kept>,
    redo: Vec<Kept>,
}

impl Selection {
    /// What stays.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The feature that strip and map show: under the pointer, or locked.
    pub fn feature(&self) -> Option<FeatureId> {
        self.hover.feature.or(self.kept.lock.feature)
    }

    /// Points at something, unless hover is frozen.
    pub fn point(&mut self, spot: Spot) {
        if !self.frozen {
            self.hover = spot;
        }
    }

    /// Changes what stays; it can be undone if it changed.
    pub fn change(&mut self, change: impl FnOnce(&mut Kept)) {
        let before = self.kept.clone();
        change(&mut self.kept);
        if self.kept != before {
            self.undo.push(before);
            if self.undo.len() > MAX_UNDO {
                self.undo.remove(0);
            }
            self.redo.clear();
        }
    }

    /// Locks a cell, a row (no position) or a column (no layer); the same again unlocks.
    pub fn lock_place(&mut self, layer: Option<usize>, pos: Option<usize>) {
        self.change(|it| {
            let same = (it.lock.layer, it.lock.pos) == (layer, pos) && it.region.is_none();
            (it.lock.layer, it.lock.pos) = if same { (None, None) } else { (layer, pos) };
            it.region = None;
        });
    }

    /// Locks a feature; the same again unlocks.
    pub fn lock_feature(&mut self, feature: FeatureId) {
        self.change(|it| {
            it.lock.feature = (it.lock.feature != Some(feature)).then_some(feature);
        });
    }

    /// Selects a region of the map.
    pub fn select(&mut self, region: Region) {
        self.change(|it| {
            (it.lock.layer, it.lock.pos) = (None, None);
            it.region = Some(region);
        });
    }

    /// Pins or unpins.
    pub fn pin(&mut self, feature: FeatureId) {
        self.change(|it| match it.pins.iter().position(|pin| *pin == feature) {
            Some(at) => drop(it.pins.remove(at)),
            None => it.pins.push(feature),
        });
    }

    /// Undoes one level: the feature, then region or place. Whether there was one.
    pub fn escape(&mut self) -> bool {
        let before = self.kept.clone();
        self.change(|it| {
            if it.lock.feature.is_some() {
                it.lock.feature = None;
            } else {
                it.region = None;
                (it.lock.layer, it.lock.pos) = (None, None);
            }
        });
        self.kept != before
    }

    /// Goes back one change; whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(it) = self.undo.pop() else {
            return false;
        };
        self.redo.push(std::mem::replace(&mut self.kept, it));
        true
    }

    /// Goes forward again; whether there was something.
    pub fn redo(&mut self) -> bool {
        let Some(it) = self.redo.pop() else {
            return false;
        };
        self.undo.push(std::mem::replace(&mut self.kept, it));
        true
    }

    /// For another run: places beyond it are let go, features and pins stay.
    pub fn fit(&mut self, n_layers: usize, n_pos: usize) {
        self.hover = Spot::default();
        let lock = &mut self.kept.lock;
        lock.layer = lock.layer.filter(|it| *it < n_layers);
        lock.pos = lock.pos.filter(|it| *it < n_pos);
        let fits = |it: &Region| it.layers.1 < n_layers && it.positions.1 < n_pos;
        self.kept.region = self.kept.region.filter(fits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: FeatureId = FeatureId { layer: 1, index: 2 };

    #[test]
    fn escape_undoes_one_level_at_a_time() {
        let mut it = Selection::default();
        it.lock_place(Some(1), Some(2));
        it.lock_feature(A);
        assert!(it.escape());
        assert_eq!(it.kept().lock.feature, None);
        assert_eq!(it.kept().lock.pos, Some(2));
        assert!(it.escape());
        assert!(!it.escape());
    }

    #[test]
    fn what_was_done_is_undone_and_done_again() {
        let mut it = Selection::default();
        it.pin(A);
        it.lock_feature(A);
        assert!(it.undo() && it.undo() && !it.undo());
        assert_eq!(*it.kept(), Kept::default());
        assert!(it.redo() && it.redo() && !it.redo());
        assert_eq!((it.kept().pins.len(), it.feature()), (1, Some(A)));
    }

    #[test]
    fn frozen_hover_stays_and_a_shorter_run_lets_places_go() {
        let mut it = Selection::default();
        let spot = Spot {
            pos: Some(3),
            ..Spot::default()
        };
        it.point(spot);
        it.frozen = true;
        it.point(Spot::default());
        assert_eq!(it.hover, spot);
        it.lock_place(None, Some(9));
        it.pin(A);
        it.fit(2, 4);
        assert_eq!(it.kept().lock.pos, None);
        assert_eq!(it.kept().pins, [A]);
    }
}
