//! A table as lines of a file: CSV, TSV, JSON, each with where its numbers come from. Plain text, no engine; leaves what is in the rows
//! to `rows`.

use super::super::protocol::{DocumentForm, Label, Origin, Token};
use crate::spec::visible;
use serde::Serialize;
use std::fmt::Write;

/// What stands around the rows.
pub struct Table<'a> {
    /// What kind of file.
    pub form: DocumentForm,
    /// Where it comes from.
    pub origin: &'a Origin,
    /// What it is about besides, in order: the feature.
    pub about: Vec<(&'static str, String)>,
    /// Of the prompt; none where it is not about one.
    pub tokens: &'a [Token],
    /// What the rows are called in JSON.
    pub name: &'static str,
    /// Their columns.
    pub columns: Vec<&'static str>,
}

/// A row: as many values as there are columns.
pub type Row = Vec<Cell>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It is not known, or there is none: left out in JSON.
    Nothing,
    /// A number of things, or a place.
    Count(usize),
    /// A measured number.
    Single(f32),
    /// One of a sum.
    Double(f64),
    /// Free text.
    Text(String),
}

impl Table<'_> {
    /// Everything before the rows.
    pub fn head(&self) -> String {
        if self.form == DocumentForm::Json {
            return self.json_head();
        }
        let mut out = String::new();
        let pairs = self.origin.pairs().into_iter().chain(self.about.clone());
        for (key, value) in pairs {
            // Writing into a String can't fail.
            let _ = writeln!(out, "# {key}: {}", visible(&value));
        }
        if !self.tokens.is_empty() {
            let text: String = self.tokens.iter().map(|it| visible(&it.piece)).collect();
            let _ = writeln!(out, "# prompt: {text}");
        }
        out.push_str(&self.columns.join(&self.between().to_string()));
        out.push('\n');
        out
    }

    /// Some rows; `first` where no others are before them.
    pub fn rows(&self, rows: &[Row], first: bool) -> String {
        if self.form == DocumentForm::Json {
            let rows = rows.iter().enumerate();
            return rows
                .map(|(at, it)| self.json_row(it, first && at == 0))
                .collect();
        }
        let between = self.between();
        let line = |it: &Row| {
            let values: Vec<String> = it.iter().map(|it| it.plain(between)).collect();
            values.join(&between.to_string()) + "\n"
        };
        rows.iter().map(line).collect()
    }

    /// Everything after them.
    pub fn tail(&self) -> &'static str {
        match self.form {
            DocumentForm::Json => "\n]}\n",
            _ => "",
        }
    }

    fn between(&self) -> char {
        match self.form {
            DocumentForm::Tsv => '\t',
            _ => ',',
        }
    }

    fn json_head(&self) -> String {
        let mut out = format!("{{\"origin\":{}", json(self.origin));
        for (key, value) in &self.about {
            let _ = write!(out, ",\n\"{key}\":{}", json(value));
        }
        if !self.tokens.is_empty() {
            let _ = write!(out, ",\n\"tokens\":{}", json(self.tokens));
        }
        let _ = write!(out, ",\n\"{}\":[", self.name);
        out
    }

    /// A row, and what parts it from the one before.
    fn json_row(&self, row: &Row, first: bool) -> String {
        let values = self.columns.iter().zip(row);
        let values: Vec<String> = values
            .filter(|it| *it.1 != Cell::Nothing)
            .map(|(name, it)| format!("\"{name}\":{}", it.json()))
            .collect();
        let before = if first { "\n" } else { ",\n" };
        format!("{before}{{{}}}", values.join(","))
    }
}

impl Cell {
    /// Text, or nothing where it is empty.
    pub fn text(it: impl Into<String>) -> Self {
        match it.into() {
            it if it.is_empty() => Self::Nothing,
            it => Self::Text(it),
        }
    }

    /// A number that may not be known.
    pub fn known(it: Option<f64>) -> Self {
        it.map_or(Self::Nothing, Self::Double)
    }

    fn plain(&self, between: char) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Count(it) => it.to_string(),
            Self::Single(it) => it.to_string(),
            Self::Double(it) => it.to_string(),
            Self::Text(it) => quoted(it, between),
        }
    }

    /// JSON has no number for what is not finite; it stands there as `null`.
    fn json(&self) -> String {
        match self {
            Self::Nothing => "null".into(),
            Self::Count(it) => it.to_string(),
            Self::Single(it) => json(it),
            Self::Double(it) => json(it),
            Self::Text(it) => json(it),
        }
    }
}

/// A label as far as there is one.
pub fn label(it: Option<Label>) -> String {
    it.and_then(|it| it.label).unwrap_or_default()
}

/// Plain data always is JSON.
fn json(it: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(it).unwrap_or_default()
}

/// Free text as a value: in quotes where it could be taken for something else, and never a formula of a spreadsheet.
fn quoted(it: &str, between: char) -> String {
    let mut out = visible(it);
    if out.starts_with(['=', '+', '-', '@']) {
        out.insert(0, '\'');
    }
    let plain = |it: char| it != between && it != '"' && it != '#' && it != ',';
    let spaced = out.starts_with(' ') || out.ends_with(' ');
    match out.chars().all(plain) && !spaced {
        true => out,
        false => format!("\"{}\"", out.replace('"', "\"\"")),
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
