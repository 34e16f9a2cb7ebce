//! `gemscope effects`: the direct effect of each active feature on a token's logit.

use super::answers::{self, About, Effect};
use super::args::Global;
use super::open;
use super::report::{Report, failure};
use super::scope_args::Effects;
use super::session::{Session, unexpected};
use super::table::{number, table};
use super::tokens::{quoted, shown};
use super::{grammar, scope};
use crate::session::protocol::{CommandBody, Failure, ModelRef, Outcome, Token};
use crate::spec::Positions;
use serde::Serialize;
use serde_json::json;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    /// Of the prompt.
    tokens: Vec<Token>,
    /// Whose logit is looked at.
    token: u32,
    /// Its text; empty where it was given as an id.
    piece: String,
    /// The strongest first.
    effects: Vec<Row>,
    /// Active features that are not among them.
    n_not_shown: usize,
    /// Sum over all of them, told or not.
    sum: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    layer: usize,
    pos: usize,
    feature: usize,
    /// On the logit, without softcap.
    effect: f32,
}

/// `gemscope effects`.
pub fn run(args: &Effects, global: &Global) -> Result<Report, Failure> {
    let request = scope::request(&args.model, &scope::BOTH)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let positions = args.positions.as_deref().map(grammar::positions);
    let positions = positions.transpose()?;
    let id = id(&args.token, &request.model)?;
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    let (token, piece) = match id {
        Some(it) => (it, String::new()),
        None => token(&mut session, &args.token)?,
    };
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let last = ran.tokens.len().saturating_sub(1);
    let about = About {
        run: ran.run,
        positions: positions.unwrap_or(Positions::Span(last, last)),
    };
    let found = answers::effects(&mut session, &about, token)?;
    let (effects, sum) = strongest(&found, args.top);
    let told = Told {
        tokens: ran.tokens,
        token,
        piece,
        n_not_shown: found.len() - effects.len(),
        effects,
        sum,
    };
    Ok(Report {
        text: text(&told),
        json: json!(told),
    })
}

/// The id that a text of digits is; none for a text that needs the tokenizer, which must be there.
fn id(text: &str, model: &ModelRef) -> Result<Option<u32>, Failure> {
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
        return Ok(Some(grammar::ids(text)?[0]));
    }
    if text.is_empty() {
        let what = "The token is empty.";
        return Err(failure(what, "Give --token ID, or its text."));
    }
    open::check_tokenizer(model)?;
    Ok(None)
}

/// The token that a text is.
fn token(session: &mut Session, text: &str) -> Result<(u32, String), Failure> {
    let body = CommandBody::Tokenize {
        text: text.into(),
        tokenizer: None,
    };
    let tokens = match session.call(body)? {
        Outcome::Tokens(it) => it,
        other => return Err(unexpected(&other)),
    };
    // The first is BOS.
    match tokens.get(1..).unwrap_or_default() {
        [it] => Ok((it.id, it.piece.clone())),
        several => {
            let pieces: Vec<String> = several.iter().map(shown).collect();
            let n = several.len();
            Err(failure(
                format!("`{text}` is {n} tokens: {}.", pieces.join(", ")),
                "Give one of them; a word inside a sentence begins with a space, as in --token ' Paris'.",
            ))
        }
    }
}

/// The strongest effects of either sign, and the sum of all.
fn strongest(found: &[Effect], top: usize) -> (Vec<Row>, f64) {
    let mut rows: Vec<Row> = (found.iter())
        .map(|it| Row {
            layer: it.layer,
            pos: it.pos,
            feature: it.index,
            effect: it.effect,
        })
        .collect();
    rows.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    let sum = rows.iter().map(|it| f64::from(it.effect)).sum();
    if top > 0 {
        rows.truncate(top);
    }
    (rows, sum)
}

fn text(told: &Told) -> String {
    let row = |it: &Row| {
        vec![
            it.layer.to_string(),
            it.pos.to_string(),
            it.feature.to_string(),
            number(it.effect),
            open::piece(&told.tokens, it.pos),
        ]
    };
    let rows: Vec<Vec<String>> = told.effects.iter().map(row).collect();
    let more = match told.n_not_shown {
        0 => String::new(),
        n => format!("{n} more are not shown; --top 0 shows all\n"),
    };
    format!(
        "direct effects on the logit of token {}\n{}{more}sum of all {:.4}\n",
        format!("{} {}", told.token, quoted(&told.piece)).trim_end(),
        table(&["layer", "pos", "feature", "effect", "piece"], &rows),
        told.sum
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_of_either_sign_come_first() {
        let effect = |index, effect| Effect {
            layer: 1,
            pos: 2,
            index,
            effect,
        };
        let found = [effect(1, 0.5), effect(2, -3.0), effect(3, 1.0)];
        let (rows, sum) = strongest(&found, 2);
        let told: Vec<usize> = rows.iter().map(|it| it.feature).collect();
        assert_eq!((&told[..], sum), (&[2, 3][..], -1.5));
        assert_eq!(strongest(&found, 0).0.len(), 3);
    }
}
