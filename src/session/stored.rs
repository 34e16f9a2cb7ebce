//! What is kept: listed, compared, taken away, copied. Leaves doing it to `weights::Library`, and never touches what is open.

use super::{
    attached::Attachment,
    background::Doing,
    engine::Engine,
    fetching::Desk,
    inbox::Job,
    open,
    protocol::{CommandBody, Outcome, StoredSelection},
    trouble::Trouble,
};
use crate::{
    store::Disk,
    sys::Stop,
    weights::library::{Library, Manifest},
};
use futures_util::FutureExt;
use std::rc::Rc;

impl Engine {
    /// `Remove`: refused as a whole where something of it is open.
    pub(super) async fn remove(
        &mut self,
        selection: &StoredSelection,
        set_aside: bool,
    ) -> Result<Outcome, Trouble> {
        let library = self.desk.librarian.library().await?;
        if set_aside && selection.keys.as_ref().is_some_and(Vec::is_empty) {
            let size_bytes = library.store().remove_set_aside().await?;
            return Ok(Outcome::Freed { size_bytes });
        }
        if let Some(kept) = self.open.as_ref().and_then(|it| it.book.kept.as_ref()) {
            let list = library.list().await?;
            let mut parts = list.selected(selection);
            if let Some(part) = parts.find(|it| kept.uses(&it.key)) {
                let what = part
                    .part
                    .map_or_else(|| part.key.clone(), |it| it.to_string());
                return Err(Trouble::InUse { what });
            }
        }
        let size_bytes = library.remove(selection, set_aside).await?;
        Ok(Outcome::Freed { size_bytes })
    }
}

/// A command of this file that waits for no turn.
pub(super) fn doing(desk: &Desk, job: &Job) -> Doing {
    let (desk, body, attached) = (desk.clone(), job.body.clone(), job.attached.clone());
    let (id, stop) = (job.id, job.stop.clone());
    async move {
        let outbox = desk.outbox.clone();
        let phase = phase(&body);
        let mut on = move |done, total| outbox.progress(id, phase, done, Some(total), "bytes");
        if let CommandBody::Manifest { from } = &body {
            let manifest = manifest(from, (&mut on, &stop)).await?;
            return Ok(Outcome::Manifest { json: manifest });
        }
        let library = desk.librarian.library().await?;
        execute(&library, (&body, &attached), (&mut on, &stop)).await
    }
    .boxed_local()
}

/// How far something is, in bytes, and whether to stop.
type On<'a> = (&'a mut dyn FnMut(u64, u64), &'a Stop);

async fn execute(
    library: &Library,
    (body, attached): (&CommandBody, &[Attachment]),
    on: On<'_>,
) -> Result<Outcome, Trouble> {
    match body {
        CommandBody::Stored => Ok(Outcome::Stored(library.list().await?)),
        CommandBody::Verify { selection, repair } => {
            let verified = library.verify(selection, *repair, on).await?;
            Ok(Outcome::Verified(verified))
        }
        CommandBody::Export { selection, to } => {
            let to = export_disk(to, attached)?;
            Ok(Outcome::Copied(library.export(selection, to, on).await?))
        }
        CommandBody::Import { from } => {
            let from = import_disk(from, attached)?;
            Ok(Outcome::Copied(library.import(from, on).await?))
        }
        // All others have been executed elsewhere.
        _ => Err(Trouble::NotInTurn),
    }
}

async fn manifest(folder: &str, on: On<'_>) -> Result<String, Trouble> {
    if cfg!(target_arch = "wasm32") {
        return Err(Trouble::NoDisk {
            what: "Hashing a folder",
        });
    }
    let manifest = Manifest::make(&*open::folder(folder)?, on).await?;
    Ok(manifest.to_json())
}

/// The folder to export to.
#[cfg(not(target_arch = "wasm32"))]
fn export_disk(path: &str, _: &[Attachment]) -> Result<Rc<dyn Disk>, Trouble> {
    Ok(Rc::new(crate::store::FolderDisk::new(path)))
}

/// The folder to import from.
#[cfg(not(target_arch = "wasm32"))]
fn import_disk(path: &str, _: &[Attachment]) -> Result<Rc<dyn Disk>, Trouble> {
    Ok(Rc::new(crate::store::FolderDisk::new(path)))
}

/// The folder that came with the command.
#[cfg(target_arch = "wasm32")]
fn export_disk(_: &str, attached: &[Attachment]) -> Result<Rc<dyn Disk>, Trouble> {
    let folder = crate::store::HandedFolder::among(attached);
    Ok(Rc::new(folder.ok_or(Trouble::NoFolder)?))
}

/// The folder or the files that came with the command.
#[cfg(target_arch = "wasm32")]
fn import_disk(_: &str, attached: &[Attachment]) -> Result<Rc<dyn Disk>, Trouble> {
    if let Some(it) = crate::store::HandedFolder::among(attached) {
        return Ok(Rc::new(it));
    }
    let files = crate::store::HandedFiles::among(attached);
    Ok(Rc::new(files.ok_or(Trouble::NoFiles)?))
}

fn phase(body: &CommandBody) -> &'static str {
    match body {
        CommandBody::Verify { .. } => "comparing what is kept with its hashes",
        CommandBody::Export { .. } => "copying out of the store",
        CommandBody::Import { .. } => "copying into the store",
        CommandBody::Manifest { .. } => "hashing files",
        _ => "listing what is kept",
    }
}
