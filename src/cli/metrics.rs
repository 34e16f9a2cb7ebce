//! `gemscope metrics`: how well transcoders explain a prompt, layer by layer and together.

use super::answers::About;
use super::args::{Global, Prompt};
use super::open::{self, Opened};
use super::report::{Report, failure};
use super::scope_args::Metrics;
use super::session::Session;
use super::table::table;
use super::{scope, scope_grammar};
use crate::session::protocol::{Failure, Partial, Splice, SpliceMetrics, Token, What};
use crate::spec::Positions;
use serde::Serialize;
use serde_json::json;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    /// Of the prompt.
    tokens: Vec<Token>,
    /// In the order asked for.
    metrics: Vec<Row>,
}

/// [`SpliceMetrics`], with the splice by its name: a layer's number, or `all`.
#[derive(Debug, Serialize)]
struct Row {
    splice: String,
    n_pos: usize,
    n_targets: usize,
    l0: Option<f64>,
    fvu: Option<f64>,
    ce_clean: f64,
    ce_spliced: f64,
    ce_zero_ablated: Option<f64>,
    delta_loss: f64,
    ce_loss_score: Option<f64>,
    kl: f64,
}

/// `gemscope metrics`.
pub fn run(args: &Metrics, global: &Global) -> Result<Report, Failure> {
    let request = scope::request(&args.model, &scope::BOTH)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let prompt = |text: Option<&String>, ids: Option<&String>| {
        let (text, ids) = (text.cloned(), ids.cloned());
        open::prompt(&Prompt { text, ids }, &request.model)
    };
    let texts = args.with_text.iter().map(|it| prompt(Some(it), None));
    let of_ids = args.with_ids.iter().map(|it| prompt(None, Some(it)));
    let others = texts.chain(of_ids).collect::<Result<Vec<_>, _>>()?;
    let asked = args.splice.as_deref().map(scope_grammar::splices);
    let asked = asked.transpose()?;
    let mut session = Session::start(global)?;
    let model = open::open(&mut session, request)?;
    let splices = asked.map_or_else(|| Ok(all(&model)), |it| loaded(it, &model))?;
    let mut pooled_with = Vec::new();
    for it in others {
        pooled_with.push(open::run(&mut session, it, vec![], vec![])?.run);
    }
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let about = About {
        run: ran.run,
        positions: Positions::All,
    };
    let mut metrics: Vec<Row> = Vec::new();
    let what = What::Metrics {
        splices,
        pooled_with,
    };
    session.call_with(about.ask(what), &mut |it, _| {
        if let Partial::Metrics(it) = it {
            metrics.push(row(&it));
        }
        Ok(())
    })?;
    let tokens = ran.tokens;
    Ok(Report {
        text: text(&metrics),
        json: json!(Told { tokens, metrics }),
    })
}

/// Each layer that is loaded, and all.
fn all(model: &Opened) -> Vec<Splice> {
    let layers = model.loaded_layers().into_iter().map(Splice::Layer);
    layers.chain([Splice::All]).collect()
}

/// The splices again, if their layers are loaded.
fn loaded(splices: Vec<Splice>, model: &Opened) -> Result<Vec<Splice>, Failure> {
    let layers = model.loaded_layers();
    for it in &splices {
        if let Splice::Layer(layer) = it
            && !layers.contains(layer)
        {
            let what = format!("The transcoder of layer {layer} is not loaded.");
            return Err(failure(what, open::layers_that_are(&layers)));
        }
    }
    Ok(splices)
}

fn row(it: &SpliceMetrics) -> Row {
    Row {
        splice: it.splice.to_string(),
        n_pos: it.n_pos,
        n_targets: it.n_targets,
        l0: it.l0,
        fvu: it.fvu,
        ce_clean: it.ce_clean,
        ce_spliced: it.ce_spliced,
        ce_zero_ablated: it.ce_zero_ablated,
        delta_loss: it.delta_loss,
        ce_loss_score: it.ce_loss_score,
        kl: it.kl,
    }
}

fn text(metrics: &[Row]) -> String {
    let head = [
        "splice",
        "L0",
        "FVU",
        "CE clean",
        "CE spliced",
        "CE zero",
        "delta loss",
        "CE loss score",
        "KL",
    ];
    let some = |it: Option<f64>| it.map_or_else(|| "-".into(), |it| format!("{it:.4}"));
    let cells = |it: &Row| {
        vec![
            it.splice.clone(),
            some(it.l0),
            some(it.fvu),
            some(Some(it.ce_clean)),
            some(Some(it.ce_spliced)),
            some(it.ce_zero_ablated),
            some(Some(it.delta_loss)),
            some(it.ce_loss_score),
            some(Some(it.kl)),
        ]
    };
    let rows: Vec<Vec<String>> = metrics.iter().map(cells).collect();
    let scope = metrics.first().map_or_else(String::new, |it| {
        format!(
            "over {} positions and {} next tokens, BOS left out; losses and KL in nats\n",
            it.n_pos, it.n_targets
        )
    });
    format!("{}{scope}", table(&head, &rows))
}
