//! The map of tokens by layers as plain data, whoever draws it. Leaves drawing to `session`.

use serde::{Deserialize, Serialize};

/// The faintest shade of what is not nothing.
pub const FAINTEST: f32 = 0.18;

/// What a cell of the map tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapMetric {
    /// The strongest activation.
    #[default]
    Max,
    /// The sum of activations.
    Sum,
    /// How many features are active.
    Count,
}

/// A map and what is written around it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapPicture {
    /// Above it.
    pub title: String,
    /// The tokens, a column each.
    pub tokens: Vec<String>,
    /// How many rows.
    pub n_layers: usize,
    /// `[n_layers, n_pos]`, the lowest layer first; none where nothing is known.
    pub cells: Vec<Option<f32>>,
    /// What the cells tell.
    pub legend: String,
    /// Whether shades are logarithmic.
    pub log: bool,
    /// Whether it is drawn on a dark ground.
    pub dark: bool,
    /// Below it: model, precision and whatever else, a line each.
    pub caption: Vec<String>,
    /// Opens the same view.
    pub link: Option<String>,
}

impl MapMetric {
    /// What stands at the legend.
    pub fn legend(self) -> &'static str {
        match self {
            Self::Max => "strongest activation",
            Self::Sum => "sum of activations",
            Self::Count => "active features",
        }
    }
}

/// The largest of the cells `[n_layers, n_pos]`, the first token left out, which dwarfs the others; 0 where nothing is known.
pub fn map_scale(cells: &[Option<f32>], n_pos: usize) -> f32 {
    let first = usize::from(n_pos > 1);
    let rows = cells.chunks_exact(n_pos.max(1));
    let all = rows.flat_map(|it| it.iter().skip(first)).flatten();
    all.copied().filter(|it| it.is_finite()).fold(0.0, f32::max)
}

/// How deep a cell is shaded, 0 to 1; nothing is the ground itself.
pub fn map_shade(value: f32, scale: f32, log: bool) -> f32 {
    if value.is_nan() || value <= 0.0 || scale <= 0.0 {
        return 0.0;
    }
    let share = (value / scale).clamp(0.0, 1.0);
    let share = match log {
        true => (1.0 + 9.0 * share).log10(),
        false => share,
    };
    FAINTEST + (1.0 - FAINTEST) * share
}

/// A colour between the ground, at depth 0, and the ink, at depth 1.
pub fn map_colour(ground: [u8; 3], ink: [u8; 3], depth: f32) -> [u8; 3] {
    let mix = |at: usize| {
        let (from, to) = (f32::from(ground[at]), f32::from(ink[at]));
        (from + depth * (to - from)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_grow_and_begin_above_nothing() {
        for log in [false, true] {
            assert_eq!(map_shade(0.0, 1.0, log), 0.0);
            assert!(map_shade(1e-9, 1.0, log) >= FAINTEST);
            assert!(map_shade(0.2, 1.0, log) < map_shade(0.3, 1.0, log));
            assert!(map_shade(9.0, 1.0, log) <= 1.0);
        }
    }

    #[test]
    fn the_first_token_does_not_count_for_the_scale() {
        let cells = [
            Some(90.0),
            Some(2.0),
            None,
            Some(80.0),
            Some(f32::NAN),
            Some(3.0),
        ];
        assert_eq!(map_scale(&cells, 3), 3.0);
        assert_eq!(map_scale(&[Some(4.0)], 1), 4.0);
        assert_eq!(map_scale(&[], 0), 0.0);
    }

    #[test]
    fn colours_go_from_the_ground_to_the_ink() {
        let (ground, ink) = ([0, 100, 255], [255, 100, 0]);
        assert_eq!(map_colour(ground, ink, 0.0), ground);
        assert_eq!(map_colour(ground, ink, 1.0), ink);
        assert_eq!(map_colour(ground, ink, 0.5), [128, 100, 128]);
    }
}
