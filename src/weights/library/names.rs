//! Under which names things are kept in the store. Ids are the first 16 digits of a sha256 of content as its publisher names it, so
//! that the same file from a mirror is the same source.

use crate::{
    hub::RemoteFile,
    spec::{Packing, Part, RepoRef},
    weights::checkpoint::hex,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const ID_DIGITS: usize = 16;
const CONFIG: &str = "config.json";
const WEIGHTS: &str = ".safetensors";
const INDEX: &str = ".safetensors.index.json";

/// What a name in the store stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Which commit a repository is pinned to: the pin's id and which of its two places.
    Pin(String, u64),
    /// The files of a repository at a commit: the pin's id and 16 digits of the commit.
    Tree(String, String),
    /// The headers of a model or of a dictionary, by its id.
    Head(String),
    /// A tokenizer, by the id of its file.
    Tokenizer(String),
    /// Another small file, kept as it is, by its id.
    Small(String),
    /// A part: the id of its source, which part, how it is packed.
    Part(String, Part, Packing),
    /// Raw pieces of a part that wait for their turn to be proven.
    Spill(String, Part, Packing),
    /// How far a file's proof has come: the file's id and which of its two places.
    Proof(String, u64),
}

/// The id of a repository at a revision.
pub fn repo_id(repo: &RepoRef) -> String {
    let (endpoint, name, revision) = (&repo.endpoint, &repo.repo, &repo.revision);
    id(format!("{endpoint}/{name}@{revision}").as_bytes())
}

/// The id of a file's content.
pub fn file_id(file: &RemoteFile) -> String {
    id(content(file).as_bytes())
}

/// The id of a model: of its config, its index and its files of weights, by their names.
pub fn model_id(files: &BTreeMap<String, RemoteFile>) -> String {
    let is_single = files.contains_key("model.safetensors");
    let counts = |name: &str| match is_single {
        true => name == CONFIG || name == "model.safetensors",
        false => {
            let of_weights = name.ends_with(WEIGHTS) || name.ends_with(INDEX);
            name == CONFIG || (of_weights && !name.contains('/'))
        }
    };
    let files = files.iter().filter(|it| counts(it.0));
    let text: Vec<String> = files
        .map(|(name, file)| format!("{name} {}\n", content(file)))
        .collect();
    id(text.concat().as_bytes())
}

/// Whether a file's content is the same: what identifies it in words.
fn content(file: &RemoteFile) -> String {
    let hash = file.sha256.as_ref().unwrap_or(&file.oid);
    format!("{} {hash}", file.size_bytes)
}

fn id(text: &[u8]) -> String {
    let mut digits = hex(&Sha256::digest(text));
    digits.truncate(ID_DIGITS);
    digits
}

impl Name {
    /// A part's name.
    pub fn part(id: &str, part: Part, packing: Packing) -> Self {
        Self::Part(id.into(), part, packing)
    }

    /// The name as the store has it.
    pub fn key(&self) -> String {
        match self {
            Self::Pin(id, n) => format!("pin-{id}.{n}"),
            Self::Tree(id, commit) => format!("tree-{id}.{commit}"),
            Self::Head(id) => format!("head-{id}"),
            Self::Tokenizer(id) => format!("tokenizer-{id}"),
            Self::Small(id) => format!("small-{id}"),
            Self::Part(id, part, packing) => format!("{id}-{part}-{}", packing_name(*packing)),
            Self::Spill(id, part, packing) => {
                format!("spill-{id}-{part}-{}", packing_name(*packing))
            }
            Self::Proof(id, n) => format!("proof-{id}.{n}"),
        }
    }

    /// What a name in the store stands for; none for one that is not ours.
    pub fn parse(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_once('-')?;
        let of_part = |id: &str, rest: &str| {
            let (part, packing) = rest.rsplit_once('-')?;
            Some((is_id(id)?, part.parse().ok()?, packing_of(packing)?))
        };
        let numbered = || {
            let (id, n) = rest.split_once('.')?;
            Some((is_id(id)?, n.parse().ok()?))
        };
        let found = match kind {
            "pin" => numbered().map(|(id, n)| Self::Pin(id, n)),
            "proof" => numbered().map(|(id, n)| Self::Proof(id, n)),
            "tree" => {
                let (id, commit) = rest.split_once('.')?;
                Some(Self::Tree(is_id(id)?, is_id(commit)?))
            }
            "head" => is_id(rest).map(Self::Head),
            "tokenizer" => is_id(rest).map(Self::Tokenizer),
            "small" => is_id(rest).map(Self::Small),
            "spill" => {
                let (id, rest) = rest.split_once('-')?;
                of_part(id, rest).map(|it| Self::Spill(it.0, it.1, it.2))
            }
            id => of_part(id, rest).map(|it| Self::Part(it.0, it.1, it.2)),
        };
        found.filter(|it| it.key() == key)
    }
}

/// 16 digits of a commit.
pub fn commit_id(commit: &str) -> String {
    commit.chars().take(ID_DIGITS).collect()
}

fn is_id(text: &str) -> Option<String> {
    let digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    (text.len() == ID_DIGITS && text.bytes().all(digit)).then(|| text.into())
}

fn packing_name(it: Packing) -> &'static str {
    match it {
        Packing::F32 => "f32",
        Packing::Bf16 => "bf16",
        Packing::F16 => "f16",
        Packing::Q8 => "q8",
    }
}

fn packing_of(text: &str) -> Option<Packing> {
    let all = [Packing::F32, Packing::Bf16, Packing::F16, Packing::Q8];
    all.into_iter().find(|it| packing_name(*it) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(hash: &str, size_bytes: u64) -> RemoteFile {
        RemoteFile {
            size_bytes,
            sha256: Some(hash.into()),
            oid: "0".repeat(40),
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let id = "0123456789abcdef".to_string();
        for name in [
            Name::Pin(id.clone(), 1),
            Name::Tree(id.clone(), id.clone()),
            Name::Head(id.clone()),
            Name::Tokenizer(id.clone()),
            Name::Small(id.clone()),
            Name::part(&id, Part::Encoder(25), Packing::F16),
            Name::part(&id, Part::Opening, Packing::Q8),
            Name::Spill(id.clone(), Part::Embedding(17), Packing::Bf16),
            Name::Proof(id.clone(), 0),
        ] {
            assert_eq!(Name::parse(&name.key()), Some(name.clone()), "{name:?}");
        }
        for key in [
            "",
            "pin-1.0",
            "head-xyz",
            "head",
            "0123456789abcdef-opening",
            "0123456789abcdef-opening-q4",
        ] {
            assert_eq!(Name::parse(key), None, "{key}");
        }
    }

    #[test]
    fn ids_follow_content_alone() {
        let one = BTreeMap::from([
            ("config.json".to_string(), file("a", 1)),
            ("model.safetensors".to_string(), file("b", 2)),
            ("README.md".to_string(), file("c", 3)),
        ]);
        let mut other = one.clone();
        other.insert("README.md".into(), file("d", 4));
        other.insert("adapter.safetensors".into(), file("d", 4));
        assert_eq!(model_id(&one), model_id(&other));
        other.insert("model.safetensors".into(), file("d", 2));
        assert_ne!(model_id(&one), model_id(&other));
        assert_eq!(file_id(&file("a", 1)).len(), ID_DIGITS);
        assert_ne!(file_id(&file("a", 1)), file_id(&file("a", 2)));
        let repo: RepoRef = "a/b".parse().unwrap();
        assert_ne!(repo_id(&repo), repo_id(&repo.clone().at("dev").unwrap()));
    }
}
