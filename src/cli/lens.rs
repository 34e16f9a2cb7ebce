//! `gemscope lens`: what the unembedding makes of the stream after each layer.

use super::answers::About;
use super::args::{Global, Model};
use super::report::Report;
use super::scope_args::{Lens, Scope};
use super::session::Session;
use super::table::table;
use super::tokens::quoted;
use super::{grammar, open, scope_grammar};
use crate::session::protocol::{
    Distribution, Failure, OpenRequest, Partial, Probability, Token, What,
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// Positions kept where nobody asks for another number.
const N_KEPT: usize = 256;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    /// Of the prompt.
    tokens: Vec<Token>,
    /// By layer, then by position.
    lens: Vec<Row>,
}

/// A layer, and the [`Distribution`] there.
#[derive(Debug, Serialize)]
struct Row {
    layer: usize,
    #[serde(flatten)]
    told: Distribution,
}

/// `gemscope lens`.
pub fn run(args: &Lens, global: &Global) -> Result<Report, Failure> {
    let layers = args.model.scope.layers.as_deref();
    let layers = layers.map(scope_grammar::layers).transpose()?;
    let request = request(&args.model)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let positions = grammar::positions(&args.positions)?;
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let about = About {
        run: ran.run,
        positions,
    };
    let what = What::Lens {
        layers,
        top_k: args.top_k,
        asked: vec![],
    };
    let mut lens: Vec<Row> = Vec::new();
    session.call_with(about.ask(what), &mut |it, _| {
        if let Partial::Lens { layer, told } = it {
            lens.push(Row { layer, told });
        }
        Ok(())
    })?;
    lens.sort_by_key(|it| (it.layer, it.told.pos));
    let told = Told {
        tokens: ran.tokens,
        lens,
    };
    Ok(Report {
        text: text(&told, args.top_k),
        json: json!(told),
    })
}

/// The model with room for a run to be kept, from which the lens reads; it needs no transcoders.
pub fn request(args: &Model) -> Result<OpenRequest, Failure> {
    if args.scope.transcoders.is_some() {
        return open::request(args);
    }
    // Without transcoders --layers are those looked at, and --keep is about the run alone.
    let request = open::request(&Model {
        scope: Scope::default(),
        ..args.clone()
    })?;
    Ok(OpenRequest {
        n_kept: args.scope.keep.or(Some(N_KEPT)),
        ..request
    })
}

/// Layers by positions where one token is told of each; else a table for each position.
fn text(told: &Told, top_k: usize) -> String {
    let positions: BTreeSet<usize> = told.lens.iter().map(|it| it.told.pos).collect();
    if top_k == 1 {
        return grid(told, &positions);
    }
    let one = |pos: &usize| {
        let here = told.lens.iter().filter(|it| it.told.pos == *pos);
        let row = |it: &Row| {
            let cells = it
                .told
                .top
                .iter()
                .map(|it| format!("{} {:.1} %", shown(it), it.probability * 100.0));
            std::iter::once(it.layer.to_string()).chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = here.map(row).collect();
        let n_cells = rows.iter().map(Vec::len).max().unwrap_or(1);
        let ranks: Vec<String> = (1..n_cells).map(|it| it.to_string()).collect();
        let head: Vec<&str> = std::iter::once("layer")
            .chain(ranks.iter().map(String::as_str))
            .collect();
        format!("after {}\n{}\n", column(told, *pos), table(&head, &rows))
    };
    positions.iter().map(one).collect()
}

fn grid(told: &Told, positions: &BTreeSet<usize>) -> String {
    let columns: Vec<String> = positions.iter().map(|it| column(told, *it)).collect();
    let head: Vec<&str> = std::iter::once("layer")
        .chain(columns.iter().map(String::as_str))
        .collect();
    let layers: BTreeSet<usize> = told.lens.iter().map(|it| it.layer).collect();
    let row = |layer: &usize| {
        let here = told.lens.iter().filter(|it| it.layer == *layer);
        let cells = here.map(|it| it.told.top.first().map_or_else(String::new, shown));
        std::iter::once(layer.to_string()).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = layers.iter().map(row).collect();
    table(&head, &rows)
}

/// A position and its token.
fn column(told: &Told, pos: usize) -> String {
    format!("{pos} {}", open::piece(&told.tokens, pos))
        .trim_end()
        .to_string()
}

/// The text of a token, or its id where there is no tokenizer.
fn shown(it: &Probability) -> String {
    match it.piece.as_str() {
        "" => it.id.to_string(),
        piece => quoted(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_go_down_and_positions_across() {
        let row = |layer, pos, id| Row {
            layer,
            told: Distribution {
                pos,
                log_sum_exp: 1.0,
                top: vec![Probability {
                    id,
                    piece: String::new(),
                    logit: 0.0,
                    probability: 0.25,
                }],
                asked: vec![],
            },
        };
        let told = Told {
            tokens: vec![],
            lens: vec![row(0, 1, 11), row(0, 2, 12), row(1, 1, 13), row(1, 2, 14)],
        };
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(String::from).collect() };
        assert_eq!(
            words(&text(&told, 1)),
            ["layer", "1", "2", "0", "11", "12", "1", "13", "14"]
        );
        assert!(text(&told, 2).contains("11 25.0 %"));
    }
}
