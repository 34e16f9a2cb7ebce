//! What a set of hubs costs, from headers that are kept and from the sizes that the publisher's files have; requests nothing.

use super::{
    Higher, Library,
    meta::Meta,
    names::{self, Name},
    resolve::{Reach, Repos},
    work::{Head, packing_of},
};
use crate::{
    spec::{
        Basis, Config, Cost, Dictionary, ModelRef, OpenRequest, Packing, Part, RepoRef,
        TranscoderRef, TranscoderRequest, gemma,
    },
    weights::{
        CheckpointHead, Cut, DictionaryHead, DictionarySet, PartPlan, WeightsError,
        synth::{Preset, Stored, Synthetic},
    },
};
use std::collections::BTreeMap;

/// The shards of the publisher's own checkpoint. Source: the repository's files.
const GATED_SHARDS: usize = 3;

/// Headers as the publisher's files have them, for what has not been asked of a hub yet.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// Of the model.
    pub model: Option<CheckpointHead>,
    /// Of the transcoders, by layer. All variants of a layer have the same sizes.
    pub dictionaries: BTreeMap<usize, DictionaryHead>,
}

/// What a set costs in bytes, and of what it consists.
pub struct Priced {
    /// Sizes of the model.
    pub config: Config,
    /// Sizes of the transcoders, by layer.
    pub dictionaries: Vec<Dictionary>,
    /// Where these are from.
    pub basis: Basis,
    /// The model.
    pub model: Cost,
    /// The transcoders.
    pub transcoders: Cost,
}

/// How a set would be cut: the tokens of the opening set, and bytes of a piece at most.
pub type Cutting<'a> = (&'a [u32], u64);

impl Shapes {
    /// Those of the repositories that a set names, at whatever server, as far as they are known by name.
    ///
    /// Errors: none that the program's own numbers could make.
    pub async fn published(set: &OpenRequest) -> Result<Self, WeightsError> {
        let mut out = Self::default();
        let stored = match &set.model {
            ModelRef::Hub { repo } if is(repo, gemma::MODEL_REPO) => Some((Stored::Bf16, 1)),
            ModelRef::Hub { repo } if is(repo, gemma::GATED_MODEL_REPO) => {
                Some((Stored::F32, GATED_SHARDS))
            }
            _ => None,
        };
        if let Some((stored, n_shards)) = stored {
            let files = Synthetic::with(&Preset::Full.config(), stored, n_shards);
            out.model = Some(CheckpointHead::read(&files).await?);
        }
        let place = set.transcoders.as_ref().map(|it| &it.place);
        if matches!(place, Some(TranscoderRef::Hub { repo }) if is(repo, gemma::TRANSCODER_REPO)) {
            out.dictionaries = Self::transcoders(Preset::Full).await?;
        }
        Ok(out)
    }

    /// Those of the files of a synthetic preset, which the publisher's have too where it has their sizes.
    ///
    /// Errors: none that the program's own numbers could make.
    pub async fn transcoders(
        preset: Preset,
    ) -> Result<BTreeMap<usize, DictionaryHead>, WeightsError> {
        let config = preset.config();
        let files = Synthetic::transcoders(preset, config.n_layers);
        let set = DictionarySet::read(&files).await?;
        let mut out = BTreeMap::new();
        for layer in set.layers() {
            let file = &set.choose(layer, Default::default())?.file;
            let head = DictionaryHead::read(&files, file, layer, config.d_model).await?;
            out.insert(layer, head);
        }
        Ok(out)
    }
}

/// A source by what is known of it: its id where its listing is kept.
struct Known {
    id: Option<String>,
    head: Head,
}

