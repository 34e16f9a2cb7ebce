//! `gemscope feature`: a feature's own numbers, which need no prompt.

use super::args::Global;
use super::report::Report;
use super::scope_args::Feature;
use super::session::{Session, unexpected};
use super::table::{number, table};
use super::tokens::quoted;
use super::{labels, open, scope, scope_grammar};
use crate::session::protocol::{CommandBody, Failure, FeatureCard, FeatureQuestion, Outcome};
use crate::spec::{Example, Histogram, Label, NearFeature, TokenSpread, TokenValue, visible};
use serde_json::json;

/// Rows of a histogram and the width of its longest bar, in characters.
const N_BARS: usize = 16;
const BAR_WIDTH: usize = 50;

/// `gemscope feature`. `--json` tells a [`FeatureCard`].
pub fn run(args: &Feature, global: &Global) -> Result<Report, Failure> {
    let elsewhere = args.nearest_in.as_deref().map(scope_grammar::layers);
    let mut nearest_in = vec![args.feature.layer];
    nearest_in.extend(elsewhere.transpose()?.unwrap_or_default());
    nearest_in.sort_unstable();
    nearest_in.dedup();
    let mut request = scope::request(&args.model, &[])?;
    if let Some(it) = &mut request.transcoders {
        if args.model.scope.halves.is_none() {
            it.halves = scope::BOTH.to_vec();
        }
        // Other layers take time and memory, and say nothing.
        it.layers.get_or_insert_with(|| nearest_in.clone());
    }
    let mut session = Session::start(global)?;
    labels::read(&mut session, args.labels.as_deref())?;
    open::open(&mut session, request)?;
    let body = CommandBody::Feature {
        feature: args.feature,
        question: FeatureQuestion {
            n_tokens: args.tokens,
            de_embedding: args.de_embedding,
            nearest_in,
            n_nearest: args.nearest,
            n_examples: args.examples,
        },
    };
    match session.call(body)? {
        Outcome::Feature(it) => Ok(Report {
            text: text(&it),
            json: json!(it),
        }),
        other => Err(unexpected(&other)),
    }
}

fn text(it: &FeatureCard) -> String {
    let numbers = [
        ("encoder norm", it.encoder_norm),
        ("decoder norm", it.decoder_norm),
        ("cosine of the two", it.cosine),
        ("b_enc", Some(it.b_enc)),
        ("threshold", Some(it.threshold)),
    ];
    let mut out = format!("feature {} of {} in its layer\n", it.feature, it.n_features);
    if let Some(it) = &it.label {
        out.push_str(&label(it));
    }
    for (name, value) in numbers {
        let value = value.map_or_else(|| "not loaded".into(), number);
        out.push_str(&format!("{name:<18} {value}\n"));
    }
    if let Some(it) = &it.logits {
        out.push_str("\nwhat it adds to the logits of all tokens, by the direct path\n");
        out.push_str(&spread(it, ["promoted", "suppressed"]));
    }
    if let Some(it) = &it.de_embedding {
        out.push_str("\nwhich tokens' embeddings its encoder looks for\n");
        out.push_str(&spread(it, ["most", "least"]));
    }
    if !it.nearest.is_empty() {
        out.push_str("\nnearest features by the cosine of decoders\n");
        let row = |it: &NearFeature| vec![it.feature.to_string(), format!("{:.4}", it.cosine)];
        let rows: Vec<Vec<String>> = it.nearest.iter().map(row).collect();
        out.push_str(&table(&["feature", "cosine"], &rows));
    }
    if !it.examples.is_empty() {
        out.push_str("\nwhere it fires most in the data of the labels, at the token in >> <<\n");
        let rows: Vec<Vec<String>> = it.examples.iter().map(example).collect();
        out.push_str(&table(&["activation", "sentence"], &rows));
    }
    out
}

/// What the labels file says, a line each.
fn label(it: &Label) -> String {
    let percent = |it: f32| format!("{}% of the tokens", number(it * 100.0));
    let lines = [
        ("label", it.label.as_deref().map(visible)),
        ("fires on", it.density.map(percent)),
        ("largest there", it.max.map(number)),
    ];
    let line = |(name, value): (&str, Option<String>)| Some(format!("{name:<18} {}\n", value?));
    lines.into_iter().filter_map(line).collect()
}

