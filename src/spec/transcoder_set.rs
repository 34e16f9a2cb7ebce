//! circuit-tracer's `config.yaml` of a set of transcoders: which file of which repository serves each layer.
//!
//! A parser of the flat subset that such files use, since a whole YAML parser would cost the page more than it reads here:
//! `key: value`, and lists of plain values. What it can't read for certain it refuses.

use super::{AddressError, Endpoint, MAIN, RepoRef, file_name_parts};
use std::{collections::BTreeMap, fmt};

/// What a `config.yaml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscoderSet {
    /// The model that they were made for, as the file names it.
    pub model_name: Option<String>,
    /// One file per layer from layer 0 on; none where the file lists none: then `layer_L.safetensors` lie beside it.
    pub files: Option<Vec<HubFile>>,
}

/// A file of a repository: `hf://owner/name/path`, with `@REVISION` or `?revision=REVISION` behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HubFile {
    /// Where.
    pub repo: RepoRef,
    /// Its name inside.
    pub file: String,
}

/// Why a `config.yaml` names no transcoders that we can run.
#[derive(Clone, Debug, PartialEq)]
pub enum TranscoderSetError {
    /// A line that is not of the form of such files.
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A key that must be there.
    Missing {
        /// The key.
        key: &'static str,
    },
    /// Transcoders that read or write elsewhere, or are of another kind.
    Other {
        /// The key that says so.
        key: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// An entry that names no file of a hub.
    File {
        /// The layer.
        layer: usize,
        /// Why.
        source: AddressError,
    },
}

/// What the keys must say. Source: circuit-tracer's sets for Gemma Scope; facts of the transcoders' own card.
const EXPECTED: [(&str, &str); 3] = [
    ("model_kind", "transcoder_set"),
    ("feature_input_hook", "ln2.hook_normalized"),
    ("feature_output_hook", "hook_mlp_out"),
];
const LIST: &str = "transcoders";
const MAX_BYTES: usize = 1 << 20;

impl TranscoderSet {
    /// Reads a `config.yaml`; `hf://` means `endpoint`.
    ///
    /// Errors: [`TranscoderSetError`].
    pub fn parse(text: &str, endpoint: &Endpoint) -> Result<Self, TranscoderSetError> {
        if text.len() > MAX_BYTES {
            return Err(wrong(1, "too long to be a config.yaml"));
        }
        let mut keys = Keys::default();
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            keys.line(n + 1, line)?;
        }
        for (key, expected) in EXPECTED {
            let found = keys
                .scalar(key)
                .ok_or(TranscoderSetError::Missing { key })?;
            if found != expected {
                return Err(TranscoderSetError::Other {
                    key,
                    found,
                    expected,
                });
            }
        }
        let entries = keys.lists.get(LIST).map(|it| it.iter().enumerate());
        let files = entries.map(|it| {
            it.map(|(layer, it)| {
                HubFile::parse(it, endpoint)
                    .map_err(|source| TranscoderSetError::File { layer, source })
            })
            .collect::<Result<Vec<_>, _>>()
        });
        let files = files.transpose()?;
        if files.as_ref().is_some_and(Vec::is_empty) || keys.scalar(LIST).is_some() {
            return Err(TranscoderSetError::Missing { key: LIST });
        }
        let model_name = keys.scalar("model_name");
        Ok(Self { model_name, files })
    }
}

impl HubFile {
    /// Reads `hf://owner/name/path[@REVISION]`, where `hf://` means `endpoint`.
    ///
    /// Errors: what names no file of a repository.
    pub fn parse(text: &str, endpoint: &Endpoint) -> Result<Self, AddressError> {
        let wrong = |detail: &str| AddressError::new(text, detail);
        let rest = (text.strip_prefix("hf://"))
            .ok_or_else(|| wrong("files are named hf://OWNER/NAME/PATH"))?;
        let (path, revision) = (rest.split_once("?revision="))
            .or_else(|| rest.rsplit_once('@'))
            .unwrap_or((rest, MAIN));
        let mut parts = path.splitn(3, '/');
        let name = [parts.next(), parts.next()].map(Option::unwrap_or_default);
        let file = parts.next().unwrap_or_default();
        if file_name_parts(file).is_none() || file.contains(['?', '#']) {
            return Err(wrong("it names no file inside a repository"));
        }
        let repo = name.join("/").parse();
        let repo = repo.map_err(|it: AddressError| wrong(&it.detail))?;
        let repo = RepoRef::new(endpoint.clone(), repo).at(revision);
        Ok(Self {
            repo: repo.map_err(|it| wrong(&it.detail))?,
            file: file.into(),
        })
    }
}