/// What a set of hubs costs. Without a library nothing of it counts as there.
///
/// Errors: [`WeightsError::NotKept`] for what is neither kept nor among the shapes; those of the store.
pub async fn price(
    library: Option<&Library>,
    set: &OpenRequest,
    shapes: &Shapes,
    cutting: Cutting<'_>,
) -> Result<Priced, WeightsError> {
    let (model, mut basis) = known_model(library, set, shapes).await?;
    let Head::Model(head) = &model.head else {
        return Err(not_kept(&set.model));
    };
    let config = head.config()?;
    let of_model = cost(library, &model, set.precision.of_model(), cutting).await?;
    let mut dictionaries = Vec::new();
    let mut transcoders = Cost::default();
    if let Some(asked) = &set.transcoders {
        let (known, of_these) = known_transcoders(library, asked, &config, shapes).await?;
        if of_these == Basis::Published {
            basis = of_these;
        }
        for it in known {
            transcoders =
                transcoders + cost(library, &it, set.precision.of_dictionaries(), cutting).await?;
            if let Head::Dictionary(it, _) = it.head {
                dictionaries.push(it.dictionary);
            }
        }
    }
    Ok(Priced {
        config,
        dictionaries,
        basis,
        model: of_model,
        transcoders,
    })
}

async fn known_model(
    library: Option<&Library>,
    set: &OpenRequest,
    shapes: &Shapes,
) -> Result<(Known, Basis), WeightsError> {
    if let Some(it) = library {
        let found = match it.model_supply(set, Reach::Kept).await {
            Ok(supply) => {
                let head = it.model_head(&supply, Reach::Kept).await;
                head.map(|it| (names::model_id(&supply.files), it))
            }
            Err(it) => Err(it),
        };
        match found {
            Err(WeightsError::NotKept { .. }) => (),
            it => {
                let (id, head) = it?;
                let head = Head::Model(Box::new(head));
                return Ok((Known { id: Some(id), head }, Basis::Headers));
            }
        }
    }
    let head = shapes.model.clone().ok_or_else(|| not_kept(&set.model))?;
    let head = Head::Model(Box::new(head));
    Ok((Known { id: None, head }, Basis::Published))
}

async fn known_transcoders(
    library: Option<&Library>,
    asked: &TranscoderRequest,
    config: &Config,
    shapes: &Shapes,
) -> Result<(Vec<Known>, Basis), WeightsError> {
    let mut heads: BTreeMap<usize, (Option<String>, DictionaryHead)> = BTreeMap::new();
    let mut layers = asked.layers.clone();
    if let Some(it) = library {
        let mut repos = Repos::default();
        let files = it.layer_files(asked, config.n_layers, Reach::Kept, &mut repos);
        let files = match files.await {
            Err(WeightsError::NotKept { .. }) => BTreeMap::new(),
            it => {
                let files = it?;
                layers = Some(files.keys().copied().collect());
                files
            }
        };
        for (layer, file) in &files {
            let supply = &repos.0[file.supply];
            let read = it.dictionary_head(supply, (*layer, file), config.d_model, Reach::Kept);
            match read.await {
                Err(WeightsError::NotKept { .. }) => (),
                it => {
                    let (id, head) = it?;
                    heads.insert(*layer, (Some(id), head));
                }
            }
        }
    }
    let layers = layers.unwrap_or_else(|| shapes.dictionaries.keys().copied().collect());
    if let Some(layer) = layers.iter().find(|it| **it >= config.n_layers) {
        let (layer, n_layers) = (*layer, config.n_layers);
        return Err(super::LibraryError::LayerOf { layer, n_layers }.into());
    }
    let (mut out, mut basis) = (Vec::new(), Basis::Headers);
    for layer in layers {
        let (id, head) = match heads.get(&layer) {
            Some(it) => it.clone(),
            None => {
                basis = Basis::Published;
                (None, alike(layer, &heads, shapes, config)?)
            }
        };
        let head = Head::Dictionary(Box::new(head), asked.halves.clone());
        out.push(Known { id, head });
    }
    match out.is_empty() {
        true => Err(WeightsError::NotKept {
            what: asked.place_name(),
        }),
        false => Ok((out, basis)),
    }
}

