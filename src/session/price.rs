//! `Price`: what a set costs in bytes and on the GPU, and what fits instead. Leaves trying it to `trial`, and bytes of hubs to
//! `weights::library`.

use super::{
    engine::Engine,
    open::{self, plan_request},
    protocol::{ModelRef, OpenRequest, Outcome, Plan, TranscoderRef},
    trouble::Trouble,
};
use crate::{
    model::ModelError,
    scope::{self, Wanted},
    spec::{
        Basis, Choose, Config, Cost, Dictionary, Fit, FitVerdict, Precision, Price, Proposal,
        opening_ids,
    },
    weights::{
        CheckpointHead, Cut, DictionaryHead, WeightsError,
        library::price::{Priced, Shapes, price},
    },
};

/// Pieces are cut so; sizes do not depend on it.
const PIECE_BYTES: u64 = 8 << 20;
/// Precisions, the highest first.
const PRECISIONS: [Precision; 3] = [Precision::Reference, Precision::Precise, Precision::Compact];

/// A set that is planned for, and the largest binding that it is planned with.
pub(super) struct Planned<'a> {
    pub set: &'a OpenRequest,
    pub config: &'a Config,
    pub dictionaries: &'a [Dictionary],
    pub max_binding_bytes: u64,
}

impl Engine {
    /// `Price`: requests nothing and opens nothing. Of folders, headers are read where they lie.
    pub(super) async fn price(&mut self, set: &OpenRequest) -> Result<Outcome, Trouble> {
        let (max_binding_bytes, adapter) = self.planning_binding().await?;
        let (priced, no_store) = self.priced(set).await?;
        let it = Planned {
            set,
            config: &priced.config,
            dictionaries: &priced.dictionaries,
            max_binding_bytes,
        };
        let whole = match it.without_budget() {
            Err(other) if !matches!(other, ModelError::Binding { .. }) => return Err(other.into()),
            it => it,
        };
        let limits = limits(&whole, max_binding_bytes, adapter.as_deref());
        let gpu = set.max_gpu_bytes.map_or(whole, |_| it.plan(set));
        let n_layers = priced.config.n_layers;
        let budget = set.max_gpu_bytes.map(|it| budget(&gpu, it, n_layers));
        let is_tight = [Some(&limits), budget.as_ref()]
            .into_iter()
            .flatten()
            .any(|it| matches!(it.fit, Fit::No | Fit::Paged));
        let instead = match is_tight {
            true => it.instead(set.max_gpu_bytes.unwrap_or(u64::MAX)),
            false => Vec::new(),
        };
        Ok(Outcome::Priced(Price {
            basis: priced.basis,
            model: priced.model,
            transcoders: priced.transcoders,
            total: priced.model + priced.transcoders,
            no_store,
            gpu: gpu.ok(),
            limits,
            budget,
            instead,
        }))
    }

    /// What a set consists of and costs, and why the store could not be asked, if it could not.
    pub(super) async fn priced(
        &self,
        set: &OpenRequest,
    ) -> Result<(Priced, Option<String>), Trouble> {
        let of_hub = |it: &TranscoderRef| matches!(it, TranscoderRef::Hub { .. });
        let is_of_hub = set.transcoders.as_ref().is_some_and(|it| of_hub(&it.place));
        if !matches!(set.model, ModelRef::Hub { .. }) {
            if is_of_hub {
                return Err(Trouble::ModelElsewhere);
            }
            return Ok((of_folders(set).await?, None));
        }
        let (library, no_store) = match self.desk.librarian.library().await {
            Ok(it) => (Some(it), None),
            Err(it) => (None, Some(it.failure().what)),
        };
        let hub_part = OpenRequest {
            transcoders: set.transcoders.clone().filter(|it| of_hub(&it.place)),
            ..set.clone()
        };
        let shapes = Shapes::published(&hub_part).await?;
        let opening = opening_ids();
        let cutting = (&opening[..], self.options.library.hub.piece_bytes as u64);
        let priced = price(library.as_ref(), &hub_part, &shapes, cutting).await;
        let mut priced = match priced {
            Err(WeightsError::NotKept { what }) => return Err(Trouble::NotPlanned { what }),
            it => it?,
        };
        if !is_of_hub {
            let (cost, dictionaries) = transcoders_of_folders(set, &priced.config).await?;
            (priced.transcoders, priced.dictionaries) = (cost, dictionaries);
        }
        Ok((priced, no_store))
    }
}

