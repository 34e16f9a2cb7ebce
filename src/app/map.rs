//! The map of tokens by layers: what cells tell, their colours, and where they lie. Leaves painting to `map_view`.

use super::{options::Metric, record::Record};
use crate::{
    session::protocol::FeatureId,
    spec::{map_colour, map_scale, map_shade},
};

/// Up to here columns are wide; more tokens make them narrower, down to the least.
const N_WIDE: usize = 60;
const CELL_PX: (f32, f32) = (14.0, 44.0);
const NARROW_PX: f32 = 6.0;
/// Room that a token's name takes in the width, aslant.
const NAME_PX: f32 = 13.0;
const HEIGHT_PX: (f32, f32) = (14.0, 28.0);
/// What a page full of layers takes.
const FULL_PX: f32 = 364.0;

/// The room that the map takes when it is not made large, in CSS pixels.
pub const ROOM_PX: f32 = 410.0;

/// What the cells tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Rows, the lowest layer first.
    pub n_layers: usize,
    /// Columns.
    pub n_pos: usize,
    /// Row by row; none where nothing is known.
    pub cells: Vec<Option<f32>>,
}

/// Where cells lie.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Layout {
    /// Of a cell, in CSS pixels.
    pub cell_width: f32,
    /// Of a cell, in CSS pixels.
    pub cell_height: f32,
    /// Columns.
    pub n_pos: usize,
    /// Rows.
    pub n_layers: usize,
}

/// What a metric says of every cell.
pub fn grid(
    record: &Record,
    metric: Metric,
    locked: Option<FeatureId>,
    pins: &[FeatureId],
) -> Grid {
    let (n_layers, n_pos) = (record.n_layers, record.n_pos());
    let mut cells = vec![None; n_layers * n_pos];
    for layer in 0..n_layers {
        let row = &mut cells[layer * n_pos..(layer + 1) * n_pos];
        match metric {
            Metric::Error => {
                let errors = record.errors.get(&layer).into_iter().flatten();
                row.iter_mut()
                    .zip(errors)
                    .for_each(|(to, it)| *to = Some(*it));
            }
            _ if record.loaded.get(layer) == Some(&true) => row.fill(Some(0.0)),
            _ => (),
        }
    }
    if metric != Metric::Error {
        for it in &record.firings {
            let counts = match metric {
                Metric::Locked => locked == Some(it.feature()),
                Metric::Pinned => pins.contains(&it.feature()),
                _ => true,
            };
            let at = it.layer as usize * n_pos + it.pos as usize;
            if let Some(Some(cell)) = cells.get_mut(at).filter(|_| counts) {
                *cell = match metric {
                    Metric::Count => *cell + 1.0,
                    Metric::Sum => *cell + it.activation,
                    _ => cell.max(it.activation),
                };
            }
        }
    }
    Grid {
        n_layers,
        n_pos,
        cells,
    }
}

impl Grid {
    /// What a cell tells.
    #[cfg(test)]
    pub fn at(&self, layer: usize, pos: usize) -> Option<f32> {
        let inside = pos < self.n_pos;
        self.cells
            .get(layer * self.n_pos + pos)
            .copied()
            .flatten()
            .filter(|_| inside)
    }

    /// The largest value, the first token left out, which dwarfs the others.
    pub fn scale(&self) -> f32 {
        map_scale(&self.cells, self.n_pos)
    }

    /// Sums over tokens, the first left out, by layer.
    pub fn by_layer(&self) -> Vec<f32> {
        let rows = self.cells.chunks_exact(self.n_pos.max(1));
        rows.map(|it| it.iter().skip(1).flatten().sum()).collect()
    }

    /// Sums over layers, by token.
    pub fn by_token(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.n_pos];
        for row in self.cells.chunks_exact(self.n_pos.max(1)) {
            out.iter_mut()
                .zip(row)
                .for_each(|(to, it)| *to += it.unwrap_or(0.0));
        }
        out
    }
}

