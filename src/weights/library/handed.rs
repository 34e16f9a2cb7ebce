//! Files that were handed over with a request, as copies of repositories: where among them a model and transcoders lie, told by their
//! names. Leaves reading them to `hub`.

use super::{LibraryError, supply::Supply};
use crate::{
    hub::{Copied, Inside, Source},
    spec::{HandedFile, RepoRef},
    weights::{
        Variant, WeightsError,
        layout::{INDEX_FILE, SINGLE_FILE},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

const CONFIG_FILE: &str = "config.json";
const TOKENIZER_FILE: &str = "tokenizer.json";

/// Files and what they are.
#[derive(Clone)]
pub struct Handed {
    source: Rc<dyn Source>,
    modified: BTreeMap<String, u64>,
    places: Places,
}

/// The folders of a model and of transcoders, each empty or with a slash at its end; none where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    model: Option<String>,
    transcoders: Option<String>,
}

impl Handed {
    /// Looks through the names; `source` holds the files.
    ///
    /// Errors: [`LibraryError::NoSet`], [`LibraryError::SeveralSets`], [`LibraryError::MissingFile`].
    pub fn new(source: Rc<dyn Source>, files: &[HandedFile]) -> Result<Self, WeightsError> {
        let names: BTreeSet<&str> = files.iter().map(|it| it.name.as_str()).collect();
        let places = places(&names, &source.name())?;
        let modified = files.iter().map(|it| (it.name.clone(), it.modified_millis));
        Ok(Self {
            source,
            modified: modified.collect(),
            places,
        })
    }

    /// Whether a model is among them.
    pub fn has_model(&self) -> bool {
        self.places.model.is_some()
    }

    /// Whether transcoders are.
    pub fn has_transcoders(&self) -> bool {
        self.places.transcoders.is_some()
    }

    /// The model's files, as a copy of `repo`.
    pub(super) async fn model(&self, repo: &RepoRef) -> Result<Option<Supply>, WeightsError> {
        self.supply(self.places.model.as_deref(), repo).await
    }

    /// The transcoders'.
    pub(super) async fn transcoders(&self, repo: &RepoRef) -> Result<Option<Supply>, WeightsError> {
        self.supply(self.places.transcoders.as_deref(), repo).await
    }

    async fn supply(
        &self,
        prefix: Option<&str>,
        repo: &RepoRef,
    ) -> Result<Option<Supply>, WeightsError> {
        let Some(prefix) = prefix else {
            return Ok(None);
        };
        let inside: Rc<dyn Source> = Rc::new(Inside::new(self.source.clone(), prefix));
        let modified = |name: &str| {
            let at = self.modified.get(&format!("{prefix}{name}"));
            at.copied().unwrap_or_default()
        };
        let it = Copied::find(inside.clone(), &modified).await?;
        let is_commit = |it: &str| it.len() == 40 && it.bytes().all(|it| it.is_ascii_hexdigit());
        let asked = Some(&repo.revision).filter(|it| is_commit(it));
        if let (Some(asked), Some(found)) = (asked, &it.commit)
            && asked != found
        {
            return Err(LibraryError::OtherFolder {
                place: inside.name(),
                found: format!("commit {found}"),
                wanted: repo.to_string(),
            }
            .into());
        }
        let commit = it.commit_or_hash();
        Ok(Some(Supply::copy(
            it.source,
            repo.clone(),
            commit,
            it.files,
        )))
    }
}

fn places(names: &BTreeSet<&str>, place: &str) -> Result<Places, LibraryError> {
    let model = model(names, place)?;
    let transcoders = folders(names, |it| {
        let starts = it.match_indices('/').map(|at| at.0 + 1);
        let found = std::iter::once(0).chain(starts);
        let mut found = found.filter(|at| Variant::from_name(&it[*at..]).is_some());
        found.next()
    });
    let transcoders = only(transcoders, "transcoders", place)?;
    if model.is_none() && transcoders.is_none() {
        let place = place.into();
        return Err(LibraryError::NoSet { place });
    }
    Ok(Places { model, transcoders })
}

/// The folder of the model. Weights without what belongs to them, and a config without weights, are told.
fn model(names: &BTreeSet<&str>, place: &str) -> Result<Option<String>, LibraryError> {
    let with = |file: &str| folders(names, |it| it.strip_suffix(file).map(str::len));
    let mut weights = with(SINGLE_FILE);
    weights.extend(with(INDEX_FILE));
    let Some(folder) = only(weights, "models", place)? else {
        // Transcoders may have a config of their own.
        let is_alone = |it: &String| {
            !names.iter().any(|name| {
                let rest = name.strip_prefix(it.as_str());
                rest.is_some_and(|it| Variant::from_name(it).is_some())
            })
        };
        let config = with(CONFIG_FILE).into_iter().find(is_alone);
        return match config {
            Some(it) => Err(missing(&it, SINGLE_FILE, place)),
            None => Ok(None),
        };
    };
    for file in [CONFIG_FILE, TOKENIZER_FILE] {
        if !names.contains(format!("{folder}{file}").as_str()) {
            return Err(missing(&folder, file, place));
        }
    }
    Ok(Some(folder))
}

/// What stands before names, as long as `length` says: empty, or with a slash at its end. Hidden folders are passed over.
fn folders(names: &BTreeSet<&str>, length: impl Fn(&str) -> Option<usize>) -> BTreeSet<String> {
    let plain = names
        .iter()
        .filter(|it| !it.split('/').any(|it| it.starts_with('.')));
    let before = plain.filter_map(|it| Some(&it[..length(it)?]));
    let folders = before.filter(|it| it.is_empty() || it.ends_with('/'));
    folders.map(Into::into).collect()
}

fn only(
    found: BTreeSet<String>,
    what: &'static str,
    place: &str,
) -> Result<Option<String>, LibraryError> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(LibraryError::SeveralSets {
            place: place.into(),
            what,
            first,
            second,
        }),
        (first, _) => Ok(first),
    }
}

