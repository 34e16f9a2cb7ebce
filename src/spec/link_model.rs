//! The model that a link names, in few letters: `demo`, `g2b-precise`, `OWNER/NAME-compact`, with its transcoders behind `~` where they are
//! not the usual ones: `g2b-precise~12:80`, `g2b-precise~OWNER/NAME`. Leaves opening it to the visitor.

use super::{ModelRef, OpenRequest, Precision, RepoRef, TranscoderRef, gemma};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Short for Gemma 2 2B where nobody has to ask for it.
const GEMMA: &str = "g2b";
const DEMO: &str = "demo";
/// Before the transcoders and before their variants.
const BEFORE: char = '~';

/// Transcoders other than the usual ones: Gemma Scope's with the lowest L0 of each layer, or the demo's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTranscoders {
    /// Their repository.
    pub repo: RepoRef,
    /// (layer, average L0) where it is another variant.
    pub average_l0: Vec<(usize, usize)>,
}

/// A model and how its weights were kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct LinkModel {
    /// Its repository; none is the demo model, which lies beside the page.
    pub repo: Option<RepoRef>,
    /// How its weights were kept.
    pub precision: Precision,
    /// Its transcoders; none are the usual ones.
    pub transcoders: Option<Box<LinkTranscoders>>,
}

/// Why a text names no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkModelError {
    /// What was given.
    pub text: String,
}

impl LinkModel {
    /// The demo.
    pub fn demo() -> Self {
        Self {
            repo: None,
            precision: Precision::Reference,
            transcoders: None,
        }
    }

    /// Gemma 2 2B from where nobody has to ask for it.
    pub fn gemma(precision: Precision) -> Self {
        Self {
            repo: gemma::MODEL_REPO.parse().ok(),
            precision,
            transcoders: None,
        }
    }

    /// What is opened, as a link names it; a folder is taken for the demo model's.
    pub fn of(request: &OpenRequest) -> Self {
        let repo = match &request.model {
            ModelRef::Hub { repo } => Some(repo.clone()),
            ModelRef::Folder { .. } | ModelRef::Synth { .. } => None,
        };
        let transcoders = request.transcoders.as_ref().and_then(|it| {
            let TranscoderRef::Hub { repo } = &it.place else {
                return None;
            };
            let mut average_l0 = it.average_l0.clone();
            average_l0.sort_unstable();
            average_l0.dedup();
            let repo = repo.clone();
            Some(Box::new(LinkTranscoders { repo, average_l0 }))
        });
        Self {
            repo,
            precision: request.precision,
            transcoders: transcoders.filter(|it| !it.is_usual()),
        }
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

    /// Whether features of one are features of the other: the same weights, and the same transcoders.
    pub fn is_same_set(&self, other: &Self) -> bool {
        self.is_same_model(other) && self.what_fires() == other.what_fires()
    }

    fn what_fires(&self) -> (&str, &[(usize, usize)]) {
        let it = self.transcoders.as_ref();
        it.map_or((gemma::TRANSCODER_REPO, &[]), |it| it.what())
    }

    /// Its transcoders for a reader.
    pub fn transcoders_name(&self) -> String {
        let named = self.transcoders.as_ref().map(ToString::to_string);
        named.unwrap_or_else(|| "the usual transcoders".into())
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

impl LinkTranscoders {
    fn is_usual(&self) -> bool {
        self.is_usual_repo() && self.average_l0.is_empty()
    }

    fn is_usual_repo(&self) -> bool {
        self.repo.to_string() == gemma::TRANSCODER_REPO
    }

    /// What tells them from others, whoever keeps them.
    fn what(&self) -> (&str, &[(usize, usize)]) {
        (self.repo.repo.as_str(), &self.average_l0)
    }
}

impl fmt::Display for LinkTranscoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_usual = self.is_usual_repo();
        if !is_usual {
            write!(f, "{}", self.repo)?;
        }
        let mut before = if is_usual { "" } else { "~" };
        for (layer, l0) in &self.average_l0 {
            write!(f, "{before}{layer}:{l0}")?;
            before = ",";
        }
        Ok(())
    }
}

impl fmt::Display for LinkModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repo {
            None if self.precision == Precision::Reference => f.write_str(DEMO)?,
            None => write!(f, "{DEMO}-{}", self.precision)?,
            Some(it) if it.to_string() == gemma::MODEL_REPO => {
                write!(f, "{GEMMA}-{}", self.precision)?;
            }
            Some(repo) => write!(f, "{repo}-{}", self.precision)?,
        }
        match &self.transcoders {
            Some(it) => write!(f, "{BEFORE}{it}"),
            None => Ok(()),
        }
    }
}

