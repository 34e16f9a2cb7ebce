//! `gemscope generate`: continues a prompt, token by token.

use super::args::{Generate, Global};
use super::report::Report;
use super::session::{Session, unexpected};
use super::{open, scope, tokens};
use crate::session::protocol::{CommandBody, Failure, Input, Outcome, Partial, Sampling, Token};
use serde_json::json;
use std::io::Write;

/// `gemscope generate`. The text goes to standard output as it comes, the speed to standard error.
pub fn run(args: &Generate, global: &Global) -> Result<Report, Failure> {
    let variation = scope::variation(&args.changes, None, &args.model.scope)?;
    let request = match variation {
        Some(_) => scope::request(&args.model, &scope::BOTH)?,
        None => open::request(&args.model)?,
    };
    let input = open::prompt(&args.prompt, &request.model)?;
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    if let (Input::Text(text), false) = (&input, global.json) {
        say(text);
    }
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let run = match &variation {
        Some(it) => scope::derive(&mut session, ran.run, it, vec![])?,
        None => ran.run,
    };
    let has_tokenizer = ran.tokens.iter().any(|it| !it.piece.is_empty());
    let body = CommandBody::Generate {
        run,
        n: args.n,
        sampling: sampling(args),
        watch: !global.json,
    };
    let outcome = session.call_with(body, &mut |it, _| {
        if let Partial::Token(it) = it {
            say(&spoken(&it, has_tokenizer));
        }
        Ok(())
    })?;
    let Outcome::Generated {
        tokens,
        text,
        seconds,
    } = outcome
    else {
        return Err(unexpected(&outcome));
    };
    let per_second = if seconds > 0.0 {
        tokens.len() as f64 / seconds
    } else {
        0.0
    };
    if !global.json {
        say("\n");
        eprintln!(
            "{} tokens in {seconds:.2} s, {per_second:.2} tokens/s",
            tokens.len()
        );
    }
    Ok(Report {
        text: String::new(),
        json: json!({
            "prompt": ran.tokens, "tokens": tokens, "text": text, "seconds": seconds, "tokens_per_second": per_second,
        }),
    })
}

fn sampling(args: &Generate) -> Sampling {
    Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        seed: args.seed,
    }
}

/// A token as it is printed in a row: its text, or its id when there is no tokenizer.
fn spoken(token: &Token, has_tokenizer: bool) -> String {
    match (has_tokenizer, token.special) {
        (false, _) => format!("{} ", token.id),
        (true, true) => tokens::shown(token),
        (true, false) => token.piece.clone(),
    }
}

/// Prints at once; a reader that has gone away is no error.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
