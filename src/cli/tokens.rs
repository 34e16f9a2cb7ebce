//! `gemscope tokens`: a text as tokens.

use super::args::{Global, Tokens};
use super::open::tokenizer_path;
use super::report::Report;
use super::session::{Session, unexpected};
use super::table::table;
use crate::session::protocol::{CommandBody, Failure, Outcome, Token};
use crate::spec::visible;
use serde_json::json;

/// `gemscope tokens`.
pub fn run(args: &Tokens, global: &Global) -> Result<Report, Failure> {
    let body = CommandBody::Tokenize {
        text: args.text.clone(),
        tokenizer: Some(tokenizer_path(&args.tokenizer)?),
    };
    match Session::start(global)?.call(body)? {
        Outcome::Tokens(it) => Ok(Report {
            text: text(&it),
            json: json!(it),
        }),
        other => Err(unexpected(&other)),
    }
}

fn text(tokens: &[Token]) -> String {
    let row = |(pos, it): (usize, &Token)| {
        let bytes = it
            .bytes
            .map_or_else(String::new, |(start, end)| format!("{start}..{end}"));
        vec![pos.to_string(), it.id.to_string(), bytes, shown(it)]
    };
    let rows: Vec<Vec<String>> = tokens.iter().enumerate().map(row).collect();
    table(&["pos", "id", "bytes", "piece"], &rows)
}

/// In quotes, so that spaces can be seen; special tokens as they are.
pub fn shown(token: &Token) -> String {
    if token.special {
        token.piece.clone()
    } else {
        quoted(&token.piece)
    }
}

/// In quotes, with marks for what can't be seen; nothing for no text.
pub fn quoted(piece: &str) -> String {
    match piece {
        "" => String::new(),
        _ => format!("`{}`", visible(piece)),
    }
}
