//! Pictures beside the map: a feature along the prompt, the logit lens, figures by layer, a histogram. Pure functions of plain data; leaves
//! their frame to `drawing`.

use super::{
    drawing::{Align, Body, Fill, LETTER, LINE, Mark, name, rounded},
    map::{GUTTER, names_above},
};
use crate::spec::{Distribution, Splice, SpliceMetrics, TokenSpread, TokenValue, map_shade};

/// How far tokens in a row go before they go on in the next, and letters of one.
const ROW_WIDTH: f32 = 860.0;
const MOST_LETTERS: usize = 24;
/// Width and height of a cell of the lens, and letters in it.
const LENS_CELL: (f32, f32) = (72.0, 17.0);
const LENS_LETTERS: usize = 10;
/// Of a bar of a layer, and of a histogram.
const LAYER_BAR: (f32, f32) = (44.0, 70.0);
const HISTOGRAM: (f32, f32) = (420.0, 90.0);
/// Tokens of each end told under a histogram.
const N_TOKENS: usize = 10;
/// Of its columns of tokens.
const TOKEN_COLUMN: f32 = 210.0;

/// A figure of a layer, where there is one.
type Figure = fn(&SpliceMetrics) -> Option<f64>;

/// Tokens in rows, each shaded by its activation of `scale`, which stands below it.
pub fn strip(tokens: &[String], activations: &[f32], scale: f32) -> Body {
    const HEIGHT: f32 = 18.0;
    let mut out = Body::default();
    let (mut x, mut y) = (0.0, 0.0);
    for (token, value) in tokens.iter().zip(activations) {
        let token = name(token, MOST_LETTERS);
        let shown = match *value > 0.0 {
            true => rounded(*value),
            false => String::new(),
        };
        let n_letters = token.chars().count().max(shown.chars().count()).max(1);
        let width = n_letters as f32 * LETTER + 8.0;
        if x > 0.0 && x + width > ROW_WIDTH {
            (x, y) = (0.0, y + HEIGHT + LINE + 6.0);
        }
        let place = [x, y, width, HEIGHT];
        let depth = map_shade(*value, scale, false);
        out.marks.push(Mark::Box(place, Fill::Shade(depth)));
        out.marks.push(Mark::Outline(place));
        let middle = x + width / 2.0;
        out.marks
            .push(Mark::Text([middle, y + 13.0], Align::Middle, token));
        if !shown.is_empty() {
            let below = [middle, y + HEIGHT + 12.0];
            out.marks.push(Mark::Text(below, Align::Middle, shown));
        }
        x += width;
        out.width = out.width.max(x);
    }
    out.height = y + HEIGHT + LINE;
    out
}

/// The most probable token after each layer at each position, shaded by its probability; the highest layer is on top.
pub fn lens(tokens: &[String], told: &[(usize, Vec<Distribution>)]) -> Body {
    let (width, height) = LENS_CELL;
    let (mut marks, slant) = names_above(tokens, (GUTTER, width));
    for (row, (layer, all)) in told.iter().rev().enumerate() {
        let y = slant + height * row as f32;
        let text = format!("L{layer}");
        marks.push(Mark::Text([GUTTER - 6.0, y + 12.0], Align::End, text));
        for (pos, it) in all.iter().enumerate() {
            let Some(top) = it.top.first() else {
                continue;
            };
            let place = [GUTTER + width * pos as f32, y, width, height];
            let depth = map_shade(top.probability, 1.0, false);
            marks.push(Mark::Box(place, Fill::Shade(depth)));
            let text = name(&named(top.id, &top.piece), LENS_LETTERS);
            let middle = [place[0] + width / 2.0, y + 12.0];
            marks.push(Mark::Text(middle, Align::Middle, text));
        }
    }
    let (map_width, map_height) = (width * tokens.len() as f32, height * told.len() as f32);
    marks.push(Mark::Outline([GUTTER, slant, map_width, map_height]));
    Body {
        width: GUTTER + map_width + slant,
        height: slant + map_height,
        marks,
    }
}

