//! Active features on the host: lists by layer, in the order of position and index.

use std::collections::BTreeMap;

/// A feature that is active at a position of some layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Active {
    /// The position.
    pub pos: u32,
    /// The feature.
    pub index: u32,
    /// Its activation.
    pub activation: f32,
}

/// Active features of a run, by layer; a layer that was looked at and has none is there with an empty list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    layers: BTreeMap<usize, Vec<Active>>,
}

/// A feature in two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changed {
    /// The position.
    pub pos: u32,
    /// The feature.
    pub index: u32,
    /// Its activation, 0 if it is not active.
    pub activation: f32,
    /// What it was.
    pub clean: f32,
}

impl Features {
    /// Notes that a layer was looked at.
    pub fn touch(&mut self, layer: usize) {
        self.layers.entry(layer).or_default();
    }

    /// Adds a feature, behind those of the layer that are there.
    pub fn push(&mut self, layer: usize, it: Active) {
        self.layers.entry(layer).or_default().push(it);
    }

    /// Takes layers of another list in place of those here.
    pub fn replace(&mut self, other: Self) {
        self.layers.extend(other.layers);
    }

    /// The layers looked at.
    pub fn layers(&self) -> impl Iterator<Item = usize> {
        self.layers.keys().copied()
    }

    /// Features of a layer; none if it was not looked at.
    pub fn of(&self, layer: usize) -> Option<&[Active]> {
        self.layers.get(&layer).map(Vec::as_slice)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.layers.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The activation of a feature, 0 if it is not active; none for a layer that was not looked at.
    pub fn activation(&self, layer: usize, pos: usize, index: usize) -> Option<f32> {
        let of_layer = self.of(layer)?;
        let place = (pos as u32, index as u32);
        let found = of_layer.binary_search_by_key(&place, |it| (it.pos, it.index));
        Some(found.map_or(0.0, |at| of_layer[at].activation))
    }
}

/// Features of two lists of a layer, side by side, in order.
pub fn side_by_side(now: &[Active], clean: &[Active]) -> Vec<Changed> {
    let place = |it: &Active| (it.pos, it.index);
    let (mut a, mut b) = (now.iter().peekable(), clean.iter().peekable());
    let mut out = Vec::with_capacity(now.len().max(clean.len()));
    loop {
        let first = match (a.peek(), b.peek()) {
            (None, None) => return out,
            (Some(it), None) | (None, Some(it)) => place(it),
            (Some(it), Some(other)) => place(it).min(place(other)),
        };
        let activation = a.next_if(|it| place(it) == first);
        let clean = b.next_if(|it| place(it) == first);
        out.push(Changed {
            pos: first.0,
            index: first.1,
            activation: activation.map_or(0.0, |it| it.activation),
            clean: clean.map_or(0.0, |it| it.activation),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(pos: u32, index: u32, activation: f32) -> Active {
        Active {
            pos,
            index,
            activation,
        }
    }

    #[test]
    fn two_runs_stand_side_by_side() {
        let now = [active(0, 3, 1.0), active(1, 2, 5.0)];
        let clean = [active(0, 3, 2.0), active(0, 7, 4.0), active(2, 0, 6.0)];
        let both: Vec<_> = side_by_side(&now, &clean)
            .iter()
            .map(|it| (it.pos, it.index, it.activation, it.clean))
            .collect();
        let expected = [
            (0, 3, 1.0, 2.0),
            (0, 7, 0.0, 4.0),
            (1, 2, 5.0, 0.0),
            (2, 0, 0.0, 6.0),
        ];
        assert_eq!(both, expected);
    }

    #[test]
    fn what_is_not_listed_is_not_active() {
        let mut features = Features::default();
        features.push(2, active(1, 7, 3.0));
        assert_eq!(features.activation(2, 1, 7), Some(3.0));
        assert_eq!(features.activation(2, 1, 8), Some(0.0));
        assert_eq!(features.activation(3, 1, 7), None);
    }
}
