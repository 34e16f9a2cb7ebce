//! Which requests a fault strikes, and the rules that are in force.
//!
//! What the faults are is left to `fault`.

use super::fault::Fault;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A fault and the requests that it strikes.
///
/// As text: `NAME[:NUMBERS]@PATH[#[FIRST][xTIMES]]`. `cut:9@layer_0` strikes every request whose path has `layer_0` in it, `cut:9@layer_0#3`
/// the third alone, `#3x2` the third and the fourth, `#x2` the first two, `#3x*` the third and all after it. Only requests are counted to which
/// the fault could make a difference: a cut after 9 bytes leaves a body of 5 bytes alone, and the preflights of browsers count for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// What the path of the request contains, percent signs decoded.
    pub path: String,
    /// The first request that is struck, counted from 1.
    #[serde(default = "one")]
    pub first: u64,
    /// How many are struck; all where nothing is said.
    #[serde(default)]
    pub times: Option<u64>,
}

fn one() -> u64 {
    1
}

impl FromStr for Rule {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (fault, rest) = text.split_once('@').with_context(|| {
            format!("`{text}` does not say where: NAME@PATH, and `@/` is everywhere")
        })?;
        let (path, which) = match rest.rsplit_once('#') {
            Some((path, which)) => (path, Some(which)),
            None => (rest, None),
        };
        ensure!(!path.is_empty(), "`{text}` has no path; `@/` is everywhere");
        let (first, times) = match which {
            Some(which) => select(which).with_context(|| {
                format!("`{text}`: `#{which}` is none of #FIRST, #FIRSTxTIMES, #xTIMES, #FIRSTx*")
            })?,
            None => (1, None),
        };
        Ok(Self {
            fault: fault.parse()?,
            path: path.to_string(),
            first,
            times,
        })
    }
}

fn select(text: &str) -> Option<(u64, Option<u64>)> {
    let (first, times) = match text.split_once('x') {
        Some((first, "*")) => (first, None),
        Some((first, times)) => (first, Some(times.parse().ok()?)),
        None => (text, Some(1)),
    };
    let first = match (first, text.starts_with('x')) {
        ("", true) => 1,
        (first, _) => first.parse().ok()?,
    };
    (first > 0 && times != Some(0)).then_some((first, times))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, path, .. } = self;
        match (self.first, self.times) {
            (1, None) => write!(f, "{fault}@{path}"),
            (first, None) => write!(f, "{fault}@{path}#{first}x*"),
            (first, Some(1)) => write!(f, "{fault}@{path}#{first}"),
            (first, Some(times)) => write!(f, "{fault}@{path}#{first}x{times}"),
        }
    }
}

/// The rules in force, each with the number of requests that it could have struck.
#[derive(Default)]
pub struct Rules(Vec<(Rule, u64)>);

impl Rules {
    /// None counted yet.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into_iter().map(|it| (it, 0)).collect())
    }

    /// Those in force.
    pub fn list(&self) -> Vec<Rule> {
        self.0.iter().map(|it| it.0.clone()).collect()
    }

    /// The first fault that strikes; rules after it have not seen the request.
    ///
    /// So two rules for "the first request" strike one request each.
    pub fn take_one(&mut self, path: &str, possible: impl Fn(&Fault) -> bool) -> Option<Fault> {
        self.struck(path, possible).next()
    }

    /// All faults that strike together.
    pub fn take_all(&mut self, path: &str, possible: impl Fn(&Fault) -> bool) -> Vec<Fault> {
        self.struck(path, possible).collect()
    }

    /// Counts as it is read.
    fn struck(
        &mut self,
        path: &str,
        possible: impl Fn(&Fault) -> bool,
    ) -> impl Iterator<Item = Fault> {
        self.0.iter_mut().filter_map(move |(rule, n_seen)| {
            if !path.contains(&rule.path) || !possible(&rule.fault) {
                return None;
            }
            *n_seen += 1;
            let n_before = n_seen.checked_sub(rule.first)?;
            rule.times
                .is_none_or(|times| n_before < times)
                .then(|| rule.fault.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(text: &str, n_requests: usize) -> Vec<usize> {
        let mut rules = Rules::new(vec![text.parse().unwrap()]);
        (1..=n_requests)
            .filter(|_| rules.take_one("/a/b.npz", |_| true).is_some())
            .collect()
    }

    #[test]
    fn the_text_says_which_requests() {
        assert_eq!(struck("html@b.npz", 4), [1, 2, 3, 4]);
        assert_eq!(struck("html@/#3", 4), [3]);
        assert_eq!(struck("html@/#2x2", 4), [2, 3]);
        assert_eq!(struck("html@/#x2", 4), [1, 2]);
        assert_eq!(struck("html@/#3x*", 4), [3, 4]);
        assert!(struck("html@c.npz", 4).is_empty());
        assert!(
            struck("html@2x2", 4).is_empty(),
            "x belongs to the path without #"
        );
    }

    #[test]
    fn rules_are_read_as_they_are_written() {
        for text in [
            "cut:9@a",
            "cut:9@a#3",
            "cut:9@a#1x2",
            "cut:9@a#3x*",
            "status:429:5@/api/#1",
        ] {
            let rule: Rule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
        }
        let short: Rule = serde_json::from_str(r#"{"fault": "html", "path": "a"}"#).unwrap();
        assert_eq!(short, "html@a".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("html", "does not say where"),
            ("html@", "has no path"),
            ("html@#1", "has no path"),
            ("html@a#", "`#` is none of #FIRST"),
            ("html@a#0", "`#0` is none of"),
            ("html@a#1x0", "`#1x0` is none of"),
            ("html@a#1x", "`#1x` is none of"),
            ("html@a#-1", "`#-1` is none of"),
            ("boom@a", "`boom` is no fault"),
        ];
        for (text, said) in cases {
            let err = text.parse::<Rule>().expect_err(text);
            assert!(format!("{err:#}").contains(said), "{text}: {err:#}");
        }
    }

    #[test]
    fn one_request_is_replaced_once_but_bent_by_all() {
        let both = || {
            Rules::new(vec![
                "html@/#1".parse().unwrap(),
                "status:500@/#1".parse().unwrap(),
            ])
        };
        let mut rules = both();
        let taken = [(); 3].map(|()| rules.take_one("/", |_| true).map(|it| it.to_string()));
        assert_eq!(
            taken,
            [Some("html".into()), Some("status:500".into()), None]
        );
        assert_eq!(both().take_all("/", |_| true).len(), 2);
    }

    #[test]
    fn what_makes_no_difference_is_not_counted() {
        let mut rules = Rules::new(vec!["html@/#1".parse().unwrap()]);
        assert!(rules.take_one("/", |_| false).is_none());
        assert!(rules.take_one("/", |_| true).is_some());
    }
}
