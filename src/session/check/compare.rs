//! Expected against measured, figure by figure. Leaves measuring to `measured`.

use super::figures::{
    ActiveCount, Encoder, EncoderCase, Firing, Model, Probabilities, Prompt, Rank, Residual,
};
use crate::spec::{CheckLine, Config, Precision, Probability};

/// A feature at a position: (layer, feature, position).
pub type Place = (usize, usize, usize);

/// What was measured, or why it could not be.
pub type Measured<T> = Result<T, String>;

/// Sizes of the model.
pub fn sizes(expected: &Model, it: &Config) -> CheckLine {
    let shown = |[layers, width, tokens]: [usize; 3]| {
        format!("{layers} layers, d_model {width}, {tokens} tokens")
    };
    let expected_sizes = [expected.n_layers, expected.d_model, expected.d_vocab];
    let sizes = [it.n_layers, it.d_model, it.d_vocab];
    CheckLine {
        what: "sizes of the model".into(),
        expected: shown(expected_sizes),
        measured: shown(sizes),
        tolerance: "exact".into(),
        passed: expected.are_sizes_of(it),
        source: expected.source.clone(),
    }
}

/// Features that an encoder makes of an input, as (feature, activation): how many, and which are the most active.
pub fn encoder(
    figures: &Encoder,
    case: &EncoderCase,
    measured: &Measured<Vec<(usize, f32)>>,
) -> [CheckLine; 2] {
    let (layer, average_l0, seed) = (case.layer, case.average_l0, case.seed);
    let name = format!("encoder {layer}, average L0 {average_l0}, seed {seed}");
    let line = |what: &str, expected: String, tolerance: String| CheckLine {
        what: format!("{name}: {what}"),
        expected,
        measured: String::new(),
        tolerance,
        passed: false,
        source: figures.source.clone(),
    };
    let tolerance = figures.relative_tolerance;
    let count = line("active features", case.n_active.to_string(), "exact".into());
    let top = line(
        &format!("the {} most active", case.top.len()),
        shown_top(&case.top),
        format!("same features, {tolerance:e} relative"),
    );
    [
        judge(count, measured, |it| {
            (it.len().to_string(), it.len() == case.n_active)
        }),
        judge(top, measured, |it| {
            let top = most_active(it, case.top.len());
            let close = |(a, b): (&(usize, f32), &(usize, f32))| {
                a.0 == b.0 && near(a.1, b.1, tolerance * a.1.abs())
            };
            let passed = top.len() == case.top.len() && case.top.iter().zip(&top).all(close);
            (shown_top(&top), passed)
        }),
    ]
}

/// Ids that the tokenizer makes of a text.
pub fn tokens(prompt: &Prompt, measured: &Measured<Vec<u32>>) -> CheckLine {
    let line = CheckLine {
        what: format!("tokens of {:?}", prompt.text),
        expected: format!("{:?}", prompt.ids),
        measured: String::new(),
        tolerance: "exact".into(),
        passed: false,
        source: "the ids of the figures below".into(),
    };
    judge(line, measured, |it| (format!("{it:?}"), *it == prompt.ids))
}

/// Probabilities of the next token; those measured have the tokens asked for.
pub fn probabilities(
    figure: &Probabilities,
    precision: Precision,
    measured: &Measured<Vec<Probability>>,
) -> Vec<CheckLine> {
    let tolerance = figure.tolerance.of(precision);
    let line = |&(id, expected): &(u32, f32)| {
        let line = CheckLine {
            what: format!("probability of token {id}"),
            expected: format!("{expected:.4}"),
            measured: String::new(),
            tolerance: format!("{tolerance} absolute"),
            passed: false,
            source: figure.source.clone(),
        };
        judge(line, measured, |all| {
            match all.iter().find(|it| it.id == id) {
                Some(it) => (
                    format!("{:.4} {}", it.probability, it.piece),
                    near(expected, it.probability, tolerance),
                ),
                None => ("not told".into(), false),
            }
        })
    };
    figure.tokens.iter().map(line).collect()
}

/// How many features of all layers are active.
pub fn n_active(
    figure: &ActiveCount,
    precision: Precision,
    measured: &Measured<usize>,
) -> CheckLine {
    let tolerance = figure.relative_tolerance.of(precision);
    let line = CheckLine {
        what: format!("active features at positions {}", figure.positions),
        expected: figure.expected.to_string(),
        measured: String::new(),
        tolerance: format!("{} %", tolerance * 100.0),
        passed: false,
        source: figure.source.clone(),
    };
    judge(line, measured, |it| {
        let most = figure.expected as f32 * tolerance;
        (
            it.to_string(),
            near(figure.expected as f32, *it as f32, most),
        )
    })
}

