//! The small languages of arguments about features: lists of layers, variants, splices, interventions that go together.

use super::report::failure;
use crate::session::protocol::{Failure, Intervention, Splice};
use crate::spec::Positions;

/// A longer list of layers is a slip of the keyboard.
const MAX_LAYER: usize = 999;

/// Layers with commas between, or from the first to the last of several: `0,3,5-7`. In order, each once.
pub fn layers(text: &str) -> Result<Vec<usize>, Failure> {
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let span = number(first).zip(number(last));
        let span = span.filter(|(first, last)| first <= last && *last <= MAX_LAYER);
        let (first, last) = span.ok_or_else(|| no_layers(part))?;
        out.extend(first..=last);
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// Layers and the average L0 of the variant wanted: `0=115,12=10`.
pub fn average_l0(text: &str) -> Result<Vec<(usize, usize)>, Failure> {
    let remedy = "Write LAYER=L0 with commas between, such as 0=115,12=10.";
    let mut out: Vec<(usize, usize)> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let pair = part.split_once('=');
        let pair = pair.and_then(|(layer, l0)| number(layer).zip(number(l0)));
        let (layer, l0) =
            pair.ok_or_else(|| failure(format!("`{part}` names no variant."), remedy))?;
        if let Some((_, other)) = out.iter().find(|it| it.0 == layer) {
            let what = format!("Layer {layer} has two variants, {other} and {l0}.");
            return Err(failure(what, "Give one for each layer."));
        }
        out.push((layer, l0));
    }
    Ok(out)
}

/// `3`, or `all`.
pub fn splice(text: &str) -> Result<Splice, Failure> {
    let one = match text {
        "all" => Some(Splice::All),
        _ => number(text).map(Splice::Layer),
    };
    one.ok_or_else(|| {
        let what = format!("`{text}` is nothing that can be spliced.");
        failure(what, "Give a layer, such as 3, or all.")
    })
}

/// Layers to splice one by one, and `all`: `0,3-5,all`.
pub fn splices(text: &str) -> Result<Vec<Splice>, Failure> {
    let mut out = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part {
            "all" => out.push(Splice::All),
            _ => out.extend(layers(part)?.into_iter().map(Splice::Layer)),
        }
    }
    let mut seen = Vec::new();
    out.retain(|it| {
        let is_new = !seen.contains(it);
        seen.push(*it);
        is_new
    });
    Ok(out)
}

/// Interventions, no two of which set the same feature at the same position.
pub fn interventions(texts: &[String]) -> Result<Vec<Intervention>, Failure> {
    let mut out: Vec<Intervention> = Vec::new();
    for text in texts {
        let parsed = text.parse::<Intervention>();
        let it = parsed.map_err(|it| {
            let remedy =
                "Such as 12:4-6:9000=0, 12:*:9000=x2 or 12:4-:9000=off; position 0 is BOS.";
            failure(format!("{it}."), remedy)
        })?;
        if let Some(other) = out.iter().find(|other| contradict(other, &it)) {
            let what = format!("`{other}` and `{it}` set the same feature at the same position.");
            return Err(failure(what, "Leave one of them away."));
        }
        out.push(it);
    }
    Ok(out)
}

fn contradict(a: &Intervention, b: &Intervention) -> bool {
    let ((a_first, a_last), (b_first, b_last)) = (ends(a.positions), ends(b.positions));
    a.feature == b.feature && a_first <= b_last && b_first <= a_last
}

/// First and last position, in a prompt of any length.
fn ends(it: Positions) -> (usize, usize) {
    match it {
        Positions::All => (0, usize::MAX),
        Positions::Span(first, last) => (first, last),
        Positions::From(first) => (first, usize::MAX),
    }
}

/// In decimal digits only.
fn number(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn no_layers(text: &str) -> Failure {
    let remedy = "Write numbers with commas between, or from-to, such as 0,3,5-7.";
    failure(format!("`{text}` names no layers."), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|it| (*it).to_string()).collect()
    }

    #[test]
    fn lists() {
        assert_eq!(layers("5-7, 0,6"), Ok(vec![0, 5, 6, 7]));
        for text in ["", "a", "3-1", "1,", "1--2", "-1", "0-99999999999"] {
            assert!(layers(text).is_err(), "{text}");
        }
        assert_eq!(average_l0("0=115, 12=10"), Ok(vec![(0, 115), (12, 10)]));
        for text in ["", "0", "0=", "a=1", "0=1,0=2"] {
            assert!(average_l0(text).is_err(), "{text}");
        }
        let all = [Splice::Layer(2), Splice::Layer(3), Splice::All];
        assert_eq!(splices("2-3,all,2"), Ok(all.to_vec()));
        assert!(splices("every").is_err() && splice("2-3").is_err());
    }

    #[test]
    fn the_same_feature_is_set_once() {
        for (a, b) in [
            ("1:2:3=4", "1:2:3=off"),
            ("1:2-4:3=x2", "1:4-:3=1"),
            ("1:*:3=0", "1:9:3=0"),
        ] {
            let error = interventions(&texts(&[a, b])).expect_err("the same");
            assert!(
                error.what.contains(a) && error.what.contains(b),
                "{}",
                error.what
            );
        }
        for (a, b) in [
            ("1:2:3=4", "1:3:3=off"),
            ("1:2-4:3=x2", "1:5-:3=1"),
            ("1:*:3=0", "2:*:3=0"),
        ] {
            assert!(interventions(&texts(&[a, b])).is_ok(), "{a} {b}");
        }
        assert!(interventions(&texts(&["1:2=3"])).is_err());
    }
}