fn missing(folder: &str, file: &str, place: &str) -> LibraryError {
    LibraryError::MissingFile {
        place: place.into(),
        file: format!("{folder}{file}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "layer_0/width_16k/average_l0_76/params.npz";

    fn found(names: &[&str]) -> Result<Places, String> {
        let names = names.iter().copied().collect();
        places(&names, "here").map_err(|it| it.to_string())
    }

    fn at(model: Option<&str>, transcoders: Option<&str>) -> Result<Places, String> {
        Ok(Places {
            model: model.map(Into::into),
            transcoders: transcoders.map(Into::into),
        })
    }

    #[test]
    fn folders_are_found_by_what_is_in_them() {
        let scope = format!("top/scope/{LAYER}");
        let model = |folder: &str| {
            ["config.json", "model.safetensors", "tokenizer.json"].map(|it| format!("{folder}{it}"))
        };
        let model = model("top/model/");
        let mut all: Vec<&str> = model.iter().map(String::as_str).collect();
        assert_eq!(found(&all), at(Some("top/model/"), None));
        all.extend([scope.as_str(), "top/README.md", "top/.git/config.json"]);
        assert_eq!(found(&all), at(Some("top/model/"), Some("top/scope/")));
        let sharded = [
            "config.json",
            "tokenizer.json",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            LAYER,
        ];
        assert_eq!(found(&sharded), at(Some(""), Some("")));
        // Transcoders may say something in a config of their own.
        assert_eq!(
            found(&["a/config.json", &format!("a/{LAYER}")]),
            at(None, Some("a/"))
        );
        assert_eq!(found(&["layer_3.safetensors"]), at(None, Some("")));
    }

    #[test]
    fn what_is_none_or_not_whole_is_told() {
        for (names, said) in [
            (&[][..], "neither"),
            (&["a.txt", "b/c.json"], "neither"),
            (
                &["m/config.json", "m/tokenizer.json"],
                "m/model.safetensors",
            ),
            (
                &["m/model.safetensors", "m/tokenizer.json"],
                "m/config.json",
            ),
            (
                &["m/model.safetensors", "m/config.json"],
                "m/tokenizer.json",
            ),
            (&["a/model.safetensors", "b/model.safetensors"], "a/ and b/"),
            (
                &["a/layer_0.safetensors", "b/layer_1.safetensors"],
                "a/ and b/",
            ),
        ] {
            let got = found(names).expect_err("an error");
            assert!(got.contains(said), "{names:?}: {got}");
        }
    }
}
