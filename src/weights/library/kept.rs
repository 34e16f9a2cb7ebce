//! What is there of a set, as far as it has arrived: a checkpoint and transcoders over the store. Requests nothing.

use super::{
    Library,
    kept_source::KeptSource,
    meta::Meta,
    names::{self, Name},
    order,
    resolve::{Reach, Repos},
    work::{Head, packing_of},
};
use crate::{
    spec::{OpenRequest, Packing, Part},
    store::Reader,
    weights::{Checkpoint, Cut, DictionaryFile, DictionaryHead, PackedTensor, WeightsError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// What is there of a set.
pub struct KeptSet {
    /// The model; rows that have not arrived are not there.
    pub checkpoint: Rc<Checkpoint>,
    /// The transcoders whose headers have arrived, by layers; what has not arrived of them is not there.
    pub dictionaries: BTreeMap<usize, Rc<DictionaryFile>>,
    library: Library,
    request: OpenRequest,
    source: Rc<KeptSource>,
    /// All parts in the order of use, each with its name in the store.
    parts: Vec<(Part, String)>,
    heads: BTreeMap<usize, DictionaryHead>,
    /// Layers whose headers have not arrived.
    unknown: BTreeSet<usize>,
    there: BTreeSet<Part>,
}

impl Library {
    /// From the store alone, without a request: what is there of a set, as far as it has arrived.
    ///
    /// Errors: [`super::LibraryError::NotAHub`]; [`WeightsError::NotKept`] as long as the model's headers are not there; those of the store.
    pub async fn kept(&self, set: &OpenRequest) -> Result<KeptSet, WeightsError> {
        let supply = self.model_supply(set, Reach::Kept).await?;
        let head = self.model_head(&supply, Reach::Kept).await?;
        let id = names::model_id(&supply.files);
        let tokenizer = supply.files.get(crate::weights::checkpoint::TOKENIZER_FILE);
        let tokenizer = tokenizer.map(|it| Name::Tokenizer(names::file_id(it)).key());
        let source = KeptSource::new(self.store().clone(), &head, tokenizer);
        let source = Rc::new(source);
        let packing = set.precision.of_model();
        let checkpoint = Checkpoint::kept(source.clone(), &head)?;
        let mut out = KeptSet {
            checkpoint: Rc::new(checkpoint),
            dictionaries: BTreeMap::new(),
            library: self.clone(),
            request: set.clone(),
            source,
            parts: parts_of(&Head::Model(Box::new(head)), &id, packing)?,
            heads: BTreeMap::new(),
            unknown: BTreeSet::new(),
            there: BTreeSet::new(),
        };
        out.refresh().await?;
        Ok(out)
    }
}

impl KeptSet {
    /// Takes up parts that have become whole since; which.
    ///
    /// Errors: those of the store.
    pub async fn refresh(&mut self) -> Result<Vec<Part>, WeightsError> {
        self.find_heads().await?;
        let mut out = Vec::new();
        for (part, key) in self.parts.clone() {
            if self.there.contains(&part) {
                continue;
            }
            if let Some(tensors) = self.packed(&key).await? {
                self.take(part, &key, &tensors).await?;
                self.there.insert(part);
                out.push(part);
            }
        }
        Ok(out)
    }

    /// Parts that are not there, in the order of use.
    pub fn missing(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self.parts.iter().map(|it| it.0).collect();
        let halves = self.request.transcoders.iter().flat_map(|it| &it.halves);
        for &layer in &self.unknown {
            parts.push(Part::Vectors(layer));
            parts.extend(halves.clone().map(|it| Part::half(layer, *it)));
        }
        parts.retain(|it| !self.there.contains(it));
        parts.sort_by_key(|it| order::usual(*it));
        parts
    }

    /// Whether all parts are there.
    pub fn is_whole(&self) -> bool {
        self.missing().is_empty()
    }

    /// Whether the headers of all layers that were asked for have arrived.
    pub fn knows_all(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Whether a part that was taken up is read from what is kept under a key.
    pub fn uses(&self, key: &str) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|(part, of)| of == key && self.there.contains(part))
    }

    /// Adds what is known of transcoders by now.
    async fn find_heads(&mut self) -> Result<(), WeightsError> {
        let Some(asked) = &self.request.transcoders else {
            return Ok(());
        };
        let (n_layers, d_model) = {
            let config = self.checkpoint.config();
            (config.n_layers, config.d_model)
        };
        if self.unknown.is_empty() && !self.heads.is_empty() {
            return Ok(());
        }
        let mut repos = Repos::default();
        let files = self
            .library
            .layer_files(asked, n_layers, Reach::Kept, &mut repos);
        let files = match files.await {
            // Their listing has not come yet: which layers there are is not known either.
            Err(WeightsError::NotKept { .. }) => {
                let all = || (0..n_layers).collect();
                self.unknown = asked
                    .layers
                    .clone()
                    .map_or_else(all, |it| it.into_iter().collect());
                return Ok(());
            }
            it => it?,
        };
        let packing = self.request.precision.of_dictionaries();
        let halves = asked.halves.clone();
        self.unknown.clear();
        for (layer, file) in files {
            if self.heads.contains_key(&layer) {
                continue;
            }
            let supply = &repos.0[file.supply];
            let head = self
                .library
                .dictionary_head(supply, (layer, &file), d_model, Reach::Kept);
            match head.await {
                Ok((id, head)) => {
                    let it = Head::Dictionary(Box::new(head.clone()), halves.clone());
                    self.parts.extend(parts_of(&it, &id, packing)?);
                    let file = DictionaryFile::awaited(self.source.clone(), &head);
                    self.dictionaries.insert(layer, Rc::new(file));
                    self.heads.insert(layer, head);
                }
                Err(WeightsError::NotKept { .. }) => drop(self.unknown.insert(layer)),
                Err(it) => return Err(it),
            }
        }
        self.parts.sort_by_key(|it| order::usual(it.0));
        Ok(())
    }

    /// The tensors of a part that is whole.
    async fn packed(&self, key: &str) -> Result<Option<Vec<PackedTensor>>, WeightsError> {
        let reader = self.library.store().reader(key).await?;
        let meta = reader
            .filter(Reader::is_whole)
            .and_then(|it| Meta::of(it.meta()));
        match meta {
            Some(Meta::Part(it)) => Ok(Some(it.tensors)),
            _ => Ok(None),
        }
    }

    /// Takes a part up; vectors are read at once.
    async fn take(
        &self,
        part: Part,
        key: &str,
        tensors: &[PackedTensor],
    ) -> Result<(), WeightsError> {
        let Some(layer) = part.layer().filter(|_| part.is_of_dictionary()) else {
            self.checkpoint.add(key, tensors);
            return Ok(());
        };
        if let Some(file) = self.dictionaries.get(&layer) {
            file.add(key, tensors);
            if matches!(part, Part::Vectors(_)) {
                file.read_vectors().await?;
            }
        }
        Ok(())
    }
}

/// The parts of a source and their names in the store. How they are cut makes no difference to these.
fn parts_of(head: &Head, id: &str, packing: Packing) -> Result<Vec<(Part, String)>, WeightsError> {
    let cut = Cut {
        packing,
        piece_bytes: 1 << 30,
    };
    let parts = head.parts(&cut, &[])?.into_iter();
    let mut out: Vec<_> = parts
        .map(|it| {
            let packing = packing_of(it.part, packing);
            (it.part, Name::part(id, it.part, packing).key())
        })
        .collect();
    out.sort_by_key(|it| order::usual(it.0));
    Ok(out)
}
