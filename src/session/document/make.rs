//! `Document` and `Picture`: which file of which run, where its numbers come from, and its bytes on their way. Leaves asking for what is in
//! it to `gather` and `sites`, and how it is laid out to the other files here.

use super::super::{
    engine::Engine,
    firings::Firing,
    inbox::Job,
    protocol::{
        BUILD, DocumentForm, DocumentMade, DocumentWhat, LabelsAbout, MapMetric, MapPicture,
        ModelRef, Origin, Outcome, RunKey, Token,
    },
    recipe::Recipe,
    trouble::Trouble,
};
use super::{
    charts,
    drawing::{Body, Legend, Sheet},
    grid::cells,
    map::svg,
    rows::{Beside, feature_columns, feature_row},
    send::Parcel,
    summary::Summary,
    table::{Row, Table},
    tensors::{Entry, feature_bytes, feature_entries, header, ids},
    trouble::DocumentTrouble,
};
use crate::spec::{DType, Half, visible};
use sha2::{Digest, Sha256};

/// Rows written at once.
const ROWS: usize = 4096;
/// Tokens that a summary tells of what comes next.
const N_NEXT: usize = 5;

/// What a file is of, and where its numbers come from.
pub(super) struct Subject<'a> {
    run: Option<&'a RunKey>,
    /// Of the run; empty without one, and so are the tokens.
    pub recipe: Recipe,
    pub tokens: Vec<Token>,
    pub origin: Origin,
    /// What it is, for messages.
    what: DocumentWhat,
}

/// A picture that is to be framed.
pub(super) struct Chart {
    pub title: String,
    pub body: Body,
    pub legend: Legend,
}

impl Subject<'_> {
    /// Its run.
    ///
    /// Errors: [`DocumentTrouble::NoRun`].
    pub fn run(&self) -> Result<&RunKey, DocumentTrouble> {
        let what = self.what.clone();
        self.run.ok_or(DocumentTrouble::NoRun { what })
    }

    /// The prompt as a picture is headed with it.
    pub fn title(&self) -> String {
        let typed = self.tokens.iter().skip_while(|it| it.special);
        let title: String = typed.map(|it| visible(&it.piece)).collect();
        title.trim().into()
    }

    /// The tokens as a picture shows them.
    pub fn names(&self) -> Vec<String> {
        let shown = |it: &Token| charts::named(it.id, &it.piece);
        self.tokens.iter().map(shown).collect()
    }
}

impl Engine {
    /// `Document`.
    pub(in crate::session) async fn document(
        &mut self,
        job: &Job,
        run: Option<&RunKey>,
        (what, form): (&DocumentWhat, DocumentForm),
        link: Option<&str>,
    ) -> Result<Outcome, Trouble> {
        if !what.forms().contains(&form) {
            let what = what.clone();
            return Err(DocumentTrouble::Form { what, form }.into());
        }
        let run = run.filter(|_| what.is_of_a_run());
        let subject = self.subject(run, what, link).await?;
        if what.is_of_a_run() {
            subject.run()?;
        }
        let size_bytes = match (what, form) {
            (DocumentWhat::Features, _) => self.write_features(job, &subject, form).await?,
            (DocumentWhat::Sites(sites), _) => self.write_sites(job, &subject, sites).await?,
            (DocumentWhat::Summary, _) => self.write_summary(job, &subject).await?,
            (DocumentWhat::Map(metric), _) => {
                let map = self.map_of(job, &subject, *metric).await?;
                self.write_text(job, &svg(&map)?).await?
            }
            (_, DocumentForm::Svg) => {
                let chart = self.chart_of(job, &subject, what).await?;
                self.write_chart(job, &subject, chart).await?
            }
            _ => self.write_rows(job, &subject, (what, form)).await?,
        };
        let of = what.feature().map(|it| it.to_string());
        let of = of.into_iter().chain(run.map(|it| it.0.clone()));
        let of: String = of.map(|it| format!("-{it}")).collect();
        let stem = format!("gemscope-{}{of}", what.word());
        Ok(made(&stem, form, size_bytes))
    }

