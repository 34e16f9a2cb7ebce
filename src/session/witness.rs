//! `Witness`: what a run says in few bytes, and whether it is what the sender of a link saw. Leaves the comparison to `spec`.

use super::{
    engine::Engine,
    inbox::Job,
    protocol::{Distribution, Outcome, RunKey, Verdict, Witness, WitnessSent},
    trouble::Trouble,
    words,
};
use crate::{model::ModelError, spec::Witnessed};

impl Engine {
    /// `Witness`. Without transcoders it tells the next token alone.
    pub(super) async fn witness(
        &mut self,
        job: &Job,
        run: &RunKey,
        sent: Option<&WitnessSent>,
    ) -> Result<Outcome, Trouble> {
        let next = self.next_token(job, run, 1).await?;
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let fired = match book.transcoders.files.is_empty() {
            true => vec![],
            false => self.firings(job, run).await?,
        };
        let adapter = self.gpu().await?.about().adapter.clone();
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let top = next.top.first().ok_or(ModelError::NoRun)?;
        let fired = fired.iter().map(|it| (it.feature(), it.pos, it.activation));
        let witness = Witness::of((top.id, top.probability), fired, &adapter);
        let here = book.link_model();
        let verdict = sent.map(|sent| {
            let is_same = sent.model.as_ref().is_none_or(|it| it.is_same_model(&here));
            let known = (sent.witness.token as usize) < book.checkpoint.config().d_vocab;
            // Other models have other tokens.
            let piece = match is_same && known {
                true => words::piece(book.tokenizer.as_ref(), sent.witness.token),
                false => String::new(),
            };
            let ours = Witnessed {
                witness: &witness,
                model: Some(&here),
                piece: &top.piece,
            };
            let theirs = Witnessed {
                witness: &sent.witness,
                model: sent.model.as_ref(),
                piece: &piece,
            };
            Verdict::of(ours, theirs)
        });
        Ok(Outcome::Witnessed { witness, verdict })
    }

    /// The distribution after a run's last position.
    pub(super) async fn next_token(
        &mut self,
        job: &Job,
        run: &RunKey,
        top_k: usize,
    ) -> Result<Distribution, Trouble> {
        let end = self.recipe_of(run)?.ids.len();
        let told = self.next_at(job, run, end - 1..end, top_k).await?;
        told.into_iter()
            .next()
            .ok_or_else(|| ModelError::NoRun.into())
    }
}
