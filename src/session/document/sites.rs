//! Activations at sites as a file: those that are kept, and the others as a pass goes by. Leaves the form to `tensors`.

use super::super::{
    captures::{Slab, batches, pieces, row_bytes},
    engine::Engine,
    inbox::Job,
    protocol::RunKey,
    recipe::Extras,
    trouble::Trouble,
};
use super::{
    make::Subject,
    send::Parcel,
    tensors::{Entry, header, ids},
    trouble::DocumentTrouble,
};
use crate::{
    model::Capture,
    spec::{DType, Site},
};

/// Bytes of activations held at once.
const HELD_BYTES: usize = 64 << 20;

impl Engine {
    /// Activations at sites, as safetensors.
    pub(super) async fn write_sites(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        sites: &[Site],
    ) -> Result<u64, Trouble> {
        let run = it.run()?;
        let sites = self.sites_of(run, sites)?;
        for site in &sites {
            self.ready(job).await?.model.need_site(*site)?;
        }
        // As many as may be kept are made in one pass.
        self.keep(job, run, it.recipe.clone(), &sites).await?;
        let book = &self.open.as_ref().ok_or(Trouble::NothingOpen)?.book;
        let config = book.checkpoint.config();
        let n_pos = it.recipe.ids.len();
        let shape = |site: Site| match site {
            Site::Pattern(_) => vec![config.n_heads, n_pos, n_pos],
            Site::Logits => vec![n_pos, config.d_vocab],
            _ => vec![n_pos, config.d_model],
        };
        let mut entries = vec![Entry::new("ids", DType::I32, &[n_pos])];
        let of_sites = sites
            .iter()
            .map(|it| Entry::new(it.to_string(), DType::F32, &shape(*it)));
        entries.extend(of_sites);
        let outbox = self.outbox.clone();
        let mut parcel = Parcel::new(&outbox, job);
        parcel.put(&header(&entries, &it.origin)).await?;
        parcel.put(&ids(&it.tokens)).await?;
        for site in sites {
            self.put_site(job, it, site, &mut parcel).await?;
        }
        parcel.finish().await
    }

    /// The sites asked for, each once, or those that are kept.
    fn sites_of(&mut self, run: &RunKey, asked: &[Site]) -> Result<Vec<Site>, Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let n_layers = book.checkpoint.config().n_layers;
        let mut out = Vec::new();
        for site in asked {
            let site = site.within(n_layers)?;
            if !out.contains(&site) {
                out.push(site);
            }
        }
        if asked.is_empty() {
            let kept = book.runs.get(run).into_iter();
            out.extend(kept.flat_map(|it| it.sites.keys().copied()));
        }
        match out.is_empty() {
            true => Err(DocumentTrouble::NothingKept.into()),
            false => Ok(out),
        }
    }

    /// A site's activations: as they are kept, or so many positions a pass as may be held at once.
    async fn put_site(
        &mut self,
        job: &Job,
        it: &Subject<'_>,
        site: Site,
        parcel: &mut Parcel<'_>,
    ) -> Result<(), Trouble> {
        let book = &mut self.open.as_mut().ok_or(Trouble::NothingOpen)?.book;
        let kept = book.runs.get(it.run()?);
        if let Some(slab) = kept.and_then(|it| it.sites.get(&site)) {
            return parcel.put(bytemuck::cast_slice(&slab.data)).await;
        }
        let outbox = self.outbox.clone();
        let mut ready = self.ready(job).await?;
        let config = ready.book.checkpoint.config().clone();
        let n_pos = it.recipe.ids.len();
        // The positions of a pattern do not lie one behind the other.
        let most = match site {
            Site::Pattern(_) => usize::MAX,
            _ => HELD_BYTES,
        };
        for batch in batches(&[site], 0..n_pos, |it| row_bytes(it, &config, n_pos), most) {
            let mut slab =
                matches!(site, Site::Pattern(_)).then(|| Slab::new(site, &config, n_pos));
            let mut bytes: Vec<u8> = Vec::new();
            let mut sink = |it: Capture| match &mut slab {
                Some(slab) => slab.put(&it),
                None => {
                    let range = batch.first().map_or(0..0, |it| it.1.clone());
                    let some = pieces(it.site, it.first, &it.shape, &it.data, range);
                    some.iter()
                        .flat_map(|it| &it.parts)
                        .for_each(|it| bytes.extend(it));
                }
            };
            let out = (&outbox, job);
            it.recipe
                .make(&mut ready, &[site], &mut sink, Extras::default(), out)
                .await?;
            match &slab {
                Some(slab) => parcel.put(bytemuck::cast_slice(&slab.data)).await?,
                None => parcel.put(&bytes).await?,
            }
        }
        Ok(())
    }
}
