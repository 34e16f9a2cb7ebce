//! The headers of the site, from `_headers`, so that the local server and a static host send the same.

use anyhow::{Context, Result, bail};
use axum::http::{HeaderName, HeaderValue};

/// What is sent with which path.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// A path, or its beginning.
    path: String,
    is_beginning: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rules {
    /// Reads the text of `_headers`: paths, alone or with a star at their end, and below each its headers.
    ///
    /// Errors: any other pattern, rather than one that some hosts know and this server does not; a line that is no header.
    pub fn parse(text: &str) -> Result<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if !line.starts_with(char::is_whitespace) {
                rules.push(Rule::parse(trimmed)?);
                continue;
            }
            let header = trimmed.split_once(':');
            let (rule, (name, value)) = (rules.last_mut().zip(header))
                .with_context(|| format!("_headers: `{trimmed}` is no header of a path"))?;
            let header = (name.trim().parse()?, value.trim().parse()?);
            rule.headers.push(header);
        }
        Ok(Self(rules))
    }

    /// Headers of a path, in the order of their rules.
    pub fn of(&self, path: &str) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        let fits = move |it: &&Rule| match it.is_beginning {
            true => path.starts_with(&it.path),
            false => path == it.path,
        };
        self.0.iter().filter(fits).flat_map(|it| &it.headers)
    }
}

impl Rule {
    fn parse(pattern: &str) -> Result<Self> {
        let path = pattern.strip_suffix('*');
        let is_beginning = path.is_some();
        let path = path.unwrap_or(pattern);
        if !path.starts_with('/')
            || path.contains(['*', ':'])
            || is_beginning && !path.ends_with('/')
        {
            bail!("_headers: `{pattern}` is neither a path nor `/…/*`");
        }
        Ok(Self {
            path: path.into(),
            is_beginning,
            headers: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_headers_of_every_rule_that_fits() {
        let rules = Rules::parse("# said\n/*\n  A: 1\n\n/\n  B: 2\n/x/*\n  C: d: 3\n").unwrap();
        let of = |path: &str| -> Vec<String> {
            let told = rules
                .of(path)
                .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()));
            told.collect()
        };
        assert_eq!(of("/"), ["a=1", "b=2"]);
        assert_eq!(of("/x"), ["a=1"]);
        assert_eq!(of("/x/y"), ["a=1", "c=d: 3"]);
    }

    /// Hosts that join what several rules say would else send a value twice.
    #[test]
    fn nothing_but_policies_is_said_twice_of_a_path() {
        let rules = Rules::parse(include_str!("../../www/_headers")).unwrap();
        let paths = [
            "/",
            "/index.html",
            "/embed.html",
            "/embed",
            "/sw.js",
            "/hosts.json",
            "/demo/a",
            "/hashed/a",
        ];
        for path in paths {
            let mut names: Vec<&str> = rules.of(path).map(|it| it.0.as_str()).collect();
            names.retain(|it| *it != "content-security-policy");
            let n_names = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(n_names, names.len(), "{path}");
            assert!(names.contains(&"cache-control"), "{path}");
        }
    }

    #[test]
    fn other_patterns_are_refused() {
        for text in [
            "/a*\n  A: b",
            "/*/b\n  A: b",
            "/:name\n",
            "https://a/\n",
            "/*\n  no header",
            "  A: b",
        ] {
            assert!(Rules::parse(text).is_err(), "{text}");
        }
    }
}
