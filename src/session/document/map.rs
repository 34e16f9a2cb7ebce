//! The map of tokens by layers as a picture: a pure function of plain data. Leaves its frame to `drawing`.

use super::{
    drawing::{Align, Body, Fill, LETTER, LINE, Legend, Mark, Sheet, name},
    trouble::DocumentTrouble,
};
use crate::spec::{MapPicture, map_scale, map_shade};

/// Cells that a picture holds at most: each may be an element of its own.
pub const MOST_CELLS: usize = 1 << 17;
/// Width and height of a cell, and the least width where there are many tokens.
const CELL: (f32, f32) = (30.0, 16.0);
const NARROW: f32 = 8.0;
/// Up to so many tokens columns are wide.
const N_WIDE: usize = 60;
/// Room for the numbers of layers.
pub const GUTTER: f32 = 34.0;
/// Letters of a token's name.
const MOST_NAME: usize = 14;

/// The picture.
///
/// Errors: cells that are not as many as layers by tokens, or too many.
pub fn svg(map: &MapPicture) -> Result<String, DocumentTrouble> {
    let (n_cells, n_pos) = (map.cells.len(), map.tokens.len());
    let n_layers = map.n_layers;
    if n_layers.checked_mul(n_pos) != Some(n_cells) {
        return Err(DocumentTrouble::Cells {
            n_cells,
            n_layers,
            n_pos,
        });
    }
    check_cells(n_cells)?;
    let scale = map_scale(&map.cells, map.tokens.len());
    let sheet = Sheet {
        title: &map.title,
        body: body(map, scale),
        legend: Legend {
            shades: Some((scale, map.log)),
            words: map.legend.clone(),
        },
        caption: &map.caption,
        link: map.link.as_deref(),
        dark: map.dark,
    };
    Ok(sheet.svg())
}

/// Errors: more cells than a picture holds.
pub fn check_cells(n_cells: usize) -> Result<(), DocumentTrouble> {
    let most = MOST_CELLS;
    match n_cells > most {
        true => Err(DocumentTrouble::TooLarge { n_cells, most }),
        false => Ok(()),
    }
}

/// Tokens above columns of a width, aslant, and the room that they take; those that would lie over each other are left out.
pub fn names_above(tokens: &[String], (left, width): (f32, f32)) -> (Vec<Mark>, f32) {
    let names: Vec<String> = tokens.iter().map(|it| name(it, MOST_NAME)).collect();
    let letters = names.iter().map(|it| it.chars().count()).max();
    // They stand at 45 degrees.
    let slant = letters.unwrap_or(0) as f32 * LETTER * 0.75 + LINE;
    let every = (LINE / width).ceil().max(1.0) as usize;
    let some = names.into_iter().enumerate();
    let some = some.filter(|it| it.0.is_multiple_of(every));
    let marks = some.map(|(pos, it)| {
        let place = [left + width * (pos as f32 + 0.5), slant - 4.0];
        Mark::Text(place, Align::Aslant, it)
    });
    (marks.collect(), slant)
}

fn body(map: &MapPicture, scale: f32) -> Body {
    let n_pos = map.tokens.len();
    let (width, height) = (if n_pos <= N_WIDE { CELL.0 } else { NARROW }, CELL.1);
    let (names, slant) = names_above(&map.tokens, (GUTTER, width));
    let (map_width, map_height) = (width * n_pos as f32, height * map.n_layers as f32);
    let mut marks = Vec::new();
    // What is nothing is the ground.
    for (n, cell) in map.cells.iter().enumerate() {
        let (layer, pos) = (n / n_pos, n % n_pos);
        let fill = match cell {
            None => Fill::Unknown,
            Some(it) => Fill::Shade(map_shade(*it, scale, map.log)),
        };
        let y = slant + height * (map.n_layers - 1 - layer) as f32;
        marks.push(Mark::Box(
            [GUTTER + width * pos as f32, y, width, height],
            fill,
        ));
    }
    marks.push(Mark::Outline([GUTTER, slant, map_width, map_height]));
    marks.extend(names);
    for layer in 0..map.n_layers {
        let y = slant + height * (map.n_layers - layer) as f32 - 4.0;
        let text = format!("L{layer}");
        marks.push(Mark::Text([GUTTER - 6.0, y], Align::End, text));
    }
    Body {
        width: GUTTER + map_width + slant,
        height: slant + map_height,
        marks,
    }
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
