//! Labels files read in slices, from beside a command, from a place of ours, from a server of the host table or from what was kept, and
//! kept over visits. Leaves their form to `scope`, keeping to `weights::Library`.

use super::{
    attached,
    courier::Courier,
    fetching::Desk,
    inbox::Job,
    labels::{FILE, SLICE_MILLIS, breathe, note},
    open,
    outbox::Piece,
    protocol::{CommandBody, Failure, Outcome, Partial},
    trouble::Trouble,
};
use crate::{
    hub::HubError,
    scope::{Labels, LabelsError, LabelsReader, MAX_LABELS_BYTES, OwnLabels},
    spec::{Endpoint, LabelsFrom, LabelsKept, LabelsOwn},
    sys::{Stopwatch, today},
};

/// A file that was read, and what is known of keeping it.
#[derive(Default)]
struct File {
    labels: Labels,
    kept: Option<LabelsKept>,
    not_kept: Option<Failure>,
}

impl Desk {
    /// `Labels`: read whole, told layer by layer, then kept until others are read.
    pub(super) async fn read_labels(&self, job: &Job, from: &str) -> Result<Outcome, Trouble> {
        let from = LabelsFrom::Place(from.into());
        let (read, _) = self.read(job, "", &from).await?;
        self.tell(job, &read).await?;
        let about = read.about().clone();
        self.labels.show(&about.set, read, OwnLabels::default());
        Ok(Outcome::Labels {
            made: about.made,
            n_features: about.n_features,
        })
    }

    /// `LabelsLoad`: a file, and the visitor's own labels of its set.
    pub(super) async fn load(&self, job: &Job) -> Result<Outcome, Trouble> {
        let CommandBody::LabelsLoad { set, tell, .. } = &job.body else {
            return Err(Trouble::NotInTurn);
        };
        let shelf = &self.labels;
        let turn = shelf.load();
        let file = self.file(job).await?;
        let about = file.labels.about().clone();
        let set = match set.is_empty() {
            true => about.set.clone(),
            false => set.to_string(),
        };
        let (own, not_kept) = match self.kept(&set).await {
            Ok(it) => (it, None),
            // What was written in this visit is still there.
            Err(it) => (shelf.own_of(&set), Some(it.failure())),
        };
        if *tell && file.kept.is_none() {
            self.tell(job, &file.labels).await?;
        }
        if !shelf.is_newest(turn) {
            // Others have been asked for since; they are the ones to show.
            job.stop.set();
            return Err(Trouble::Stopped);
        }
        let n_own = own.len();
        self.labels.show(&set, file.labels, own);
        let own = LabelsOwn {
            n_own,
            not_kept,
            ..LabelsOwn::default()
        };
        Ok(Outcome::LabelsLoaded {
            about,
            own,
            kept: file.kept,
            not_kept: file.not_kept,
        })
    }

    /// `LabelsDrop`.
    pub(super) async fn drop_file(&self) -> Result<Outcome, Trouble> {
        let name = note(FILE, &self.labels.set()?).await;
        let notes = self.librarian.notes().await?;
        let size_bytes = notes.forget_notes(&name).await?;
        Ok(Outcome::Freed { size_bytes })
    }

    /// The file of a `LabelsLoad`, kept if it is to be.
    async fn file(&self, job: &Job) -> Result<File, Trouble> {
        let CommandBody::LabelsLoad {
            set, from, keep, ..
        } = &job.body
        else {
            return Ok(File::default());
        };
        if let LabelsFrom::Kept { otherwise } = from {
            return self.kept_file(job, set, otherwise.as_deref()).await;
        }
        let (labels, bytes) = self.read(job, set, from).await?;
        if !keep {
            return Ok(File {
                labels,
                ..File::default()
            });
        }
        let about = LabelsKept {
            from: name_of(from).into(),
            date: today(),
            size_bytes: bytes.len() as u64,
        };
        let (kept, not_kept) = match self.keep_file(job, set, (&about, &bytes)).await {
            Ok(()) => (Some(about), None),
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(it) => (None, Some(it.failure())),
        };
        Ok(File {
            labels,
            kept,
            not_kept,
        })
    }

    /// The file that is kept of a set, or the one of another place.
    async fn kept_file(
        &self,
        job: &Job,
        set: &str,
        otherwise: Option<&str>,
    ) -> Result<File, Trouble> {
        let not_kept = match self.kept_labels(job, set).await {
            Ok(Some((labels, it))) => {
                return Ok(File {
                    labels,
                    kept: Some(it),
                    not_kept: None,
                });
            }
            Ok(None) => None,
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            Err(it) => Some(it.failure()),
        };
        let labels = match otherwise {
            Some(it) => self.read(job, set, &LabelsFrom::Place(it.into())).await?.0,
            None => Labels::default(),
        };
        Ok(File {
            labels,
            kept: None,
            not_kept,
        })
    }

