//! What is kept, as plain data; who keeps it is `store`, who knows what it is `weights`.

use super::{Packing, Part, RepoName, RepoRef, Trust};
use serde::{Deserialize, Serialize};

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredList {
    /// Where.
    pub place: String,
    /// Everything that is kept, by source and part.
    pub sources: Vec<StoredSource>,
    /// Bytes of all files, reserved ones included.
    pub total_bytes: u64,
    /// Bytes that are reserved for what has not come yet.
    pub reserved_bytes: u64,
    /// Bytes that only wait for their turn to be proven.
    pub waiting_bytes: u64,
    /// Bytes that may still fit: a hint, since browsers don't tell the truth here.
    pub room_bytes: Option<u64>,
    /// Whether the system may take it away when it wants room.
    pub keeping: StoredKeeping,
    /// Bytes that another version of the program left here, untouched.
    pub set_aside_bytes: u64,
}

/// Whether the system may take away what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredKeeping {
    /// It won't.
    Sure,
    /// It may.
    #[default]
    AtRisk,
    /// A person is being asked.
    Asked,
}

/// Parts that came from one file, or from the files of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSource {
    /// The repository that it was fetched from first, where that is still known.
    pub repo: Option<RepoRef>,
    /// The commit.
    pub commit: Option<String>,
    /// The file; none for the files of a model, which belong together.
    pub file: Option<String>,
    /// Its parts.
    pub parts: Vec<StoredPart>,
}

/// A part that is kept, or on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// Its name in the store.
    pub key: String,
    /// Which part; none for headers, tokenizers and lists.
    pub part: Option<Part>,
    /// How its matrices are packed.
    pub packing: Option<Packing>,
    /// Bytes of the whole.
    pub size_bytes: u64,
    /// Bytes that are there.
    pub done_bytes: u64,
    /// Whether it is whole.
    pub whole: bool,
    /// What it has been compared with; none as long as nothing of it is there.
    pub trust: Option<Trust>,
    /// Whether a tab or program writes it now.
    pub busy: bool,
}

/// Which of what is kept is meant. What is left open means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSelection {
    /// Of this repository.
    pub repo: Option<RepoName>,
    /// In this packing.
    pub packing: Option<Packing>,
    /// Of these layers.
    pub layers: Option<Vec<usize>>,
    /// These parts.
    pub parts: Option<Vec<Part>>,
    /// Under these names.
    pub keys: Option<Vec<String>>,
}

/// What comparing what is kept with its own hashes found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Parts looked at.
    pub n_parts: usize,
    /// What is damaged.
    pub damaged: Vec<Damage>,
}

/// A part with pieces that are no longer what they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Its name in the store.
    pub key: String,
    /// Which part; none for headers, tokenizers and lists.
    pub part: Option<Part>,
    /// Pieces that are damaged.
    pub n_pieces: usize,
    /// Bytes that must be fetched again.
    pub size_bytes: u64,
    /// Whether they were marked to be fetched again.
    pub forgotten: bool,
}

/// What copying out of the store or into it did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// Parts copied.
    pub n_parts: usize,
    /// Their bytes.
    pub size_bytes: u64,
    /// Parts left out, each with the reason.
    pub left_out: Vec<(String, String)>,
}

impl StoredList {
    /// The parts that are meant.
    pub fn selected<'a>(
        &'a self,
        selection: &'a StoredSelection,
    ) -> impl Iterator<Item = &'a StoredPart> {
        self.sources.iter().flat_map(|source| {
            let parts = source.parts.iter();
            parts.filter(|it| selection.takes(source, it))
        })
    }
}

impl StoredSelection {
    /// Whether a part of a source is meant. What belongs to no layer is of no layer that is asked for.
    pub fn takes(&self, source: &StoredSource, it: &StoredPart) -> bool {
        let layer = it.part.and_then(Part::layer);
        let repo = source.repo.as_ref().map(|it| &it.repo);
        (self.repo.as_ref()).is_none_or(|wanted| repo == Some(wanted))
            && self.packing.is_none_or(|wanted| it.packing == Some(wanted))
            && among(self.layers.as_deref(), layer.as_ref())
            && among(self.parts.as_deref(), it.part.as_ref())
            && among(self.keys.as_deref(), Some(&it.key))
    }
}

/// Whether something is among those asked for, if any are.
fn among<T: PartialEq>(wanted: Option<&[T]>, it: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| it.is_some_and(|it| wanted.contains(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_narrows_what_is_meant() {
        let part = |key: &str, part| StoredPart {
            key: key.into(),
            part,
            packing: Some(Packing::Q8),
            size_bytes: 1,
            done_bytes: 1,
            whole: true,
            trust: None,
            busy: false,
        };
        let source = StoredSource {
            repo: Some("a/b@dev".parse().unwrap()),
            commit: None,
            file: None,
            parts: vec![
                part("head", None),
                part("m", Some(Part::Mlp(3))),
                part("e", Some(Part::Encoder(4))),
            ],
        };
        let list = StoredList {
            sources: vec![source],
            ..StoredList::default()
        };
        let keys = |it: StoredSelection| {
            let selected = list.selected(&it).map(|it| it.key.clone());
            selected.collect::<Vec<_>>().join(" ")
        };
        let all = StoredSelection::default();
        assert_eq!(keys(all.clone()), "head m e");
        let of = |repo: &str| StoredSelection {
            repo: Some(repo.parse().unwrap()),
            ..all.clone()
        };
        assert_eq!(
            (keys(of("a/b")).as_str(), keys(of("a/c")).as_str()),
            ("head m e", "")
        );
        let mut it = all.clone();
        it.layers = Some(vec![3, 4]);
        assert_eq!(keys(it.clone()), "m e");
        it.parts = Some(vec![Part::Mlp(3), Part::Mlp(9)]);
        assert_eq!(keys(it.clone()), "m");
        it.packing = Some(Packing::F32);
        assert_eq!(keys(it), "");
        let mut it = all;
        it.keys = Some(vec!["e".into()]);
        assert_eq!(keys(it.clone()), "e");
        it.keys = Some(vec![]);
        assert_eq!(keys(it), "");
    }
}
