//! `gemscope intervene`: what follows from a change of features: the next token, the features that were set, the others.

use super::answers::{self, About, Active, LayerFeatures};
use super::args::Global;
use super::open;
use super::report::{Report, failure};
use super::scope::{self, Variation};
use super::scope_args::Intervene;
use super::session::Session;
use super::table::{number, table};
use super::tokens::quoted;
use crate::session::protocol::{Distribution, Failure, Probability, RunKey, Token};
use crate::spec::{Mode, Positions};
use serde::Serialize;
use serde_json::json;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    /// Of the prompt.
    tokens: Vec<Token>,
    /// As they were understood.
    interventions: Vec<String>,
    mode: Mode,
    /// The position after which the next token is told.
    pos: usize,
    /// The most probable tokens of the clean run and of the changed one, the former first.
    next: Vec<Next>,
    /// Features that were set.
    set: Vec<Set>,
    /// Other features, the most changed first.
    changed: Vec<Changed>,
    /// Other features that changed.
    n_changed: usize,
    /// Those that are not among `changed`.
    n_not_shown: usize,
}

/// A token's probability and logit in both runs.
#[derive(Debug, PartialEq, Serialize)]
struct Next {
    id: u32,
    piece: String,
    before: f32,
    after: f32,
    logit_before: f32,
    logit_after: f32,
}