    /// `Picture`.
    pub(in crate::session) async fn picture(
        &mut self,
        job: &Job,
        map: &MapPicture,
        run: Option<&RunKey>,
    ) -> Result<Outcome, Trouble> {
        let mut map = map.clone();
        if let Some(run) = run {
            let what = DocumentWhat::Map(MapMetric::default());
            let subject = self.subject(Some(run), &what, None).await?;
            map.caption.extend(caption(&subject.origin));
        }
        let size_bytes = self.write_text(job, &svg(&map)?).await?;
        Ok(made("gemscope-map", DocumentForm::Svg, size_bytes))
    }

    async fn subject<'a>(
        &mut self,
        run: Option<&'a RunKey>,
        what: &DocumentWhat,
        link: Option<&str>,
    ) -> Result<Subject<'a>, Trouble> {
        if self.open.is_none() {
            return Err(Trouble::NothingOpen);
        }
        let recipe = match run {
            Some(it) => self.recipe_of(it)?,
            None => Recipe::default(),
        };
        let adapter = self.gpu().await?.about().adapter.clone();
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let files = &book.transcoders.files;
        let transcoders = (!files.is_empty()).then(|| {
            let mut hash = Sha256::new();
            files.values().for_each(|it| hash.update(it.fingerprint()));
            hash.finalize()
                .iter()
                .map(|it| format!("{it:02x}"))
                .collect()
        });
        let labels = self.desk.labels.all().about().clone();
        let told = holds_labels(what) && labels != LabelsAbout::default();
        let origin = Origin {
            model: name(&book.request.model),
            model_sha256: book.checkpoint.fingerprint().into(),
            transcoders_sha256: transcoders,
            precision: book.plan.precision,
            adapter,
            build: BUILD.into(),
            run: run.map(|it| it.0.clone()),
            labels: told.then_some(labels),
            link: link.map(Into::into),
        };
        Ok(Subject {
            run,
            tokens: book.tokens(&recipe.ids),
            recipe,
            origin,
            what: what.clone(),
        })
    }

    async fn write_features(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        form: DocumentForm,
    ) -> Result<u64, Trouble> {
        let firings = self.firings(job, it.run()?).await?;
        let outbox = self.outbox.clone();
        let mut parcel = Parcel::new(&outbox, job);
        let derived = it.recipe.derived.is_some();
        if form == DocumentForm::Safetensors {
            put_tensors(&mut parcel, it, (&firings, derived)).await?;
            return parcel.finish().await;
        }
        let (shelf, labels) = (self.desk.labels.clone(), self.desk.labels.all());
        let beside = Beside {
            clean: derived,
            own: shelf.has_own(),
        };
        let table = Table {
            form,
            origin: &it.origin,
            about: vec![],
            tokens: &it.tokens,
            name: "features",
            columns: feature_columns(beside),
        };
        let row = |of: &Firing| feature_row(of, &it.tokens, (&labels, &shelf), beside);
        parcel.put(table.head().as_bytes()).await?;
        for (at, some) in firings.chunks(ROWS).enumerate() {
            let rows: Vec<Row> = some.iter().map(row).collect();
            parcel.put(table.rows(&rows, at == 0).as_bytes()).await?;
        }
        parcel.put(table.tail().as_bytes()).await?;
        parcel.finish().await
    }

    /// A table that is small enough to be held.
    async fn write_rows(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        (what, form): (&DocumentWhat, DocumentForm),
    ) -> Result<u64, Trouble> {
        let content = self.content_of(job, it, what).await?;
        let feature = what.feature().into_iter();
        let about = feature.flat_map(|it| {
            let label = self.desk.labels.called(it);
            let label = (!label.is_empty()).then_some(("label", label));
            [("feature", it.to_string())].into_iter().chain(label)
        });
        let table = Table {
            form,
            origin: &it.origin,
            about: about.collect(),
            tokens: &it.tokens,
            name: content.name,
            columns: content.columns,
        };
        let outbox = self.outbox.clone();
        let mut parcel = Parcel::new(&outbox, job);
        parcel.put(table.head().as_bytes()).await?;
        for (at, some) in content.rows.chunks(ROWS).enumerate() {
            parcel.put(table.rows(some, at == 0).as_bytes()).await?;
        }
        parcel.put(table.tail().as_bytes()).await?;
        parcel.finish().await
    }

    async fn write_chart(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        chart: Chart,
    ) -> Result<u64, Trouble> {
        let sheet = Sheet {
            title: &chart.title,
            body: chart.body,
            legend: chart.legend,
            caption: &caption(&it.origin),
            link: it.origin.link.as_deref(),
            dark: false,
        };
        self.write_text(job, &sheet.svg()).await
    }

    async fn write_summary(&mut self, job: &Job, it: &Subject<'_>) -> Result<u64, Trouble> {
        let run = it.run()?;
        let next = self.next_token(job, run, N_NEXT).await?;
        let firings = match it.origin.transcoders_sha256 {
            Some(_) => self.firings(job, run).await?,
            None => vec![],
        };
        let labels = self.desk.labels.all();
        let summary = Summary {
            origin: &it.origin,
            tokens: &it.tokens,
            next: &next,
            firings: &firings,
            labels: &labels,
        };
        let text = summary.markdown();
        self.write_text(job, &text).await
    }

    async fn map_of(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        metric: MapMetric,
    ) -> Result<MapPicture, Trouble> {
        let firings = self.firings(job, it.run()?).await?;
        let ready = self.ready(job).await?;
        let told = ready.layers_to_tell(Half::Encoder);
        let n_layers = ready.book.checkpoint.config().n_layers;
        Ok(MapPicture {
            title: it.title(),
            tokens: it.names(),
            n_layers,
            cells: cells(&firings, (n_layers, it.tokens.len()), &told, metric),
            legend: metric.legend().into(),
            caption: caption(&it.origin),
            link: it.origin.link.clone(),
            ..MapPicture::default()
        })
    }

    async fn write_text(&mut self, job: &Job, text: &str) -> Result<u64, Trouble> {
        let outbox = self.outbox.clone();
        let mut parcel = Parcel::new(&outbox, job);
        parcel.put(text.as_bytes()).await?;
        parcel.finish().await
    }
}