/// The header of a layer that is not there yet: as its publisher has it, else as that of another layer.
fn alike(
    layer: usize,
    heads: &BTreeMap<usize, (Option<String>, DictionaryHead)>,
    shapes: &Shapes,
    config: &Config,
) -> Result<DictionaryHead, WeightsError> {
    let others = heads.values().map(|it| &it.1);
    let known = shapes.dictionaries.get(&layer).into_iter().chain(others);
    let mut fitting = known.filter(|it| it.dictionary.d_out == config.d_model);
    let mut head = fitting.next().cloned().ok_or_else(|| {
        let what = format!("the transcoder of layer {layer}");
        WeightsError::NotKept { what }
    })?;
    head.dictionary.layer = layer;
    Ok(head)
}

async fn cost(
    library: Option<&Library>,
    of: &Known,
    packing: Packing,
    (opening, piece_bytes): Cutting<'_>,
) -> Result<Cost, WeightsError> {
    let cut = |packing| Cut {
        packing,
        piece_bytes,
    };
    let mut out = Cost::default();
    let higher = Higher::packings_above(packing).iter();
    let mut above = Vec::new();
    for plan in of.head.parts(&cut(packing), opening)? {
        let mut it = Cost {
            download_bytes: plan.source_bytes(),
            disk_bytes: plan.size_bytes,
            kept_bytes: 0,
        };
        if let (Some(library), Some(id)) = (library, &of.id) {
            let place = (id.as_str(), packing_of(plan.part, packing));
            let (done_bytes, kept_bytes) = library.there(place, &plan).await?;
            it.kept_bytes = kept_bytes;
            it.download_bytes -= done_bytes;
            if it.download_bytes > 0 {
                if above.is_empty() {
                    for &packing in higher.clone() {
                        above.push((packing, of.head.parts(&cut(packing), opening)?));
                    }
                }
                if library.has_higher(place, plan.part, &above).await? {
                    it.download_bytes = 0;
                }
            }
        }
        out = out + it;
    }
    Ok(out)
}

impl Library {
    /// Bytes of a part that are there, as its file has them and as they are kept.
    async fn there(
        &self,
        (id, packing): (&str, Packing),
        plan: &PartPlan,
    ) -> Result<(u64, u64), WeightsError> {
        let key = Name::part(id, plan.part, packing).key();
        let meta = Meta::part(id, plan, packing).to_value();
        let reader = self.store().reader(&key).await?;
        let ours = reader.filter(|it| (it.meta(), it.size_bytes()) == (&meta, plan.size_bytes));
        let Some(reader) = ours else {
            return Ok((0, 0));
        };
        let source_bytes = plan.source_bytes();
        if reader.is_whole() {
            return Ok((source_bytes, plan.size_bytes));
        }
        let n_pieces = plan.pieces.len();
        let kept = &reader.plan().pieces;
        if kept.len() != n_pieces || (0..n_pieces).any(|it| kept[it] != plan.spans(it)) {
            return Ok((0, 0));
        }
        let bytes = |it: &u32| {
            let range = &plan.pieces[*it as usize].range;
            range.end - range.start
        };
        let done_bytes = reader.marks().keys().map(bytes).sum::<u64>();
        Ok((
            done_bytes,
            plan.size_bytes * done_bytes / source_bytes.max(1),
        ))
    }

    /// Whether a part can be made from what is kept in a higher precision.
    async fn has_higher(
        &self,
        (id, packing): (&str, Packing),
        part: Part,
        above: &[(Packing, Vec<PartPlan>)],
    ) -> Result<bool, WeightsError> {
        let of = |(it, plans): &(Packing, Vec<PartPlan>)| {
            let plan = plans.iter().find(|it| it.part == part)?.clone();
            let higher = packing_of(part, *it);
            (higher != packing).then(|| (Name::part(id, part, higher).key(), plan))
        };
        let candidates: Vec<_> = above.iter().filter_map(of).collect();
        Ok(Higher::find(self.store(), candidates).await?.is_some())
    }
}

fn is(repo: &RepoRef, name: &str) -> bool {
    repo.repo.as_str() == name
}

fn not_kept(model: &ModelRef) -> WeightsError {
    let what = match model {
        ModelRef::Hub { repo } => repo.to_string(),
        ModelRef::Folder { path, .. } => path.clone(),
        ModelRef::Synth { preset, .. } => preset.clone(),
    };
    WeightsError::NotKept { what }
}
