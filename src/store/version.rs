//! Whose store a folder is: this version's, none yet, or another's, which is left alone.

use super::{Disk, Open, StoreError, blob, written::VERSION};
use std::rc::Rc;

/// Where the store is, and where it goes when something else is there.
const FOLDERS: [&str; 2] = ["gemscope", "gemscope-1"];
const FILE: &str = "VERSION";
const OPENING: &str = "gemscope store ";

/// Something in the place of a store that this version did not write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetAside {
    /// The folder that holds it.
    pub folder: String,
    /// The version that wrote it; none when it is not even known to be a store.
    pub version: Option<String>,
    /// Bytes of its files.
    pub size_bytes: u64,
}

/// Whose a folder is.
enum Owner {
    Us,
    Nobody,
    /// What the first line of its version says.
    Other(String),
}

/// The folder of this version's store, made where there is none, and what was set aside for it.
///
/// Errors: [`StoreError::Version`] when every folder is another's; those of the disk.
pub(super) async fn settle(disk: &dyn Disk) -> Result<(Rc<dyn Disk>, Vec<SetAside>), StoreError> {
    let (mut ours, mut free) = (None, None);
    let mut set_aside: Vec<SetAside> = Vec::new();
    for folder in FOLDERS {
        let inside = disk.folder(folder).await?;
        match owner(&*inside).await? {
            Owner::Us => ours = ours.or(Some(inside)),
            Owner::Nobody => free = free.or(Some(inside)),
            Owner::Other(found) => set_aside.push(SetAside {
                folder: folder.into(),
                version: found.strip_prefix(OPENING).map(str::to_string),
                size_bytes: size_bytes(&*inside).await?,
            }),
        }
    }
    if let Some(it) = ours {
        return Ok((it, set_aside));
    }
    if let Some(it) = free {
        claim(&*it).await?;
        return Ok((it, set_aside));
    }
    let found = set_aside.iter().map(|it| it.version.as_deref());
    let found: Vec<&str> = found.map(|it| it.unwrap_or("no version of it")).collect();
    Err(StoreError::Version {
        place: disk.name(),
        found: found.join(", "),
    })
}

/// Removes what is known to be a store of another version; the bytes freed, and what is left.
///
/// Errors: those of the disk.
pub(super) async fn remove(
    disk: &dyn Disk,
    set_aside: &[SetAside],
) -> Result<(u64, Vec<SetAside>), StoreError> {
    let (stores, left): (Vec<_>, Vec<_>) =
        (set_aside.iter().cloned()).partition(|it| it.version.is_some());
    let mut freed_bytes = 0;
    for it in stores {
        let inside = disk.folder(&it.folder).await?;
        // The version goes last, so that what a crash leaves is still known for what it is.
        let mut files = inside.list().await?;
        files.sort_by_key(|(name, _)| name == FILE);
        for (name, size_bytes) in files {
            inside.remove(&name).await?;
            freed_bytes += size_bytes;
        }
    }
    Ok((freed_bytes, left))
}

async fn owner(inside: &dyn Disk) -> Result<Owner, StoreError> {
    let text = blob::read(inside, FILE).await?.unwrap_or_default();
    if text == ours().as_bytes() {
        return Ok(Owner::Us);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    // Beginning a store is interrupted before it has any other file.
    let alone = inside.list().await?.iter().all(|(name, _)| name == FILE);
    if alone && ours().starts_with(text.trim_end_matches('\0')) {
        return Ok(Owner::Nobody);
    }
    let first = text.lines().next().unwrap_or_default();
    Ok(Owner::Other(first.to_string()))
}

async fn claim(inside: &dyn Disk) -> Result<(), StoreError> {
    let text = ours();
    let file = inside.open(FILE, Open::Write).await?;
    file.write(0, &text.as_bytes().to_vec().into()).await?;
    file.truncate(text.len() as u64).await?;
    file.flush().await
}

fn ours() -> String {
    format!("{OPENING}{VERSION}\n")
}

async fn size_bytes(inside: &dyn Disk) -> Result<u64, StoreError> {
    Ok(inside.list().await?.iter().map(|it| it.1).sum())
}