fn example(it: &Example) -> Vec<String> {
    let token = |(pos, token): (usize, &String)| match pos == it.pos {
        true => format!(">>{}<<", visible(token)),
        false => visible(token),
    };
    let sentence: String = it.tokens.iter().enumerate().map(token).collect();
    vec![number(it.value), sentence]
}

/// The two ends beside each other, and all of it as a histogram.
fn spread(it: &TokenSpread, [top, bottom]: [&str; 2]) -> String {
    let cells = |it: Option<&TokenValue>| match it {
        Some(it) => [it.id.to_string(), number(it.value), quoted(&it.piece)],
        None => [const { String::new() }; 3],
    };
    let n = it.top.len().max(it.bottom.len());
    let row = |i: usize| [cells(it.top.get(i)), cells(it.bottom.get(i))].concat();
    let rows: Vec<Vec<String>> = (0..n).map(row).collect();
    let head = ["id", top, "piece", "id", bottom, "piece"];
    format!("{}\n{}", table(&head, &rows), bars(&it.histogram))
}

/// A histogram with a bar for several bins; the bar of a count that is not 0 is not empty.
fn bars(it: &Histogram) -> String {
    let per_bar = it.counts.len().div_ceil(N_BARS).max(1);
    let sum = |bins: &[u32]| bins.iter().map(|it| u64::from(*it)).sum::<u64>();
    let counts: Vec<u64> = it.counts.chunks(per_bar).map(sum).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bin = (it.high - it.low) / it.counts.len().max(1) as f32;
    let row = |(i, n): (usize, &u64)| {
        let width = (n * BAR_WIDTH as u64).div_ceil(most) as usize;
        let from = it.low + bin * (i * per_bar) as f32;
        vec![number(from), n.to_string(), "#".repeat(width)]
    };
    let rows: Vec<Vec<String>> = counts.iter().enumerate().map(row).collect();
    let scale = format!("to {}", number(it.high));
    format!("{}{scale}\n", table(&["from", "tokens", ""], &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_in_a_bar() {
        let histogram = Histogram {
            low: -1.0,
            high: 1.0,
            counts: (0..50).map(|it| if it == 0 { 1 } else { 1000 }).collect(),
        };
        let text = bars(&histogram);
        let numbers = text.lines().skip(1).filter_map(|it| {
            let n = it.split_whitespace().nth(1)?;
            n.parse::<u64>().ok()
        });
        assert_eq!(numbers.sum::<u64>(), 49_001, "{text}");
        assert!(
            text.contains("-1.0000") && text.ends_with("to 1.0000\n"),
            "{text}"
        );
    }

    #[test]
    fn a_label_and_its_examples_are_shown_as_far_as_they_go() {
        let all = Label {
            index: 3,
            label: Some("cities\u{7}".into()),
            density: Some(0.25),
            max: None,
        };
        let text = label(&all);
        assert!(text.starts_with("label              cities"), "{text}");
        assert!(
            text.contains("25.0000%") && !text.contains('\u{7}'),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);
        let it = Example {
            tokens: ["<bos>", "In", " Paris", "."].map(String::from).into(),
            pos: 2,
            value: 3.5,
        };
        let [value, sentence] = &example(&it)[..] else {
            panic!("two cells")
        };
        assert_eq!(value, "3.5000");
        assert!(
            sentence.contains(">>") && sentence.contains("Paris<<"),
            "{sentence}"
        );
    }

    #[test]
    fn a_histogram_of_nothing_is_no_panic() {
        let nothing = Histogram {
            low: 0.0,
            high: 0.0,
            counts: vec![],
        };
        assert!(bars(&nothing).contains("tokens"));
        let rare = Histogram {
            counts: vec![1, 1_000_000],
            ..nothing
        };
        assert!(bars(&rare).contains(" 1  #\n"), "{}", bars(&rare));
    }
}
