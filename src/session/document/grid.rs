//! The cells of the map of a run: what its features come to, by layer and position. Plain arithmetic, no engine.

use super::super::firings::Firing;
use crate::spec::MapMetric;

/// `[n_layers, n_pos]`; nothing is known of layers other than `told`.
pub fn cells(
    firings: &[Firing],
    (n_layers, n_pos): (usize, usize),
    told: &[usize],
    metric: MapMetric,
) -> Vec<Option<f32>> {
    let mut out: Vec<Option<f32>> = vec![None; n_layers * n_pos];
    for layer in told.iter().filter(|it| **it < n_layers) {
        out[layer * n_pos..(layer + 1) * n_pos].fill(Some(0.0));
    }
    // Of a derived run those are listed too that are active in the clean one only.
    for it in firings
        .iter()
        .filter(|it| it.activation > 0.0 && it.pos < n_pos)
    {
        if let Some(Some(cell)) = out.get_mut(it.layer * n_pos + it.pos) {
            *cell = match metric {
                MapMetric::Max => cell.max(it.activation),
                MapMetric::Sum => *cell + it.activation,
                MapMetric::Count => *cell + 1.0,
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_a_cell() {
        let firing = |layer, pos, activation| Firing {
            layer,
            pos,
            index: 7,
            activation,
            clean: None,
        };
        let firings = [firing(0, 1, 2.0), firing(0, 1, 3.0), firing(2, 0, 0.0)];
        let of = |metric| cells(&firings, (3, 2), &[0, 2], metric);
        assert_eq!(
            of(MapMetric::Max),
            [Some(0.0), Some(3.0), None, None, Some(0.0), Some(0.0)]
        );
        assert_eq!(of(MapMetric::Sum)[1], Some(5.0));
        assert_eq!(of(MapMetric::Count)[1], Some(2.0));
        assert_eq!(of(MapMetric::Count)[4], Some(0.0));
    }
}