impl Planned<'_> {
    /// The plan of a set that differs from ours in what it asks of the same files.
    pub fn plan(&self, set: &OpenRequest) -> Result<Plan, ModelError> {
        let asked = set.transcoders.as_ref();
        let is_asked = |it: &&Dictionary| {
            let layers = asked.and_then(|it| it.layers.as_ref());
            asked.is_some() && layers.is_none_or(|all| all.contains(&it.layer))
        };
        let wanted = Wanted {
            dictionaries: self.dictionaries.iter().filter(is_asked).cloned().collect(),
            halves: asked.map(|it| it.halves.clone()).unwrap_or_default(),
        };
        let request = plan_request(set, self.config);
        scope::plan(self.config, self.max_binding_bytes, request, &wanted)
    }

    fn without_budget(&self) -> Result<Plan, ModelError> {
        self.plan(&OpenRequest {
            max_gpu_bytes: None,
            ..self.set.clone()
        })
    }

    /// What fits into so many bytes instead: a lower precision, fewer layers, paging, each the largest that does.
    pub fn instead(&self, room_bytes: u64) -> Vec<Proposal> {
        let all = [
            self.lower(room_bytes),
            self.fewer(room_bytes),
            self.paged(room_bytes),
        ];
        all.into_iter().flatten().collect()
    }

    fn lower(&self, room_bytes: u64) -> Option<Proposal> {
        let below = PRECISIONS
            .iter()
            .skip_while(|it| **it != self.set.precision);
        below.skip(1).find_map(|&precision| {
            let set = OpenRequest {
                precision,
                max_gpu_bytes: None,
                ..self.set.clone()
            };
            let what = format!(
                "precision `{precision}` instead of `{}`",
                self.set.precision
            );
            self.whole(Choose::Precision, what, set, room_bytes)
        })
    }

    fn fewer(&self, room_bytes: u64) -> Option<Proposal> {
        let all: Vec<usize> = self.dictionaries.iter().map(|it| it.layer).collect();
        let with = |n: usize| {
            let mut set = OpenRequest {
                max_gpu_bytes: None,
                ..self.set.clone()
            };
            let transcoders = set.transcoders.take();
            set.transcoders = transcoders.filter(|_| n > 0).map(|mut it| {
                it.layers = Some(all[..n].to_vec());
                it
            });
            let what = match n {
                0 => "the model alone, without transcoders".into(),
                _ => format!("transcoders of {n} layers instead of {}", all.len()),
            };
            self.whole(Choose::Layers, what, set, room_bytes)
        };
        (0..all.len()).rev().find_map(with)
    }

    fn paged(&self, room_bytes: u64) -> Option<Proposal> {
        if self.set.max_gpu_bytes == Some(room_bytes) || room_bytes == u64::MAX {
            return None;
        }
        let set = OpenRequest {
            max_gpu_bytes: Some(room_bytes),
            ..self.set.clone()
        };
        let plan = self.plan(&set).ok()?;
        let paging = paging(&plan, self.config.n_layers);
        let paging = paging.map(|it| format!(", with which {it} paged in"));
        let what = format!(
            "a budget of {}{}",
            shown(room_bytes),
            paging.unwrap_or_default()
        );
        Some(Proposal {
            how: Choose::Paging,
            what,
            set,
            gpu_bytes: plan.total_bytes,
        })
    }

    fn whole(
        &self,
        how: Choose,
        what: String,
        set: OpenRequest,
        room_bytes: u64,
    ) -> Option<Proposal> {
        let gpu_bytes = self.plan(&set).ok()?.total_bytes;
        (gpu_bytes <= room_bytes).then_some(Proposal {
            how,
            what,
            set,
            gpu_bytes,
        })
    }
}

