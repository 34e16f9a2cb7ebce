//! `Fetch` and what steers it: begun beside the commands in their turn, told under credits. Leaves fetching to `weights::Library`.

use super::{
    attached,
    background::{Background, Doing},
    inbox::Job,
    labels::{self, LabelShelf},
    librarian::Librarian,
    outbox::Outbox,
    protocol::{CommandBody, EventBody, FetchFrom, FetchRequest, Outcome, Secret},
    stored,
    teller::Teller,
    trouble::Trouble,
};
use crate::{
    hub::{Remote, RemoteFile, Source},
    spec::{Endpoint, FetchTold, HubFile, RepoRef, TranscoderSet, TranscoderVariant, opening_ids},
    weights::{
        DictionarySet, Variant, WeightsError,
        library::{FetchControl, Handed},
    },
};
use futures_util::FutureExt;
use std::rc::Rc;

/// What lists transcoders that lie elsewhere. Source: circuit-tracer.
const SET_FILE: &str = "config.yaml";

/// What commands that run beside others need.
#[derive(Clone)]
pub(super) struct Desk {
    pub librarian: Rc<Librarian>,
    pub background: Background,
    pub outbox: Outbox,
    pub labels: Rc<LabelShelf>,
}

impl Desk {
    /// Executes a command that waits for no turn, or begins it.
    pub fn begin(&self, job: Job) {
        if labels::is_about(&job.body) {
            return self.begin_labels(job);
        }
        if let CommandBody::Snapshot { address } = &job.body {
            let address = address.clone();
            return self.begin_snapshot(job, address);
        }
        let doing = match &job.body {
            CommandBody::Prioritise { layer } => {
                self.background.prioritise(*layer);
                return self.end(&job, Ok(Outcome::Nothing));
            }
            CommandBody::Pause { paused } => {
                self.background.pause(*paused);
                return self.end(&job, Ok(Outcome::Nothing));
            }
            CommandBody::Token { endpoint, secret } => self.token(endpoint, secret.as_ref()),
            CommandBody::Fetch(request) => return self.fetch(&job, request),
            CommandBody::Variants { repo } => self.variants(repo),
            _ => stored::doing(self, &job),
        };
        self.background.begin(&job, doing);
    }

    fn end(&self, job: &Job, result: Result<Outcome, Trouble>) {
        let terminal = match result {
            Ok(it) => EventBody::Done(it),
            Err(it) => EventBody::Failed(it.failure()),
        };
        self.background.end(job.id, terminal);
    }

    fn token(&self, endpoint: &Endpoint, secret: Option<&Secret>) -> Doing {
        let (desk, endpoint, secret) = (self.clone(), endpoint.clone(), secret.cloned());
        async move {
            let net = desk.librarian.reach().await?;
            net.set_token(&endpoint, secret.as_ref().map(|it| it.0.as_str()))?;
            Ok(Outcome::Nothing)
        }
        .boxed_local()
    }

    fn fetch(&self, job: &Job, request: &FetchRequest) {
        if self.background.is_fetching(request) {
            return self.end(job, Err(Trouble::BeingFetched));
        }
        let control = FetchControl::new(job.stop.clone());
        let (desk, asked) = (self.clone(), request.clone());
        let attached = job.attached.clone();
        let teller = Teller::new(self.outbox.clone(), job);
        let steering = control.clone();
        let doing = async move {
            let handed = match &asked.from {
                FetchFrom::Beside { files } => {
                    let source = attached::files(files, &attached)?;
                    Some(Handed::new(source, files)?)
                }
                _ => None,
            };
            desk.librarian.reach().await?;
            let library = desk.librarian.library().await?;
            let mut told = |it: FetchTold| {
                if let FetchTold::Part { .. } = it {
                    desk.background.part_comes();
                }
                teller.take(it);
            };
            let opening = opening_ids();
            let fetched = async {
                match &handed {
                    Some(it) => {
                        let told = (&control, &mut told as &mut dyn FnMut(FetchTold));
                        library.fetch_handed(&asked, it, &opening, told).await
                    }
                    None => library.fetch(&asked, &opening, &control, &mut told).await,
                }
            };
            let fetched = teller.beside(fetched).await;
            teller.flush().await?;
            Ok(Outcome::Fetched(fetched?))
        };
        let steered = (steering, doing.boxed_local());
        self.background.begin_fetch(job, request, steered);
    }

    fn variants(&self, repo: &RepoRef) -> Doing {
        let (desk, repo) = (self.clone(), repo.clone());
        async move {
            let remote = Remote::open(desk.librarian.reach().await?, &repo).await?;
            variants(&remote).await.map(Outcome::Variants)
        }
        .boxed_local()
    }
}

/// The transcoders of a repository: by the names of its files, or by what its `config.yaml` lists.
async fn variants(remote: &Remote) -> Result<Vec<TranscoderVariant>, Trouble> {
    let names = remote.files().keys().map(String::as_str);
    let set = match DictionarySet::from_names(&remote.repo().to_string(), names) {
        Err(_) if remote.file(SET_FILE).is_some() => return listed(remote).await,
        it => it?,
    };
    let mut out = Vec::new();
    for layer in set.layers() {
        let variants = set.variants(layer)?.iter();
        out.extend(variants.map(|it| variant(it, remote.repo(), remote.file(&it.file))));
    }
    Ok(out)
}

async fn listed(remote: &Remote) -> Result<Vec<TranscoderVariant>, Trouble> {
    let bytes = remote.size(SET_FILE).await?;
    let text = remote.read(SET_FILE, 0..bytes).await?.into_vec();
    let repo = remote.repo();
    let set = TranscoderSet::parse(&String::from_utf8_lossy(&text), &repo.endpoint);
    let set = set.map_err(|source| {
        let repo = repo.to_string();
        WeightsError::Set { repo, source }
    })?;
    let files = set.files.unwrap_or_default().into_iter().enumerate();
    let of_layer = |(layer, it): (usize, HubFile)| {
        let named = Variant::from_name(&it.file);
        TranscoderVariant {
            layer,
            width: named.as_ref().and_then(|it| it.width),
            average_l0: named.as_ref().and_then(|it| it.average_l0),
            size_bytes: None,
            repo: it.repo,
            file: it.file,
        }
    };
    Ok(files.map(of_layer).collect())
}

fn variant(it: &Variant, repo: &RepoRef, file: Option<&RemoteFile>) -> TranscoderVariant {
    TranscoderVariant {
        layer: it.layer,
        width: it.width,
        average_l0: it.average_l0,
        repo: repo.clone(),
        file: it.file.clone(),
        size_bytes: file.map(|it| it.size_bytes),
    }
}