async fn put_tensors(
    parcel: &mut Parcel<'_>,
    it: &Subject<'_>,
    (firings, derived): (&[Firing], bool),
) -> Result<(), Trouble> {
    let columns = feature_entries(firings.len(), derived);
    let names: Vec<String> = columns.iter().map(|it| it.name.clone()).collect();
    let mut entries = vec![Entry::new("ids", DType::I32, &[it.tokens.len()])];
    entries.extend(columns);
    parcel.put(&header(&entries, &it.origin)).await?;
    parcel.put(&ids(&it.tokens)).await?;
    for name in names {
        for some in firings.chunks(ROWS) {
            parcel.put(&feature_bytes(&name, some)).await?;
        }
    }
    Ok(())
}

fn made(stem: &str, form: DocumentForm, size_bytes: u64) -> Outcome {
    let (ending, mime) = form.ending();
    Outcome::Document(DocumentMade {
        name: format!("{stem}.{ending}"),
        mime: mime.into(),
        size_bytes,
    })
}

/// Whether labels stand in a file.
fn holds_labels(what: &DocumentWhat) -> bool {
    let of_a_feature = what.feature().is_some();
    of_a_feature || matches!(what, DocumentWhat::Features | DocumentWhat::Summary)
}

/// What stands below a picture.
fn caption(it: &Origin) -> Vec<String> {
    let run = it.run.as_ref().map(|it| format!(" · run {it}"));
    let mut out = vec![
        format!("{} · {} · {}", it.model, it.precision, it.adapter),
        format!("gemscope {}{}", it.build, run.unwrap_or_default()),
        format!("model sha256 {}", it.model_sha256),
    ];
    out.extend(it.labels.as_ref().map(|it| {
        let all = [&it.made, &it.source, &it.date].map(String::as_str);
        let some: Vec<&str> = all.into_iter().filter(|it| !it.is_empty()).collect();
        format!("labels: {}", some.join(", "))
    }));
    out
}

/// A model's name; of a folder only its end, since where it lies is nobody's business.
fn name(model: &ModelRef) -> String {
    match model {
        ModelRef::Hub { repo } => repo.to_string(),
        ModelRef::Synth { preset, .. } => format!("synth:{preset}"),
        ModelRef::Folder { path, .. } => {
            let parts: Vec<&str> = path
                .split(['/', '\\'])
                .filter(|it| !it.is_empty())
                .collect();
            parts[parts.len().saturating_sub(2)..].join("/")
        }
    }
}
