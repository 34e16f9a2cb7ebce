//! A run in words and tables: Markdown. Plain text, no engine.

use super::super::{
    firings::Firing,
    protocol::{Distribution, Origin, Token},
};
use super::table::label;
use crate::{scope::Labels, spec::visible};
use std::{collections::BTreeMap, fmt::Write};

/// Features that are told.
const N_FEATURES: usize = 20;

/// What is told.
pub struct Summary<'a> {
    /// Where it comes from.
    pub origin: &'a Origin,
    /// Of the prompt.
    pub tokens: &'a [Token],
    /// After the last of them.
    pub next: &'a Distribution,
    /// Active features.
    pub firings: &'a [Firing],
    /// What is known of features.
    pub labels: &'a Labels,
}

impl Summary<'_> {
    /// The text.
    pub fn markdown(&self) -> String {
        let text: String = (self.tokens.iter().skip_while(|it| it.special))
            .map(|it| it.piece.as_str())
            .collect();
        let title = match text.is_empty() {
            true => format!("{} tokens", self.tokens.len()),
            false => escaped(text.trim()),
        };
        let mut out = format!("# {title}\n\n## What the model would say next\n\n");
        let next = self.next.top.iter().map(|it| {
            let piece = shown(&it.piece, it.id);
            vec![piece, format!("{:.1} %", it.probability * 100.0)]
        });
        out.push_str(&table(&["token", "probability"], next));
        let strongest = self.strongest();
        let n_active = self.firings.iter().filter(|it| it.pos > 0).count();
        // Writing into a String can't fail.
        let _ = write!(
            out,
            "\n## Strongest features\n\n{n_active} are active, the first token's left out.\n\n"
        );
        let rows = strongest.iter().map(|it| {
            let token = self.tokens.get(it.pos);
            vec![
                it.feature().to_string(),
                it.pos.to_string(),
                token.map_or_else(String::new, |it| shown(&it.piece, it.id)),
                format!("{:.2}", it.activation),
                escaped(&label(self.labels.label(it.feature()))),
            ]
        });
        out.push_str(&table(
            &["feature", "position", "token", "activation", "label"],
            rows,
        ));
        out.push_str("\n## Active features by layer\n\n");
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for it in self.firings.iter().filter(|it| it.pos > 0) {
            *counts.entry(it.layer).or_default() += 1;
        }
        let rows = counts
            .iter()
            .map(|(layer, n)| vec![layer.to_string(), n.to_string()]);
        out.push_str(&table(&["layer", "active"], rows));
        out.push_str("\n## Where this comes from\n\n");
        let rows = self
            .origin
            .pairs()
            .into_iter()
            .map(|(key, value)| vec![key.replace('_', " "), escaped(&value)]);
        out.push_str(&table(&["what", "which"], rows));
        out
    }

    /// The strongest, the first position left out, which dwarfs the others.
    fn strongest(&self) -> Vec<&Firing> {
        let mut out: Vec<&Firing> = self.firings.iter().filter(|it| it.pos > 0).collect();
        out.sort_by(|a, b| b.activation.total_cmp(&a.activation));
        out.truncate(N_FEATURES);
        out
    }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |it: &[String]| format!("| {} |\n", it.join(" | "));
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let rule = vec!["---".to_string(); head.len()];
    let rows: String = rows.map(|it| line(&it)).collect();
    format!("{}{}{rows}", line(&head), line(&rule))
}

/// A token, its spaces to be seen.
fn shown(piece: &str, id: u32) -> String {
    match piece {
        "" => format!("token {id}"),
        it => escaped(&it.replace(' ', "␣")),
    }
}

/// Text that stays text: no markup of Markdown or HTML, no cell of a table.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in visible(text).chars() {
        match it {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            _ if "\\`*_{}[]()#+!|>~".contains(it) => out.extend(['\\', it]),
            _ => out.push(it),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_told_as_text() {
        assert_eq!(escaped("<img src=x>|`a`\n"), "&lt;img src=x\\>\\|\\`a\\`↵");
        assert_eq!(escaped("[x](javascript:1)"), "\\[x\\]\\(javascript:1\\)");
        assert_eq!(shown(" Austin", 3), "␣Austin");
        assert_eq!(shown("", 3), "token 3");
    }
}
