//! A synthetic model with its transcoders, cut into parts that lie ready and count as there when a test says so.
#![allow(dead_code, reason = "each test program uses a part of what they share")]

use gemscope::{
    hub::{Memory, Source},
    spec::{Half, Part, Precision},
    sys::block_on,
    weights::{
        Checkpoint, CheckpointHead, Cut, DictionaryFile, DictionaryHead, DictionarySet,
        PackedTensor, PartPlan,
        synth::{Preset, Synthetic},
    },
};
use std::{collections::BTreeMap, ops::Range, rc::Rc};

/// Parts that lie ready.
pub struct Parts {
    pub checkpoint: Rc<Checkpoint>,
    pub files: BTreeMap<usize, Rc<DictionaryFile>>,
    tensors: BTreeMap<Part, Vec<PackedTensor>>,
}

impl Parts {
    /// Those of a preset; `opening` are the tokens of the opening set.
    pub fn new(preset: Preset, precision: Precision, opening: &[u32]) -> Self {
        let mut store = Memory::default();
        let model = Synthetic::new(preset);
        let head = block_on(CheckpointHead::read(&model)).expect("a head");
        let cut = |packing| Cut {
            packing,
            piece_bytes: 1 << 20,
        };
        let plans = head.parts(&cut(precision.of_model()), opening);
        let mut tensors = BTreeMap::new();
        let mut keep = |source: &Synthetic, plans: Vec<PartPlan>| {
            for plan in plans {
                store.insert(&plan.part.to_string(), pack(source, &plan));
                tensors.insert(plan.part, plan.tensors);
            }
        };
        keep(&model, plans.expect("parts"));
        let config = preset.config();
        let transcoders = Synthetic::transcoders(preset, config.n_layers);
        let set = block_on(DictionarySet::read(&transcoders)).expect("a set");
        let mut heads = Vec::new();
        for layer in set.layers() {
            let file = &set.choose(layer, Default::default()).expect("one").file;
            let head = DictionaryHead::read(&transcoders, file, layer, config.d_model);
            let head = block_on(head).expect("a head");
            let plans = head.parts(
                &cut(precision.of_dictionaries()),
                &[Half::Encoder, Half::Decoder],
            );
            keep(&transcoders, plans.expect("parts"));
            heads.push(head);
        }
        let store: Rc<dyn Source> = Rc::new(store);
        let checkpoint = Checkpoint::kept(store.clone(), &head).expect("a checkpoint");
        let awaited = |it: &DictionaryHead| {
            let file = DictionaryFile::awaited(store.clone(), it);
            (it.dictionary.layer, Rc::new(file))
        };
        Self {
            checkpoint: Rc::new(checkpoint),
            files: heads.iter().map(awaited).collect(),
            tensors,
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<Part> {
        self.tensors.keys().copied().collect()
    }

    /// A part is there from now on.
    pub fn add(&self, part: Part) {
        let tensors = &self.tensors[&part];
        match part.layer().filter(|_| part.is_of_dictionary()) {
            Some(layer) => self.files[&layer].add(&part.to_string(), tensors),
            None => self.checkpoint.add(&part.to_string(), tensors),
        }
    }

    /// A part is there no more.
    pub fn take_away(&self, part: Part) {
        match part.layer().filter(|_| part.is_of_dictionary()) {
            Some(layer) => self.files[&layer].take_away(&part.to_string()),
            None => self.checkpoint.take_away(&part.to_string()),
        }
    }

    /// Some rows of the table of tokens are there from now on.
    pub fn add_rows(&self, rows: Range<usize>) {
        let part = Part::Embedding(0);
        let mut it = self.tensors[&part][0].clone();
        it.at += (rows.start * it.packing.row_bytes(it.n_in)) as u64;
        it.rows = rows;
        self.checkpoint.add(&part.to_string(), &[it]);
    }
}

/// Fetches and packs a part: what is kept.
fn pack(source: &Synthetic, plan: &PartPlan) -> Vec<u8> {
    let mut kept = vec![0; plan.size_bytes as usize];
    for (n, piece) in plan.pieces.iter().enumerate() {
        let raw = block_on(source.read(&piece.file, piece.range.clone())).expect("bytes");
        for (at, bytes) in plan.pack(n, &raw).expect("a piece") {
            let bytes = bytes.into_vec();
            kept[at as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
    }
    kept
}
