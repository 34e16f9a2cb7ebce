//! A copy of a repository in a place that is read file by file: which commit it is of, and what its files must hash to. Leaves folders of
//! the disk, which tell more, to `downloaded`.

use super::{
    HubError, RemoteFile, Source,
    noted::{MAX_NOTE_BYTES, Note, made_up, of_etag, sampled, samples},
};
use std::{collections::BTreeMap, rc::Rc};

/// A place with files of a repository.
pub struct Copied {
    /// The place, in which files are named as in the repository.
    pub source: Rc<dyn Source>,
    /// The files by name, as [`Downloaded`](super::Downloaded) has them.
    pub files: BTreeMap<String, RemoteFile>,
    /// 40 hexadecimal digits, where something tells the commit.
    pub commit: Option<String>,
}

impl Copied {
    /// Looks at a place; `modified` tells when a file was changed last, in milliseconds. Of files nothing is read but their notes, and
    /// the two ends of those of which there are none.
    ///
    /// Errors: those of the place.
    pub async fn find(
        source: Rc<dyn Source>,
        modified: &dyn Fn(&str) -> u64,
    ) -> Result<Self, HubError> {
        let (mut files, mut notes) = (BTreeMap::new(), Vec::new());
        let hidden = |it: &String| it.split('/').any(|it| it.starts_with('.'));
        for name in source.list().await?.into_iter().filter(|it| !hidden(it)) {
            let size_bytes = source.size(&name).await?;
            let note = note(&*source, &name).await?;
            let etag = note.as_ref().map(|it| it.etag.as_str());
            let mut file = of_etag(size_bytes, etag);
            if file.sha256.is_none() && file.oid.is_empty() {
                let mut read = Vec::new();
                for range in samples(size_bytes) {
                    read.push(source.read(&name, range).await?.into_vec());
                }
                let nanos = u128::from(modified(&name)) * 1_000_000;
                file.oid = sampled(&name, size_bytes, nanos, &read);
            }
            files.insert(name, file);
            notes.extend(note);
        }
        Ok(Self {
            source,
            files,
            commit: Note::newest(notes),
        })
    }

    /// The commit, or where nothing tells it as many digits of a hash of the files as far as they are known.
    pub fn commit_or_hash(&self) -> String {
        let known = self.commit.clone();
        known.unwrap_or_else(|| made_up(&self.files))
    }
}

async fn note(source: &dyn Source, file: &str) -> Result<Option<Note>, HubError> {
    let place = Note::place(file);
    let size_bytes = match source.size(&place).await {
        Ok(it) if it <= MAX_NOTE_BYTES => it,
        Ok(_) | Err(HubError::NotFound { .. } | HubError::Name { .. }) => return Ok(None),
        Err(it) => return Err(it),
    };
    let text = source.read(&place, 0..size_bytes).await?.into_vec();
    Ok(Note::parse(&String::from_utf8_lossy(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hub::{Inside, Memory},
        sys::block_on,
    };

    const SHA: &str = "00000000000000000000000000000000000000000000000000000000000000ab";
    const COMMIT: &str = "1111111111111111111111111111111111111111";

    fn find(files: &[(&str, &str)], modified: u64) -> Copied {
        let mut memory = Memory::default();
        for (name, text) in files {
            memory.insert(name, *text);
        }
        let inside = Inside::new(Rc::new(memory), "a/");
        block_on(Copied::find(Rc::new(inside), &|_| modified)).expect("a place")
    }

    #[test]
    fn notes_say_commit_and_hash() {
        let note = format!("{COMMIT}\n{SHA}\n1.5\n");
        let it = find(
            &[
                ("a/x/model.safetensors", "abc"),
                (
                    "a/.cache/huggingface/download/x/model.safetensors.metadata",
                    &note,
                ),
                ("b/other", "not of this place"),
            ],
            0,
        );
        assert_eq!(it.commit_or_hash(), COMMIT);
        let file = &it.files["x/model.safetensors"];
        assert_eq!((file.size_bytes, file.sha256.as_deref()), (3, Some(SHA)));
        assert!(!it.files.contains_key("other"));
    }

    #[test]
    fn what_nothing_is_noted_of_is_told_apart_by_time_and_ends() {
        let of = |text: &str, modified| {
            let it = find(&[("a/f", text)], modified);
            (it.commit_or_hash(), it.files["f"].oid.clone())
        };
        assert_eq!(of("abc", 1), of("abc", 1));
        assert_ne!(of("abc", 1), of("abd", 1));
        assert_ne!(of("abc", 1), of("abc", 2));
        let broken = find(
            &[
                ("a/f", "abc"),
                ("a/.cache/huggingface/download/f.metadata", "<html>"),
            ],
            1,
        );
        assert!(broken.commit.is_none() && broken.files["f"].oid.len() == 40);
    }
}
