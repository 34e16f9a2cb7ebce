//! `gemscope probs`: distributions of the next token.

use super::args::{Global, Probs};
use super::report::Report;
use super::session::Session;
use super::table::table;
use super::tokens::{quoted, shown};
use super::{grammar, open};
use crate::session::protocol::{
    CommandBody, Distribution, Failure, Partial, Probability, Token, What,
};
use serde_json::json;

/// `gemscope probs`.
pub fn run(args: &Probs, global: &Global) -> Result<Report, Failure> {
    let request = open::request(&args.model)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let positions = grammar::positions(&args.positions)?;
    let asked = args
        .ask
        .as_deref()
        .map(grammar::ids)
        .transpose()?
        .unwrap_or_default();
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let what = What::Probs {
        top_k: args.top_k,
        asked,
    };
    let run = ran.run;
    let mut told: Vec<Distribution> = Vec::new();
    session.call_with(
        CommandBody::Ask {
            run,
            what,
            positions,
        },
        &mut |it, _| {
            if let Partial::Probs(it) = it {
                told.push(it);
            }
            Ok(())
        },
    )?;
    told.sort_by_key(|it| it.pos);
    Ok(Report {
        text: told.iter().map(|it| text(it, &ran.tokens)).collect(),
        json: json!({ "tokens": ran.tokens, "distributions": told }),
    })
}

fn text(it: &Distribution, tokens: &[Token]) -> String {
    let after = tokens
        .get(it.pos)
        .map_or_else(String::new, |it| format!(" {}, {}", it.id, shown(it)));
    let row = |it: &Probability| {
        vec![
            it.id.to_string(),
            format!("{:.4} %", it.probability * 100.0),
            format!("{:.4}", it.logit),
            quoted(&it.piece),
        ]
    };
    let rows: Vec<Vec<String>> = it.top.iter().chain(&it.asked).map(row).collect();
    let table = table(&["id", "probability", "logit", "piece"], &rows);
    format!("after position {}:{after}\n{table}\n", it.pos)
}