#[derive(Debug, PartialEq, Serialize)]
struct Set {
    layer: usize,
    pos: usize,
    feature: usize,
    /// In the clean run.
    clean: f32,
    /// What it was given.
    applied: f32,
    /// What re-encoding gives.
    activation: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Changed {
    layer: usize,
    pos: usize,
    feature: usize,
    clean: f32,
    activation: f32,
    /// `activation - clean`.
    change: f32,
}

/// `gemscope intervene`.
pub fn run(args: &Intervene, global: &Global) -> Result<Report, Failure> {
    let variation = scope::variation(&args.changes, None, &args.model.scope)?;
    let Some(variation) = variation else {
        let remedy = "Give --intervene LAYER:POS:FEATURE=VALUE, once or more.";
        return Err(failure("There is nothing to change.", remedy));
    };
    let request = scope::request(&args.model, &scope::BOTH)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let mut session = Session::start(global)?;
    open::open(&mut session, request)?;
    let clean = open::run(&mut session, input, vec![], vec![])?;
    let pos = position(args.position, clean.tokens.len())?;
    let changed = scope::derive(&mut session, clean.run.clone(), &variation, vec![])?;
    let runs = [&clean.run, &changed];
    let next = next(&mut session, runs, Positions::Span(pos, pos), args.top_k)?;
    let about = About {
        run: changed,
        positions: Positions::All,
    };
    let found = answers::features(&mut session, &about, None)?;
    let told = Told {
        pos,
        next,
        ..tell(clean.tokens, &variation, &found, args.top)
    };
    Ok(Report {
        text: text(&told),
        json: json!(told),
    })
}

/// The position asked for, or the last.
fn position(asked: Option<usize>, n_pos: usize) -> Result<usize, Failure> {
    let last = n_pos.saturating_sub(1);
    match asked {
        Some(it) if it > last => {
            let what = format!("There is no position {it} in a prompt of {n_pos} tokens.");
            Err(failure(what, format!("Give --position 0 to {last}.")))
        }
        _ => Ok(asked.unwrap_or(last)),
    }
}

/// The most probable tokens of both runs, each with its numbers in both.
fn next(
    session: &mut Session,
    [clean, changed]: [&RunKey; 2],
    positions: Positions,
    top_k: usize,
) -> Result<Vec<Next>, Failure> {
    let mut ask = |run: &RunKey, asked: &[Probability]| {
        let ids = asked.iter().map(|it| it.id).collect();
        let about = About {
            run: run.clone(),
            positions,
        };
        let told = answers::probs(session, &about, top_k, ids)?;
        told.into_iter()
            .next()
            .ok_or_else(|| failure("The engine told no distribution.", "Please report this."))
    };
    let before = ask(clean, &[])?;
    let after = ask(changed, &before.top)?;
    let before = ask(clean, &after.top)?;
    Ok(both(&before, &after))
}

/// Tokens that are told in both, the first's top ones first.
fn both(before: &Distribution, after: &Distribution) -> Vec<Next> {
    let find = |of: &Distribution, id: u32| {
        let mut all = of.top.iter().chain(&of.asked);
        all.find(|it| it.id == id).cloned()
    };
    let mut out: Vec<Next> = Vec::new();
    for it in before.top.iter().chain(&after.top) {
        let pair = find(before, it.id).zip(find(after, it.id));
        let is_new = out.iter().all(|told| told.id != it.id);
        if let (Some((before, after)), true) = (pair, is_new) {
            out.push(Next {
                id: it.id,
                piece: it.piece.clone(),
                before: before.probability,
                after: after.probability,
                logit_before: before.logit,
                logit_after: after.logit,
            });
        }
    }
    out
}

/// What the features of the changed run say.
fn tell(tokens: Vec<Token>, variation: &Variation, found: &[LayerFeatures], top: usize) -> Told {
    let set: Vec<Set> = found.iter().flat_map(set_in).collect();
    let mut changed: Vec<Changed> = found.iter().flat_map(changed_in).collect();
    changed.sort_by(|a, b| b.change.abs().total_cmp(&a.change.abs()));
    let n_changed = changed.len();
    if top > 0 {
        changed.truncate(top);
    }
    Told {
        tokens,
        interventions: variation
            .interventions
            .iter()
            .map(ToString::to_string)
            .collect(),
        mode: variation.mode,
        pos: 0,
        next: vec![],
        set,
        n_changed,
        n_not_shown: n_changed - changed.len(),
        changed,
    }
}

fn set_in(it: &LayerFeatures) -> impl Iterator<Item = Set> {
    it.applied.iter().map(|applied| Set {
        layer: it.layer,
        pos: applied.pos,
        feature: applied.index,
        clean: applied.clean,
        applied: applied.applied,
        activation: applied.activation,
    })
}

/// Features of a layer that changed without being set.
fn changed_in(it: &LayerFeatures) -> impl Iterator<Item = Changed> {
    let is_set = |active: &Active| {
        let mut applied = it.applied.iter();
        applied.any(|it| (it.pos, it.index) == (active.pos, active.index))
    };
    let changed = it
        .active
        .iter()
        .filter(move |it| it.activation != it.clean && !is_set(it));
    changed.map(|active| Changed {
        layer: it.layer,
        pos: active.pos,
        feature: active.index,
        clean: active.clean,
        activation: active.activation,
        change: active.activation - active.clean,
    })
}

fn text(told: &Told) -> String {
    let place = |layer: usize, pos: usize, feature: usize| {
        let piece = open::piece(&told.tokens, pos);
        [
            layer.to_string(),
            pos.to_string(),
            piece,
            feature.to_string(),
        ]
    };
    let numbers = |numbers: [f32; 3]| numbers.map(number);
    let set = told.set.iter().map(|it| {
        let numbers = numbers([it.clean, it.applied, it.activation]);
        [&place(it.layer, it.pos, it.feature)[..], &numbers].concat()
    });
    let changed = told.changed.iter().map(|it| {
        let numbers = numbers([it.clean, it.activation, it.change]);
        [&place(it.layer, it.pos, it.feature)[..], &numbers].concat()
    });
    let (set, changed): (Vec<_>, Vec<_>) = (set.collect(), changed.collect());
    let head = ["layer", "pos", "piece", "feature", "clean"];
    let set = table(&[&head[..], &["applied", "activation"]].concat(), &set);
    let changed = table(&[&head[..], &["activation", "change"]].concat(), &changed);
    let more = match told.n_not_shown {
        0 => String::new(),
        n => format!("{n} more are not shown; --top 0 shows all\n"),
    };
    format!(
        "next token after position {}\n{}\nset, mode {}\n{set}\n{} other features changed\n{changed}{more}",
        told.pos,
        next_text(&told.next),
        told.mode,
        told.n_changed,
    )
}

fn next_text(next: &[Next]) -> String {
    let percent = |it: f32| format!("{:.4} %", it * 100.0);
    let row = |it: &Next| {
        let change = it.logit_after - it.logit_before;
        let piece = quoted(&it.piece);
        vec![
            it.id.to_string(),
            percent(it.before),
            percent(it.after),
            number(change),
            piece,
        ]
    };
    let rows: Vec<Vec<String>> = next.iter().map(row).collect();
    table(&["id", "before", "after", "logit change", "piece"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::Applied;

    #[test]
    fn set_features_are_told_apart_from_changed_ones() {
        let active = |pos, index, activation, clean| Active {
            pos,
            index,
            activation,
            clean,
        };
        let found = [LayerFeatures {
            layer: 2,
            active: vec![
                active(1, 5, 4.0, 1.0),
                active(1, 6, 2.0, 2.0),
                active(1, 7, 0.0, 1.5),
                active(2, 5, 1.0, 0.5),
            ],
            applied: vec![Applied {
                pos: 1,
                index: 5,
                clean: 1.0,
                applied: 8.0,
                activation: 4.0,
            }],
        }];
        let variation = Variation {
            interventions: vec!["2:1:5=x8".parse().expect("one")],
            mode: Mode::Free,
            splice: None,
        };
        let told = tell(vec![], &variation, &found, 1);
        assert_eq!(
            (told.set.len(), told.n_changed, told.n_not_shown),
            (1, 2, 1)
        );
        assert_eq!((told.changed[0].feature, told.changed[0].change), (7, -1.5));
        let text = text(&told);
        assert!(
            text.contains("mode free") && text.contains("1 more"),
            "{text}"
        );
    }

    #[test]
    fn tokens_of_both_runs_are_told_once() {
        let token = |id, probability| Probability {
            id,
            piece: String::new(),
            logit: 0.0,
            probability,
        };
        let distribution = |top, asked| Distribution {
            pos: 3,
            log_sum_exp: 0.0,
            top,
            asked,
        };
        let before = distribution(
            vec![token(7, 0.5), token(8, 0.2)],
            vec![token(8, 0.2), token(9, 0.1)],
        );
        let after = distribution(
            vec![token(8, 0.6), token(9, 0.3)],
            vec![token(7, 0.05), token(8, 0.6)],
        );
        let told: Vec<(u32, f32, f32)> = (both(&before, &after).iter())
            .map(|it| (it.id, it.before, it.after))
            .collect();
        assert_eq!(told, [(7, 0.5, 0.05), (8, 0.2, 0.6), (9, 0.1, 0.3)]);
        assert!(position(Some(4), 4).is_err() && position(None, 4) == Ok(3));
    }
}