    async fn kept_labels(
        &self,
        job: &Job,
        set: &str,
    ) -> Result<Option<(Labels, LabelsKept)>, Trouble> {
        // Where nothing can be kept, nothing is; that is told of own labels.
        let Ok(notes) = self.librarian.notes().await else {
            return Ok(None);
        };
        let kept = notes.kept_file(&note(FILE, set).await).await?;
        let Some((about, bytes)): Option<(LabelsKept, Vec<u8>)> = kept else {
            return Ok(None);
        };
        let (labels, _) = self.parsed(job, (set, &about.from), bytes).await?;
        Ok(Some((labels, about)))
    }

    async fn keep_file(
        &self,
        job: &Job,
        set: &str,
        (about, bytes): (&LabelsKept, &[u8]),
    ) -> Result<(), Trouble> {
        let notes = self.librarian.notes().await?;
        let name = note(FILE, set).await;
        Ok(notes.keep_file(&name, about, bytes, &job.stop).await?)
    }

    async fn tell(&self, job: &Job, labels: &Labels) -> Result<(), Trouble> {
        let mut courier = Courier::new(&self.outbox, job);
        for layer in labels.layers() {
            let labels = labels.layer(layer);
            courier.take(Piece {
                partial: Partial::Labels { layer, labels },
                parts: vec![],
            });
            courier.flush().await?;
        }
        courier.flush().await
    }

    /// A labels file and its bytes, read in slices.
    pub(super) async fn read(
        &self,
        job: &Job,
        set: &str,
        from: &LabelsFrom,
    ) -> Result<(Labels, Vec<u8>), Trouble> {
        if *from == LabelsFrom::Nothing {
            return Ok(Default::default());
        }
        let bytes = self.bytes(job, from).await?;
        self.parsed(job, (set, name_of(from)), bytes).await
    }

    async fn parsed(
        &self,
        job: &Job,
        (set, name): (&str, &str),
        bytes: Vec<u8>,
    ) -> Result<(Labels, Vec<u8>), Trouble> {
        let unfit = |source: LabelsError| Trouble::Labels {
            from: name.into(),
            source,
        };
        let mut reader = LabelsReader::new(bytes).map_err(unfit)?;
        let found = &reader.about().set;
        if !set.is_empty() && !found.is_empty() && found != set {
            let (wanted, found) = (set.into(), found.clone());
            return Err(unfit(LabelsError::OtherSet { wanted, found }));
        }
        let mut slice = Stopwatch::start();
        while reader.step().map_err(unfit)? {
            let (done, total) = reader.progress();
            let total = Some(total as u64);
            self.outbox
                .progress(job.id, "Reading labels", done as u64, total, "layers");
            if slice.millis() > SLICE_MILLIS {
                breathe(&job.stop).await?;
                slice = Stopwatch::start();
            }
        }
        Ok(reader.finish())
    }

    /// The bytes of a labels file; one that is too large is not read.
    async fn bytes(&self, job: &Job, from: &LabelsFrom) -> Result<Vec<u8>, Trouble> {
        let unfit = |from: &str, source| Trouble::Labels {
            from: from.into(),
            source,
        };
        match from {
            LabelsFrom::Nothing | LabelsFrom::Kept { .. } => Ok(Vec::new()),
            LabelsFrom::Beside { part, name } => {
                let part = *part;
                let bytes = job.attached.get(part).and_then(attached::bytes);
                let bytes = bytes.ok_or(Trouble::NothingBeside { part })?;
                Labels::check_size(bytes.len() as u64).map_err(|it| unfit(name, it))?;
                Ok(bytes.into_vec())
            }
            LabelsFrom::Place(from) => self.labels_at(job, from).await,
        }
    }

    async fn labels_at(&self, job: &Job, from: &str) -> Result<Vec<u8>, Trouble> {
        let not_there = |source: HubError| Trouble::LabelsFile {
            from: from.into(),
            source,
        };
        let server = Endpoint::of(from);
        if let Some(server) = &server {
            let net = self.librarian.reach().await?;
            // A page's own site needs no table.
            if net.may_ask(server) {
                let most = MAX_LABELS_BYTES as usize;
                let mut told = |done, total| {
                    let (id, phase) = (job.id, "Fetching labels");
                    self.outbox.progress(id, phase, done, total, "bytes");
                };
                return net.whole(from, most, &mut told).await.map_err(not_there);
            }
        }
        let place = open::place(from);
        // Natively there is no own site.
        let is_own = place.is_ok() && cfg!(target_arch = "wasm32");
        if let Some(server) = server.filter(|_| !is_own) {
            let address = server.to_string();
            return Err(not_there(HubError::OffTable { address }));
        }
        let (folder, name) = place?;
        let size = folder.size(name).await.map_err(not_there)?;
        Labels::check_size(size).map_err(|source| Trouble::Labels {
            from: from.into(),
            source,
        })?;
        let bytes = folder.read(name, 0..size).await.map_err(not_there)?;
        Ok(bytes.into_vec())
    }
}

/// What a file is called.
fn name_of(from: &LabelsFrom) -> &str {
    match from {
        LabelsFrom::Place(it) | LabelsFrom::Beside { name: it, .. } => it,
        LabelsFrom::Nothing | LabelsFrom::Kept { .. } => "",
    }
}