/// L0, FVU and delta loss, a bar for each layer, and one for all together where there is one.
pub fn figures(told: &[SpliceMetrics]) -> Body {
    let panels: [(&str, Figure); 3] = [
        ("L0: features active per token", |it| it.l0),
        ("FVU: share of the variance that is not rebuilt", |it| {
            it.fvu
        }),
        ("delta loss: nats per token", |it| Some(it.delta_loss)),
    ];
    let mut out = Body {
        width: told.len() as f32 * LAYER_BAR.0,
        ..Body::default()
    };
    for (title, of) in panels {
        out.marks.push(Mark::Text(
            [0.0, out.height + 12.0],
            Align::Start,
            title.into(),
        ));
        out.height += 2.0 * LINE;
        panel(&mut out, told, of);
    }
    out
}

/// Bars of a figure; those below nothing hang from the line.
fn panel(out: &mut Body, told: &[SpliceMetrics], of: Figure) {
    let (width, height) = LAYER_BAR;
    let values: Vec<Option<f32>> = told.iter().map(|it| of(it).map(|it| it as f32)).collect();
    let finite = || values.iter().flatten().copied().filter(|it| it.is_finite());
    let (low, high) = (finite().fold(0.0, f32::min), finite().fold(0.0, f32::max));
    let per_unit = height / (high - low).max(f32::MIN_POSITIVE);
    let line = out.height + high * per_unit;
    for (at, (it, value)) in told.iter().zip(&values).enumerate() {
        let x = width * at as f32;
        let middle = x + width / 2.0;
        if let Some(value) = value.filter(|it| it.is_finite()) {
            let (top, size) = (line - value.max(0.0) * per_unit, value.abs() * per_unit);
            let bar = [x + 2.0, top, width - 4.0, size];
            out.marks.push(Mark::Box(bar, Fill::Shade(1.0)));
            let above = [middle, top - 2.0];
            let text = name(&rounded(value), 8);
            out.marks.push(Mark::Text(above, Align::Middle, text));
        }
        let text = match it.splice {
            Splice::Layer(layer) => format!("L{layer}"),
            Splice::All => "all".into(),
        };
        let below = [middle, out.height + height + 12.0];
        out.marks.push(Mark::Text(below, Align::Middle, text));
    }
    let level = [0.0, line, width * told.len() as f32];
    out.marks.push(Mark::Level(level));
    out.height += height + 2.0 * LINE;
}

/// How a feature's effects on the logits of all tokens are spread, logarithmic, and the tokens at both ends.
pub fn spread(it: &TokenSpread) -> Body {
    let (width, height) = HISTOGRAM;
    let histogram = &it.histogram;
    let mut marks = Vec::new();
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let step = width / histogram.counts.len().max(1) as f32;
    for (at, n) in histogram.counts.iter().enumerate() {
        let share = (1.0 + *n as f32).ln() / (1.0 + most as f32).ln();
        let bar = [
            step * at as f32,
            height * (1.0 - share),
            step,
            height * share,
        ];
        if *n > 0 {
            marks.push(Mark::Box(bar, Fill::Shade(1.0)));
        }
    }
    marks.push(Mark::Level([0.0, height, width]));
    let y = height + 13.0;
    let (low, high) = (rounded(histogram.low), rounded(histogram.high));
    marks.push(Mark::Text([0.0, y], Align::Start, low));
    marks.push(Mark::Text([width, y], Align::End, high));
    if histogram.low < 0.0 && histogram.high > 0.0 {
        let zero = width * -histogram.low / (histogram.high - histogram.low);
        marks.push(Mark::Text([zero, y], Align::Middle, "0".into()));
    }
    let mut column = |x: f32, head: &str, all: &[TokenValue]| {
        let mut y = height + 3.0 * LINE;
        marks.push(Mark::Text([x, y], Align::Start, head.into()));
        for it in all.iter().take(N_TOKENS) {
            y += LINE;
            let token = name(&named(it.id, &it.piece), MOST_LETTERS);
            let text = format!("{} {token}", rounded(it.value));
            marks.push(Mark::Text([x, y], Align::Start, text));
        }
    };
    column(0.0, "promotes", &it.top);
    column(TOKEN_COLUMN, "suppresses", &it.bottom);
    let n_lines = 4 + N_TOKENS.min(it.top.len().max(it.bottom.len()));
    Body {
        width,
        height: height + LINE * n_lines as f32,
        marks,
    }
}

/// A token's text, or its number where there is none.
pub fn named(id: u32, piece: &str) -> String {
    match piece.is_empty() {
        true => id.to_string(),
        false => piece.into(),
    }
}

#[cfg(test)]
#[path = "charts_tests.rs"]
mod tests;