/// RGBA of the cells, `[n_layers, n_pos]` with the highest layer on top; what is not known is transparent.
pub fn pixels(grid: &Grid, ink: [u8; 3], ground: [u8; 3], log: bool) -> Vec<u8> {
    let scale = grid.scale();
    let mut out = Vec::with_capacity(4 * grid.cells.len());
    for row in grid.cells.chunks_exact(grid.n_pos.max(1)).rev() {
        for cell in row {
            let Some(value) = cell else {
                out.extend([0; 4]);
                continue;
            };
            let depth = map_shade(*value, scale, log);
            out.extend(map_colour(ground, ink, depth));
            out.push(255);
        }
    }
    out
}

impl Layout {
    /// Cells for a room so many CSS pixels wide.
    pub fn fit(n_pos: usize, n_layers: usize, width_px: f32) -> Self {
        let even = width_px / n_pos.max(1) as f32;
        let (least, most) = match n_pos <= N_WIDE {
            true => CELL_PX,
            false => (NARROW_PX, CELL_PX.0),
        };
        let tall = FULL_PX / n_layers.max(1) as f32;
        Self {
            cell_width: even.clamp(least, most).floor(),
            cell_height: tall.clamp(HEIGHT_PX.0, HEIGHT_PX.1).floor(),
            n_pos,
            n_layers,
        }
    }

    /// Whether a token's name stands over its column: names that would lie over each other are left out.
    pub fn names(&self, pos: usize) -> bool {
        let every = (NAME_PX / self.cell_width.max(1.0)).ceil() as usize;
        pos.is_multiple_of(every.max(1))
    }

    /// Of the whole map.
    pub fn width(&self) -> f32 {
        self.cell_width * self.n_pos as f32
    }

    /// Of the whole map.
    pub fn height(&self) -> f32 {
        self.cell_height * self.n_layers as f32
    }

    /// The cell under a point: its layer and position.
    pub fn hit(&self, x: f32, y: f32) -> Option<(usize, usize)> {
        if !(x >= 0.0 && y >= 0.0 && x < self.width() && y < self.height()) {
            return None;
        }
        let pos = ((x / self.cell_width) as usize).min(self.n_pos - 1);
        let row = ((y / self.cell_height) as usize).min(self.n_layers - 1);
        Some((self.n_layers - 1 - row, pos))
    }

    /// Left, top, width and height of a cell.
    pub fn cell(&self, layer: usize, pos: usize) -> (f32, f32, f32, f32) {
        let row = self.n_layers.saturating_sub(layer + 1);
        let (left, top) = (pos as f32 * self.cell_width, row as f32 * self.cell_height);
        (left, top, self.cell_width, self.cell_height)
    }
}

/// The bars beside the layers, as shares of the longest in percent.
pub fn layer_shares(grid: &Grid) -> Vec<String> {
    shares(&grid.by_layer(), 0)
}

/// The bars under the tokens, as shares of the longest in percent, the first token's left out of that.
pub fn token_shares(grid: &Grid) -> Vec<String> {
    shares(&grid.by_token(), 1)
}

fn shares(sums: &[f32], first: usize) -> Vec<String> {
    let counted = sums.iter().skip(first).copied();
    let most = counted.fold(f32::MIN_POSITIVE, f32::max);
    // The sum of nothing is -0.0 in Rust.
    let share = |it: &f32| format!("{:.1}%", 100.0 * (it / most).clamp(0.0, 1.0) + 0.0);
    sums.iter().map(share).collect()
}

