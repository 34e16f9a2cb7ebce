//! Interventions as they apply: at each position of a prompt, and on through what is generated.

use super::{Features, ScopeError};
use crate::spec::{FeatureId, Intervention, Mode, Operation};

/// What is added to a feature at a position: `value + factor * current`, times its row of the decoder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steer {
    /// The layer.
    pub layer: usize,
    /// The position.
    pub pos: usize,
    /// The feature.
    pub index: usize,
    /// The value that the feature is to have, for the report; none where it follows from what it is in the run.
    pub applied: Option<f32>,
    /// Added as it is.
    pub value: f32,
    /// Added for each unit of what is re-encoded in the run.
    pub factor: f32,
}

/// Interventions, checked, in the order of layer, position and feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steering {
    of_prompt: Vec<Steer>,
    open: Vec<Intervention>,
    n_pos: usize,
}

impl Steering {
    /// Interventions on a prompt of `n_pos` positions whose clean run had these features.
    ///
    /// Errors: [`ScopeError::Positions`], [`ScopeError::Contradiction`], [`ScopeError::NotFinite`], [`ScopeError::NotLoaded`] if the
    /// clean run was not looked at in a layer.
    pub fn new(
        interventions: &[Intervention],
        clean: &Features,
        n_pos: usize,
        mode: Mode,
    ) -> Result<Self, ScopeError> {
        check(interventions, n_pos)?;
        let mut of_prompt = Vec::new();
        for it in interventions {
            for pos in it.positions.range(n_pos)? {
                let FeatureId { layer, index } = it.feature;
                let clean = clean.activation(layer, pos, index).unwrap_or(0.0);
                let wanted = it.operation.value(clean);
                let (value, factor) = match mode {
                    Mode::Direct => (wanted - clean, 0.0),
                    Mode::Frozen | Mode::Free => (wanted, -1.0),
                };
                of_prompt.push(Steer {
                    layer,
                    pos,
                    index,
                    applied: Some(wanted),
                    value,
                    factor,
                });
            }
        }
        of_prompt.sort_by_key(|it| (it.layer, it.pos, it.index));
        let open = interventions.iter().filter(|it| it.positions.is_open());
        Ok(Self {
            of_prompt,
            open: open.copied().collect(),
            n_pos,
        })
    }

    /// The lowest layer that is touched.
    pub fn lowest_layer(&self) -> Option<usize> {
        self.of_prompt.first().map(|it| it.layer)
    }

    /// Whether a layer is touched.
    pub fn touches(&self, layer: usize) -> bool {
        self.of_prompt.iter().any(|it| it.layer == layer)
    }

    /// The features that are touched.
    pub fn features(&self) -> impl Iterator<Item = FeatureId> {
        let id = |it: &Steer| FeatureId {
            layer: it.layer,
            index: it.index,
        };
        self.of_prompt.iter().map(id)
    }

    /// What applies to the prompt.
    pub fn of_prompt(&self) -> &[Steer] {
        &self.of_prompt
    }

    /// What applies in a layer at some positions, in the order of position and feature.
    pub fn at(&self, layer: usize, positions: std::ops::Range<usize>) -> Vec<Steer> {
        let there = |it: &&Steer| it.layer == layer && positions.contains(&it.pos);
        let mut out: Vec<Steer> = self.of_prompt.iter().filter(there).copied().collect();
        for pos in positions.start.max(self.n_pos)..positions.end {
            let open = self.open.iter().filter(|it| it.feature.layer == layer);
            let mut of_pos: Vec<Steer> = open.map(|it| generated(it, pos)).collect();
            of_pos.sort_by_key(|it| it.index);
            out.extend(of_pos);
        }
        out
    }
}

/// An open intervention on a token that was generated: there is no clean run to take multiples of, so they are of the run itself.
fn generated(it: &Intervention, pos: usize) -> Steer {
    let (value, factor) = match it.operation {
        Operation::Set(value) => (value, -1.0),
        Operation::Ablate => (0.0, -1.0),
        Operation::Scale(times) => (0.0, times - 1.0),
        Operation::Add(more) => (more, 0.0),
    };
    let applied = match it.operation {
        Operation::Set(_) | Operation::Ablate => Some(value),
        _ => None,
    };
    Steer {
        layer: it.feature.layer,
        pos,
        index: it.feature.index,
        applied,
        value,
        factor,
    }
}

/// Numbers must be finite, positions the prompt's own, and no feature set twice at a position.
fn check(interventions: &[Intervention], n_pos: usize) -> Result<(), ScopeError> {
    for (n, it) in interventions.iter().enumerate() {
        if !it.operation.is_finite() {
            return Err(ScopeError::NotFinite { intervention: *it });
        }
        let range = it.positions.range(n_pos)?;
        for earlier in interventions[..n]
            .iter()
            .filter(|e| e.feature == it.feature)
        {
            let other = earlier.positions.range(n_pos)?;
            let pos = range.start.max(other.start);
            if pos < range.end.min(other.end) {
                return Err(ScopeError::Contradiction {
                    first: *earlier,
                    second: *it,
                    pos,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Active;

    fn parse(texts: &[&str]) -> Vec<Intervention> {
        texts.iter().map(|it| it.parse().expect(it)).collect()
    }

    #[test]
    fn multiples_are_of_the_clean_run() {
        let mut clean = Features::default();
        clean.push(
            2,
            Active {
                pos: 3,
                index: 7,
                activation: 2.0,
            },
        );
        let of = |text, mode| Steering::new(&parse(&[text]), &clean, 5, mode).expect(text);
        let frozen = of("2:3-4:7=x2", Mode::Frozen);
        let told: Vec<_> = frozen
            .of_prompt()
            .iter()
            .map(|it| (it.pos, it.value))
            .collect();
        assert_eq!(told, [(3, 4.0), (4, 0.0)]);
        let direct = of("2:3:7=x2", Mode::Direct).of_prompt()[0];
        assert_eq!(
            (direct.value, direct.factor, direct.applied),
            (2.0, 0.0, Some(4.0))
        );
    }

    #[test]
    fn open_positions_go_on() {
        let steering = Steering::new(
            &parse(&["1:2-:7=3", "1:0:8=off"]),
            &Features::default(),
            4,
            Mode::Free,
        )
        .expect("steering");
        assert_eq!(steering.at(1, 0..4).len(), 3);
        let beyond = steering.at(1, 9..10);
        assert_eq!(
            (beyond.len(), beyond[0].value, beyond[0].factor),
            (1, 3.0, -1.0)
        );
    }

    #[test]
    fn contradictions_name_both() {
        let twice = parse(&["1:0-2:7=1", "2:0-2:7=1", "1:2-:7=x2"]);
        let error = Steering::new(&twice, &Features::default(), 4, Mode::Free).expect_err("twice");
        let ScopeError::Contradiction { first, second, pos } = error else {
            panic!("{error}")
        };
        assert_eq!((first, second, pos), (twice[0], twice[2], 2));
        let beyond = Steering::new(&parse(&["1:9:7=1"]), &Features::default(), 4, Mode::Free);
        assert!(matches!(beyond, Err(ScopeError::Positions(_))));
    }
}
