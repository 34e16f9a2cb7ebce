//! `gemscope features`: which features are active, in layers and positions of a prompt.

use super::answers::{self, About, Active, LayerFeatures};
use super::args::Global;
use super::labels::{self, Labels};
use super::report::Report;
use super::scope_args::Features;
use super::session::Session;
use super::table::{number, table};
use super::{grammar, open, scope};
use crate::session::protocol::{Failure, FeatureId, Half, Token};
use crate::spec::visible;
use serde::Serialize;
use serde_json::json;

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told {
    /// Of the prompt.
    tokens: Vec<Token>,
    /// Counts of each layer, at the positions asked for.
    layers: Vec<LayerCount>,
    /// Active features at positions other than that of BOS.
    n_active: usize,
    /// Active features at position 0.
    n_active_bos: usize,
    /// Active features that are not among `features`.
    n_not_shown: usize,
    /// The most active first.
    features: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct LayerCount {
    layer: usize,
    n_active: usize,
    n_active_bos: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    layer: usize,
    pos: usize,
    /// Index in the layer's dictionary.
    feature: usize,
    activation: f32,
    /// What the labels file says it is about, if one was given and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// `gemscope features`.
pub fn run(args: &Features, global: &Global) -> Result<Report, Failure> {
    let request = scope::request(&args.model, &[Half::Encoder])?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let positions = grammar::positions(&args.positions)?;
    let mut session = Session::start(global)?;
    let labels = labels::read(&mut session, args.labels.as_deref())?;
    open::open(&mut session, request)?;
    let ran = open::run(&mut session, input, vec![], vec![])?;
    let run = ran.run;
    let found = answers::features(&mut session, &About { run, positions }, None)?;
    let mut told = tell(ran.tokens, &found, args.top);
    if let Some(it) = &labels {
        name(&mut told.features, it);
    }
    Ok(Report {
        text: text(&told, labels.is_some()),
        json: json!(told),
    })
}

fn tell(tokens: Vec<Token>, found: &[LayerFeatures], top: usize) -> Told {
    let layers: Vec<LayerCount> = found.iter().map(count).collect();
    let mut features: Vec<Row> = found.iter().flat_map(rows).collect();
    features.sort_by(|a, b| b.activation.total_cmp(&a.activation));
    let n_found = features.len();
    if top > 0 {
        features.truncate(top);
    }
    Told {
        tokens,
        n_active: layers.iter().map(|it| it.n_active).sum(),
        n_active_bos: layers.iter().map(|it| it.n_active_bos).sum(),
        layers,
        n_not_shown: n_found - features.len(),
        features,
    }
}

/// Puts labels beside the features that have one.
fn name(rows: &mut [Row], labels: &Labels) {
    for row in rows {
        let feature = FeatureId {
            layer: row.layer,
            index: row.feature,
        };
        row.label = labels.get(&feature).cloned();
    }
}

fn count(it: &LayerFeatures) -> LayerCount {
    let n_active_bos = it.active.iter().filter(|it| it.pos == 0).count();
    LayerCount {
        layer: it.layer,
        n_active: it.active.len() - n_active_bos,
        n_active_bos,
    }
}

fn rows(it: &LayerFeatures) -> impl Iterator<Item = Row> {
    let row = |active: &Active| Row {
        layer: it.layer,
        pos: active.pos,
        feature: active.index,
        activation: active.activation,
        label: None,
    };
    it.active.iter().map(row)
}

fn text(told: &Told, with_labels: bool) -> String {
    let row = |it: &Row| {
        let label = it.label.as_deref().map_or_else(String::new, visible);
        vec![
            it.layer.to_string(),
            it.pos.to_string(),
            it.feature.to_string(),
            number(it.activation),
            open::piece(&told.tokens, it.pos),
            label,
        ]
    };
    let rows: Vec<Vec<String>> = told.features.iter().map(row).collect();
    let head = ["layer", "pos", "feature", "activation", "piece", "label"];
    let n_columns = head.len() - usize::from(!with_labels);
    let features = table(&head[..n_columns], &rows);
    let more = match told.n_not_shown {
        0 => String::new(),
        n => format!("{n} more are not shown; --top 0 shows all\n"),
    };
    let row = |it: &LayerCount| [it.layer, it.n_active, it.n_active_bos].map(|it| it.to_string());
    let mut rows: Vec<Vec<String>> = told.layers.iter().map(|it| row(it).to_vec()).collect();
    let sums = [told.n_active, told.n_active_bos].map(|it| it.to_string());
    rows.push([&["all".to_string()][..], &sums].concat());
    let counts = table(&["layer", "active", "at BOS"], &rows);
    format!("{features}{more}\n{counts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_active_come_first_and_bos_is_counted_apart() {
        let active = |pos, index, activation| Active {
            pos,
            index,
            activation,
            clean: activation,
        };
        let layer = |layer, active| LayerFeatures {
            layer,
            active,
            applied: vec![],
        };
        let found = [
            layer(0, vec![active(0, 1, 9.0), active(1, 2, 3.0)]),
            layer(1, vec![active(1, 3, 5.0), active(2, 4, 1.0)]),
        ];
        let told = tell(vec![], &found, 2);
        let shown: Vec<usize> = told.features.iter().map(|it| it.feature).collect();
        assert_eq!(shown, [1, 3]);
        assert_eq!(
            (told.n_active, told.n_active_bos, told.n_not_shown),
            (3, 1, 2)
        );
        let mut told = told;
        let feature = FeatureId { layer: 1, index: 3 };
        name(&mut told.features, &[(feature, "a label".into())].into());
        let with_labels = text(&told, true);
        assert!(with_labels.contains("a label"), "{with_labels}");
        let text = text(&told, false);
        assert!(!text.contains("label"), "{text}");
        assert!(text.contains("2 more are not shown"), "{text}");
        assert_eq!(tell(vec![], &found, 0).n_not_shown, 0);
    }
}