/// Where a key leads from a cell.
pub fn step(
    (layer, pos): (usize, usize),
    key: &str,
    ctrl: bool,
    n_layers: usize,
    n_pos: usize,
) -> Option<(usize, usize)> {
    let (top, last) = (n_layers.checked_sub(1)?, n_pos.checked_sub(1)?);
    let to = match (key, ctrl) {
        ("ArrowUp" | "PageUp", false) => (layer + 1, pos),
        ("ArrowDown" | "PageDown", false) => (layer.saturating_sub(1), pos),
        ("ArrowRight", false) => (layer, pos + 1),
        ("ArrowLeft", false) => (layer, pos.saturating_sub(1)),
        ("Home", false) => (layer, 0),
        ("End", false) => (layer, last),
        ("Home", true) => (top, 0),
        ("End", true) => (0, last),
        _ => return None,
    };
    Some((to.0.min(top), to.1.min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::Token;

    fn record() -> Record {
        let token = Token {
            id: 1,
            piece: "a".into(),
            bytes: None,
            special: false,
        };
        let mut it = Record {
            n_layers: 3,
            loaded: vec![false; 3],
            tokens: vec![token; 4],
            ..Record::default()
        };
        it.set_layer(0, &[0, 1, 1, 1, 1, 2], &[90.0, 2.0, 3.0]);
        it.set_layer(2, &[3, 1], &[4.0]);
        it
    }

    #[test]
    fn cells_tell_what_the_metric_says_and_layers_that_are_not_there_nothing() {
        let of = |metric| {
            grid(
                &record(),
                metric,
                Some(FeatureId { layer: 0, index: 2 }),
                &[],
            )
        };
        assert_eq!(of(Metric::Count).at(0, 1), Some(2.0));
        assert_eq!(of(Metric::Largest).at(0, 1), Some(3.0));
        assert_eq!(of(Metric::Sum).at(0, 1), Some(5.0));
        assert_eq!(of(Metric::Locked).at(0, 1), Some(3.0));
        assert_eq!(of(Metric::Pinned).at(0, 1), Some(0.0));
        assert_eq!(of(Metric::Count).at(1, 1), None);
        assert_eq!(of(Metric::Error).at(0, 1), None);
        assert_eq!(
            of(Metric::Largest).scale(),
            4.0,
            "the first token is left out"
        );
        assert_eq!(of(Metric::Sum).by_layer(), [5.0, 0.0, 4.0]);
        assert_eq!(of(Metric::Count).by_token(), [1.0, 2.0, 0.0, 1.0]);
    }

    #[test]
    fn the_highest_layer_is_painted_on_top_and_nothing_is_the_ground() {
        let grid = grid(&record(), Metric::Count, None, &[]);
        let out = pixels(&grid, [200, 100, 0], [255, 255, 255], false);
        assert_eq!(out.len(), 4 * 12);
        assert_eq!(out[..4], [255, 255, 255, 255]);
        assert!(out[12] < 255, "layer 2, token 3");
        assert_eq!(out[16..20], [0; 4], "layer 1 is not there");
    }

    #[test]
    fn the_middle_of_a_cell_is_in_it_at_every_size() {
        for (n_pos, n_layers) in [(1, 1), (11, 6), (60, 26), (61, 26), (512, 26)] {
            let layout = Layout::fit(n_pos, n_layers, 480.0);
            for (layer, pos) in [(0, 0), (n_layers - 1, n_pos - 1), (n_layers / 2, n_pos / 2)] {
                let (x, y, width, height) = layout.cell(layer, pos);
                assert_eq!(
                    layout.hit(x + width / 2.0, y + height / 2.0),
                    Some((layer, pos))
                );
            }
            assert_eq!(layout.hit(layout.width(), 0.0), None);
            assert_eq!(layout.hit(-1.0, 0.0), None);
        }
        assert_eq!(Layout::fit(512, 26, 480.0).cell_width, NARROW_PX);
    }

    #[test]
    fn bars_are_shares_of_the_longest_and_names_keep_apart() {
        let grid = grid(&record(), Metric::Sum, None, &[]);
        assert_eq!(layer_shares(&grid), ["100.0%", "0.0%", "80.0%"]);
        assert_eq!(token_shares(&grid)[0], "100.0%", "the first is cut");
        let names = |n_pos| {
            let layout = Layout::fit(n_pos, 26, 480.0);
            (0..n_pos).filter(|it| layout.names(*it)).count()
        };
        assert_eq!((names(11), names(512)), (11, 171));
    }

    #[test]
    fn keys_stay_inside() {
        assert_eq!(step((2, 3), "ArrowUp", false, 3, 4), Some((2, 3)));
        assert_eq!(step((0, 0), "ArrowLeft", false, 3, 4), Some((0, 0)));
        assert_eq!(step((1, 1), "Home", true, 3, 4), Some((2, 0)));
        assert_eq!(step((1, 1), "x", false, 3, 4), None);
        assert_eq!(step((0, 0), "End", false, 0, 0), None);
    }
}