impl FromStr for LinkTranscoders {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_list =
            |it: &str| it.starts_with(|it: char| it.is_ascii_digit()) && !it.contains('/');
        let (repo, list) = match text.split_once(BEFORE) {
            Some((_, "")) => return Err(()),
            Some(it) => it,
            None if is_list(text) => (gemma::TRANSCODER_REPO, text),
            None => (text, ""),
        };
        let pair = |it: &str| {
            let (layer, l0) = it.split_once(':')?;
            Some((layer.parse().ok()?, l0.parse().ok()?))
        };
        let pairs = list.split(',').filter(|_| !list.is_empty()).map(pair);
        let mut average_l0 = pairs.collect::<Option<Vec<_>>>().ok_or(())?;
        average_l0.sort_unstable();
        average_l0.dedup();
        Ok(Self {
            repo: repo.parse().map_err(|_| ())?,
            average_l0,
        })
    }
}

impl FromStr for LinkModel {
    type Err = LinkModelError;

    fn from_str(text: &str) -> Result<Self, LinkModelError> {
        let unknown = || LinkModelError { text: text.into() };
        let (name, transcoders) = match text.split_once(BEFORE) {
            Some((name, of)) => (
                name,
                Some(of.parse::<LinkTranscoders>().map_err(|()| unknown())?),
            ),
            None => (text, None),
        };
        let transcoders = transcoders.filter(|it| !it.is_usual()).map(Box::new);
        if name == DEMO {
            return Ok(Self {
                repo: None,
                precision: Precision::Reference,
                transcoders,
            });
        }
        let (name, precision) = name.rsplit_once('-').ok_or_else(unknown)?;
        let repo = match name {
            DEMO => None,
            GEMMA => Some(gemma::MODEL_REPO),
            name => Some(name),
        };
        Ok(Self {
            repo: repo
                .map(|it| it.parse().map_err(|_| unknown()))
                .transpose()?,
            precision: precision.parse().map_err(|_| unknown())?,
            transcoders,
        })
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
            "g2b-precise~12:80,13:6",
            "g2b-precise~a/b",
            "a/b-compact~https://hub.example.org/c/d~0:71",
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
            "g2b-precise~",
            "g2b-precise~12",
            "g2b-precise~12:x",
            "g2b-precise~a/b~",
            "g2b-precise~a/b~c",
            "a/../b-precise",
        ] {
            assert!(text.parse::<LinkModel>().is_err(), "{text}");
        }
    }

    #[test]
    fn features_are_the_same_of_the_same_transcoders_alone() {
        let of = |it: &str| it.parse::<LinkModel>().expect(it);
        let usual = format!("g2b-precise~{}", gemma::TRANSCODER_REPO);
        assert_eq!(of(&usual), of("g2b-precise"));
        assert!(of("g2b-precise").is_same_set(&of("google/gemma-2-2b-compact")));
        assert!(!of("g2b-precise").is_same_set(&of("g2b-precise~12:80")));
        assert!(of("g2b-precise").is_same_model(&of("g2b-precise~12:80")));
    }

    #[test]
    fn a_mirror_has_the_same_model() {
        let of = |it: &str| it.parse::<LinkModel>().expect(it);
        assert!(of("g2b-precise").is_same_model(&of("google/gemma-2-2b-compact")));
        assert!(!of("demo").is_same_model(&of("g2b-reference")));
        assert!(of("demo").is_same_model(&of("demo-compact")));
    }
}
