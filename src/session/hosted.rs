//! What a server says of a single feature: kept from an earlier time, or asked for when the visitor says so. Leaves asking to `hub`,
//! reading the answer to `scope`, keeping to `weights::Library`.

use super::{fetching::Desk, inbox::Job, protocol::Outcome, trouble::Trouble};
use crate::{
    hub::Net,
    scope::hosted_label,
    spec::{FeatureId, HostedLabel, neuronpedia},
    sys::today,
};
use std::rc::Rc;

/// How names of notes begin that hold what servers said.
pub(super) const HOSTED: &str = "hosted-";

impl Desk {
    /// `HostedLabel`.
    pub(super) async fn hosted(
        &self,
        job: &Job,
        feature: FeatureId,
        ask: bool,
    ) -> Result<Outcome, Trouble> {
        let told = |label, not_kept| Ok(Outcome::HostedLabel { label, not_kept });
        let name = neuronpedia::name_of(feature).ok_or(Trouble::NotHosted { feature })?;
        if let Some(it) = self.labels.hosted(feature) {
            return told(Some(it), None);
        }
        if let Some(it) = self.kept_hosted(feature).await {
            self.labels.take_hosted(it.clone());
            return told(Some(it), None);
        }
        if !ask {
            return told(None, None);
        }
        let net = self.librarian.reach().await?;
        let label = asked(&net, feature, &name).await?;
        self.labels.take_hosted(label.clone());
        let not_kept = match self.keep_hosted(job, &label).await {
            Ok(()) => None,
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(it) => Some(it.failure()),
        };
        told(Some(label), not_kept)
    }

    /// Takes away all that servers said; the bytes that this frees.
    pub(super) async fn forget_hosted(&self) -> Result<u64, Trouble> {
        self.labels.forget_hosted();
        let notes = self.librarian.notes().await?;
        Ok(notes.forget_notes(HOSTED).await?)
    }

    /// What was kept. Where nothing is, or it can't be read, it may be asked for again.
    async fn kept_hosted(&self, feature: FeatureId) -> Option<HostedLabel> {
        let notes = self.librarian.notes().await.ok()?;
        let kept: Option<Option<HostedLabel>> = notes.note(&note(feature)).await.ok()?;
        kept.flatten().filter(|it| it.feature == feature)
    }

    async fn keep_hosted(&self, job: &Job, label: &HostedLabel) -> Result<(), Trouble> {
        let notes = self.librarian.notes().await?;
        let change = |it: &mut Option<HostedLabel>| *it = Some(label.clone());
        notes
            .change_note(&note(label.feature), &job.stop, change)
            .await?;
        Ok(())
    }
}

async fn asked(net: &Rc<Net>, feature: FeatureId, name: &str) -> Result<HostedLabel, Trouble> {
    let answer = net.feature(name).await;
    let answer = answer.map_err(|source| Trouble::Hosted { feature, source })?;
    let read = hosted_label(&answer, feature);
    let (label, examples) = read.map_err(|source| Trouble::HostedAnswer { feature, source })?;
    Ok(HostedLabel {
        feature,
        source: net.teller()?.host().into(),
        date: today(),
        label,
        examples,
    })
}

/// The name under which it is kept.
fn note(it: FeatureId) -> String {
    format!("{HOSTED}{}-{}", it.layer, it.index)
}