/// What the device allows: certain, and no promise that it has the memory.
fn limits(
    plan: &Result<Plan, ModelError>,
    max_binding_bytes: u64,
    adapter: Option<&str>,
) -> FitVerdict {
    let (fit, why) = match (plan, adapter) {
        (_, None) => (
            Fit::Unknown,
            "No GPU adapter was found; this is planned with what every adapter allows.".into(),
        ),
        (Err(it), Some(_)) => (Fit::No, format!("{it}.")),
        (Ok(_), Some(adapter)) => {
            let most = shown(max_binding_bytes);
            (
                Fit::Whole,
                format!(
                    "Every buffer stays within the {most} that {adapter} allows for one. Whether there is the memory, a trial tells."
                ),
            )
        }
    };
    FitVerdict { fit, why }
}

/// What a budget allows.
fn budget(plan: &Result<Plan, ModelError>, allowed: u64, n_layers: usize) -> FitVerdict {
    let most = shown(allowed);
    let (fit, why) = match plan {
        Ok(plan) => match paging(plan, n_layers) {
            None => (
                Fit::Whole,
                format!("It takes {} of {most}.", shown(plan.total_bytes)),
            ),
            Some(it) => (Fit::Paged, format!("Within {most}, {it} paged in.")),
        },
        Err(ModelError::Memory { needed, .. }) => (
            Fit::No,
            format!(
                "It takes {} at least, with all that can be paged in; {most} are allowed.",
                shown(*needed)
            ),
        ),
        Err(it) => (Fit::No, format!("{it}.")),
    };
    FitVerdict { fit, why }
}

/// What a plan pages in, in words; none where all stays.
fn paging(plan: &Plan, n_layers: usize) -> Option<String> {
    let mut out = Vec::new();
    if let Some(it) = &plan.scope {
        let (encoders, decoders) = (it.encoder_layers.len(), it.decoder_layers.len());
        out.push((
            decoders - it.n_decoders_resident.min(decoders),
            decoders,
            "decoders",
        ));
        out.push((
            encoders - it.n_encoders_resident.min(encoders),
            encoders,
            "encoders",
        ));
    }
    out.push((
        n_layers - plan.n_resident.min(n_layers),
        n_layers,
        "layers of the model",
    ));
    out.retain(|it| it.0 > 0);
    let words = out
        .iter()
        .map(|(n, of, what)| format!("{n} of {of} {what}"));
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| format!("{} are", words.join(", ")))
}

/// Bytes as they are read.
pub(super) fn shown(size_bytes: u64) -> String {
    let size = size_bytes as f64;
    match size_bytes {
        0..0x10_0000 => format!("{:.1} KiB", size / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", size / 1024.0 / 1024.0),
        _ => format!("{:.2} GiB", size / 1024.0 / 1024.0 / 1024.0),
    }
}

/// What is read of a set that lies in folders; a synthetic one is made, not read.
async fn of_folders(set: &OpenRequest) -> Result<Priced, Trouble> {
    let head = CheckpointHead::read(&*open::source(&set.model)?).await?;
    let config = head.config()?;
    let download_bytes = match set.model {
        ModelRef::Synth { .. } => 0,
        _ => head.files_bytes(),
    };
    let (transcoders, dictionaries) = transcoders_of_folders(set, &config).await?;
    Ok(Priced {
        config,
        dictionaries,
        basis: Basis::Headers,
        model: Cost {
            download_bytes,
            ..Cost::default()
        },
        transcoders,
    })
}

async fn transcoders_of_folders(
    set: &OpenRequest,
    config: &Config,
) -> Result<(Cost, Vec<Dictionary>), Trouble> {
    let (mut cost, mut dictionaries) = (Cost::default(), Vec::new());
    let Some(asked) = &set.transcoders else {
        return Ok((cost, dictionaries));
    };
    let cut = Cut {
        packing: set.precision.of_dictionaries(),
        piece_bytes: PIECE_BYTES,
    };
    let (source, files) = open::transcoder_files(asked, config).await?;
    for (layer, file) in files {
        let head = DictionaryHead::read(&*source, &file, layer, config.d_model).await?;
        if !matches!(asked.place, TranscoderRef::Synth { .. }) {
            let parts = head.parts(&cut, &asked.halves)?;
            cost.download_bytes += parts.iter().map(|it| it.source_bytes()).sum::<u64>();
        }
        dictionaries.push(head.dictionary);
    }
    Ok((cost, dictionaries))
}
