//! The model that a link names, in few letters: `demo`, `g2b-precise`, `OWNER/NAME-compact`. Leaves opening it to the visitor.

use super::{Precision, RepoRef, gemma};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Short for Gemma 2 2B where nobody has to ask for it.
const GEMMA: &str = "g2b";
const DEMO: &str = "demo";

/// A model and how its weights were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LinkModel {
    /// Its repository; none is the demo model, which lies beside the page.
    pub repo: Option<RepoRef>,
    /// How its weights were kept.
    pub precision: Precision,
}

/// Why a text names no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkModelError {
    /// What was given.
    pub text: String,
}

impl LinkModel {
    /// Gemma 2 2B from where nobody has to ask for it.
    pub fn gemma(precision: Precision) -> Self {
        let repo = gemma::MODEL_REPO.parse().ok();
        Self { repo, precision }
    }

    /// Whether it is Gemma 2 2B, whoever keeps it: the model whose features Neuronpedia shows.
    pub fn is_gemma(&self) -> bool {
        let known = [gemma::MODEL_REPO, gemma::GATED_MODEL_REPO];
        let repo = self.repo.as_ref();
        repo.is_some_and(|it| known.contains(&it.repo.as_str()))
    }

    /// Whether both are of the same weights, whoever keeps them.
    pub fn is_same_model(&self, other: &Self) -> bool {
        let names = [self, other].map(|it| it.repo.as_ref().map(|it| &it.repo));
        names[0] == names[1] || (self.is_gemma() && other.is_gemma())
    }

    /// Its name for a reader.
    pub fn name(&self) -> String {
        match &self.repo {
            None => "the demo model".into(),
            Some(_) if self.is_gemma() => "Gemma 2 2B".into(),
            Some(it) => it.to_string(),
        }
    }
}

impl fmt::Display for LinkModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repo {
            None => match self.precision {
                Precision::Reference => f.write_str(DEMO),
                other => write!(f, "{DEMO}-{other}"),
            },
            Some(_) if *self == Self::gemma(self.precision) => {
                write!(f, "{GEMMA}-{}", self.precision)
            }
            Some(repo) => write!(f, "{repo}-{}", self.precision),
        }
    }
}

impl FromStr for LinkModel {
    type Err = LinkModelError;

    fn from_str(text: &str) -> Result<Self, LinkModelError> {
        let unknown = || LinkModelError { text: text.into() };
        if text == DEMO {
            let (repo, precision) = (None, Precision::Reference);
            return Ok(Self { repo, precision });
        }
        let (name, precision) = text.rsplit_once('-').ok_or_else(unknown)?;
        let precision = precision.parse().map_err(|_| unknown())?;
        match name {
            DEMO => Ok(Self {
                repo: None,
                precision,
            }),
            GEMMA => Ok(Self::gemma(precision)),
            name => Ok(Self {
                repo: Some(name.parse().map_err(|_| unknown())?),
                precision,
            }),
        }
    }
}

impl From<LinkModel> for String {
    fn from(it: LinkModel) -> String {
        it.to_string()
    }
}

impl TryFrom<String> for LinkModel {
    type Error = LinkModelError;

    fn try_from(text: String) -> Result<Self, LinkModelError> {
        text.parse()
    }
}

impl fmt::Display for LinkModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no model", self.text)
    }
}

impl std::error::Error for LinkModelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for text in [
            "demo",
            "demo-compact",
            "g2b-reference",
            "g2b-precise",
            "google/gemma-2-2b-precise",
            "a/b-c@v1-compact",
            "https://hub.example.org/a/b/tree/v1-precise",
        ] {
            let parsed: LinkModel = text.parse().expect(text);
            assert_eq!(parsed.to_string(), text);
        }
        assert_eq!(
            "unsloth/gemma-2-2b-precise".parse(),
            Ok(LinkModel::gemma(Precision::Precise))
        );
        for text in [
            "",
            "demo-",
            "g2b",
            "g2b-q4-1",
            "gemma-precise",
            "a/../b-precise",
        ] {
            assert!(text.parse::<LinkModel>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mirror_has_the_same_model() {
        let of = |it: &str| it.parse::<LinkModel>().expect(it);
        assert!(of("g2b-precise").is_same_model(&of("google/gemma-2-2b-compact")));
        assert!(!of("demo").is_same_model(&of("g2b-reference")));
        assert!(of("demo").is_same_model(&of("demo-compact")));
    }
}