/// The keys of a file, as far as they have been read.
#[derive(Default)]
struct Keys {
    scalars: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
    /// The key whose list may follow.
    open: Option<String>,
}

impl Keys {
    fn scalar(&self, key: &str) -> Option<String> {
        self.scalars.get(key).cloned()
    }

    fn line(&mut self, n: usize, line: &str) -> Result<(), TranscoderSetError> {
        let content = without_comment(line).trim_end();
        let inner = content.trim_start();
        if inner.is_empty() || content == "---" {
            return Ok(());
        }
        if inner == "-" || inner.starts_with("- ") {
            let key = self
                .open
                .as_ref()
                .ok_or_else(|| wrong(n, "a list without a key"))?;
            let list = self.lists.entry(key.clone()).or_default();
            // What other lists hold is nobody's business here.
            let item = match key == LIST {
                true => plain(inner[1..].trim()).ok_or_else(|| wrong(n, "not a plain value"))?,
                false => String::new(),
            };
            list.push(item);
            return Ok(());
        }
        if inner.len() < content.len() {
            let ours = self.open.as_ref().is_none_or(|it| is_ours(it));
            return match ours {
                true => Err(wrong(n, "not a plain value")),
                false => Ok(()),
            };
        }
        let (key, value) = inner
            .split_once(':')
            .ok_or_else(|| wrong(n, "no `key: value`"))?;
        self.key(n, key.trim_end(), value)
    }

    fn key(&mut self, n: usize, key: &str, value: &str) -> Result<(), TranscoderSetError> {
        let key = plain(key).filter(|_| value.is_empty() || value.starts_with(' '));
        let key = key.ok_or_else(|| wrong(n, "no `key: value`"))?;
        if self.scalars.contains_key(&key) || self.lists.contains_key(&key) {
            return Err(wrong(n, &format!("`{key}` stands there twice")));
        }
        let value = value.trim();
        if value.is_empty() {
            self.lists.insert(key.clone(), Vec::new());
            self.open = Some(key);
            return Ok(());
        }
        let value = match is_ours(&key) {
            true => plain(value).ok_or_else(|| wrong(n, &format!("`{key}` has no plain value")))?,
            false => String::new(),
        };
        self.open = (!is_ours(&key)).then(|| key.clone());
        self.scalars.insert(key, value);
        Ok(())
    }
}

fn is_ours(key: &str) -> bool {
    key == LIST || key == "model_name" || EXPECTED.iter().any(|it| it.0 == key)
}

/// A value in quotes without escapes, or one that starts like nothing else in YAML.
fn plain(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            let inside = inside.strip_suffix(quote)?;
            return (!inside.contains([quote, '\\'])).then(|| inside.into());
        }
    }
    let first = text.chars().next()?;
    let fine = first.is_alphanumeric() || "_./".contains(first);
    (fine && !text.contains(": ") && !text.ends_with(':')).then(|| text.into())
}

/// A `#` starts a comment at the start of a line or after a blank, outside quotes.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut blank) = (None, true);
    for (at, it) in line.char_indices() {
        match quote {
            Some(open) if it == open => quote = None,
            Some(_) => (),
            None if it == '#' && blank => return &line[..at],
            None if blank && (it == '"' || it == '\'') => quote = Some(it),
            None => (),
        }
        blank = it.is_whitespace();
    }
    line
}

fn wrong(line: usize, detail: &str) -> TranscoderSetError {
    let detail = detail.into();
    TranscoderSetError::Line { line, detail }
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf://{}/{}", self.repo.repo, self.file)?;
        match self.repo.revision.as_str() {
            MAIN => Ok(()),
            it => write!(f, "@{it}"),
        }
    }
}

impl fmt::Display for TranscoderSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, detail } => write!(f, "config.yaml, line {line}: {detail}"),
            Self::Missing { key } => write!(f, "config.yaml names no `{key}`"),
            Self::Other {
                key,
                found,
                expected,
            } => write!(f, "config.yaml: `{key}` is `{found}`, not `{expected}`"),
            Self::File { layer, source } => {
                write!(f, "config.yaml, transcoder of layer {layer}: {source}")
            }
        }
    }
}

impl std::error::Error for TranscoderSetError {}

impl TranscoderSetError {
    /// What can be done about it, in the visitor's words.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Other { .. } => {
                "Choose a set of transcoders that read ln2.hook_normalized and predict hook_mlp_out, such as Gemma Scope's."
            }
            _ => "Take config.yaml as circuit-tracer publishes it, with a list of hf:// files.",
        }
    }
}

#[cfg(test)]
#[path = "transcoder_set_tests.rs"]
mod tests;