/// Features that are to fire; those measured of a layer have an activation.
pub fn firing(
    figure: &Firing,
    measured: &dyn Fn(usize) -> Measured<Vec<(Place, f32)>>,
) -> Vec<CheckLine> {
    let line = |wanted: &Place| {
        let (layer, feature, pos) = wanted;
        let line = CheckLine {
            what: format!("feature {layer}.{feature} at position {pos}"),
            expected: "fires".into(),
            measured: String::new(),
            tolerance: "exact".into(),
            passed: false,
            source: figure.source.clone(),
        };
        judge(line, &measured(*layer), |all| {
            match all.iter().find(|it| it.0 == *wanted && it.1 > 0.0) {
                Some(it) => (format!("fires, {:.4}", it.1), true),
                None => ("does not fire".into(), false),
            }
        })
    };
    figure.features.iter().map(line).collect()
}

/// The stream at the last position: its first numbers and its norm.
pub fn residual(figure: &Residual, measured: &Measured<Vec<f32>>) -> [CheckLine; 2] {
    let n = figure.first.len();
    let line = |what: String, expected: String, tolerance: String| CheckLine {
        what: format!("{}: {what}", figure.site),
        expected,
        measured: String::new(),
        tolerance,
        passed: false,
        source: figure.source.clone(),
    };
    let (absolute, relative) = (figure.absolute_tolerance, figure.relative_tolerance);
    let first = line(
        format!("the first {n} numbers"),
        shown(&figure.first),
        format!("{absolute} absolute"),
    );
    let norm = line(
        "norm".into(),
        figure.norm.to_string(),
        format!("{relative} relative"),
    );
    [
        judge(first, measured, |it| {
            let first = &it[..n.min(it.len())];
            let close = |(a, b): (&f32, &f32)| near(*a, *b, absolute);
            let passed = first.len() == n && figure.first.iter().zip(first).all(close);
            (shown(first), passed)
        }),
        judge(norm, measured, |it| {
            let squares = it.iter().map(|it| f64::from(*it).powi(2));
            let norm = squares.sum::<f64>().sqrt() as f32;
            (
                norm.to_string(),
                near(figure.norm, norm, relative * figure.norm),
            )
        }),
    ]
}

/// Where a token stands; those measured are the most probable ones, in order.
pub fn rank(figure: &Rank, measured: &Measured<Vec<Probability>>) -> CheckLine {
    let line = CheckLine {
        what: format!("rank of {:?}, token {}", figure.piece, figure.token),
        expected: figure.expected.to_string(),
        measured: String::new(),
        tolerance: "exact".into(),
        passed: false,
        source: figure.source.clone(),
    };
    judge(line, measured, |all| {
        match all.iter().position(|it| it.id == figure.token) {
            Some(at) => ((at + 1).to_string(), at + 1 == figure.expected),
            None => (format!("not among the first {}", all.len()), false),
        }
    })
}

/// The line with what was measured, and whether that passes; what could not be measured does not.
fn judge<T>(
    line: CheckLine,
    measured: &Measured<T>,
    of: impl Fn(&T) -> (String, bool),
) -> CheckLine {
    let (measured, passed) = match measured {
        Ok(it) => of(it),
        Err(why) => (format!("not measured: {why}"), false),
    };
    CheckLine {
        measured,
        passed,
        ..line
    }
}

/// Whether two numbers are as near as asked; NaN is near nothing.
fn near(a: f32, b: f32, most: f32) -> bool {
    (a - b).abs() <= most
}

fn most_active(all: &[(usize, f32)], n: usize) -> Vec<(usize, f32)> {
    let mut sorted = all.to_vec();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sorted.truncate(n);
    sorted
}

fn shown_top(top: &[(usize, f32)]) -> String {
    let one = |(feature, activation): &(usize, f32)| format!("{feature} {activation:.4}");
    let all: Vec<String> = top.iter().map(one).collect();
    all.join(", ")
}

fn shown(numbers: &[f32]) -> String {
    let all: Vec<String> = numbers.iter().map(|it| format!("{it:.6}")).collect();
    all.join(", ")
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
