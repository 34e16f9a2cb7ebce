//! What is handed on: links, witnesses, files. What the open model has to do with links is here; leaves their letters to `link`, the rest
//! to `witness` and `document`.

use super::{
    engine::Engine,
    inbox::Job,
    link::{self, Limits},
    open::Book,
    protocol::{CommandBody, LinkModel, LinkRead, Links, Outcome, View},
    trouble::Trouble,
};
use crate::spec::EmbedFlags;

/// `Link`. What an embedded view leaves out is of no use to a view that is not.
fn links(view: &View) -> Result<Outcome, Trouble> {
    let mut whole = view.clone();
    if !view.route.is_embedded() {
        whole.embed = EmbedFlags::default();
    }
    let embed = View {
        route: view.route.embedded(),
        ..view.clone()
    };
    Ok(Outcome::Linked(Links {
        fragment: link::write(&whole)?,
        without_prompt: link::write_without_prompt(&whole)?,
        embed: link::write(&embed)?,
        neuronpedia: link::address_of_view(view),
    }))
}

impl Engine {
    /// Commands that make something to be handed on, or read what was.
    pub(super) async fn share(&mut self, job: &Job) -> Result<Outcome, Trouble> {
        match &job.body {
            CommandBody::Link { view } => links(view),
            CommandBody::ReadLink { text } => self.read_link(text),
            CommandBody::Witness { run, sent } => self.witness(job, run, sent.as_ref()).await,
            CommandBody::Document {
                run,
                what,
                form,
                link,
            } => {
                self.document(job, run.as_ref(), (what, *form), link.as_deref())
                    .await
            }
            CommandBody::Picture { map, run } => self.picture(job, map, run.as_ref()).await,
            // The others are the engine's own, the inbox's or the desk's.
            _ => Err(Trouble::NotInTurn),
        }
    }

    /// `ReadLink`.
    fn read_link(&self, text: &str) -> Result<Outcome, Trouble> {
        let limits = self.open.as_ref().map(|it| it.book.limits());
        let (view, notes) = link::read(text, limits.as_ref())?;
        let neuronpedia = link::address_of_view(&view);
        let snapshot = view.source.as_deref().and_then(link::snapshot_address);
        Ok(Outcome::LinkRead(LinkRead {
            view,
            notes,
            neuronpedia,
            snapshot,
        }))
    }
}

impl Book {
    /// The open model as a link names it.
    pub(super) fn link_model(&self) -> LinkModel {
        LinkModel::of(&self.request)
    }

    fn limits(&self) -> Limits {
        let files = self.transcoders.files.values();
        Limits {
            model: self.link_model(),
            n_layers: self.checkpoint.config().n_layers,
            n_features: files.map(|it| it.dictionary().d_transcoder).max(),
        }
    }
}
